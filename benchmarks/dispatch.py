"""How well workers are kept busy, and what that costs the driver.

    python benchmarks/dispatch.py --output=docs/results/dispatch.json

Candidates sleep, so that 64 workers fit on two cores: this measures dispatch, not training. A
generation holds ten candidates a worker. The peers hand out the same sleeps without a study,
retries or order: `concurrent.futures.ThreadPoolExecutor` and `ray.util.ActorPool`. Overhead is the
wall time of a candidate that does not sleep at all. The study lies on disk.
"""

from __future__ import annotations

import concurrent.futures
import logging
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags
from memory import resident_bytes
from reporting import report, write
from sleep_task import SleepTask

from glo_tf import search_spaces
from glo_tf.display.callbacks import Callback, Generation
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.operators import GloOperators
from glo_tf.search.output_folder import OutputFolder
from glo_tf.search.run import SearchRun
from glo_tf.search.settings import SearchSettings
from glo_tf.strategies import Strategy
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

FLAGS = flags.FLAGS
flags.DEFINE_list("parts", ["utilization", "overhead", "memory"], "What to measure.")
flags.DEFINE_list("workers", ["1", "4", "16", "64"], "Numbers of workers.")
flags.DEFINE_integer("generation", 10, "Candidates a worker.")
flags.DEFINE_integer("overhead_candidates", 2000, "Candidates that do not sleep.")
flags.DEFINE_integer("rounds", 5, "Rounds of those.")
flags.DEFINE_integer("evaluations", 100_000, "Evaluations after which memory is read.")

LOSS = Expression.parse("-(x*log(y))")


def requests(count: int, start: int = 0) -> list[Request]:
    return [Request(Candidate(LOSS), seed) for seed in range(start, start + count)]


def study_in(folder: str, task: SleepTask, name: str) -> Study:
    return Study.open(pathlib.Path(folder, f"{name}.db"), task.description, {})


def evaluate(dispatcher: Dispatcher, asked: Sequence[Request]) -> float:
    began = time.perf_counter()
    count = sum(1 for _ in dispatcher.evaluate(asked))
    assert count == len(asked)
    return time.perf_counter() - began


def devices(workers: int) -> Strategy:
    return DevicesStrategy([f"CPU:{number}" for number in range(workers)])


def ray_actors(workers: int) -> Strategy:
    from glo_tf.strategies.ray import RayStrategy

    return RayStrategy(num_workers=workers, num_cpus=0.01, num_gpus=0)


def until_all_are_ready(strategy: Strategy, workers: int) -> None:
    while len(strategy.workers()) < workers:
        strategy.wait()


def thread_pool(task: SleepTask, workers: int) -> Callable[[int], float]:
    pool = concurrent.futures.ThreadPoolExecutor(workers)

    def run(count: int) -> float:
        began = time.perf_counter()
        list(pool.map(task.evaluate, requests(count)))
        return time.perf_counter() - began

    return run


def actor_pool(task: SleepTask, workers: int) -> Callable[[int], float]:
    """Has to be called while Ray is connected."""
    import ray

    actor = ray.remote(SleepTask).options(num_cpus=0.01)
    actors = [actor.remote(task.seconds) for _ in range(workers)]
    ray.get([actor.evaluate.remote(Request(Candidate(LOSS), 10**9)) for actor in actors])
    pool = ray.util.ActorPool(actors)

    def run(count: int) -> float:
        began = time.perf_counter()
        list(pool.map(lambda actor, request: actor.evaluate.remote(request), requests(count)))
        return time.perf_counter() - began

    return run


STRATEGIES: dict[str, tuple[Callable[[int], Strategy], str, Callable[..., Any]]] = {
    "devices": (devices, "ThreadPoolExecutor", thread_pool),
    "ray": (ray_actors, "ray.util.ActorPool", actor_pool),
}


def utilization(folder: str, name: str, workers: int) -> dict[str, Any]:
    make, peer, make_peer = STRATEGIES[name]
    task, strategy = SleepTask(1.0), make(workers)
    dispatcher = Dispatcher(task, strategy, study_in(folder, task, f"{name}{workers}"))
    count = workers * FLAGS.generation
    # Workers that are being started are no matter of dispatch.
    evaluate(dispatcher, requests(1, start=10**6))
    until_all_are_ready(strategy, workers)
    wall = evaluate(dispatcher, requests(count))
    peer_wall = make_peer(task, workers)(count)
    dispatcher.close()
    work = sum(task.seconds_of(seed) for seed in range(count))
    return {
        "strategy": name,
        "workers": workers,
        "candidates": count,
        "utilization in %": 100 * work / (workers * wall),
        "peer": peer,
        "peer's utilization in %": 100 * work / (workers * peer_wall),
    }


