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

if TYPE_CHECKING:
    from glo_tf.comparison.loss_comparison import LossComparison, compare
    from glo_tf.datasets import Dataset
    from glo_tf.display.tensorboard import TensorBoard
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
    from glo_tf.losses.expression_loss import ExpressionLoss
    from glo_tf.losses.files import load_loss, save_loss
    from glo_tf.losses.named import NGL, Baikal, BaikalCMA, NamedLoss
    from glo_tf.results.comparison import Comparison
    from glo_tf.results.record import Phase, Source, Stage
    from glo_tf.results.search_result import SearchResult
    from glo_tf.screening.scale import gradient_scale
    from glo_tf.search.callbacks import Callback, StopSearch
    from glo_tf.search.loss_search import LossSearch
    from glo_tf.search.spaces.space import SearchSpace
    from glo_tf.training.trial import Status

_MODULES = {
    "Baikal": "losses.named",
    "BaikalCMA": "losses.named",
    "Callback": "search.callbacks",
    "CandidateTimeoutError": "errors",
    "Comparison": "results.comparison",
    "Dataset": "datasets",
    "DatasetUnavailableError": "errors",
    "Expression": "expressions.tree",
    "ExpressionLoss": "losses.expression_loss",
    "ForeignFileError": "errors",
    "GloError": "errors",
    "InvalidArgumentError": "errors",
    "InvalidArgumentTypeError": "errors",
    "InvalidFileError": "errors",
    "LossComparison": "comparison.loss_comparison",
    "LossSearch": "search.loss_search",
    "NGL": "losses.named",
    "NamedLoss": "losses.named",
    "ParseError": "errors",
    "Phase": "results.record",
    "PluginError": "errors",
    "SearchResult": "results.search_result",
    "SearchSpace": "search.spaces.space",
    "Source": "results.record",
    "Stage": "results.record",
    "Status": "training.trial",
    "StopSearch": "search.callbacks",
    "StudyError": "errors",
    "TensorBoard": "display.tensorboard",
    "TrainingError": "errors",
    "UsageError": "errors",
    "compare": "comparison.loss_comparison",
    "gradient_scale": "screening.scale",
    "load_loss": "losses.files",
    "save_loss": "losses.files",
}

__all__ = [
    "NGL",
    "Baikal",
    "BaikalCMA",
    "Callback",
    "CandidateTimeoutError",
    "Comparison",
    "Dataset",
    "DatasetUnavailableError",
    "Expression",
    "ExpressionLoss",
    "ForeignFileError",
    "GloError",
    "InvalidArgumentError",
    "InvalidArgumentTypeError",
    "InvalidFileError",
    "LossComparison",
    "LossSearch",
    "NamedLoss",
    "ParseError",
    "Phase",
    "PluginError",
    "SearchResult",
    "SearchSpace",
    "Source",
    "Stage",
    "Status",
    "StopSearch",
    "StudyError",
    "TensorBoard",
    "TrainingError",
    "UsageError",
    "compare",
    "gradient_scale",
    "load_loss",
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
    importlib.import_module("glo_tf.training.schedules")


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'glo_tf' has no attribute '{name}'")
    return getattr(importlib.import_module(f"glo_tf.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
