"""Memory of a search over 1,000 trainings and more, and of a process over several searches.

    python benchmarks/memory.py --output=docs/results/memory.json
    python benchmarks/memory.py --searches=8 --output=docs/results/searches_memory.json

The plain algorithm on digits, so that every new loss is trained, and then the coefficients of five
expressions, each with a training compiled for it. Resident memory is read after every training. The
start is the mean of trainings 11 to 30, when all that stays has been compiled; the end is the mean
of the last 20 of each phase.

With `--searches`, small searches one after the other instead, with XLA and without; resident memory
is read after each, when Python's garbage has been collected. Each part has a process of its own.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import statistics
from typing import Any

from absl import app, flags
from digits_task import digits_task
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_integer("generations", 40, "Generations of 80 candidates in the discovery phase.")
flags.DEFINE_integer("searches", 0, "Searches in one process; 0 for one long search.")
flags.DEFINE_string("output", None, "JSON file for the figures.")


def resident_bytes() -> int:
    """Memory of this process."""
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if FLAGS.searches:
        report("Resident memory of searches in one process", searches(), FLAGS.output)
    else:
        one_search()


def searches() -> list[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    rows = []
    for jit_compile in (True, False):
        with context.Pool(1) as pool:
            readings = pool.apply(search_repeatedly, (FLAGS.searches, jit_compile))
        rows.append(
            {
                "XLA": "used" if jit_compile else "not used",
                "MiB after each search": ", ".join(f"{value:.0f}" for value in readings),
                "MiB a search, from the second on": (readings[-1] - readings[1])
                / (len(readings) - 2),
            }
        )
    return rows


def search_repeatedly(count: int, jit_compile: bool) -> list[float]:
    """MiB after each search."""
    from glo_tf import LossSearch

    readings = []
    for _ in range(count):
        LossSearch(
            **{**digits_task(), "train_steps": 20},
            population_size=12,
            elites=2,
            generations=2,
            coefficient_generations=2,
            finalists=2,
            finalist_seeds=1,
            comparison_seeds=1,
            jit_compile=jit_compile,
        ).run()
        gc.collect()
        readings.append(resident_bytes() / 2**20)
    return readings


def one_search() -> None:
    from glo_tf import LossSearch
    from glo_tf.display.callbacks import Callback
    from glo_tf.results.record import Record

    readings: dict[str, list[int]] = {}

    class MemoryLog(Callback):
        """Reads the memory after each training."""

        def on_evaluation(self, record: Record) -> None:
            if record.steps:
                readings.setdefault(record.phase, []).append(resident_bytes())

    LossSearch(
        **digits_task(),
        population_size=80,
        elites=4,
        generations=FLAGS.generations,
        coefficient_expressions=5,
        coefficient_generations=10,
        finalists=0,
        comparison_seeds=0,
        screening="none",
        callbacks=[MemoryLog()],
    ).run()

    mebi = 2**20
    start = statistics.fmean(next(iter(readings.values()))[10:30])
    rows = []
    trainings = 0
    for phase, values in readings.items():
        trainings += len(values)
        end = statistics.fmean(values[-20:])
        rows.append(
            {
                "up to the end of phase": phase,
                "trainings": trainings,
                "MiB at the start": round(start / mebi),
                "MiB at the end": round(end / mebi),
                "growth in %": 100 * (end / start - 1),
                "growth in % per 1,000 trainings": 100 * (end / start - 1) * 1000 / trainings,
                "highest reading, MiB": round(max(values) / mebi),
            }
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    report(f"Resident memory; peak of the process {peak / mebi:.0f} MiB", rows, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
