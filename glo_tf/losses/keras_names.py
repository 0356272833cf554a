"""Names by which Keras finds the losses: `keras.losses.get("glo_tf>Baikal")`."""

from __future__ import annotations

import inspect

import keras

PACKAGE = "glo_tf"


def register_names() -> None:
    """Adds `"glo_tf>NAME"` of each loss that needs no argument to what `keras.losses.get` knows.

    Registered classes are what Keras loads from files; by a text alone, as `model.compile` takes
    one, it finds what is in a table of its own, and nothing else.
    """
    known = keras.losses.get.__globals__["ALL_OBJECTS_DICT"]
    for name, value in keras.saving.get_custom_objects().items():
        is_loss = inspect.isclass(value) and issubclass(value, keras.losses.Loss)
        if name.startswith(f"{PACKAGE}>") and is_loss and not _needed(value):
            known[name] = value


def _needed(loss: type) -> bool:
    """Whether a loss cannot be made without arguments."""
    parameters = inspect.signature(loss).parameters.values()
    return any(
        each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        for each in parameters
    )
