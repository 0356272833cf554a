"""The finalists of a search: its best candidates, and the known losses of a warm start."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from glo_tf.results.bar import Bar
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.record import Phase, Record, Source
from glo_tf.screening.screen import proportional, trains_alike
from glo_tf.search.ask_tell import loss_of
from glo_tf.search.config import RateSource
from glo_tf.search.ranking import Ranking
from glo_tf.search.settings import SearchSettings
from glo_tf.search.warm_start import starting_trees
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.search_task import SearchTask
from glo_tf.training.step_length import StepLength
from glo_tf.training.trial import Status


class FinalistChoice:
    """Chooses the finalists of a search.

    Args:
        task: What candidates are trained on.
        settings: Of the search.
        ranking: Of its candidates.
        steps: Of the task's optimizer, where candidates have learning rates of their own, else
            None.
    """

    def __init__(
        self,
        task: SearchTask,
        settings: SearchSettings,
        ranking: Ranking,
        steps: StepLength | None = None,
    ):
        self._task, self._settings, self._ranking, self._steps = task, settings, ranking, steps
        self._names: dict[Record, str] = {}

    def records(self, records: Sequence[Record], bar: Bar | None) -> list[Record]:
        """The known losses, if the search began with some, then its best candidates.

        The latter differ in direction, not by a factor alone, and none is a known loss again.

        Args:
            records: Of all candidates.
            bar: What the search has to beat.
        """
        outputs = self._task.outputs
        for name, record in self._known(records, bar):
            if not any(self._alike(record.candidate, one.candidate) for one in self._names):
                self._names[record] = name
        found = self._ranking.best(
            records,
            self._settings.finalists,
            lambda one, other: proportional(one.loss, other.loss, outputs),
            lambda one: any(self._alike(one, known.candidate) for known in self._names),
        )
        return [*self._names, *found]

    def forms(self, record: Record) -> tuple[FoundLoss, ...]:
        """What a candidate is given to users as, the simplest first.

        A known loss has one form, as it is known, up to the scale where rates are their own.
        """
        candidate, name = record.candidate, self._name(record)
        if self._steps is None and (name or not self._settings.simplify):
            forms = [FoundLoss.given(candidate, self._task)]
        elif self._steps is not None and not self._settings.simplify:
            forms = [FoundLoss.at_scale_1(candidate, self._task, self._steps)]
        else:
            forms = FoundLoss.simplest(candidate, self._task, self._steps)
        if not name:
            return tuple(forms)
        return (dataclasses.replace(forms[-1], known=name),)

    def _name(self, record: Record) -> str:
        names = {known.loss: name for known, name in self._names.items()}
        return names.get(record.loss, "")

    def _alike(self, one: Candidate, other: Candidate) -> bool:
        """Whether two candidates train alike, each at a learning rate of its own if it has one."""
        if self._steps is not None:
            return proportional(one.loss, other.loss, self._task.outputs)
        return trains_alike(one, other, self._task.outputs)

    def _known(self, records: Sequence[Record], bar: Bar | None) -> Iterator[tuple[str, Record]]:
        losses = self._settings.initial_losses
        if not losses:
            return
        own = self._settings.learning_rate == RateSource.OWN
        for place, one in enumerate(bar.references if bar is not None else (), start=1):
            if bar is not None and one.value is not None:
                rate = one.learning_rate if own else None
                yield (
                    one.name,
                    Record(
                        phase=Phase.KNOWN,
                        generation=0,
                        individual=place,
                        candidate=Candidate(one.loss, Hyperparameters(rate)),
                        fitness=one.fitness,
                        status=Status.OK,
                        source=Source.TRAINED,
                        steps=self._task.train_steps,
                        values={bar.metric: one.value},
                    ),
                )
        evaluated = {r.loss: r for r in records if r.status == Status.OK and r.fitness > 0.0}
        trees = starting_trees(list(losses.values()), self._settings.search_space)
        for (name, loss), tree in zip(losses.items(), trees, strict=True):
            record = evaluated.get(loss_of(tree.canonical()))
            if record is not None:
                as_known = Candidate(loss, record.candidate.hyperparameters)
                yield name, dataclasses.replace(record, phase=Phase.KNOWN, candidate=as_known)
