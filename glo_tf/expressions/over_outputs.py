"""A loss with operations across classes, on columns: output by output, and position by position."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.seen_by_loss import LogPrediction

if TYPE_CHECKING:
    from glo_tf.data.outputs import Output, Outputs

TermsAndSlopes = Callable[[Any, Any, LogPrediction | None, Surroundings | None], tuple[Any, Any]]
"""`f(y_true, y_pred, log_y, surroundings)`: terms and slopes; the last axis are the classes."""


def over_outputs(
    outputs: Outputs,
    ops: Any,
    loss: TermsAndSlopes,
    y_true: Any,
    y_pred: Any,
    log_y: LogPrediction | None,
    surroundings: Surroundings | None,
) -> tuple[Any, Any]:
    """Terms and slopes of a loss, `(N, W)`, whose sums end with the classes of an output.

    Args:
        outputs: Of the model.
        ops: The library that computes: `numpy` or `keras.ops`.
        loss: Of one output at one position, or of several positions `(N, places, width)`.
        y_true: Labels `(N, W)`.
        y_pred: Predictions `(N, W)`.
        log_y: Of predictions that come from logits.
        surroundings: Arrays of the columns `(..., W)`, or of one for all `(..., 1)` or `()`.
    """
    if len(outputs.each) == 1 and not outputs.dense:
        return loss(y_true, y_pred, log_y, surroundings)
    found = []
    for output, columns in zip(outputs.each, outputs.slices, strict=True):

        def part(array: Any, output: Output = output, columns: slice = columns) -> Any:
            return _part(ops, array, output, columns)

        terms_and_slopes = loss(
            part(y_true),
            part(y_pred),
            None if log_y is None else LogPrediction(*map(part, log_y)),
            surroundings and _mapped(surroundings, part),
        )
        rows = (-1, output.columns)
        found.append([ops.reshape(each, rows) for each in terms_and_slopes])
    terms, slopes = (ops.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    return terms, slopes


def _part(ops: Any, array: Any, output: Output, columns: slice) -> Any:
    """The columns of an output, where there are several, by position and class."""
    shape: Any = getattr(array, "shape", ())
    if len(shape) == 0:
        return array
    cut = array if shape[-1] == 1 else array[..., columns]
    if not output.dense:
        return cut
    inner = (1, 1) if shape[-1] == 1 and output.columns > 1 else (output.places, output.width)
    return ops.reshape(cut, inner if len(shape) == 1 else (-1, *inner))


def _mapped(surroundings: Surroundings, function: Callable[[Any], Any]) -> Surroundings:
    return Surroundings(
        *(
            value if value is None else function(value)
            for value in (
                getattr(surroundings, field.name) for field in dataclasses.fields(surroundings)
            )
        )
    )