def overhead(folder: str, name: str, workers: int) -> dict[str, Any]:
    make, peer, make_peer = STRATEGIES[name]
    task, strategy = SleepTask(0.0), make(workers)
    dispatcher = Dispatcher(task, strategy, study_in(folder, task, f"{name} overhead {workers}"))
    evaluate(dispatcher, requests(10 * workers, start=10**6))
    until_all_are_ready(strategy, workers)
    run_peer = make_peer(task, workers)
    count = FLAGS.overhead_candidates
    own, others = [], []
    for number in range(FLAGS.rounds):
        own.append(1e3 * evaluate(dispatcher, requests(count, start=number * count)) / count)
        others.append(1e3 * run_peer(count) / count)
    dispatcher.close()
    return {
        "strategy": name,
        "workers": workers,
        "ms a candidate": statistics.median(own),
        "least": min(own),
        "most": max(own),
        "peer": peer,
        "peer's ms a candidate": statistics.median(others),
    }


def memory(folder: str) -> dict[str, Any]:
    """Of a driver that has handed out distinct losses in generations of 1,000."""
    task = SleepTask(0.0)
    dispatcher = Dispatcher(task, LocalStrategy(), study_in(folder, task, "memory"))
    readings, began = {}, time.perf_counter()
    for start in range(0, FLAGS.evaluations, 1000):
        losses = [LOSS.with_coefficients((-1.0, 1.0, 1.0, start + n)) for n in range(1000)]
        evaluate(dispatcher, [Request(Candidate(loss), 0) for loss in losses])
        readings[start + 1000] = resident_bytes() / 2**20
    seconds = time.perf_counter() - began
    dispatcher.close()
    size = pathlib.Path(folder, "memory.db").stat().st_size
    return {
        "driver": "dispatch alone",
        "evaluations": FLAGS.evaluations,
        "MiB after 1,000": readings[1000],
        "MiB at the end": readings[FLAGS.evaluations],
        "study.db, MiB": size / 2**20,
        "ms an evaluation": 1e3 * seconds / FLAGS.evaluations,
    }


def search_memory(folder: str) -> dict[str, Any]:
    """Of a whole search, which keeps its history: 1,000 candidates a generation."""
    space = search_spaces.glo()
    settings = SearchSettings(
        search_space=space,
        operators=GloOperators(space, node_mutation_probability=0.3),
        population_size=1000,
        elites=10,
        generations=FLAGS.evaluations // 1000,
        coefficient_expressions=0,
        coefficient_generations=0,
        coefficient_population_size=None,
        coefficient_sigma0=1.5,
        finalists=0,
        finalist_seeds=1,
        comparison_seeds=0,
        screening="none",
        racing=False,
        seed=0,
    )
    readings: list[float] = []

    class MemoryLog(Callback):
        """Reads the memory after each generation."""

        def on_generation(self, generation: Generation) -> None:
            readings.append(resident_bytes() / 2**20)

    task = SleepTask(0.0)
    output = OutputFolder(pathlib.Path(folder, "search"), task.description, settings.description())
    dispatcher = Dispatcher(task, LocalStrategy(), output.open_study())
    began = time.perf_counter()
    SearchRun(task, settings, dispatcher, output, callbacks=[MemoryLog()]).execute()
    seconds = time.perf_counter() - began
    dispatcher.close()
    return {
        "driver": "whole search",
        "evaluations": 1000 * len(readings),
        "MiB after 1,000": readings[0],
        "MiB at the end": readings[-1],
        "study.db, MiB": (output.path / output.STUDY).stat().st_size / 2**20,
        "ms an evaluation": 1e3 * seconds / (1000 * len(readings)),
    }


def main(_: list[str]) -> None:
    logging.getLogger("glo_tf").setLevel(logging.WARNING)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["PYTHONPATH"] = str(pathlib.Path(__file__).parent)  # Ray's workers import the task
    import tensorflow as tf

    workers = [int(number) for number in FLAGS.workers]
    (cpu,) = tf.config.list_physical_devices("CPU")
    device = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [device] * max(workers))
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "utilization": lambda: [utilization(folder, s, n) for n in workers for s in STRATEGIES],
            "overhead": lambda: [overhead(folder, s, n) for n in workers for s in STRATEGIES],
            "memory": lambda: [memory(folder), search_memory(folder)],
        }
        rows = []
        for part in FLAGS.parts:
            rows.append(parts[part]())
            report(part, rows[-1], None)
    if FLAGS.output:
        write([row for part in rows for row in part], FLAGS.output)


if __name__ == "__main__":
    app.run(main)
