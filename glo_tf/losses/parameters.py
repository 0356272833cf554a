"""Parameters of losses: declared once, for their check, their signature and their text."""

from __future__ import annotations

import dataclasses
import inspect
import math
import numbers
from collections.abc import Mapping, Sequence

from glo_tf.errors import InvalidArgumentError, InvalidArgumentTypeError, shown
from glo_tf.plugins.options import Option
from glo_tf.utils.alike import did_you_mean


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A number that a loss depends on.

    Attributes:
        name: Of the argument.
        default: What it is where nobody says otherwise.
        above: What it is greater than, or
        least: what it is at least.
        below: What it is less than, or
        most: what it is at most.
        whole: Whether it is a whole number.
        tries: Values that are worth trying, the default among them, in rising order; empty for one
            that is left as it is.
        of_targets: Whether it is in the unit of the targets, so that what is to be tried is these
            values times their standard deviation.
    """

    name: str
    default: float
    above: float = -math.inf
    least: float = -math.inf
    below: float = math.inf
    most: float = math.inf
    whole: bool = False
    tries: tuple[float, ...] = ()
    of_targets: bool = False

    @property
    def range(self) -> str:
        """Where it lies, as `(0, 1]`."""
        low = f"[{self.least:g}" if self.least > -math.inf else f"({self.above:g}"
        high = f"{self.most:g}]" if self.most < math.inf else f"{self.below:g})"
        return f"{low}, {high}"

    def __str__(self) -> str:
        return f"{self.name}={self.default:g}"

    @property
    def option(self) -> Option:
        """What text is converted by."""
        return Option(self.name, "int" if self.whole else "float", self.default)

    def checked(self, value: object) -> float:
        """The value as a number of Python.

        Raises:
            InvalidArgumentError: (a `ValueError`) if it is no number, or out of range.
        """
        kind = numbers.Integral if self.whole else numbers.Real
        if not isinstance(value, kind) or isinstance(value, bool):
            what = "a whole number" if self.whole else "a number"
        else:
            number: float = int(value) if self.whole else float(value)  # type: ignore[call-overload]
            if self.above < number < self.below and self.least <= number <= self.most:
                return number
            what = f"in {self.range}"
        raise InvalidArgumentError(
            f"Expected {self.name} {what}. Received: {self.name}={shown(value)}"
        )


def checked(
    owner: str, declared: Sequence[Parameter], given: Mapping[str, object]
) -> dict[str, float]:
    """The value of each parameter.

    Args:
        owner: Whose they are, for messages.
        declared: The parameters.
        given: Values by name; the defaults stand for the others.

    Raises:
        InvalidArgumentError: (a `ValueError`) if a value is no number, or out of range.
        InvalidArgumentTypeError: (a `TypeError`) if there is no such parameter.
    """
    known = [parameter.name for parameter in declared]
    for name, value in given.items():
        if name not in known:
            among = f"parameters among {', '.join(known)}" if known else "no parameters"
            raise InvalidArgumentTypeError(
                f"Expected {among} of {owner}{did_you_mean(name, known)}. "
                f"Received: {name}={shown(value)}"
            )
    return {each.name: each.checked(given.get(each.name, each.default)) for each in declared}


def signature(function: object, declared: Sequence[Parameter]) -> inspect.Signature:
    """The signature of a class, with its parameters as keywords at the end."""
    found = inspect.signature(function.__init__)  # type: ignore[misc]
    fixed = [
        each
        for each in list(found.parameters.values())[1:]
        if each.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    own = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=each.default,
            annotation="int" if each.whole else "float",
        )
        for each in declared
    ]
    return found.replace(parameters=[*fixed, *own])
