"""What a search has to beat: known losses, tuned before it starts."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, TypeGuard

from glo_tf.errors import InvalidFileError
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.mode import Mode
from glo_tf.training.trial import Values
from glo_tf.utils.display_text import legible
from glo_tf.utils.json_file import is_finite, shown
from glo_tf.utils.statistics import half_width_between


@dataclasses.dataclass(frozen=True)
class Reference:
    """A known loss, tuned as a candidate is.

    Attributes:
        name: By which it is shown.
        expression: The whole loss, per class.
        learning_rate: What it was trained with; of a schedule its peak.
        fitness: As a candidate's, and of those that may be the best the mean with a few seeds more;
            a training that failed counts with 0.
        value: Of the metric that fitness is made of, likewise; None where a training failed.
    """

    name: str
    expression: str
    learning_rate: float
    fitness: float
    value: float | None

    @property
    def loss(self) -> Expression:
        """The expression as a tree."""
        return Expression.parse(self.expression)

    @property
    def order(self) -> tuple[bool, float]:
        """The best first, those that failed last."""
        return self.value is None, -self.fitness

    def __str__(self) -> str:
        value = "failed" if self.value is None else f"{self.value:.4f}"
        return f"{value}, {self.name} at {self.learning_rate:.3g}"


@dataclasses.dataclass(frozen=True)
class Bar:
    """The best of the reference losses, and what seeds alone make of it.

    Attributes:
        metric: What they are compared by, on validation data.
        mode: Its direction.
        references: All of them, the best first.
        values: Of the metric, of trainings of the best one with seeds that tuned nothing.
        seeds: Whose mean the fitness of a candidate is.
    """

    metric: str
    mode: Mode
    references: tuple[Reference, ...]
    values: tuple[float, ...] = ()
    seeds: int = 1

    @property
    def best(self) -> Reference | None:
        """The one to beat; None where no training came to its end."""
        first = next(iter(self.references), None)
        return None if first is None or first.value is None else first

    @property
    def noise(self) -> float | None:
        """How far two fitnesses of one loss lie apart in 19 of 20 cases; None if unknown.

        It is half the 95% confidence interval of the difference between two candidates, of which
        each has the mean of its seeds.
        """
        return half_width_between(self.values, self.seeds)

    def lead(self, values: Values) -> float | None:
        """By how much the metric of a candidate is better than the best reference's.

        Args:
            values: Of its evaluation.

        Returns:
            Positive where it is better, whatever the direction of the metric; None if unknown.
        """
        value = values.get(self.metric)
        if value is None or self.best is None or self.best.value is None:
            return None
        return self._better_by(value, self.best.value)

    @property
    def leaves_little_room(self) -> bool:
        """Whether no reference differs from another by more than the noise."""
        known = [one.value for one in self.references if one.value is not None]
        if self.noise is None or len(known) < 2 or len(known) < len(self.references):
            return False
        return max(known) - min(known) <= self.noise

    def lines(self) -> list[str]:
        """All of it for readers."""
        if self.best is None:
            return ["to beat: nothing, as no training with a reference loss came to its end"]
        others = "; ".join(map(str, self.references[1:]))
        lines = [f"to beat: {self.best}"]
        if self.noise is not None:
            lines[0] += f" (two trainings differ by up to {self.noise:.4f} by their seeds)"
        if others:
            lines.append(f"other references: {others}")
        if self.leaves_little_room:
            lines.append(
                "No reference differs from another by more than that: this task leaves little room."
            )
        return lines

    def _better_by(self, value: float, other: float) -> float:
        return value - other if self.mode == Mode.MAX else other - value


def shown_lead(lead: float | None, noise: float | None) -> str:
    """A lead for readers: "+0.0033 ± 0.0021"."""
    if lead is None:
        return "unknown"
    return f"{lead:+.4f}" + ("" if noise is None else f" ± {noise:.4f}")


def bar_of_data(data: object, path: pathlib.Path) -> Bar:
    """What `dataclasses.asdict` gave, read from a file.

    Args:
        data: The fields of a `Bar`.
        path: The file that holds it.

    Raises:
        ValueError: If it is anything else; it names the file.
    """
    fields = data if isinstance(data, dict) else {}
    values, seeds, metric = fields.get("values"), fields.get("seeds"), fields.get("metric")
    references = fields.get("references")
    if (
        not isinstance(metric, str)
        or fields.get("mode") not in [*Mode]
        or not _are_numbers(values)
        or not (isinstance(seeds, int) and seeds > 0)
        or not (isinstance(references, list) and all(map(_is_reference, references)))
    ):
        raise InvalidFileError(f"Expected 'bar' of references. Received: {shown(data)} in '{path}'")
    return Bar(
        metric=metric,
        mode=Mode(fields["mode"]),
        references=tuple(Reference(**{**one, "name": legible(one["name"])}) for one in references),
        values=tuple(map(float, values)),
        seeds=seeds,
    )


def _is_reference(one: Any) -> bool:
    names = {field.name for field in dataclasses.fields(Reference)}
    if not isinstance(one, dict) or set(one) != names:
        return False
    texts = all(isinstance(one[name], str) for name in ("name", "expression"))
    numbers = _are_numbers([one["learning_rate"], one["fitness"]])
    return texts and numbers and (one["value"] is None or is_finite(one["value"]))


def _are_numbers(values: object) -> TypeGuard[list[float]]:
    return isinstance(values, list) and all(map(is_finite, values))
