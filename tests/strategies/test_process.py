"""Candidates that crash or hang their worker process; a worker process whose parent dies."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import hanging_clock
import psutil
import pytest

from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.strategies import TrainingError
from glo_tf.strategies.local import LocalStrategy
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

pytestmark = pytest.mark.usefixtures("started_workers")

CRASHES = {
    "SIGSEGV": lambda: ctypes.string_at(0),
    "SIGABRT": os.abort,
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit code 0": lambda: os._exit(0),
}


def crashing(folder, crash, times: int) -> ScriptedTask:
    """A task that crashes with `scripted.DIE`; its class can be imported nowhere."""

    class Crashing(ScriptedTask):
        def make_trainer(self):
            return self

        def evaluate(self, request, check=lambda: None):
            print("now", request.loss, flush=True)
            earlier = self.trainings() if request.loss == scripted.DIE else []
            if earlier.count(f"{request.loss}") < times and request.loss == scripted.DIE:
                with open(os.path.join(self.folder, "trainings.txt"), "a") as file:
                    file.write(f"{request.loss}\n")
                crash()
            return super().evaluate(request, check)

        def trainings(self):
            path = os.path.join(self.folder, "trainings.txt")
            return super().trainings() if os.path.exists(path) else []

    return Crashing(str(folder), times=0)


def worker_processes() -> list[psutil.Process]:
    """Those that this process has; other tests may have left children of other kinds."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended, as some of Ray's do
            if "glo_tf.strategies.process" in str(child.cmdline()):
                found.append(child)
    return found


def evaluate(task, losses, **policy) -> tuple[list, list[tuple]]:
    study = Study.in_memory(task.description)
    dispatcher = Dispatcher(task, LocalStrategy(process=True), study, FailurePolicy(**policy))
    try:
        evaluations = list(dispatcher.evaluate([Request(Candidate(loss), 0) for loss in losses]))
    finally:
        dispatcher.close()
    query = "SELECT tries, reason FROM evaluations WHERE status = 'failed'"
    return evaluations, study._connection.execute(query).fetchall()


def test_a_crash_is_tried_again(tmp_path) -> None:
    losses = [*ordinary(2), scripted.DIE, *ordinary(4)]
    task = crashing(tmp_path, CRASHES["SIGSEGV"], times=1)
    evaluations, failed = evaluate(task, losses)
    assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
    assert failed == []


@pytest.mark.parametrize("how", CRASHES)
def test_a_candidate_that_goes_on_to_crash_has_failed(tmp_path, how, caplog) -> None:
    losses = [*ordinary(1), scripted.DIE, *ordinary(2)[1:]]
    with caplog.at_level(logging.INFO, "glo_tf"):
        task = crashing(tmp_path, CRASHES[how], times=1_000)
        evaluations, failed = evaluate(task, losses)
    assert [e.status for e in evaluations] == ["ok", "failed", "ok"]
    ((tries, reason),) = failed
    assert tries == 2
    assert reason.startswith("worker lost: the worker process ")
    assert how in reason
    assert f"Worker process: now {losses[0]}" in caplog.messages
    crashed = [m for m in caplog.messages if m.startswith("Worker process: Fatal Python error")]
    assert len(crashed) == (2 if how in ("SIGSEGV", "SIGABRT") else 0)
    assert (" at File " in reason) == bool(crashed)


def test_a_training_that_hangs_ends_with_its_process(tmp_path, monkeypatch, caplog) -> None:
    task = ScriptedTask(str(tmp_path))
    hanging_clock.install(monkeypatch, task)
    losses = [scripted.HANG, *ordinary(2)]
    study = Study.in_memory(task.description)
    policy = FailurePolicy(candidate_timeout=hanging_clock.TIMEOUT)
    strategy = LocalStrategy()
    dispatcher = Dispatcher(task, strategy, study, policy)
    with caplog.at_level(logging.WARNING, "glo_tf"):
        evaluations = list(dispatcher.evaluate([Request(Candidate(loss), 0) for loss in losses]))
    assert sum("hangs" in message for message in caplog.messages) == 2
    assert not strategy.shares_process
    dispatcher.close()
    assert [e.status for e in evaluations] == ["failed", "ok", "ok"]
    assert task.trainings().count(str(scripted.HANG)) == 2
    assert not worker_processes()


