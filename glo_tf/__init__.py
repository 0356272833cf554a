"""Better loss functions, found automatically: Genetic Loss-function Optimization for Keras.

Names are imported when they are first used, so that `import glo_tf` is quick and losses need no
TensorFlow. Where Keras is imported, before or after, the losses are imported with it: Keras finds
only registered classes when it loads a model. Where TensorFlow is not imported yet, it is set to
use oneDNN on every CPU (`glo_tf.onednn`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glo_tf.interruption import begin_command_line

begin_command_line()

import wrapt  # noqa: E402 (it imports much)

from glo_tf import onednn  # noqa: E402

if TYPE_CHECKING:
    from glo_tf.callbacks import Callback, StopSearch
    from glo_tf.comparing import LossComparison, compare
    from glo_tf.comparison import Comparison
    from glo_tf.datasets import Dataset
    from glo_tf.expression import Expression
    from glo_tf.loss_io import load_loss, save_loss
    from glo_tf.losses import ExpressionLoss
    from glo_tf.named_losses import NGL, Baikal, BaikalCMA, NamedLoss
    from glo_tf.parsing import ParseError
    from glo_tf.results import SearchResult
    from glo_tf.search import LossSearch
    from glo_tf.search_spaces import SearchSpace
    from glo_tf.tensorboard import TensorBoard

__version__ = "0.1.0"

_MODULES = {
    "Baikal": "named_losses",
    "BaikalCMA": "named_losses",
    "Callback": "callbacks",
    "Comparison": "comparison",
    "Dataset": "datasets",
    "Expression": "expression",
    "ExpressionLoss": "losses",
    "LossComparison": "comparing",
    "LossSearch": "search",
    "NGL": "named_losses",
    "NamedLoss": "named_losses",
    "ParseError": "parsing",
    "SearchResult": "results",
    "SearchSpace": "search_spaces",
    "StopSearch": "callbacks",
    "TensorBoard": "tensorboard",
    "compare": "comparing",
    "load_loss": "loss_io",
    "save_loss": "loss_io",
}

__all__ = [
    "NGL",
    "Baikal",
    "BaikalCMA",
    "Callback",
    "Comparison",
    "Dataset",
    "Expression",
    "ExpressionLoss",
    "LossComparison",
    "LossSearch",
    "NamedLoss",
    "ParseError",
    "SearchResult",
    "SearchSpace",
    "StopSearch",
    "TensorBoard",
    "compare",
    "load_loss",
    "save_loss",
]

onednn.settle()


@wrapt.when_imported("keras")
def _register_losses(_: object) -> None:
    importlib.import_module("glo_tf.losses")


@wrapt.when_imported("glo_tf.losses")
def _register_named_losses(_: object) -> None:
    # Not by the hook above: glo_tf.losses imports Keras itself, and is not complete by then.
    importlib.import_module("glo_tf.named_losses")


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'glo_tf' has no attribute '{name}'")
    return getattr(importlib.import_module(f"glo_tf.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
