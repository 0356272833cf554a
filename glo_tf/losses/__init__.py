"""Keras losses from expressions, those that have a name, their files and their exports.

Names are imported when they are first used: Keras brings TensorFlow, which much of this package
does without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glo_tf.losses.all_classes import NCE, AllClassesLoss, NCEAndAMSE, NCEAndRCE
    from glo_tf.losses.classes import (
        AMSE,
        GCE,
        MAE,
        SCE,
        Asymmetric,
        Bootstrapping,
        Brier,
        CrossEntropy,
        Focal,
        LabelSmoothing,
        Poly1,
        TaylorCrossEntropy,
    )
    from glo_tf.losses.expression_loss import ExpressionLoss
    from glo_tf.losses.files import load_loss, save_loss
    from glo_tf.losses.named import NGL, Baikal, BaikalCMA, NamedLoss, Saimaa, register_loss
    from glo_tf.losses.progress import TrainingProgress
    from glo_tf.losses.rare_classes import LDAM, ClassWeighted, FrequencyLoss, LogitAdjusted, Vanern
    from glo_tf.losses.regression import (
        AbsoluteError,
        AsymmetricSquared,
        Cauchy,
        Huber,
        LogCosh,
        NumberLoss,
        Quantile,
        SquaredError,
        Tukey,
    )

_MODULES = {
    "AMSE": "classes",
    "AbsoluteError": "regression",
    "AllClassesLoss": "all_classes",
    "Asymmetric": "classes",
    "AsymmetricSquared": "regression",
    "Baikal": "named",
    "BaikalCMA": "named",
    "Bootstrapping": "classes",
    "Brier": "classes",
    "Cauchy": "regression",
    "ClassWeighted": "rare_classes",
    "CrossEntropy": "classes",
    "ExpressionLoss": "expression_loss",
    "Focal": "classes",
    "FrequencyLoss": "rare_classes",
    "GCE": "classes",
    "Huber": "regression",
    "LDAM": "rare_classes",
    "LabelSmoothing": "classes",
    "LogCosh": "regression",
    "LogitAdjusted": "rare_classes",
    "MAE": "classes",
    "NCE": "all_classes",
    "NCEAndAMSE": "all_classes",
    "NCEAndRCE": "all_classes",
    "NGL": "named",
    "NamedLoss": "named",
    "NumberLoss": "regression",
    "Poly1": "classes",
    "Quantile": "regression",
    "SCE": "classes",
    "Saimaa": "named",
    "SquaredError": "regression",
    "TaylorCrossEntropy": "classes",
    "TrainingProgress": "progress",
    "Tukey": "regression",
    "Vanern": "rare_classes",
    "load_loss": "files",
    "register_loss": "named",
    "save_loss": "files",
}

__all__ = [
    "AMSE",
    "GCE",
    "LDAM",
    "MAE",
    "NCE",
    "NGL",
    "SCE",
    "AbsoluteError",
    "AllClassesLoss",
    "Asymmetric",
    "AsymmetricSquared",
    "Baikal",
    "BaikalCMA",
    "Bootstrapping",
    "Brier",
    "Cauchy",
    "ClassWeighted",
    "CrossEntropy",
    "ExpressionLoss",
    "Focal",
    "FrequencyLoss",
    "Huber",
    "LabelSmoothing",
    "LogCosh",
    "LogitAdjusted",
    "NCEAndAMSE",
    "NCEAndRCE",
    "NamedLoss",
    "NumberLoss",
    "Poly1",
    "Quantile",
    "Saimaa",
    "SquaredError",
    "TaylorCrossEntropy",
    "TrainingProgress",
    "Tukey",
    "Vanern",
    "load_loss",
    "register_loss",
    "save_loss",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'glo_tf.losses' has no attribute '{name}'")
    return getattr(importlib.import_module(f"glo_tf.losses.{_MODULES[name]}"), name)
