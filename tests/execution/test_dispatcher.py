"""The dispatcher: nothing twice, order, retries, failures; on real strategies of one process."""

import itertools
import logging
import signal

import pytest

from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.strategies import TrainingError
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

CPU = ("CPU:0", "CPU:0 again", "CPU:0 once more")


def make_dispatcher(task: ScriptedTask, strategy=None, **policy) -> tuple[Dispatcher, Study]:
    study = Study.in_memory(task.description)
    strategy = strategy or LocalStrategy()
    return Dispatcher(task, strategy, study, FailurePolicy(**policy)), study


def rows(study: Study) -> list[tuple]:
    query = "SELECT loss, status, tries, reason FROM evaluations WHERE status = 'failed'"
    return study._connection.execute(query).fetchall()


def requests_of(losses: list[Expression], **others) -> list[Request]:
    return [Request(Candidate(loss), 0, **others) for loss in losses]


def test_every_request_is_trained_once_and_answered_in_its_order(tmp_path) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, _ = make_dispatcher(task)
    losses = ordinary(5)
    asked = requests_of([*losses, losses[2], losses[0]])
    first = list(dispatcher.evaluate(asked))
    assert [evaluation.loss for evaluation in first] == [request.loss for request in asked]
    assert list(dispatcher.evaluate(asked)) == first
    assert task.trainings() == [str(loss) for loss in losses]


@pytest.mark.parametrize("text", ["log(y)", "x*x", "3", "x - 0.5", "square(y) + y"])
def test_a_loss_without_x_or_y_is_not_trained(tmp_path, text: str) -> None:
    dispatcher, study = make_dispatcher(ScriptedTask(str(tmp_path), broken=True))
    (evaluation,) = dispatcher.evaluate([Request(Candidate(Expression.parse(text)), 7)])
    assert (evaluation.seed, evaluation.fitness) == (7, 0.0)
    assert (evaluation.status, evaluation.steps) == ("untrained", 0)
    assert len(study) == 0


def test_no_worker_is_started_for_what_is_known(tmp_path) -> None:
    dispatcher, study = make_dispatcher(ScriptedTask(str(tmp_path), broken=True))
    (loss,) = ordinary(1)
    known = Evaluation(Candidate(loss), 0, 0.5, "ok", 30, 0.1)
    study.add(Request(Candidate(loss), 0), known)
    assert list(dispatcher.evaluate([Request(Candidate(loss), 0)])) == [known]


def test_a_caller_that_stops_waiting_loses_nothing_that_ended(tmp_path) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, study = make_dispatcher(task)
    next(dispatcher.evaluate(requests_of(ordinary(4))))
    assert len(study) == 1
    assert len(list(dispatcher.evaluate(requests_of(ordinary(2))))) == 2
    assert len(task.trainings()) == 2


STRATEGIES = [
    pytest.param(LocalStrategy, id="local"),
    pytest.param(lambda: DevicesStrategy(["CPU:0"]), id="one device"),
    pytest.param(lambda: DevicesStrategy(["CPU:0", "CPU", "/CPU:0"]), id="three devices"),
]
each_strategy = pytest.mark.parametrize("make_strategy", STRATEGIES)


def fitnesses(evaluations) -> list[float]:
    return [evaluation.fitness for evaluation in evaluations]


@each_strategy
@pytest.mark.parametrize("level", [1, 2])
def test_evaluations_inside_an_iteration_of_others(tmp_path, make_strategy, level) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, _ = make_dispatcher(task, make_strategy())
    losses = ordinary(8)
    asked = [requests_of(losses[:5]), requests_of(losses[2:7]), requests_of(losses[::-1])]

    def evaluate(depth: int) -> None:
        for request, evaluation in zip(
            asked[depth], dispatcher.evaluate(asked[depth]), strict=True
        ):
            assert (evaluation.loss, evaluation.fitness) == (request.loss, fitness_of(request.loss))
            if depth < level:
                evaluate(depth + 1)

    evaluate(0)
    dispatcher.close()
    assert sorted(task.trainings()) == sorted(map(str, losses if level == 2 else losses[:7]))


@each_strategy
def test_iterators_that_take_turns(tmp_path, make_strategy) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, _ = make_dispatcher(task, make_strategy())
    losses = ordinary(9)
    parts = [losses[:6], losses[3:], losses[::2]]
    iterators = [dispatcher.evaluate(requests_of(part)) for part in parts]
    found = [[] for _ in parts]
    while iterators:
        for place, iterator in enumerate(iterators):
            found[place].extend(itertools.islice(iterator, 1 + place))
        if all(len(one) == len(part) for one, part in zip(found, parts, strict=True)):
            break
    dispatcher.close()
    assert [fitnesses(one) for one in found] == [[*map(fitness_of, part)] for part in parts]
    assert sorted(task.trainings()) == sorted(map(str, losses))


