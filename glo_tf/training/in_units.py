"""Models whose predictions are numbers in the units of their targets."""

from __future__ import annotations

from typing import Any

import keras

from glo_tf.data.outputs import Output, Outputs
from glo_tf.errors import InvalidArgumentError, shown


def in_units(model: keras.Model, outputs: Outputs) -> keras.Model:
    """A model that predicts in the units of the data what another predicts standardised.

    It is the same network, of the same layers and weights, with a `keras.layers.Rescaling` after
    each output that was standardised.

    Args:
        model: As a search builds it, trained or not.
        outputs: What they are, as the search found.

    Raises:
        ValueError: If it is no such model, or one of several outputs that is no functional one.
    """
    if not isinstance(model, keras.Model):
        raise InvalidArgumentError(
            "Expected a keras.Model, such as that which the search's function builds. "
            f"Received: model={shown(model)}"
        )
    if all(output.standardization is None for output in outputs.each):
        return model
    if getattr(model, "inputs", None):  # functional
        pairs = zip(model.outputs, outputs.each, strict=True)
        rescaled = [_rescaled(part, output) for part, output in pairs]
        sequential = isinstance(model, keras.Sequential)
        inputs = model.inputs[0] if sequential else model.input  # in the structure of the samples
        return keras.Model(inputs, outputs.restore(rescaled))
    if len(outputs.each) > 1:
        raise InvalidArgumentError(
            "Expected a functional model, or one of one output; "
            "a keras.layers.Rescaling(deviation, mean) in its call does the same. "
            f"Received: {type(model).__name__} of {len(outputs.each)} outputs: {outputs.in_words}"
        )
    (output,) = outputs.each
    return keras.Sequential([model, _rescaling(output)])


def _rescaled(part: Any, output: Output) -> Any:
    return part if output.standardization is None else _rescaling(output)(part)


def _rescaling(output: Output) -> keras.layers.Layer:
    assert output.standardization is not None
    of_loss = output.standardization.of_loss
    return keras.layers.Rescaling(
        of_loss["target_deviation"], of_loss["target_mean"], dtype="float32"
    )
