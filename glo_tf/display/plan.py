"""What a search is about to do, for readers."""

from __future__ import annotations

import dataclasses
import pathlib
import textwrap
from collections.abc import Mapping

from glo_tf.data.outputs import Outputs
from glo_tf.results.record import Phase

_INDENT = 11  # columns of the words before the lines


@dataclasses.dataclass(frozen=True)
class PlannedPhase:
    """One run of a phase; there is one of coefficients for each expression that is tuned.

    Attributes:
        phase: Its name.
        generations: How many there are at most.
        candidates: In each generation, as far as it is known before.
    """

    phase: Phase
    generations: int
    candidates: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a search is about to do.

    Attributes:
        said: By a word what there is to know, such as `{"fitness": "accuracy ..."}`.
        phases: In their order.
        trainings_before: At most, of references and their learning rates.
        trainings_of_candidate: As many as a candidate has seeds.
        trainings_after: At most, of finalists and for the comparison.
        train_steps: Of a full training.
        folder: Where results go; None for nowhere.
        outputs: Of the models, for the simplest form of a loss; None leaves losses as they are.
        lanes: How many trainings wait together for what is compiled for the first of them.
    """

    said: Mapping[str, str]
    phases: tuple[PlannedPhase, ...]
    trainings_before: int
    trainings_of_candidate: int
    trainings_after: int
    train_steps: int
    folder: pathlib.Path | None
    outputs: Outputs | None = None
    lanes: int = 1

    @property
    def most_trainings(self) -> int:
        """If every candidate were trained to its end."""
        trainings = self._candidates * self.trainings_of_candidate
        return self.trainings_before + trainings + self.trainings_after

    @property
    def most_told(self) -> int:
        """Candidates, trained or not, and other trainings; see `Callback.on_search_begin`."""
        return self.trainings_before + self._candidates + self.trainings_after

    @property
    def _candidates(self) -> int:
        return sum(one.generations * one.candidates for one in self.phases)

    def lines(self, width: int, names: Mapping[str, str]) -> list[str]:
        """All of it.

        Args:
            width: Columns.
            names: What is known by a name, by the word before it, such as `{"data": "digits"}`.
        """
        lines = []
        for word, text in self.said.items():
            known = f"{names[word]}: " if word in names else ""
            lines += textwrap.wrap(
                f"{known}{text}",
                max(width, 40),
                initial_indent=f"{word:<{_INDENT}}",
                subsequent_indent=" " * _INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
        return lines


class Expected:
    """How many trainings there will have been, by those so far; parts of one count as such.

    Args:
        plan: Of the search.

    Attributes:
        done: Trainings in this run.
        began_generations: Whether one has ended.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self.done = 0.0
        self._of_candidates = 0.0  # trainings, also in earlier runs
        self._candidates = 0
        self._phase = -1
        self.began_generations = False
        self._left = sum(one.generations * one.candidates for one in plan.phases)
        self._before, self._after = float(plan.trainings_before), float(plan.trainings_after)

    @property
    def total(self) -> float:
        """Of all, at last as many as there were."""
        share = self._plan.trainings_of_candidate * 1.0
        if self._candidates:
            share = self._of_candidates / self._candidates
        return self.done + self._before + self._left * share + self._after

    def train(self, steps: int) -> None:
        """Counts a training."""
        self.done += steps / self._plan.train_steps

    def tune(self) -> None:
        """Counts what is done before the first generation."""
        self._before = max(0.0, self._before - 1)

    def evaluate(self, steps: int) -> None:
        """Counts a candidate, with the steps that it cost."""
        self._before = 0.0
        self._candidates += 1
        self._of_candidates += steps / self._plan.train_steps
        self._left = max(0, self._left - 1)

    def end_generation(self, number: int, total: int) -> None:
        """Counts what is left of the phases: each may have ended before."""
        self.began_generations = True
        self._phase += number == 1
        phases = self._plan.phases[max(0, self._phase) :]
        if phases:
            later = sum(one.generations * one.candidates for one in phases[1:])
            self._left = (total - number) * phases[0].candidates + later

    def retrain(self) -> None:
        """Counts a training after the last generation."""
        self._left = 0
        self._after = max(0.0, self._after - 1)
