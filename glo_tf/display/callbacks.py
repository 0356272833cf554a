"""What a search tells its observers, and the interface by which it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from glo_tf.errors import InvalidArgumentError, raise_first, shown

if TYPE_CHECKING:
    from glo_tf.display.plan import Plan
    from glo_tf.results.bar import Bar
    from glo_tf.results.record import Phase, Record, Source, Stage
    from glo_tf.results.search_result import SearchResult
    from glo_tf.training.trial import Evaluation


@dataclasses.dataclass(frozen=True)
class Generation:
    """A finished generation of either phase.

    Attributes:
        phase: Of the search.
        number: Counted from 1 within the phase.
        total: Generations of the phase.
        mean_fitness: Mean over the generation's candidates.
        best_so_far: The best candidate of the whole search; None while none has been trained.
        counts: Candidates so far by where their fitness came from; see
            `glo_tf.results.record.Record.source`.
        bar: What the search has to beat; None if there are no references.
    """

    phase: Phase
    number: int
    total: int
    mean_fitness: float
    best_so_far: Record | None
    counts: dict[Source, int]
    bar: Bar | None = None

    @property
    def lead(self) -> float | None:
        """By how much the best candidate's metric is better than the best reference's.

        It is positive where it is better, whatever the metric's direction; None if unknown.
        """
        if self.bar is None or self.best_so_far is None:
            return None
        return self.bar.lead(self.best_so_far.values)


class StopSearch(Exception):  # noqa: N818 (a wish, not an error; named as StopIteration is)
    """Raised by a callback that has seen enough.

    Discovery and coefficients end; what was found is confirmed and compared as always. Raised in
    `on_retraining`, it ends the confirmation and the comparison, too, and leaves out the one that
    is not complete. Other callbacks are still told of what this one was told.

    Example:
        >>> import glo_tf
        >>> class GoodEnough(glo_tf.Callback):
        ...     def on_generation(self, generation):
        ...         best = generation.best_so_far
        ...         if best is not None and best.fitness >= 0.97:
        ...             raise glo_tf.StopSearch
    """


class Callback:
    """Base class of observers; override what you need.

    Every method runs in the thread that called `LossSearch.run`, between two trainings. It may
    raise `StopSearch`; whatever else it raises ends the search with that error.
    """

    def on_understood(self, summary: str) -> None:
        """Called first, with what was understood: "3 classes, softmax; fitness: accuracy"."""

    def on_plan(self, plan: Plan) -> None:
        """Called before the first training with what the search is about to do."""

    def on_search_begin(self, planned: int) -> None:
        """Called once before the first candidate.

        `planned` is the number of candidates and of later trainings to come, at most; a learning
        rate whose best value lies at the edge of its grid takes some more.
        """

    def on_references(self, bar: Bar) -> None:
        """Called before the first candidate with what the search has to beat, if anything."""

    def on_evaluation(self, record: Record) -> None:
        """Called when a candidate has its fitness, trained or not."""

    def on_generation(self, generation: Generation) -> None:
        """Called when a generation is complete and written."""

    def on_training(self, evaluation: Evaluation) -> None:
        """Called after each training in this run, for whatever it is: heats and retrainings, too.

        It is not called for what is in the study already, nor for candidates without a training.
        """

    def on_early_end(self, reason: str) -> None:
        """Called where a phase ends before its last generation, with why, as a sentence."""

    def on_retraining(self, stage: Stage, evaluation: Evaluation) -> None:
        """Called after each training that is not of a candidate's fitness.

        Such as those of `"references"`, which have one evaluation each and a few for the seed
        noise, of finalists (`"confirmation"`) and of the `"comparison"`.
        """

    def on_search_end(self, result: SearchResult) -> None:
        """Called last, also after an interruption or an error."""


def checked_callbacks(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """A user's callbacks.

    Raises:
        ValueError: If one is none.
    """
    expected = (
        "Expected callbacks as a list of glo_tf.Callback objects, which observe the search; a "
        "callback of Keras observes one training, and has no place in it. Received: "
    )
    if not isinstance(callbacks, Iterable):
        raise InvalidArgumentError(f"{expected}callbacks={shown(callbacks)}")
    given = tuple(callbacks)
    for place, callback in enumerate(given):
        if not isinstance(callback, Callback):
            raise InvalidArgumentError(f"{expected}callbacks[{place}]={shown(callback)}")
    return given


class CallbackList(Callback):
    """Several callbacks as one.

    Where one raises `StopSearch`, the others are told first, and then it is raised; at the end of
    the search it is ignored.

    Args:
        callbacks: Told in this order.
    """

    def __init__(self, callbacks: Sequence[Callback]):
        self._callbacks = callbacks

    def on_understood(self, summary: str) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_understood(summary))

    def on_plan(self, plan: Plan) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_plan(plan))

    def on_search_begin(self, planned: int) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_search_begin(planned))

    def on_references(self, bar: Bar) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_references(bar))

    def on_evaluation(self, record: Record) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_evaluation(record))

    def on_generation(self, generation: Generation) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_generation(generation))

    def on_training(self, evaluation: Evaluation) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_training(evaluation))

    def on_early_end(self, reason: str) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_early_end(reason))

    def on_retraining(self, stage: Stage, evaluation: Evaluation) -> None:
        """Tells all."""
        self._tell(lambda callback: callback.on_retraining(stage, evaluation))

    def on_search_end(self, result: SearchResult) -> None:
        """Tells all, also after one that raises; the first error goes on to the caller."""
        errors: list[BaseException] = []
        for callback in self._callbacks:
            try:
                callback.on_search_end(result)
            except StopSearch:  # nothing is left to stop
                continue
            except Exception as error:
                errors.append(error)
        raise_first(errors)

    def _tell(self, event: Callable[[Callback], None]) -> None:
        stop: list[BaseException] = []
        for callback in self._callbacks:
            try:
                event(callback)
            except StopSearch as raised:
                stop = [raised]
        raise_first(stop)
