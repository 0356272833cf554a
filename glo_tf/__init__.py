"""Better loss functions, found automatically: Genetic Loss-function Optimization for Keras.

Names are imported when they are first used, so that `import glo_tf` is quick and losses need no
TensorFlow. Where Keras is imported, before or after, the losses are imported with it: Keras finds
only registered classes when it loads a model. Where TensorFlow is not imported yet, it is set to
use oneDNN on every CPU (`glo_tf.utils.onednn`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glo_tf.utils.interruption import begin_command_line

begin_command_line()

import wrapt  # noqa: E402 (it imports much)

from glo_tf._version import __version__ as __version__  # noqa: E402
from glo_tf.utils import onednn  # noqa: E402
from glo_tf.utils.importing import quick_imports  # noqa: E402

if TYPE_CHECKING:
    from glo_tf.comparison.loss_comparison import LossComparison, compare
    from glo_tf.datasets import Dataset
    from glo_tf.display.callbacks import Callback, StopSearch
    from glo_tf.display.tensorboard import TensorBoard
    from glo_tf.display.tracking import MLflow, WandB
    from glo_tf.errors import (
        CandidateTimeoutError,
        DatasetUnavailableError,
        ForeignFileError,
        GloError,
        InvalidArgumentError,
        InvalidArgumentTypeError,
        InvalidFileError,
        ParseError,
        PluginError,
        StudyError,
        TrainingError,
        UsageError,
    )
    from glo_tf.expressions.tree import Expression
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
    from glo_tf.losses.named import NGL, Baikal, BaikalCMA, NamedLoss, Saimaa
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
    from glo_tf.metrics.numbers import AsymmetricCost, QuantileLoss
    from glo_tf.recommendation.loss_recommendation import LossRecommendation, recommend
    from glo_tf.results.comparison import Comparison
    from glo_tf.results.recommendation import Recommendation
    from glo_tf.results.record import Ending, Phase, Source, Stage
    from glo_tf.results.search_result import SearchResult
    from glo_tf.screening.scale import gradient_scale
    from glo_tf.search.loss_search import LossSearch
    from glo_tf.search.presets import preset
    from glo_tf.search.spaces.space import SearchSpace
    from glo_tf.training.config import TaskArguments
    from glo_tf.training.trial import Status

_MODULES = {
    "AMSE": "losses.classes",
    "AbsoluteError": "losses.regression",
    "AllClassesLoss": "losses.all_classes",
    "Asymmetric": "losses.classes",
    "AsymmetricCost": "metrics.numbers",
    "AsymmetricSquared": "losses.regression",
    "Baikal": "losses.named",
    "BaikalCMA": "losses.named",
    "Bootstrapping": "losses.classes",
    "Brier": "losses.classes",
    "Callback": "display.callbacks",
    "CandidateTimeoutError": "errors",
    "Cauchy": "losses.regression",
    "ClassWeighted": "losses.rare_classes",
    "Comparison": "results.comparison",
    "CrossEntropy": "losses.classes",
    "Dataset": "datasets",
    "DatasetUnavailableError": "errors",
    "Ending": "results.record",
    "Expression": "expressions.tree",
    "ExpressionLoss": "losses.expression_loss",
    "Focal": "losses.classes",
    "ForeignFileError": "errors",
    "FrequencyLoss": "losses.rare_classes",
    "GCE": "losses.classes",
    "GloError": "errors",
    "Huber": "losses.regression",
    "InvalidArgumentError": "errors",
    "InvalidArgumentTypeError": "errors",
    "InvalidFileError": "errors",
    "LDAM": "losses.rare_classes",
    "LabelSmoothing": "losses.classes",
    "LogCosh": "losses.regression",
    "LogitAdjusted": "losses.rare_classes",
    "LossComparison": "comparison.loss_comparison",
    "LossRecommendation": "recommendation.loss_recommendation",
    "LossSearch": "search.loss_search",
    "MAE": "losses.classes",
    "MLflow": "display.tracking",
    "NCE": "losses.all_classes",
    "NCEAndAMSE": "losses.all_classes",
    "NCEAndRCE": "losses.all_classes",
    "NGL": "losses.named",
    "NamedLoss": "losses.named",
    "NumberLoss": "losses.regression",
    "ParseError": "errors",
    "Phase": "results.record",
    "PluginError": "errors",
    "Poly1": "losses.classes",
    "Quantile": "losses.regression",
    "QuantileLoss": "metrics.numbers",
    "Recommendation": "results.recommendation",
    "SCE": "losses.classes",
    "Saimaa": "losses.named",
    "SearchResult": "results.search_result",
    "SearchSpace": "search.spaces.space",
    "Source": "results.record",
    "SquaredError": "losses.regression",
    "Stage": "results.record",
    "Status": "training.trial",
    "StopSearch": "display.callbacks",
    "StudyError": "errors",
    "TaskArguments": "training.config",
    "TaylorCrossEntropy": "losses.classes",
    "TensorBoard": "display.tensorboard",
    "TrainingError": "errors",
    "TrainingProgress": "losses.progress",
    "Tukey": "losses.regression",
    "UsageError": "errors",
    "Vanern": "losses.rare_classes",
    "WandB": "display.tracking",
    "compare": "comparison.loss_comparison",
    "gradient_scale": "screening.scale",
    "load_loss": "losses.files",
    "recommend": "recommendation.loss_recommendation",
    "preset": "search.presets",
    "save_loss": "losses.files",
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
    "AsymmetricCost",
    "AsymmetricSquared",
    "Baikal",
    "BaikalCMA",
    "Bootstrapping",
    "Brier",
    "Callback",
    "CandidateTimeoutError",
    "Cauchy",
    "ClassWeighted",
    "Comparison",
    "CrossEntropy",
    "Dataset",
    "DatasetUnavailableError",
    "Ending",
    "Expression",
    "ExpressionLoss",
    "Focal",
    "ForeignFileError",
    "FrequencyLoss",
    "GloError",
    "Huber",
    "InvalidArgumentError",
    "InvalidArgumentTypeError",
    "InvalidFileError",
    "LabelSmoothing",
    "LogCosh",
    "LogitAdjusted",
    "LossComparison",
    "LossRecommendation",
    "LossSearch",
    "MLflow",
    "NCEAndAMSE",
    "NCEAndRCE",
    "NamedLoss",
    "NumberLoss",
    "ParseError",
    "Phase",
    "PluginError",
    "Poly1",
    "Quantile",
    "QuantileLoss",
    "Recommendation",
    "Saimaa",
    "SearchResult",
    "SearchSpace",
    "Source",
    "SquaredError",
    "Stage",
    "Status",
    "StopSearch",
    "StudyError",
    "TaskArguments",
    "TaylorCrossEntropy",
    "TensorBoard",
    "TrainingError",
    "TrainingProgress",
    "Tukey",
    "UsageError",
    "Vanern",
    "WandB",
    "compare",
    "gradient_scale",
    "load_loss",
    "preset",
    "recommend",
    "save_loss",
]

onednn.settle()


@wrapt.when_imported("keras")
def _register_losses(_: object) -> None:
    importlib.import_module("glo_tf.losses.expression_loss")


@wrapt.when_imported("glo_tf.losses.expression_loss")
def _register_the_rest(_: object) -> None:
    # Not by the hook above: that module imports Keras itself, and is not complete by then.
    importlib.import_module("glo_tf.losses.named")
    importlib.import_module("glo_tf.metrics.numbers")
    importlib.import_module("glo_tf.training.schedules")


@wrapt.when_imported("glo_tf.losses.named")
def _register_known_losses(_: object) -> None:
    # One of these that is being imported itself, and needs named ones for it, is complete later.
    for module in ("classes", "all_classes", "regression"):
        importlib.import_module(f"glo_tf.losses.{module}")


@wrapt.when_imported("glo_tf.losses.all_classes")
def _register_losses_for_rare_classes(_: object) -> None:
    importlib.import_module("glo_tf.losses.rare_classes")


@wrapt.when_imported("glo_tf.losses.named")
@wrapt.when_imported("glo_tf.losses.classes")
@wrapt.when_imported("glo_tf.losses.rare_classes")
@wrapt.when_imported("glo_tf.losses.regression")
def _register_names(_: object) -> None:
    importlib.import_module("glo_tf.losses.keras_names").register_names()


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'glo_tf' has no attribute '{name}'")
    with quick_imports():
        module = importlib.import_module(f"glo_tf.{_MODULES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
