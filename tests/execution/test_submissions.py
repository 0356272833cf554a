"""Requests submitted and given back as they end: order, several callers, failures, close."""

import collections
import itertools
import pathlib
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_strategy import ScriptedStrategy, done, lost

from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.strategies import Strategy, TrainingError
from glo_tf.strategies.base import Result
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.strategies.ray import RayStrategy
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

LOSSES = ordinary(8)
REQUESTS = [Request(Candidate(loss), 0) for loss in LOSSES]
THREE_DEVICES = ("CPU:0", "CPU", "/CPU:0")


STRATEGIES = [
    pytest.param(LocalStrategy, id="local"),
    pytest.param(lambda: DevicesStrategy(["CPU:0"]), id="one device"),
    pytest.param(lambda: DevicesStrategy(THREE_DEVICES), id="three devices"),
]
each_strategy = pytest.mark.parametrize("make_strategy", STRATEGIES)


def last_first(running: list[tuple[str, Request]]) -> list[Result]:
    return [done(*running[-1])]


def make_dispatcher(task: ScriptedTask, strategy: Strategy, **policy) -> Dispatcher:
    study = Study.in_memory(task.description)
    return Dispatcher(task, strategy, study, FailurePolicy(**policy))


def scripted_dispatcher(workers: int, end, **policy) -> tuple[Dispatcher, ScriptedStrategy]:
    strategy = ScriptedStrategy(workers, end)
    return make_dispatcher(ScriptedTask("nowhere"), strategy, **policy), strategy


def drain(dispatcher: Dispatcher, caller=None) -> list[tuple[Request, Evaluation]]:
    return list(iter(lambda: dispatcher.next_finished(caller), None))


def requests_of(finished: Sequence[tuple[Request, Evaluation]]) -> list[Request]:
    return [request for request, _ in finished]


def test_results_come_in_the_order_in_which_trainings_end() -> None:
    dispatcher, strategy = scripted_dispatcher(3, last_first)
    for request in REQUESTS:
        dispatcher.submit(request)
    assert strategy.starts == 0  # a worker is for what is waited for
    # Three run at a time, and the one that began last ends first.
    expected = [REQUESTS[place] for place in (2, 3, 4, 5, 6, 7, 1, 0)]
    finished = drain(dispatcher)
    assert requests_of(finished) == expected
    assert [e.fitness for _, e in finished] == [fitness_of(request.loss) for request in expected]
    assert strategy.submitted == REQUESTS
    assert dispatcher.next_finished() is None


def test_an_evaluation_waits_for_its_turn_where_the_order_is_that_of_the_requests() -> None:
    dispatcher, strategy = scripted_dispatcher(3, last_first)
    assert [e.loss for e in dispatcher.evaluate(REQUESTS)] == LOSSES
    assert strategy.submitted == REQUESTS


def test_what_ends_together_is_given_before_anything_else_is_waited_for() -> None:
    dispatcher, strategy = scripted_dispatcher(4, lambda running: [done(*one) for one in running])
    for request in REQUESTS:
        dispatcher.submit(request)
    assert requests_of([dispatcher.next_finished() for _ in range(4)]) == REQUESTS[:4]
    assert strategy.submitted == REQUESTS[:4]


def test_what_is_known_comes_at_once_and_needs_no_worker() -> None:
    dispatcher, strategy = scripted_dispatcher(1, last_first)
    untrainable = [Request(Candidate(Expression.parse(text)), 3) for text in ("log(y)", "x*x")]
    for request in untrainable:
        dispatcher.submit(request)
    finished = drain(dispatcher)
    assert requests_of(finished) == untrainable
    assert {(e.seed, e.fitness, e.status) for _, e in finished} == {(3, 0.0, "untrained")}
    assert strategy.starts == 0
    dispatcher.submit(REQUESTS[0])
    drain(dispatcher)
    for request in (REQUESTS[1], REQUESTS[0]):
        dispatcher.submit(request)
    assert requests_of(drain(dispatcher)) == [REQUESTS[0], REQUESTS[1]]
    assert strategy.submitted == REQUESTS[:2]


