"""Every registered strategy, by its registration: same results, retries, errors, no left-overs."""

import os
import pathlib
import pickle
import signal
import threading

import hanging_clock
import processes
import pytest
from processes import needs_ray, wait_for

from glo_tf import plugins
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.plugins.options import OptionValue
from glo_tf.strategies import Strategy, TrainingError
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.testing import StrategyTestCase, registered
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.training.backends import backend
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

globals().update(registered(StrategyTestCase, "glo_tf"))


@pytest.mark.slow
class Test_local_process(StrategyTestCase):  # noqa: N801 (as the generated ones)
    name = "local"
    options = {"process": True}


@pytest.mark.ray
class Test_ray(StrategyTestCase):  # noqa: N801 (takes the generated one's place)
    name = "ray"

    @pytest.fixture
    def plugin_options(self, ray_cluster) -> dict[str, OptionValue]:
        return {"address": ray_cluster.address, "num_workers": 2, "num_cpus": 1.0}


@pytest.mark.ray
def test_ray_starts_and_ends_a_cluster_of_its_own() -> None:
    """In a process of its own: after one that it has ended, Ray runs nothing on another one."""
    needs_ray()
    tests = pathlib.Path(__file__).with_name("ray_of_its_own.py")
    done = processes.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests))
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def make_dispatcher(task: ScriptedTask, strategy: Strategy, **policy) -> Dispatcher:
    study = Study.in_memory(task.description)
    return Dispatcher(task, strategy, study, FailurePolicy(**policy))


def test_a_thread_that_hangs_is_left_behind(tmp_path, monkeypatch) -> None:
    released = threading.Event()
    monkeypatch.setitem(scripted.MISBEHAVIOUR, scripted.HANG, lambda _: released.wait())
    task = ScriptedTask(str(tmp_path), times=1)
    hanging_clock.install(monkeypatch, task)
    timeout = hanging_clock.TIMEOUT
    dispatcher = make_dispatcher(task, DevicesStrategy(["CPU:0"]), candidate_timeout=timeout)
    losses = [*ordinary(2), scripted.HANG, *ordinary(4)]
    evaluations = list(dispatcher.evaluate([Request(Candidate(loss), 0) for loss in losses]))
    assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
    dispatcher.close()
    released.set()


def test_closing_ends_the_threads_and_what_they_train(tmp_path) -> None:
    task = ScriptedTask(str(tmp_path), seconds=600.0)
    strategy = DevicesStrategy(["CPU:0", "CPU"])
    dispatcher = make_dispatcher(task, strategy)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(dispatcher, tmp_path / "trainings.txt")
    threads = list(strategy._threads.values())
    dispatcher.close()
    assert len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)


def _interrupted(dispatcher: Dispatcher, trainings: pathlib.Path) -> None:
    def interrupt() -> None:
        wait_for(trainings.exists)
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupter.start()
    try:
        list(dispatcher.evaluate([Request(Candidate(loss), 0) for loss in ordinary(4)]))
    finally:
        interrupter.join()
        signal.signal(signal.SIGINT, previous)


def test_devices_are_those_that_tensorflow_lists() -> None:
    assert backend().logical_devices() == ["CPU:0"]
    assert not backend().several_gpus()


@pytest.mark.ray
def test_ray_refuses_code_that_workers_cannot_import(tmp_path) -> None:
    needs_ray()

    class Local(ScriptedTask):
        pass

    strategy = plugins.load("glo_tf.strategies", "ray")()
    with pytest.raises(ValueError, match="a model function that workers can import by its name"):
        strategy.start(Local(str(tmp_path)))
    assert pickle.dumps(ScriptedTask(str(tmp_path)))


class NotInstalled(ScriptedTask):
    """Of a module that workers cannot import."""


@pytest.mark.ray
def test_ray_says_what_a_worker_misses(tmp_path, ray_cluster) -> None:
    strategy = plugins.load("glo_tf.strategies", "ray")(address=ray_cluster.address, num_workers=1)
    dispatcher = make_dispatcher(NotInstalled(str(tmp_path)), strategy)
    with pytest.raises(TrainingError, match=r"is missing here: .*No module named"):
        list(dispatcher.evaluate([Request(Candidate(ordinary(1)[0]), 0)]))
    dispatcher.close()


@pytest.mark.ray
def test_ray_says_that_it_cannot_reach_a_cluster() -> None:
    needs_ray()
    make = plugins.load("glo_tf.strategies", "ray")
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "here"):
        with pytest.raises(ValueError, match=f"Received: ray_address='{address}'"):
            make(address=address)
