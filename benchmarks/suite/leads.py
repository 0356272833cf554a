"""What the files of tasks say: means, leads over the same draws, and how sure they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from glo_tf.utils.statistics import correct_by_holm

SURE = 0.01
"""Below it, a corrected p-value counts."""


@dataclasses.dataclass(frozen=True)
class Lead:
    """One loss against another on the same draws, in the unit of the metric, better above 0.

    Attributes:
        each: Of each draw.
    """

    each: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the draws."""
        return float(np.mean(self.each))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the mean, by Student's t."""
        half = stats.sem(self.each) * stats.t.ppf(0.975, len(self.each) - 1)
        return self.mean - float(half), self.mean + float(half)

    @property
    def effect_size(self) -> float:
        """The mean in standard deviations of the leads, corrected for few draws."""
        if self._constant:
            return float(np.copysign(np.inf, self.mean)) if self.mean else 0.0
        correction = 1.0 - 3.0 / (4.0 * (len(self.each) - 1) - 1.0)
        return float(correction * self.mean / np.std(self.each, ddof=1))

    @property
    def p_value(self) -> float:
        """Of a paired t-test; 1 if all are 0."""
        if self._constant:
            return 0.0 if self.mean else 1.0
        return float(stats.ttest_1samp(self.each, 0.0).pvalue)

    @property
    def _constant(self) -> bool:
        """Up to rounding."""
        return bool(np.ptp(self.each) <= 1e-9 * np.abs(self.each).max())


@dataclasses.dataclass(frozen=True)
class Row:
    """One task with one optimizer.

    Attributes:
        document: Of the task.
        optimizer: Name of it.
    """

    document: dict[str, Any]
    optimizer: str

    @property
    def entries(self) -> dict[str, Any]:
        """Of all losses, by name."""
        found: dict[str, Any] = self.document["entries"][self.optimizer]
        return found

    @property
    def known(self) -> list[str]:
        """Names of the known losses."""
        own = {*self.document["searches"], *self.document.get("frozen", {})}
        return [name for name in self.entries if name not in own]

    @property
    def usual(self) -> str:
        """Cross-entropy, or squared error."""
        return next(iter(self.entries))

    def mean(self, name: str, which: str = "tested") -> float | None:
        """Of a loss on test data; None if a network diverged."""
        values = self.entries[name][which]
        return None if None in values else float(np.mean(values))

    def best(self) -> str:
        """The known loss with the best mean on test data: chosen in hindsight, so hard to beat."""
        return max(self.known, key=self._worth)

    def best_on_validation(self) -> str:
        """The known loss that validation data would have chosen."""

        def score(name: str) -> float:
            entry = self.entries[name]
            found = entry["trials"]["stopped"][entry["chosen"]]
            return -np.inf if found is None else found

        return max(self.known, key=score)

    def lead(self, name: str, other: str, which: str = "tested") -> Lead | None:
        """Of one loss over another; None if networks diverged."""
        one, two = (self.entries[each][which] for each in (name, other))
        if None in one or None in two:
            return None
        sign = 1.0 if self.document["largest"] else -1.0
        return Lead(tuple(sign * (a - b) for a, b in zip(one, two, strict=True)))

    def _worth(self, name: str) -> float:
        mean = self.mean(name)
        if mean is None:
            return -np.inf
        return mean if self.document["largest"] else -mean


@dataclasses.dataclass(frozen=True)
class Tested:
    """A lead with its p-value, corrected for all tests of the page."""

    row: Row
    loss: str
    against: str
    lead: Lead | None
    corrected: float | None

    @property
    def word(self) -> str:
        """`ahead`, `behind`, or `undecided`."""
        if self.lead is None or self.corrected is None or self.corrected >= SURE:
            return "undecided"
        return "ahead" if self.lead.mean > 0.0 else "behind"


def rows(documents: Sequence[dict[str, Any]]) -> list[Row]:
    """All tasks with all optimizers of which the known losses are there."""
    return [
        Row(document, optimizer)
        for document in documents
        for optimizer, entries in document["entries"].items()
        if entries
    ]


def held_against(found: Sequence[Row], loss: str, others: Sequence[str]) -> list[list[Tested]]:
    """A frozen loss against the best known one, and against others, where it is there.

    P-values are corrected for all of these tests together.

    Args:
        found: The rows.
        loss: Its name.
        others: Names of known losses.
    """
    having = [row for row in found if loss in row.entries]
    pairs = [(row, against) for row in having for against in (row.best(), *others)]
    leads = [row.lead(loss, against) for row, against in pairs]
    corrected = correct_by_holm([None if lead is None else lead.p_value for lead in leads])
    made = [
        Tested(row, loss, against, lead, p)
        for (row, against), lead, p in zip(pairs, leads, corrected, strict=True)
    ]
    step = 1 + len(others)
    return [made[place : place + step] for place in range(0, len(made), step)]


def tested(found: Sequence[Row], losses: Sequence[str]) -> list[tuple[Tested, Tested]]:
    """Found losses against the usual one and against the best known one, where they are there.

    P-values are corrected for all of these tests together.

    Args:
        found: The rows.
        losses: Their names.
    """
    having = [(row, loss) for row in found for loss in losses if loss in row.entries]
    pairs = [(row, loss, other) for row, loss in having for other in (row.usual, row.best())]
    leads = [row.lead(loss, against) for row, loss, against in pairs]
    corrected = correct_by_holm([None if lead is None else lead.p_value for lead in leads])
    made = [
        Tested(row, loss, against, lead, p)
        for (row, loss, against), lead, p in zip(pairs, leads, corrected, strict=True)
    ]
    return list(zip(made[::2], made[1::2], strict=True))
