"""Examines once the models that tests train again and again.

To build such a model twice, and to trace it twice, takes longer than to train it a few steps.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glo_tf import plugins
from glo_tf.architectures import NamedArchitecture

if TYPE_CHECKING:
    from glo_tf.data.arrays import Structure

_examined: dict[tuple[Any, ...], Any] = {}


@contextlib.contextmanager
def examined_once() -> Iterator[None]:
    """Remembers what was found of architectures, and of functions with a name in their module.

    Does nothing in a process without Keras.
    """
    fresh_models: Any = sys.modules.get("glo_tf.training.fresh_models")
    if fresh_models is None:
        yield
        return
    import keras

    examine = fresh_models.examine

    def remembering(model: Callable[[], Any], samples: Structure, forward_pass: Any) -> Any:
        builder = _identity(model)
        if builder is None:
            return examine(model, samples, forward_pass)
        forms = keras.tree.map_structure(lambda part: f"{part.dtype}{part.shape[1:]}", samples)
        policy = keras.config.dtype_policy().name, keras.config.image_data_format()
        key = builder, str(forms), forward_pass, keras.config.floatx(), *policy
        if key not in _examined:
            built, forward = examine(model, samples, forward_pass)
            _examined[key] = built, forward, [np.asarray(v.value).copy() for v in built.variables]
        built, forward, initial = _examined[key]
        for variable, value in zip(built.variables, initial, strict=True):
            variable.assign(value)  # whoever had it before may have trained it
        return built, forward

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh_models, "examine", remembering)
        yield


def _identity(model: Any) -> tuple[Any, ...] | None:
    """What decides which models it builds; None for what may build others another time."""
    if isinstance(model, NamedArchitecture):
        return model, plugins.load("glo_tf.architectures", model.name)
    if not isinstance(model, types.FunctionType) or model.__closure__:
        return None
    named = getattr(sys.modules.get(model.__module__), model.__qualname__, None) is model
    return (model,) if named else None