@each_strategy
def test_a_request_submitted_twice_is_trained_once_and_given_twice(tmp_path, make_strategy) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher = make_dispatcher(task, make_strategy())
    asked = [*REQUESTS[:3], REQUESTS[1], REQUESTS[0], REQUESTS[1], Request(Candidate(LOSSES[1]), 1)]
    for request in asked:
        dispatcher.submit(request)
    first = dispatcher.next_finished()
    dispatcher.submit(first[0])  # known by now
    finished = [first, *drain(dispatcher)]
    dispatcher.close()
    assert collections.Counter(requests_of(finished)) == collections.Counter([*asked, first[0]])
    assert all(e.fitness == fitness_of(r.loss) and e.seed == r.seed for r, e in finished)
    assert len(task.trainings()) == 4


@each_strategy
def test_each_caller_is_given_what_it_submitted(tmp_path, make_strategy) -> None:
    _check_callers(tmp_path, make_strategy())


@pytest.mark.ray
def test_each_caller_is_given_what_it_submitted_to_ray(tmp_path, ray_cluster) -> None:
    _check_callers(tmp_path, RayStrategy(ray_cluster.address, num_workers=2, num_cpus=1))


def _check_callers(folder: pathlib.Path, strategy: Strategy) -> None:
    task = ScriptedTask(str(folder))
    dispatcher = make_dispatcher(task, strategy)
    parts = {None: REQUESTS[:5], "another": REQUESTS[3:], 7: [*REQUESTS[::2], REQUESTS[0]]}
    found = {caller: [] for caller in parts}
    for caller, part in parts.items():
        for request in part:
            dispatcher.submit(request, caller)
    in_order = dispatcher.evaluate(REQUESTS[::-1])
    for caller in itertools.cycle(parts):
        finished = dispatcher.next_finished(caller)
        if finished is not None:
            found[caller].append(finished)
        next(in_order, None)
        if sum(map(len, found.values())) == sum(map(len, parts.values())):
            break
    assert [dispatcher.next_finished(caller) for caller in parts] == [None, None, None]
    assert next(in_order, None) is None
    dispatcher.close()
    for caller, part in parts.items():
        assert collections.Counter(requests_of(found[caller])) == collections.Counter(part)
        assert all(e.fitness == fitness_of(r.loss) for r, e in found[caller])
    assert sorted(task.trainings()) == sorted(map(str, LOSSES))


def test_evaluations_in_the_midst_of_submissions() -> None:
    dispatcher, strategy = scripted_dispatcher(2, last_first)
    for request in REQUESTS[:6]:
        dispatcher.submit(request)
    first = dispatcher.next_finished()
    assert [e.loss for e in dispatcher.evaluate([REQUESTS[7], REQUESTS[5]])] == [
        LOSSES[7],
        LOSSES[5],
    ]
    # What the inner caller asked for was begun before what the outer one still waits for.
    assert set(strategy.submitted) == {*REQUESTS[:2], REQUESTS[5], REQUESTS[7]}
    finished = [first, *drain(dispatcher)]
    assert sorted(map(REQUESTS.index, requests_of(finished))) == list(range(6))
    assert len(strategy.submitted) == 7


def test_what_is_withdrawn_is_begun_for_others_alone() -> None:
    dispatcher, strategy = scripted_dispatcher(1, last_first)
    for request in REQUESTS[:5]:
        dispatcher.submit(request, "gone")
    for request in REQUESTS[4:6]:
        dispatcher.submit(request)
    assert requests_of([dispatcher.next_finished("gone")]) == REQUESTS[:1]
    dispatcher.withdraw("gone")
    assert dispatcher.next_finished("gone") is None
    assert requests_of(drain(dispatcher)) == REQUESTS[4:6]
    assert strategy.submitted == [REQUESTS[0], *REQUESTS[4:6]]


@each_strategy
def test_failures_are_tried_again_and_reach_every_caller(tmp_path, make_strategy) -> None:
    task = ScriptedTask(str(tmp_path))
    dispatcher = make_dispatcher(task, make_strategy(), candidate_retries=2)
    failing = Request(Candidate(scripted.OUT_OF_MEMORY), 0)
    for caller in ("one", "other"):
        for request in (failing, *REQUESTS[:3], failing):
            dispatcher.submit(request, caller)
    for caller in ("one", "other"):
        finished = drain(dispatcher, caller)
        assert len(finished) == 5
        for request, evaluation in finished:
            expected = ("failed", 0.0) if request == failing else ("ok", fitness_of(request.loss))
            assert (evaluation.status, evaluation.fitness) == expected
    dispatcher.close()
    assert task.trainings().count(str(scripted.OUT_OF_MEMORY)) == 3
    assert len(task.trainings()) == 6


