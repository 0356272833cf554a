"""Losses with what may be chosen of each: its own parameters, beside the learning rate."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import statistics
from collections.abc import Callable, Mapping

import numpy as np

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.losses.given import Losses
from glo_tf.losses.parameters import Parameter
from glo_tf.screening.probes import linear_targets

_SPREAD_DIGITS = 3
_RARE = 1.5  # times as frequent is the most frequent class, at least, where another one is rare
_NAMED = re.compile(r"(?:([A-Za-z][\w -]*)=)?\s*(\w+)")


@dataclasses.dataclass(frozen=True)
class Axis:
    """A parameter of a loss, and the values that are tried.

    Attributes:
        name: Of the parameter.
        values: In rising order.
        start: Place of the first one to be tried.
    """

    name: str
    values: tuple[float, ...]
    start: int

    @classmethod
    def of(cls, parameter: Parameter, spread: float) -> Axis:
        """What is to be tried of a parameter of the library.

        Args:
            parameter: One that has `tries`.
            spread: Standard deviation of the targets.
        """
        factor = spread if parameter.of_targets else 1.0
        start = parameter.tries.index(parameter.default)
        if factor == 1.0:  # whole numbers stay whole
            return cls(parameter.name, parameter.tries, start)
        values = [float(f"{value * factor:.{_SPREAD_DIGITS}g}") for value in parameter.tries]
        return cls(parameter.name, tuple(values), start)


@dataclasses.dataclass(frozen=True, eq=False)
class Family:
    """A loss whose parameters are still to be chosen.

    Attributes:
        name: Of the loss, which no other family beside it has.
        axes: Its parameters; empty where nothing is to be chosen.
        make: The whole loss per class, of values by the names of the axes.
    """

    name: str
    axes: tuple[Axis, ...]
    make: Callable[[Mapping[str, float]], Expression]

    @classmethod
    def fixed(cls, name: str, loss: Expression) -> Family:
        """A loss of which nothing but the learning rate is to be chosen."""
        return cls(name, (), lambda _: loss)

    @functools.cached_property
    def start(self) -> Expression:
        """The loss that is tried first."""
        return self.loss(tuple(axis.start for axis in self.axes))

    def loss(self, places: tuple[int, ...]) -> Expression:
        """The loss with parameters at these places of the axes."""
        return self.make(self.parameters(places))

    def parameters(self, places: tuple[int, ...]) -> dict[str, float]:
        """The values at these places, by name."""
        return {axis.name: axis.values[at] for axis, at in zip(self.axes, places, strict=True)}

    def title(self, places: tuple[int, ...]) -> str:
        """The name with these parameters, as `GCE(q=0.7)`."""
        values = [f"{name}={value:g}" for name, value in self.parameters(places).items()]
        return f"{self.name}({', '.join(values)})" if values else self.name


def families_of(losses: Losses | None, outputs: Outputs) -> list[Family]:
    """The usual loss of the outputs first, then the others.

    Args:
        losses: As for `glo_tf.compare`; of the name of a known loss without parameters, these are
            to be chosen, too. None for all known losses that fit the outputs.
        outputs: Of the model.

    Raises:
        ValueError: If one is no loss that can be trained on these outputs, or two have one name.
        OSError: If a file cannot be read.
    """
    name, usual = usual_loss(outputs)
    found = [Family.fixed(name, usual)]
    given = _given(losses, outputs) if losses is not None else _library(outputs)
    for family in given:
        if family.start == usual and not family.axes:
            continue
        if family.name in [other.name for other in found]:
            raise InvalidArgumentError(
                f"Expected losses with different names. Received: losses with '{family.name}' twice"
            )
        found.append(family)
    return found


def _library(outputs: Outputs) -> list[Family]:
    from glo_tf.losses.named import NAMED_LOSSES

    found: list[Family] = []
    even = _is_even(outputs)
    for name in sorted(NAMED_LOSSES, key=lambda name: NAMED_LOSSES[name].EVOLVED):
        title = NAMED_LOSSES[name].__name__
        taken = title in [family.name for family in found]  # classes of users
        family = _known(name, outputs, name if taken else title)
        with contextlib.suppress(InvalidArgumentError):  # it is for other outputs
            if family.start.has_x_and_y and not (even and family.start.needs("frequencies")):
                found.append(family)
    return found


def _is_even(outputs: Outputs) -> bool:
    """Whether losses for rare classes are all but the usual one, as no class is rare."""
    shares = [np.array(output.frequencies) for output in outputs.each if output.frequencies]
    return all(of_one.max() < _RARE * of_one.min() for of_one in shares)


def _given(losses: Losses, outputs: Outputs) -> list[Family]:
    from glo_tf.losses.lookup import by_name
    from glo_tf.losses.named import NAMED_LOSSES

    trees = by_name(losses, outputs)  # all of them are checked before anything is trained
    items = losses.items() if isinstance(losses, Mapping) else [(None, loss) for loss in losses]
    found = []
    for (key, loss), (name, tree) in zip(items, trees.items(), strict=True):
        text = _NAMED.fullmatch(loss) if isinstance(loss, str) else None
        if text and text[2] in NAMED_LOSSES:
            title = key or text[1] or NAMED_LOSSES[text[2]].__name__
            found.append(_known(text[2], outputs, title.rstrip()))
        else:
            found.append(Family.fixed(name, tree))
    return found


def _known(name: str, outputs: Outputs, title: str) -> Family:
    """A loss of the library."""
    from glo_tf.losses.lookup import by_name
    from glo_tf.losses.named import NAMED_LOSSES

    kind = NAMED_LOSSES[name]
    spread = _spread(outputs)
    axes = tuple(Axis.of(each, spread) for each in kind.PARAMETERS if each.tries)

    @functools.cache
    def tree(values: tuple[tuple[str, float], ...]) -> Expression:
        options = ",".join(f"{option}={value!r}" for option, value in values)
        (found,) = by_name([f"{name}({options})" if options else name], outputs).values()
        return found

    return Family(title, axes, lambda values: tree(tuple(values.items())))


def _spread(outputs: Outputs) -> float:
    """Standard deviation of the targets; of several outputs of numbers, the median."""
    spreads = [
        linear_targets(output, len(output.quantiles))[1]
        for output in outputs.each
        if output.activation == Activation.LINEAR
    ]
    return statistics.median(spreads or [1.0])
