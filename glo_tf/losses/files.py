"""Losses as JSON files: data only, checked in full when it is read."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glo_tf.data.outputs import Activation
from glo_tf.errors import InvalidArgumentTypeError, InvalidFileError, ParseError
from glo_tf.utils.files import user_path, write_whole
from glo_tf.utils.json_file import in_short, read_document, shown

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss

FORMAT, VERSION = "glo_tf.loss", 1

_MAX_BYTES = 1_000_000
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "expression": str,
    "from_logits": bool,
    "epsilon": (int, float, type(None)),
    "label_smoothing": (int, float),
    "reduction": (str, type(None)),
    "name": str,
    "sparse": bool,
    "class_reduction": str,
    "activation": str,
    "two_sided": bool,
    "ignore_class": int,
    "target_mean": (int, float, list),
    "target_deviation": (int, float, list),
    "frequencies": list,
    "progress": (int, float),
}
_OPTIONAL = (
    "activation",
    "two_sided",
    "ignore_class",
    "target_mean",
    "target_deviation",
    "frequencies",
    "progress",
)  # not in the files of earlier releases


def save_loss(
    loss: ExpressionLoss,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes a loss to a JSON file; a crash leaves the old file or the new one.

    Args:
        loss: `ExpressionLoss`, or a loss with a name such as `Baikal`; it comes back as the former.
        path: The file.
        metadata: JSON-ready remarks that `load_loss` does not read.

    Raises:
        TypeError: If `loss` is not an `ExpressionLoss`, or `metadata` not JSON-ready.
        ValueError: If the file would be too large for `load_loss`, or `metadata` holds a NaN or an
            infinity.
    """
    write_whole(path, as_document(loss, metadata))


def as_document(loss: ExpressionLoss, metadata: Mapping[str, Any] | None = None) -> bytes:
    """The content of the file; see `save_loss`."""
    from glo_tf.losses.expression_loss import ExpressionLoss

    if not isinstance(loss, ExpressionLoss):
        raise InvalidArgumentTypeError(
            "Expected an ExpressionLoss, such as as_expression() of a loss of all classes. "
            f"Received: {type(loss).__name__}"
        )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "expression": loss.expression,
        "from_logits": loss.from_logits,
        "epsilon": loss.epsilon,
        "label_smoothing": loss.label_smoothing,
        "reduction": loss.reduction,
        "name": loss.name,
        "sparse": loss.sparse,
        "class_reduction": loss.class_reduction,
        **({"activation": "sigmoid"} if loss.activation == Activation.SIGMOID else {}),
        **({"two_sided": True} if loss.two_sided else {}),
        **({} if loss.ignore_class is None else {"ignore_class": loss.ignore_class}),
        **loss.units,
        **({} if loss.frequencies is None else {"frequencies": list(loss.frequencies)}),
        **({} if loss.progress is None else {"progress": loss.progress}),
        "metadata": dict(metadata or {}),
    }
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    if len(text) > _MAX_BYTES:
        raise InvalidFileError(
            f"Expected a loss of at most {_MAX_BYTES} bytes. Received: {len(text)}"
        )
    return text.encode()


def load_loss(path: str | os.PathLike[str]) -> ExpressionLoss:
    """Reads a loss that `save_loss` wrote, such as a search's `best_loss.json`.

    The expression is parsed by a closed grammar; nothing in the file is ever executed.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not such a file, has another version, or holds values out of range.
    """
    from glo_tf.losses.expression_loss import ExpressionLoss

    path = user_path(path)
    document = _read(path)
    arguments: dict[str, Any] = {}
    for field, types in _FIELDS.items():
        if field not in document and field in _OPTIONAL:
            continue
        if field not in document:
            raise InvalidFileError(f"Expected a field '{field}'. Received: '{path}'")
        value = document[field]
        if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
            raise InvalidFileError(
                f"Expected a valid '{field}'. Received: {shown(value)} in '{path}'"
            )
        arguments[field] = value
    try:
        return ExpressionLoss(**arguments)
    except ParseError as error:
        raise InvalidFileError(
            f"Expected a valid 'expression' ({in_short(error)}). "
            f"Received: {shown(arguments['expression'])} in '{path}'"
        ) from error
    except ValueError as error:
        raise InvalidFileError(f"{in_short(error)} in '{path}'") from error


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What stands as `metadata` in a file of `save_loss`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not such a file.
    """
    metadata = _read(user_path(path)).get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _read(path: pathlib.Path) -> dict[str, Any]:
    return read_document(path, FORMAT, (VERSION,), _MAX_BYTES)