@pytest.mark.slow
@given(seed=st.randoms(use_true_random=False), workers=st.integers(1, 4))
def test_whatever_is_lost_and_in_whatever_order_all_is_given(seed, workers) -> None:
    tries = collections.Counter()

    def end(running: list[tuple[str, Request]]) -> list[Result]:
        ended = seed.sample(running, seed.randint(1, len(running)))
        tries.update(request for _, request in ended)
        return [(lost if seed.random() < 0.4 else done)(*one) for one in ended]

    dispatcher, _ = scripted_dispatcher(
        workers, end, candidate_retries=1, max_consecutive_failures=100
    )
    open_for = {caller: collections.Counter() for caller in range(3)}
    given = {}
    for _ in range(40):
        caller = seed.randrange(3)
        if seed.random() < 0.5:
            request = seed.choice(REQUESTS)
            dispatcher.submit(request, caller)
            open_for[caller][request] += 1
        else:
            finished = dispatcher.next_finished(caller)
            assert (finished is None) == (not open_for[caller])
            if finished is not None:
                request, evaluation = finished
                open_for[caller] -= collections.Counter([request])
                assert given.setdefault(request, evaluation) == evaluation
    for caller, expected in open_for.items():
        assert collections.Counter(requests_of(drain(dispatcher, caller))) == expected
    assert all(count <= 2 for count in tries.values())


def test_an_error_of_the_model_ends_the_wait_of_each_caller(tmp_path) -> None:
    dispatcher = make_dispatcher(ScriptedTask(str(tmp_path)), DevicesStrategy(THREE_DEVICES))
    for caller in ("one", "other"):
        dispatcher.submit(Request(Candidate(scripted.RAISE), 0), caller)
    for caller in ("one", "other"):
        with pytest.raises(TrainingError, match="a layer's mistake"):
            drain(dispatcher, caller)
    for caller in ("one", "other"):
        dispatcher.withdraw(caller)
    dispatcher.submit(REQUESTS[0], "one")
    assert requests_of(drain(dispatcher, "one")) == REQUESTS[:1]
    dispatcher.close()


@each_strategy
def test_after_close_nothing_is_waited_for_and_nothing_taken(tmp_path, make_strategy) -> None:
    dispatcher = make_dispatcher(ScriptedTask(str(tmp_path)), make_strategy())
    for request in REQUESTS[:4]:
        dispatcher.submit(request)
    dispatcher.next_finished()
    dispatcher.close()
    with pytest.raises(RuntimeError, match="Received: close while they are waited for"):
        drain(dispatcher)
    with pytest.raises(RuntimeError, match="Received: submit after close"):
        dispatcher.submit(REQUESTS[0])


@pytest.mark.parametrize("results", [[], [done, done]], ids=["without", "with"])
def test_a_close_in_the_midst_of_waiting_ends_the_wait(results) -> None:
    def end(running: list[tuple[str, Request]]) -> list[Result]:
        ended = [result(*one) for result, one in zip(results, running, strict=False)]
        dispatcher.close()
        strategy.running.update({result.worker: result.request for result in ended})
        return ended

    dispatcher, strategy = scripted_dispatcher(2, end)
    for request in REQUESTS[:3]:
        dispatcher.submit(request)
    with pytest.raises(RuntimeError, match="Received: close while they are waited for"):
        dispatcher.next_finished()


def test_a_worker_that_only_becomes_idle_ends_no_wait() -> None:
    idle_first = iter([[], [], [done]])
    dispatcher, _ = scripted_dispatcher(
        1, lambda running: [result(*running[0]) for result in next(idle_first)]
    )
    dispatcher.submit(REQUESTS[0])
    assert requests_of(drain(dispatcher)) == REQUESTS[:1]


def test_on_devices_the_quick_one_overtakes_the_slow_one(tmp_path, monkeypatch) -> None:
    released = threading.Event()
    monkeypatch.setitem(scripted.MISBEHAVIOUR, scripted.SLOW, lambda _: released.wait(60))
    dispatcher = make_dispatcher(ScriptedTask(str(tmp_path)), DevicesStrategy(THREE_DEVICES))
    slow = Request(Candidate(scripted.SLOW), 0)
    for request in (slow, *REQUESTS):
        dispatcher.submit(request)
    quick = [dispatcher.next_finished() for _ in REQUESTS]
    assert collections.Counter(requests_of(quick)) == collections.Counter(REQUESTS)
    released.set()
    assert requests_of(drain(dispatcher)) == [slow]
    dispatcher.close()
