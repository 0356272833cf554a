"""Ray clusters of one and two nodes on this machine; workers and a node that die in mid-search."""

import contextlib
import functools
import os
import pathlib
import re
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import processes
import psutil
import pytest
from processes import needs_ray

from glo_tf import datasets
from glo_tf.architectures import NamedArchitecture
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.results.record import Record
from glo_tf.results.search_result import SearchResult
from glo_tf.search.callbacks import Callback
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


@contextlib.contextmanager
def cluster_of(nodes: int) -> "Iterator[Cluster]":
    """A cluster of so many nodes, with one CPU each."""
    needs_ray()
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def cluster() -> "Iterator[Cluster]":
    """One of two nodes, which no test takes from it."""
    with cluster_of(2) as cluster:
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


def test_a_search_on_one_node_gives_the_history_of_local(tmp_path, blank_figures) -> None:
    with cluster_of(1) as cluster:
        _check_history(cluster, tmp_path)


def test_a_search_on_two_nodes_gives_the_history_of_local(cluster, tmp_path, blank_figures) -> None:
    _check_history(cluster, tmp_path)


def _check_history(cluster: "Cluster", folder: pathlib.Path) -> None:
    result = search(RayStrategy(cluster.address, num_cpus=1), output_dir=folder)
    assert same(result)
    nodes = {re.search("node (.*) process", where)[1] for where in _where(folder)}
    assert len(nodes) == len(cluster.list_all_nodes())


class Killer(Callback):
    """Kills after some trainings; what and how is the test's business."""

    def __init__(self, kill, after: tuple[int, ...]) -> None:
        self.kill = kill
        self.after = after
        self.trained = 0

    def on_evaluation(self, record: Record) -> None:
        self._count(record.steps > 0)

    def on_retraining(self, stage: str, evaluation) -> None:
        self._count(True)

    def _count(self, trained: bool) -> None:
        self.trained += trained
        if trained and self.trained in self.after:
            self.kill()


def test_workers_and_a_node_that_die_cost_nothing_but_time(tmp_path, blank_figures) -> None:
    with cluster_of(2) as cluster:
        _check_deaths(cluster, tmp_path)


def _check_deaths(cluster: "Cluster", folder: pathlib.Path) -> None:
    strategy = RayStrategy(cluster.address, num_cpus=1)
    killed = []

    def kill_workers() -> None:
        for slot in strategy._slots.values():
            if slot.where:
                killed.append(int(slot.where.rpartition(" ")[2]))
                os.kill(killed[-1], signal.SIGKILL)

    def kill_node() -> None:
        node = cluster.list_all_nodes()[1]
        killed.append(node)
        cluster.remove_node(node, allow_graceful=False)

    killers = [Killer(kill_workers, after=(2, 6)), Killer(kill_node, after=(9,))]
    result = search(strategy, killers, output_dir=folder, candidate_retries=5)
    assert len(killed) >= 4
    assert same(result)


def test_candidates_that_kill_hang_or_exhaust_their_worker(cluster, tmp_path, monkeypatch) -> None:
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
        strategy = RayStrategy(cluster.address, num_cpus=1)
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