def test_a_process_that_dies_between_trainings_costs_none(tmp_path) -> None:
    strategy = LocalStrategy(process=True)
    strategy.start(ScriptedTask(str(tmp_path)))
    for loss in ordinary(2):
        strategy.submit(Request(Candidate(loss), 0), "local")
        (result,) = strategy.wait()
        assert getattr(result.outcome, "fitness", result.outcome) == fitness_of(loss)
        (child,) = worker_processes()
        assert result.where.endswith(f" process {child.pid}")
        child.kill()
        # All its threads have to end; it stays for the strategy to wait for.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    strategy.close()


def test_a_process_that_cannot_start_ends_the_search_with_the_cause(tmp_path) -> None:
    class Dying(ScriptedTask):
        def prepare_process(self):
            os._exit(7)

    with pytest.raises(TrainingError, match=r"to start\. Received, 3 times: .* exit code 7"):
        evaluate(Dying(str(tmp_path)), ordinary(1))
    assert not worker_processes()


def test_a_task_that_cannot_be_sent_is_refused(tmp_path) -> None:
    lock = threading.Lock()

    class Locked(ScriptedTask):
        def make_trainer(self):
            return lock

    with pytest.raises(ValueError, match=r"worker process.*candidate_timeout.*Received: .*lock"):
        LocalStrategy().start(Locked(str(tmp_path)), candidate_timeout=1.0)


@pytest.mark.slow
def test_lambdas_are_sent_with_what_they_close_over() -> None:
    import keras
    import tensorflow as tf

    from glo_tf.strategies.local import local
    from glo_tf.testing.small_task import small_data
    from glo_tf.training.task import TrainingTask

    units = 3

    class Through(keras.layers.Layer):
        def call(self, inputs):
            outputs = tf.py_function(lambda given: given, [inputs], tf.float32)
            outputs.set_shape(inputs.shape)
            return outputs

    def build():
        layers = [keras.Input((4,)), Through(), keras.layers.Dense(units, "softmax")]
        return keras.Sequential(layers)

    build()  # TensorFlow counts the functions of a process
    data = small_data((4,), 3, 64, seed=1)
    metric = lambda y_true, y_pred: y_pred[:, 0] * units  # noqa: E731
    task = TrainingTask.define(
        lambda: build(),
        "adam",
        data,
        data,
        train_steps=5,
        batch_size=16,
        metric=metric,
        metric_mode="max",
        jit_compile=False,
    )
    outcomes = []
    for process in (False, True):
        strategy = local(process=process)
        strategy.start(task)
        strategy.submit(Request(Candidate(Expression.parse("-(x*log(y))")), 0), "local")
        outcomes += [result.outcome for result in strategy.wait()]
        strategy.close()
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].fitness > 0.0


@pytest.mark.parametrize("training", [False, True])
def test_a_process_ends_with_its_parent(tmp_path, training) -> None:
    code = (
        "import sys, time, psutil\n"
        "from glo_tf.training.candidate import Candidate\n"
        "from glo_tf.training.trial import Request\n"
        "from glo_tf.strategies.local import local\n"
        "from glo_tf.testing.scripted_task import ScriptedTask, ordinary\n"
        "strategy = local(process=True)\n"
        f"strategy.start(ScriptedTask({str(tmp_path)!r}, seconds=600.0))\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "strategy.submit(Request(Candidate(ordinary(1)[0]), 0), 'local')\n"
        "strategy.wait() if int(sys.argv[1]) else time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(int(training))], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        while training and not (tmp_path / "trainings.txt").exists():
            time.sleep(0.02)
        parent.kill()
    assert not psutil.wait_procs([child])[1]