@each_strategy
def test_who_asks_is_served_first_and_what_is_given_up_is_not_trained(
    tmp_path, make_strategy
) -> None:
    task = ScriptedTask(str(tmp_path), seconds=0.05)
    strategy = make_strategy()
    dispatcher, _ = make_dispatcher(task, strategy)
    losses = ordinary(20)
    outer = dispatcher.evaluate(requests_of(losses[:18]))
    next(outer)
    workers = len(strategy.workers())
    list(dispatcher.evaluate(requests_of([losses[19], losses[0], losses[18]])))
    begun = task.trainings()
    assert {str(losses[19]), str(losses[18])} <= set(begun)
    assert len(begun) <= 2 + 4 * workers  # and not all that came before
    outer.close()
    assert fitnesses(dispatcher.evaluate(requests_of(losses[17:]))) == [
        fitness_of(loss) for loss in losses[17:]
    ]
    dispatcher.close()
    assert len(task.trainings()) <= 3 + 5 * workers
    assert len(set(task.trainings())) == len(task.trainings())


@each_strategy
def test_a_failure_reaches_all_who_wait_for_it(tmp_path, make_strategy) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, _ = make_dispatcher(task, make_strategy(), candidate_retries=1)
    (loss,) = ordinary(1)
    asked = requests_of([scripted.OUT_OF_MEMORY, loss])
    outer = dispatcher.evaluate([Request(Candidate(loss), 1), *asked])
    next(outer)
    inner = list(dispatcher.evaluate(asked))
    assert [(e.status, e.fitness) for e in inner] == [("failed", 0.0), ("ok", fitness_of(loss))]
    assert list(outer) == inner
    dispatcher.close()
    assert task.trainings().count(str(scripted.OUT_OF_MEMORY)) == 2


@each_strategy
def test_an_error_of_the_model_reaches_all_who_wait_for_it(tmp_path, make_strategy) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, _ = make_dispatcher(task, make_strategy())
    asked = requests_of([*ordinary(1), scripted.RAISE])
    list(dispatcher.evaluate(asked[:1]))  # known: side by side, the error might come first
    outer = dispatcher.evaluate(asked)
    next(outer)
    for iterator in (dispatcher.evaluate(asked), outer):
        with pytest.raises(TrainingError, match="a layer's mistake"):
            list(iterator)
    assert fitnesses(dispatcher.evaluate(asked[:1])) == [fitness_of(ordinary(1)[0])]
    dispatcher.close()


@each_strategy
def test_a_training_that_ctrl_c_cut_off_is_done_when_it_is_asked_for_again(
    tmp_path, make_strategy
) -> None:
    task = ScriptedTask(str(tmp_path), seconds=0.3)
    dispatcher, _ = make_dispatcher(task, make_strategy())
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    asked = requests_of(ordinary(5))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            list(dispatcher.evaluate(asked))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
    assert fitnesses(dispatcher.evaluate(asked)) == [fitness_of(loss) for loss in ordinary(5)]
    dispatcher.close()


def test_nothing_is_waited_for_once_it_is_closed(tmp_path) -> None:
    dispatcher, _ = make_dispatcher(ScriptedTask(str(tmp_path)))
    iterator = dispatcher.evaluate(requests_of(ordinary(3)))
    next(iterator)
    dispatcher.close()
    with pytest.raises(RuntimeError, match="Received: close while they are waited for"):
        list(iterator)


@pytest.mark.parametrize("special", [scripted.OUT_OF_MEMORY, scripted.SLOW], ids=str)
def test_a_candidate_that_fails_once_is_tried_again(tmp_path, special) -> None:
    task = ScriptedTask(str(tmp_path), times=1)
    dispatcher, study = make_dispatcher(task, candidate_timeout=0.2)
    losses = [*ordinary(2), special]
    evaluations = list(dispatcher.evaluate(requests_of(losses)))
    assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
    assert {e.status for e in evaluations} == {"ok"}
    assert len(task.trainings()) == 4
    assert rows(study) == []


