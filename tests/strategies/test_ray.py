"""Ray clusters on this machine; workers and a node that die in mid-search, until one is left."""

import contextlib
import functools
import os
import pathlib
import re
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import processes
import psutil
import pytest
from ray_clusters import cluster_of

from glo_tf import datasets
from glo_tf.architectures import NamedArchitecture
from glo_tf.display.callbacks import Callback
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.results.record import Record
from glo_tf.results.search_result import SearchResult
from glo_tf.search.loss_search import LossSearch
from glo_tf.strategies import worker
from glo_tf.strategies.ray import RayStrategy
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster


pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def small_cluster() -> "Iterator[Cluster]":
    """One of one node; a test that adds nodes takes them away."""
    with cluster_of(1) as cluster:
        yield cluster


def search(strategy, callbacks=(), **arguments) -> SearchResult:
    data = datasets.digits()
    return LossSearch(
        NamedArchitecture("mlp", data.input_shape, data.num_classes),
        (data.x_train, data.y_train),
        (data.x_validation, data.y_validation),
        optimizer={"class_name": "SGD", "config": {"learning_rate": 0.1}},
        train_steps=100,
        population_size=20,
        generations=3,
        coefficient_generations=2,
        finalists=2,
        comparison_seeds=1,
        jit_compile=False,
        seed=3,
        strategy=strategy,
        callbacks=callbacks,
        **arguments,
    ).run()


@functools.cache
def reference() -> SearchResult:
    return search("local")


def same(result: SearchResult) -> bool:
    return (result.records, result.confirmation, result.comparison) == (
        reference().records,
        reference().confirmation,
        reference().comparison,
    )


def test_a_search_gives_the_history_of_local(ray_cluster, tmp_path) -> None:
    result = search(RayStrategy(ray_cluster.address, num_cpus=1), output_dir=tmp_path)
    assert same(result)
    where = {re.search("node (.*) process", where)[1] for where in _where(tmp_path)}
    assert len(where) == len(ray_cluster.list_all_nodes()) == 2


class Killer(Callback):
    """Kills after some trainings; what and how is the test's business.

    Where there is nothing to kill by then, it does so later.
    """

    def __init__(self, kill: Callable[[], int], *after: int) -> None:
        self.kill = kill
        self.after = [*after]
        self.trained = 0

    def on_evaluation(self, record: Record) -> None:
        self._count(record.steps > 0)

    def on_retraining(self, stage: str, evaluation) -> None:
        self._count(True)

    def _count(self, trained: bool) -> None:
        self.trained += trained
        if self.after and self.trained >= self.after[0] and self.kill():
            self.after.pop(0)


def test_workers_and_a_node_that_die_cost_nothing_but_time(small_cluster, tmp_path) -> None:
    node = small_cluster.add_node(num_cpus=1)
    strategy = RayStrategy(small_cluster.address, num_cpus=1)

    def kill_workers() -> int:
        killed = 0
        for slot in strategy._slots.values():
            with contextlib.suppress(ProcessLookupError):  # it is dead, and not replaced yet
                if slot.ready:
                    os.kill(int(slot.where.rpartition(" ")[2]), signal.SIGKILL)
                    killed += 1
        return killed

    def kill_node() -> int:
        small_cluster.remove_node(node, allow_graceful=False)
        return 1

    killers = [Killer(kill_workers, 2, 6), Killer(kill_node, 9)]
    result = search(strategy, killers, output_dir=tmp_path, candidate_retries=5)
    assert not any(killer.after for killer in killers)
    assert same(result)


def test_candidates_that_kill_hang_or_exhaust_their_worker(
    ray_cluster, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(worker, "GRACE", 3.0)
    losses = [
        *ordinary(3),
        scripted.DIE,
        scripted.HANG,
        scripted.OUT_OF_MEMORY,
        scripted.SLOW,
        *ordinary(8)[3:],
    ]
    for times, expected in ((1, "ok"), (1_000, "failed")):
        folder = tmp_path / str(times)
        folder.mkdir()
        task = ScriptedTask(str(folder), times=times)
        study = Study.in_memory(task.description)
        strategy = RayStrategy(ray_cluster.address, num_cpus=1)
        policy = FailurePolicy(candidate_timeout=1.0, candidate_retries=1)
        dispatcher = Dispatcher(task, strategy, study, policy)
        evaluations = list(dispatcher.evaluate([Request(Candidate(loss), 0) for loss in losses]))
        dispatcher.close()
        for loss, evaluation in zip(losses, evaluations, strict=True):
            special = loss in scripted.MISBEHAVIOUR
            assert evaluation.status == (expected if special else "ok")
            assert evaluation.fitness == (fitness_of(loss) if evaluation.status == "ok" else 0.0)
        began = task.trainings()
        assert len(began) == len(losses) + 4  # each of the four was tried twice
        reasons = {
            reason.partition(":")[0]
            for (reason,) in study._connection.execute(
                "SELECT reason FROM evaluations WHERE status = 'failed'"
            )
        }
        assert reasons == (
            set() if expected == "ok" else {"worker lost", "timeout", "out of memory"}
        )
    processes.wait_for(no_worker_is_left)


def test_lanes_of_actors_are_kept_busy_and_one_that_dies_costs_time_alone(
    ray_cluster, tmp_path
) -> None:
    losses = [*ordinary(4), scripted.DIE, *ordinary(12)[4:]]
    task = ScriptedTask(str(tmp_path), times=1, seconds=0.02, lanes=3)
    study = Study.in_memory(task.description)
    strategy = RayStrategy(ray_cluster.address, num_cpus=1, num_workers=2)
    dispatcher = Dispatcher(task, strategy, study, FailurePolicy(candidate_retries=2))
    evaluations = list(dispatcher.evaluate([Request(Candidate(loss), 0) for loss in losses]))
    names = {f"ray-{actor} lane {lane}" for actor in range(2) for lane in range(3)}
    assert set(strategy._slot_of) == names
    dispatcher.close()
    assert [(one.loss, one.fitness) for one in evaluations] == [
        (loss, fitness_of(loss)) for loss in losses
    ]
    assert task.trainings().count(str(scripted.DIE)) == 2


def no_worker_is_left() -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):  # it ended in this moment; asked again
        children = psutil.Process().children(recursive=True)
        return not any("_Worker" in child.name() for child in children)
    return False


def _where(folder: pathlib.Path) -> list[str]:
    import sqlite3

    connection = sqlite3.connect(folder / "study.db")
    rows = connection.execute("SELECT DISTINCT worker FROM evaluations WHERE trained").fetchall()
    connection.close()
    return [where for (where,) in rows]
