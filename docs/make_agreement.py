"""Compares every loss with the formula of its paper, and writes what is found for the gallery.

    python docs/make_agreement.py

Values and slopes of each loss, from its classes in `glo_tf` with Keras, are compared with those of
`tests/helpers/paper_formulas.py`, which shares no code with them: samples of 2, 10 and 100 classes,
labels or numbers, in float64, from probabilities and from logits, at every value of the parameters
there. Slopes are by the logits or numbers, there by central differences. A difference is relative
to the larger of 1 and the magnitude of what the formula says.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

import paper_formulas as papers  # noqa: E402 (in the folder of the tests' helpers)

TARGET = ROOT / "docs" / "results" / "agreement.json"
SAMPLES, WIDTHS, SLOPED = 40, (2, 10, 100), 8  # SLOPED samples of each have slopes, too

Array = np.ndarray
Compared = tuple[Array, Array]
"""What a loss gave, and what its formula says."""


def of_classes(kind: Any, arguments: dict[str, Any], formula: Any) -> Iterator[tuple[bool, Any]]:
    """Compared values, and slopes where True is before them."""
    frequencies = len(arguments.get("frequencies", ()))
    for width in (frequencies,) if frequencies else WIDTHS:
        rng = np.random.default_rng(width)
        x, z = (
            np.eye(width)[rng.integers(0, width, SAMPLES)],
            2.0 * rng.normal(size=(SAMPLES, width)),
        )
        yield from _of_logits(kind, arguments, formula, x, z, papers.softmax)


def of_labels(kind: Any, arguments: dict[str, Any], formula: Any) -> Iterator[tuple[bool, Any]]:
    """As `of_classes`."""
    for width in WIDTHS:
        rng = np.random.default_rng(width)
        x = rng.integers(0, 2, (SAMPLES, width)).astype(float)
        z = 2.0 * rng.normal(size=(SAMPLES, width))
        yield from _of_logits(kind, arguments, formula, x, z, papers.sigmoid)


def of_numbers(kind: Any, arguments: dict[str, Any], formula: Any) -> Iterator[tuple[bool, Any]]:
    """As `of_classes`."""
    for width in WIDTHS:
        rng = np.random.default_rng(width)
        x, y = rng.normal(size=(SAMPLES, width)), 3.0 * rng.normal(size=(SAMPLES, width))

        def values(numbers: Array, x: Array = x) -> Array:
            return np.asarray(formula(x[: len(numbers)] - numbers).mean(-1))

        loss = kind(**arguments, reduction=None, dtype="float64")
        yield False, (np.asarray(loss(x, y)), values(y))
        yield True, _slopes(loss, values, x, y)


def _of_logits(
    kind: Any,
    arguments: dict[str, Any],
    formula: Any,
    x: Array,
    z: Array,
    squash: Callable[[Array], Array],
) -> Iterator[tuple[bool, Compared]]:
    def values(logits: Array) -> Array:
        return np.asarray(formula(x[: len(logits)], squash(logits)))

    loss = kind(**arguments, reduction=None, dtype="float64")
    yield False, (np.asarray(loss(x, squash(z))), values(z))
    loss = kind(**arguments, from_logits=True, reduction=None, dtype="float64")
    yield False, (np.asarray(loss(x, z)), values(z))
    yield True, _slopes(loss, values, x, z)


def _slopes(loss: Any, values: Callable[[Array], Array], x: Array, at: Array) -> Compared:
    x, at = x[:SLOPED], at[:SLOPED]
    variable = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        total = tf.reduce_sum(loss(x, variable))
    return tape.gradient(total, variable).numpy(), papers.reference_slopes(values, at)


def agreement(cases: Sequence[Any], compared: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """How far each loss is from its formula, by the name of its class."""
    found: dict[str, dict[str, Any]] = {}
    for kind, arguments, formula in cases:
        empty = {"settings": 0, "values": 0, "slopes": 0, "value": 0.0, "slope": 0.0}
        row = found.setdefault(kind.__name__, empty)
        row["settings"] += 1
        for sloped, (ours, theirs) in compared(kind, arguments, formula):
            apart = float(np.max(np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))))
            count, largest = ("slopes", "slope") if sloped else ("values", "value")
            row[count] += ours.size
            row[largest] = max(row[largest], float(f"{apart:.1e}"))
    return found


def main() -> None:
    classes = [*papers.CLASSES, *papers.EVOLVED, *papers.OF_FREQUENCIES]
    found = {
        **agreement(classes, of_classes),
        **agreement(papers.LABELS, of_labels),
        **agreement(papers.NUMBERS, of_numbers),
    }
    content = {"command": "python docs/make_agreement.py", "losses": found}
    TARGET.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for name, row in found.items():
        print(name, row)


if __name__ == "__main__":
    main()