@pytest.mark.parametrize(
    ("special", "reason"),
    [
        (scripted.OUT_OF_MEMORY, "out of memory: MemoryError: no room for 8 GiB"),
        (scripted.SLOW, "timeout: not done after candidate_timeout=0.2 seconds"),
    ],
    ids=str,
)
@pytest.mark.parametrize("retries", [0, 2])
def test_a_candidate_that_goes_on_to_fail_is_recorded_as_failed(
    tmp_path, special, reason, retries, caplog
) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, study = make_dispatcher(task, candidate_timeout=0.2, candidate_retries=retries)
    losses = [special, *ordinary(2)]
    with caplog.at_level(logging.WARNING, "glo_tf"):
        failed, *others = dispatcher.evaluate(requests_of(losses))
    assert (failed.fitness, failed.status) == (0.0, "failed")
    assert {e.status for e in others} == {"ok"}
    assert task.trainings().count(str(special)) == 1 + retries
    assert rows(study) == [(str(special), "failed", 1 + retries, reason)]
    assert len(caplog.records) == 1 + retries
    # It stays failed: a search that is resumed goes the same way.
    assert list(dispatcher.evaluate([Request(Candidate(special), 0)])) == [failed]
    assert task.trainings().count(str(special)) == 1 + retries


def test_it_is_tried_again_elsewhere(tmp_path) -> None:
    task = ScriptedTask(str(tmp_path), times=2)
    places = []

    class Watched(DevicesStrategy):
        def submit(self, request: Request, worker: str) -> None:
            places.append((request.loss, worker))
            super().submit(request, worker)

    dispatcher, _ = make_dispatcher(task, Watched(["CPU:0", "CPU", "/CPU:0"]), candidate_retries=2)
    (evaluation,) = dispatcher.evaluate([Request(Candidate(scripted.OUT_OF_MEMORY), 0)])
    dispatcher.close()
    assert evaluation.status == "ok"
    assert len({worker for _, worker in places}) == 3


@pytest.mark.parametrize("make_strategy", [LocalStrategy, lambda: DevicesStrategy(["CPU:0"])])
def test_an_error_in_the_model_ends_the_search_once_with_its_cause(
    tmp_path, make_strategy, caplog
) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher, study = make_dispatcher(task, make_strategy(), candidate_retries=5)
    with pytest.raises(TrainingError, match=r"KeyError: .a layer's mistake"):
        list(dispatcher.evaluate(requests_of([*ordinary(2), scripted.RAISE, *ordinary(4)])))
    dispatcher.close()
    assert task.trainings().count(str(scripted.RAISE)) == 1
    assert len(study) == 2
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "scripted_task.py" in errors[0].getMessage()  # the traceback leads to the culprit


def test_a_search_that_only_fails_ends_and_can_be_continued(tmp_path) -> None:
    (loss,) = ordinary(1)
    failing = [scripted.OUT_OF_MEMORY.with_coefficients([1.0] * 4 + [float(n)]) for n in range(6)]
    assert scripted.OUT_OF_MEMORY in failing

    class Always(ScriptedTask):
        def make_trainer(self):
            return self

        def evaluate(self, request, check=None):
            if request.loss == loss:
                return super().evaluate(request)
            raise MemoryError("full")

    task = Always(str(tmp_path))
    policy = {"max_consecutive_failures": 3, "candidate_retries": 0}
    dispatcher, study = make_dispatcher(task, **policy)
    with pytest.raises(TrainingError, match=r"fewer than 3 .*MemoryError: full"):
        list(dispatcher.evaluate(requests_of([*failing[:2], loss, *failing])))
    # Two failed before a training that ended well, and stay failed; the last ones get a new chance.
    assert [status for _, status, _, _ in rows(study)] == ["failed"] * 2
    again = Dispatcher(ScriptedTask(str(tmp_path)), LocalStrategy(), study)
    assert [e.status for e in again.evaluate(requests_of(failing[2:]))] == ["ok"] * 4


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"candidate_timeout": 0.0}, "positive candidate_timeout.*candidate_timeout=0.0"),
        ({"candidate_retries": -1}, "candidate_retries of at least 0.*=-1"),
        ({"max_consecutive_failures": 0}, "max_consecutive_failures of at least 1.*=0"),
    ],
)
def test_a_policy_out_of_range_is_refused(policy, message) -> None:
    with pytest.raises(ValueError, match=message):
        FailurePolicy(**policy)


def test_only_trainings_are_logged(tmp_path, caplog) -> None:
    dispatcher, _ = make_dispatcher(ScriptedTask(str(tmp_path)))
    (loss,) = ordinary(1)
    with caplog.at_level(logging.INFO, "glo_tf"):
        list(dispatcher.evaluate(requests_of([loss, loss, Expression.parse("y")])))
        list(dispatcher.evaluate(requests_of([loss])))
    assert caplog.messages == [f"{loss}  fitness {fitness_of(loss):.4f}  ok  1 steps  0.00 s"]
