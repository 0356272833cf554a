"""What it costs that a name may be that of an installed package's node.

    python benchmarks/unknown_names.py --output=docs/results/unknown_names.json

Refuses expressions with names that nobody knows, and for comparison reads the entry points of all
installed packages as often as that was done before, twice for each: to look for the name, and to
list the known ones in the message.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable

from absl import app, flags
from reporting import report

from glo_tf import nodes
from glo_tf.expressions.parsing import ParseError
from glo_tf.expressions.tree import Expression

FLAGS = flags.FLAGS
flags.DEFINE_integer("inputs", 20_000, "Expressions, each with a name of its own.")
flags.DEFINE_integer("scans", 500, "Readings of all packages that are timed.")
flags.DEFINE_string("output", None, "JSON file for the figures.")


def main(_: list[str]) -> None:
    def refuse() -> None:
        for number in range(FLAGS.inputs):
            try:
                Expression.parse(f"-(x*name{number}(y))")
            except ParseError:
                continue
            raise AssertionError(number)

    def scan() -> None:
        for _ in range(FLAGS.scans):
            importlib.metadata.entry_points(group=nodes.GROUP)

    seconds = timed(refuse)
    a_scan = timed(scan) / FLAGS.scans
    rows = [
        {
            "inputs": FLAGS.inputs,
            "seconds": seconds,
            "ms an input": 1000 * seconds / FLAGS.inputs,
            "packages": len(list(importlib.metadata.distributions())),
            "ms to read them all": 1000 * a_scan,
        }
    ]
    report("Expressions with unknown names", rows, FLAGS.output)


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    app.run(main)
