"""Keras losses from expressions, those that have a name, their files and their exports.

Names are imported when they are first used: Keras brings TensorFlow, which much of this package
does without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glo_tf.losses.expression_loss import ExpressionLoss
    from glo_tf.losses.files import load_loss, save_loss
    from glo_tf.losses.named import NGL, Baikal, BaikalCMA, NamedLoss, register_loss

_MODULES = {
    "Baikal": "named",
    "BaikalCMA": "named",
    "ExpressionLoss": "expression_loss",
    "NGL": "named",
    "NamedLoss": "named",
    "register_loss": "named",
    "load_loss": "files",
    "save_loss": "files",
}

__all__ = [
    "NGL",
    "Baikal",
    "BaikalCMA",
    "ExpressionLoss",
    "NamedLoss",
    "load_loss",
    "register_loss",
    "save_loss",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'glo_tf.losses' has no attribute '{name}'")
    return getattr(importlib.import_module(f"glo_tf.losses.{_MODULES[name]}"), name)
