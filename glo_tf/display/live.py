"""A search in its `report.html`, while it runs."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from glo_tf.display.callbacks import Callback, Generation
from glo_tf.display.plan import Expected, Plan
from glo_tf.report.live import LiveStatus, LiveWriter
from glo_tf.results.bar import Bar, shown_lead
from glo_tf.results.record import Record, Stage

if TYPE_CHECKING:
    from glo_tf.training.trial import Evaluation

_OFTEN = 2.0  # s, at least between two pages of a generation
_MEASURED = 4.0  # trainings from which on the time left is told


class LivePage(Callback):
    """Shows a search in a page that reloads itself; the report takes its place at the end.

    Args:
        folder: Of the search.
        trainings: What is known of trainings now: how many run, are finished and failed.
        fitness: What fitness is, for readers.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        trainings: Callable[[], Mapping[str, int]],
        fitness: str = "fitness",
    ):
        self._writer = LiveWriter(folder, trainings, fitness)
        self._began = self._shown = time.monotonic()
        self._expected: Expected | None = None
        self._records: list[Record] = []
        self._best: Record | None = None
        self._lead = ""
        self._doing = "starting"

    def on_plan(self, plan: Plan) -> None:
        """Keeps it, as what is left is known by it."""
        self._expected = Expected(plan)

    def on_search_begin(self, planned: int) -> None:
        """Shows that it begins."""
        self._writer.show(self._status())

    def on_references(self, bar: Bar) -> None:
        """Shows what is to beat."""
        self._writer.show(self._status(), bar=bar)

    def on_training(self, evaluation: Evaluation) -> None:
        """Counts a training."""
        if self._expected is not None:
            self._expected.train(evaluation.steps)
        self._show_often()

    def on_evaluation(self, record: Record) -> None:
        """Counts a candidate."""
        self._records.append(record)
        if self._expected is not None:
            self._expected.evaluate(record.steps)
        self._doing = f"{record.phase} {record.generation}"
        self._show_often()

    def on_generation(self, generation: Generation) -> None:
        """Shows the generation."""
        if self._expected is not None:
            self._expected.end_generation(generation.number, generation.total)
        self._best = generation.best_so_far
        if generation.bar is not None and generation.bar.best is not None:
            self._lead = shown_lead(generation.lead, generation.bar.noise)
        self._doing = f"{generation.phase} {generation.number}/{generation.total}"
        self._writer.show(self._status(), self._records)

    def on_retraining(self, stage: Stage, evaluation: Evaluation) -> None:
        """Counts a training that is not of a candidate's fitness."""
        if self._expected is not None:
            first = stage in (Stage.REFERENCES, Stage.TUNING)
            before = first and not self._expected.began_generations
            (self._expected.tune if before else self._expected.retrain)()
        self._doing = str(stage)
        self._show_often()

    def close(self) -> None:
        """Shows that the search goes on no more; nothing is written later."""
        self._writer.close(self._status(ended=True))

    def _show_often(self) -> None:
        now = time.monotonic()
        if now - self._shown > _OFTEN:
            self._shown = now
            self._writer.show(self._status())

    def _status(self, *, ended: bool = False) -> LiveStatus:
        seconds = time.monotonic() - self._began
        left = None
        if self._expected is not None and self._expected.done >= _MEASURED and not ended:
            done = self._expected.done
            left = seconds / done * max(0.0, self._expected.total - done)
        return LiveStatus(
            doing=f"ended in {self._doing}" if ended else self._doing,
            seconds=seconds,
            left=left,
            best=self._best,
            lead=self._lead,
            ended=ended,
        )
