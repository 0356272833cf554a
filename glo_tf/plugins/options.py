"""A plugin's own options: declared by its function's signature, given as text.

An option is a keyword-only parameter annotated `str`, `int`, `float` or `bool`, or one of them
`| None`; one without a default has to be given.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from glo_tf.errors import InvalidArgumentError
from glo_tf.utils.alike import did_you_mean

OptionValue = str | int | float | bool | None
"""What an option can be: plain data."""


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_CONVERTERS: dict[str, Callable[[str], OptionValue]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _boolean,
}


@dataclasses.dataclass(frozen=True)
class Option:
    """A declared option.

    Attributes:
        name: As in `name=value`.
        annotation: Its type, such as `"int"` or `"str | None"`.
        default: `inspect.Parameter.empty` if it has to be given.
    """

    name: str
    annotation: str
    default: Any

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is inspect.Parameter.empty

    def __str__(self) -> str:
        default = "" if self.required else f" = {self.default!r}"
        return f"{self.name}: {self.annotation}{default}"

    def convert(self, text: str) -> OptionValue:
        """The value that a text stands for; `none` is None where the annotation allows it.

        Raises:
            ValueError: If the text is none of the option's type.
        """
        types = self._types()
        if "None" in types and text.lower() == "none":
            return None
        try:
            return _CONVERTERS[types[0]](text)
        except (KeyError, ValueError):
            raise InvalidArgumentError(f"Expected {self.name} as {self.annotation}") from None

    def check(self) -> None:
        """Raises `TypeError` if text cannot be converted to the annotation."""
        types = self._types()
        if types[0] not in _CONVERTERS or types[1:] not in ([], ["None"]):
            raise TypeError(
                f"Expected options annotated {', '.join(_CONVERTERS)}, or one of them | None. "
                f"Received: {self}"
            )

    def _types(self) -> list[str]:
        return re.split(r"\s*\|\s*", self.annotation)


def declared(function: Callable[..., Any]) -> tuple[Option, ...]:
    """The options of a plugin's function, in the order of its signature.

    Raises:
        TypeError: If one has no annotation, or another than text can be converted to.
    """
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            annotation = parameter.annotation
            if not isinstance(annotation, str):  # else the module postpones its annotations
                annotation = inspect.formatannotation(annotation)
            option = Option(parameter.name, annotation, parameter.default)
            option.check()
            found.append(option)
    return tuple(found)


def convert(owner: str, options: Iterable[Option], texts: Iterable[str]) -> dict[str, OptionValue]:
    """Arguments for a plugin's function.

    Args:
        owner: Whose options they are, for messages, such as `"data set 'folder'"`.
        options: What it declares.
        texts: Each `name=value`, or several, separated by commas. Of an option that is given twice
            the last value counts, as with flags. A comma that no `name=` follows belongs to the
            value.

    Returns:
        The values that were given; the function's defaults stand for the others.

    Raises:
        ValueError: If an option is unknown or missing, or a text does not convert.
    """
    known = {option.name: option for option in options}
    given: dict[str, OptionValue] = {}
    for item in (item for text in texts for item in re.split(r",(?=\s*\w+=)", text)):
        name, separator, text = (part.strip() for part in item.partition("="))
        if not separator:
            raise InvalidArgumentError(
                f"Expected options of {owner} as name=value. Received: '{item}'"
            )
        if name not in known:
            among = f"options among {', '.join(known)} of" if known else "no options for"
            raise InvalidArgumentError(
                f"Expected {among} {owner}{did_you_mean(name, known)}. Received: {item.strip()}"
            )
        try:
            given[name] = known[name].convert(text)
        except ValueError as error:
            raise InvalidArgumentError(f"{error} for {owner}. Received: {name}={text}") from None
    missing = [
        str(option) for option in known.values() if option.required and option.name not in given
    ]
    if missing:
        received = ", ".join(f"{name}={value}" for name, value in given.items()) or "none of them"
        raise InvalidArgumentError(
            f"Expected options {', '.join(missing)} of {owner}. Received: {received}"
        )
    return given
