"""Strategies with a trainer that trains several candidates at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import pytest

from glo_tf.architectures import NamedArchitecture
from glo_tf.errors import InvalidArgumentError, TrainingError
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.strategies.base import Strategy
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.testing.scripted_task import fitness_of, in_lanes, ordinary
from glo_tf.testing.small_task import small_data
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, Status, nothing_to_check

LANES = 3
REQUESTS = [Request(Candidate(loss), seed=0) for loss in ordinary(8)]


@dataclasses.dataclass
class SideBySide:
    """A task and its trainer: of what is in its lanes, the last comes to its end first.

    Attributes:
        errors: Raised one after the other, when all lanes are full.
        most: How many trained at once at most.
    """

    lanes: int = LANES
    errors: list[BaseException] = dataclasses.field(default_factory=list)
    most: int = 0
    threads: int = 1
    description: dict[str, object] = dataclasses.field(default_factory=dict)

    def prepare_process(self) -> None:
        pass

    def make_trainer(self) -> SideBySide:
        return self

    def evaluate(
        self, request: Request, check: Callable[[], None] = nothing_to_check
    ) -> Evaluation:
        raise AssertionError("a lane is no trainer of its own")

    def evaluate_many(
        self,
        requests: Iterator[Request | None],
        check: Callable[[], None] = nothing_to_check,
    ) -> Iterator[tuple[Request, Evaluation]]:
        return in_lanes(requests, self.lanes, self._train)

    def _train(self, running: Sequence[Request]) -> Evaluation:
        self.most = max(self.most, len(running))
        if self.errors and len(running) == self.lanes:
            raise self.errors.pop(0)
        candidate = running[-1].candidate
        return Evaluation(candidate, 0, fitness_of(candidate.loss), Status.OK, 5, 0.1)


def dispatcher(task: SideBySide, strategy: Strategy | None = None, **policy: float) -> Dispatcher:
    where = strategy or LocalStrategy()
    return Dispatcher(task, where, Study.in_memory({}), FailurePolicy(**policy))


def test_all_lanes_are_kept_busy_and_each_request_has_its_evaluation() -> None:
    task = SideBySide()
    trained = dispatcher(task)
    for _ in range(2):  # the second time of what is in the study, and then of others
        found = list(trained.evaluate(REQUESTS))
        assert [one.candidate for one in found] == [one.candidate for one in REQUESTS]
        assert [one.fitness for one in found] == [fitness_of(one.loss) for one in REQUESTS]
    again = [dataclasses.replace(one, seed=1) for one in REQUESTS]
    assert len(list(trained.evaluate(again))) == len(again)
    assert task.most == trained.workers == LANES


def test_lanes_out_of_memory_are_tried_again() -> None:
    task = SideBySide(errors=[MemoryError("no room")])
    found = list(dispatcher(task).evaluate(REQUESTS))
    assert {one.status for one in found} == {Status.OK}
    assert not task.errors


@dataclasses.dataclass
class OnDevices(SideBySide):
    """Of which each device makes a trainer of its own, that waits until all its lanes are full.

    Attributes:
        trainers: Those made so far.
    """

    trainers: list[SideBySide] = dataclasses.field(default_factory=list)

    def make_trainer(self) -> SideBySide:
        self.trainers.append(SideBySide(self.lanes, self.errors))
        return self.trainers[-1]


def test_lanes_of_every_device_are_kept_busy() -> None:
    task = OnDevices()
    trained = dispatcher(task, DevicesStrategy(["CPU:0", "CPU:1"]))
    again = [dataclasses.replace(one, seed=seed) for seed in range(4) for one in REQUESTS]
    found = list(trained.evaluate(again))
    assert [one.candidate for one in found] == [one.candidate for one in again]
    assert [one.fitness for one in found] == [fitness_of(one.loss) for one in again]
    assert trained.workers == 2 * LANES
    assert len(task.trainers) == 2
    trained.close()


@pytest.mark.parametrize("raised", [MemoryError("no room"), ValueError("of the model")])
def test_what_fails_on_a_device_is_tried_again_or_ends_the_search(raised: Exception) -> None:
    trained = dispatcher(OnDevices(errors=[raised]), DevicesStrategy(["CPU:0"]))
    if isinstance(raised, MemoryError):
        assert {one.status for one in trained.evaluate(REQUESTS)} == {Status.OK}
    else:
        with pytest.raises(TrainingError, match="of the model"):
            list(trained.evaluate(REQUESTS))
    trained.close()


def test_an_error_of_the_model_ends_the_search() -> None:
    task = SideBySide(errors=[ValueError("of the model")])
    with pytest.raises(TrainingError, match="of the model"):
        list(dispatcher(task).evaluate(REQUESTS))


def test_what_was_cut_off_is_trained_when_it_is_asked_for_again() -> None:
    task = SideBySide(errors=[KeyboardInterrupt()])
    trained = dispatcher(task)
    with pytest.raises(KeyboardInterrupt):
        list(trained.evaluate(REQUESTS))
    assert len(list(trained.evaluate(REQUESTS))) == len(REQUESTS)


@dataclasses.dataclass
class Finding(SideBySide):
    """Has found its number of lanes itself."""

    finds_lanes: bool = True

    def in_lanes(self, lanes: int) -> Finding:
        return dataclasses.replace(self, lanes=lanes)


def test_a_found_number_of_lanes_is_that_of_the_study() -> None:
    study = Study.in_memory({})
    for lanes in (3, 8, 2):  # as on devices with more or less free memory
        dispatcher = Dispatcher(Finding(lanes), LocalStrategy(), study)
        again = [dataclasses.replace(one, seed=lanes) for one in REQUESTS]
        assert len(list(dispatcher.evaluate(again))) == len(again)
        assert dispatcher.workers == 3
    with pytest.raises(InvalidArgumentError, match="Received: lanes=3"):
        Dispatcher(Finding(8), LocalStrategy(process=True), study)


def test_where_there_are_no_lanes_one_is_found() -> None:
    study = Study.in_memory({})
    Dispatcher(Finding(8), LocalStrategy(process=True), study)
    assert study.noted("lanes") == 1


def test_lanes_are_refused_where_trainings_are_elsewhere_or_can_be_given_up() -> None:
    study = Study.in_memory({})
    expected = "Expected lanes=1, or the strategy 'devices', 'ray', or 'local' .* Received: lanes=3"
    with pytest.raises(InvalidArgumentError, match=expected):
        Dispatcher(SideBySide(), LocalStrategy(process=True), study)
    with pytest.raises(InvalidArgumentError, match=expected):
        dispatcher(SideBySide(), candidate_timeout=5.0)
    assert len(list(dispatcher(SideBySide(lanes=1)).evaluate([]))) == 0


def test_tensorflow_has_one_lane_where_a_number_is_to_be_found() -> None:
    shape, classes = (2, 2, 1), 2
    data = small_data(shape, classes, 16, seed=1)
    model = NamedArchitecture("mlp", shape, classes)
    given, found = (
        TrainingTask.define(model, "sgd", data, data, train_steps=2, batch_size=8, lanes=lanes)
        for lanes in (1, "auto")
    )
    assert found.lanes == 1
    assert found.description == given.description
    assert found.summary == given.summary
