"""What all benchmarks share: the table on the screen, and the same figures as JSON."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import logging
import os
import pathlib
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

# Before TensorFlow, which then uses oneDNN.
import glo_tf


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and the range in brackets."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def report(
    title: str,
    rows: Sequence[dict[str, Any]],
    output: str | None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Prints the rows as a table; writes them, with command, machine and versions, to `output`.

    Args:
        title: Stands over the table.
        rows: Dictionaries of the same keys, which are the columns; none if it is too early.
        output: A JSON file, or None.
        more: What else the file shall say.
    """
    table = Table(title=title, title_justify="left")
    for column in next(iter(rows), {}):
        table.add_column(column)
    for row in rows:
        table.add_row(*(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()))
    # As wide as it has to be, in a log file too.
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    if output:
        write(rows, output, more)


def report_draws(
    title: str,
    draws: Iterable[Any],
    done: Callable[[Any], dict[str, Any]],
    summarised: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    work_dir: str,
    output: str | None,
) -> None:
    """Makes draws that are not made yet, and reports all: after each, and where none is missing.

    Args:
        title: As for `report`.
        draws: What they are called, as JSON has it.
        done: What one gives, with its name as `"draw"`; a line of `draws.jsonl`.
        summarised: The rows of those that are there.
        work_dir: Folder of `draws.jsonl`.
        output: As for `report`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("glo_tf").setLevel(logging.WARNING)
    folder = pathlib.Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "draws.jsonl"
    made = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    missing = [draw for draw in draws if all(known["draw"] != draw for known in made)]
    for draw in missing:
        made.append(done(draw))
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(made[-1]) + "\n")
        print(json.dumps(made[-1]), file=sys.stderr, flush=True)
        report(title, summarised(made), output, {"draws": made})
    if not missing:
        report(title, summarised(made), output, {"draws": made})


def write(
    rows: Sequence[dict[str, Any]], output: str, more: Mapping[str, Any] | None = None
) -> None:
    """Writes rows, of one table or of several, with command, machine and versions."""
    versions = {}
    for name in ("keras", "numpy", "tensorflow", "jax"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    content = {
        "command": " ".join(["python", *sys.argv]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"glo_tf": glo_tf.__version__, **versions},
        **(more or {}),
        "rows": list(rows),
    }
    with open(output, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
