"""Fields of JSON objects, checked as they are taken out."""

from __future__ import annotations

import enum
import pathlib
from typing import Any, TypeVar

from glo_tf.errors import InvalidFileError
from glo_tf.utils.json_file import is_count, is_finite, shown

_Choice = TypeVar("_Choice", bound=enum.StrEnum)


class FieldReader:
    """Takes fields out of JSON objects, with errors that name the field and the file."""

    def __init__(self, path: pathlib.Path):
        self._path = path

    def error(self, expected: str, received: object) -> InvalidFileError:
        """What is raised where a field is not what it should be."""
        return InvalidFileError(
            f"Expected {expected}. Received: {shown(received)} in '{self._path}'"
        )

    def objects(self, data: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """A list of objects."""
        value = data.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(f"a list '{name}' of objects", value)
        return value

    def text(self, data: dict[str, Any], name: str) -> str:
        """A text."""
        value = data.get(name)
        if not isinstance(value, str):
            raise self.error(f"a text '{name}'", value)
        return value

    def number(self, data: dict[str, Any], name: str) -> float | None:
        """A finite number, or None."""
        value = data.get(name)
        if value is None:
            return None
        if not is_finite(value):
            raise self.error(f"a finite number '{name}'", value)
        return float(value)

    def numbers(self, data: dict[str, Any], name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = data.get(name)
        if not isinstance(value, list) or not all(map(is_finite, value)):
            raise self.error(f"a list '{name}' of finite numbers", value)
        return tuple(map(float, value))

    def share(self, data: dict[str, Any], name: str) -> float:
        """A number above 0 and at most 1."""
        value = self.number(data, name)
        if value is None or not 0.0 < value <= 1.0:
            raise self.error(f"'{name}' above 0 and at most 1", value)
        return value

    def one_of(self, choices: type[_Choice], data: dict[str, Any], name: str) -> _Choice:
        """A member of an enumeration."""
        value = self.text(data, name)
        if value not in list(choices):
            raise self.error(f"'{name}' of {' or '.join(choices)}", value)
        return choices(value)

    def truth(self, data: dict[str, Any], name: str) -> bool:
        """True or false."""
        value = data.get(name)
        if not isinstance(value, bool):
            raise self.error(f"'{name}' to be true or false", value)
        return value

    def counts(self, data: dict[str, Any], name: str) -> tuple[int, ...]:
        """A list of integers from 0 to 2**53."""
        value = data.get(name)
        if not isinstance(value, list) or not all(map(is_count, value)):
            raise self.error(f"a list '{name}' of integers from 0 to 2**53", value)
        return tuple(value)
