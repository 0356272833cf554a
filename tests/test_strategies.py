"""Every registered strategy, by its registration: same results, retries, errors, no left-overs."""

import os
import pathlib
import pickle
import signal
import threading
import time

import pytest
import scripted_task as scripted
from processes import needs_ray
from scripted_task import ScriptedTask, fitness_of, ordinary

from glo_tf import plugins
from glo_tf.dispatch import Dispatcher, FailurePolicy
from glo_tf.fitness import Request
from glo_tf.strategies import Strategy, TrainingError
from glo_tf.strategies import devices as devices_module
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.study import Study


@pytest.fixture(params=plugins.names("glo_tf.strategies"))
def strategy(request, monkeypatch) -> Strategy:
    if request.param == "ray":
        needs_ray()
        # What workers need is installed there; the tests' own module is not.
        monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parent))
    return plugins.load("glo_tf.strategies", request.param)()


def make_dispatcher(task: ScriptedTask, strategy: Strategy, **policy) -> Dispatcher:
    study = Study.in_memory(task.description)
    return Dispatcher(task, strategy, study, FailurePolicy(**policy))


def test_a_strategy_trains_everything_and_recovers(tmp_path, strategy) -> None:
    task = ScriptedTask(str(tmp_path), times=1)
    losses = [*ordinary(5), scripted.OUT_OF_MEMORY, scripted.SLOW, *ordinary(9)[5:]]
    dispatcher = make_dispatcher(task, strategy, candidate_timeout=1.0)
    evaluations = list(dispatcher.evaluate([Request(loss, 0) for loss in losses]))
    dispatcher.close()
    assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
    assert len(task.trainings()) == len(losses) + 2
    broken = ScriptedTask(str(tmp_path), broken=True)
    dispatcher = make_dispatcher(broken, strategy)
    with pytest.raises((TrainingError, OSError), match="no such table"):
        list(dispatcher.evaluate([Request(ordinary(1)[0], 1)]))
    dispatcher.close()


def test_a_thread_that_hangs_is_left_behind(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(devices_module, "GRACE", 0.3)
    released = threading.Event()
    monkeypatch.setitem(scripted.MISBEHAVIOUR, scripted.HANG, lambda _: released.wait(60))
    task = ScriptedTask(str(tmp_path), times=1)
    dispatcher = make_dispatcher(task, DevicesStrategy(["CPU:0"]), candidate_timeout=0.2)
    losses = [*ordinary(2), scripted.HANG, *ordinary(4)]
    evaluations = list(dispatcher.evaluate([Request(loss, 0) for loss in losses]))
    assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
    dispatcher.close()
    released.set()


def test_closing_ends_the_threads_and_what_they_train(tmp_path) -> None:
    task = ScriptedTask(str(tmp_path), seconds=60.0)
    strategy = DevicesStrategy(["CPU:0", "CPU"])
    dispatcher = make_dispatcher(task, strategy)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(dispatcher)
    threads = list(strategy._threads.values())
    began = time.monotonic()
    dispatcher.close()
    assert time.monotonic() - began < 2.0
    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)


def _interrupted(dispatcher: Dispatcher) -> None:
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        list(dispatcher.evaluate([Request(loss, 0) for loss in ordinary(4)]))
    finally:
        timer.join()
        signal.signal(signal.SIGINT, previous)


def test_devices_are_those_that_tensorflow_lists() -> None:
    assert devices_module.logical_devices() == ["CPU:0"]
    assert not devices_module.several_gpus()


def test_ray_refuses_code_that_workers_cannot_import(tmp_path) -> None:
    needs_ray()

    class Local(ScriptedTask):
        pass

    strategy = plugins.load("glo_tf.strategies", "ray")()
    with pytest.raises(ValueError, match="a model function that workers can import by its name"):
        strategy.start(Local(str(tmp_path)))
    assert pickle.dumps(ScriptedTask(str(tmp_path)))


def test_ray_says_what_a_worker_misses(tmp_path) -> None:
    needs_ray()
    strategy = plugins.load("glo_tf.strategies", "ray")(num_workers=1)
    dispatcher = make_dispatcher(ScriptedTask(str(tmp_path)), strategy)
    with pytest.raises(TrainingError, match=r"is missing here: .*scripted_task"):
        list(dispatcher.evaluate([Request(ordinary(1)[0], 0)]))
    dispatcher.close()


def test_ray_says_that_it_cannot_reach_a_cluster() -> None:
    needs_ray()
    make = plugins.load("glo_tf.strategies", "ray")
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "here"):
        with pytest.raises(ValueError, match=f"Received: ray_address='{address}'"):
            make(address=address)
