"""What oneDNN is worth on this CPU: training with it and without it, beside PyTorch.

    python benchmarks/onednn.py --output=docs/results/onednn_NAME.json

Whether TensorFlow uses oneDNN is decided as it is imported, by `TF_ENABLE_ONEDNN_OPTS` or else by
the CPU. So three processes take turns within each round: TensorFlow with oneDNN off, TensorFlow
with it on, and PyTorch. A ratio is the median over the rounds of two speeds of the same round.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from absl import app, flags
from convolutional import NETWORKS, interleave, tensorflow_trainings, timed, torch_trainings
from reporting import report, spread

from glo_tf.utils import onednn

FLAGS = flags.FLAGS
flags.DEFINE_multi_enum("cases", list(NETWORKS), list(NETWORKS), "What to measure.")
flags.DEFINE_integer("rounds", 7, "Rounds, after one that is not counted.")
flags.DEFINE_float("seconds", 3.0, "About how long a contender trains per round.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

PROCESSES = {
    "off": (tensorflow_trainings, "0"),
    "on": (tensorflow_trainings, "1"),
    "PyTorch": (torch_trainings, "1"),
}


def serve(connection: Connection, process: str, case: str, seconds: float) -> None:
    """Tells the names of the contenders, then measures each one that is asked for."""
    make, _ = PROCESSES[process]
    contenders = {name: timed(run, seconds) for name, run in make(NETWORKS[case]).items()}
    connection.send(list(contenders))
    while (name := connection.recv()) is not None:
        connection.send(contenders[name]())


def measure(case: str) -> dict[tuple[str, str], list[float]]:
    """Speeds by contender and process."""
    context = multiprocessing.get_context("spawn")
    contenders: dict[tuple[str, str], Callable[[], float]] = {}
    connections = []

    def asked(connection: Connection, name: str) -> Callable[[], float]:
        def ask() -> float:
            connection.send(name)
            return float(connection.recv())

        return ask

    for process, (_, setting) in PROCESSES.items():
        os.environ[onednn.VARIABLE] = setting
        connection, theirs = context.Pipe()
        context.Process(
            target=serve, args=(theirs, process, case, FLAGS.seconds), daemon=True
        ).start()
        theirs.close()
        connections.append(connection)
        contenders |= {(name, process): asked(connection, name) for name in connection.recv()}
    speeds = interleave(contenders, FLAGS.rounds)
    for connection in connections:
        connection.send(None)
    return speeds


def rows_of(case: str, speeds: dict[tuple[str, str], list[float]]) -> list[dict[str, Any]]:
    peers = [values for (_, process), values in speeds.items() if process == "PyTorch"]
    fastest = [max(values) for values in zip(*peers, strict=True)]
    rows = []
    for (name, process), values in speeds.items():
        without = speeds.get((name, "off"))
        gain = process == "on" and without is not None
        rows.append(
            {
                "case": NETWORKS[case].title,
                "contender": name,
                "oneDNN": process if process != "PyTorch" else "",
                "steps per second": spread(values, 1),
                "by the fastest PyTorch": spread(_ratios(values, fastest)),
                "by the same without oneDNN": spread(_ratios(values, without)) if gain else "",
            }
        )
    return rows


def _ratios(values: list[float], others: list[float]) -> list[float]:
    return [value / other for value, other in zip(values, others, strict=True)]


def main(_: list[str]) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = [row for case in FLAGS.cases for row in rows_of(case, measure(case))]
    more = {"cpu": cpu(), "on by TensorFlow's own choice": own_choice()}
    report("oneDNN off and on: median of the rounds (range)", rows, FLAGS.output, more)


def cpu() -> dict[str, Any]:
    """The CPU's name and what it can do, as Linux says it; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8").split("\n\n")[0]
    fields = [line.partition(":") for line in text.splitlines()]
    values = {name.strip(): value.strip() for name, _, value in fields}
    names = ("vendor_id", "model name", "cpu family", "model", "flags")
    return {name: values[name] for name in names if name in values}


def own_choice() -> bool:
    """Whether TensorFlow turns oneDNN on where nothing is set."""
    os.environ[onednn.VARIABLE] = "-1"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(onednn.is_on)


if __name__ == "__main__":
    app.run(main)
