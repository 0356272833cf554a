"""The last activation of a model, as JAX traces it."""

import jax
import keras
import pytest
from last_layers import ENDS, Subclassed, dense, sequential, softmax_in_parts
from output_kinds import SAMPLES

from glo_tf.training.jax.last_activation import ends

ENDS_HERE = {
    **ENDS,
    "softmax": [
        *ENDS["softmax"],
        lambda: Subclassed(3, after=jax.nn.softmax),
        lambda: Subclassed(3, after=jax.jit(jax.nn.softmax)),
        lambda: Subclassed(3, after=jax.checkpoint(jax.nn.softmax)),
        lambda: Subclassed(3, after=softmax_in_parts),
    ],
    None: [
        *ENDS[None],
        lambda: sequential(dense(3, "relu6")),
        lambda: Subclassed(3, after=lambda y: keras.ops.clip(y, 0.0, 1.0)),
        lambda: Subclassed(3, after=lambda y: keras.ops.exp(y) / keras.ops.sum(y)),
    ],
}


@pytest.mark.parametrize(
    ("activation", "build"), [(name, build) for name, all_ in ENDS_HERE.items() for build in all_]
)
def test_the_last_activation_is_seen_through_what_keeps_its_values(activation, build) -> None:
    model = build()
    model(SAMPLES[:1])
    (end,) = ends(model, SAMPLES)
    assert end.activation == activation


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")
def test_a_softmax_over_samples_is_none_over_units() -> None:
    model = sequential(dense(3), keras.layers.Softmax(axis=0))
    (end,) = ends(model, SAMPLES)
    assert end.activation is None


@pytest.mark.parametrize(
    ("parts", "free"),
    [
        ([], True),
        ([keras.layers.Reshape((3, 1))], True),
        ([keras.layers.ReLU()], False),
        ([keras.layers.Rescaling(9.0)], False),
        ([keras.layers.Rescaling(1.0, 5.0)], False),
    ],
)
def test_a_layer_of_weights_gives_any_number(parts, free) -> None:
    model = sequential(dense(3), *parts)
    (end,) = ends(model, SAMPLES)
    assert end.gives_any_number == free


def test_a_model_that_adds_to_its_input_has_units_of_its_own() -> None:
    inputs = keras.Input((4,))
    shifted = keras.Model(inputs, inputs + dense(4)(inputs))
    wide = keras.Model(inputs, dense(2)(inputs) + dense(2)(keras.layers.ReLU()(inputs)))
    found = [end.gives_any_number for model in (shifted, wide) for end in ends(model, SAMPLES)]
    assert found == [False, True]
