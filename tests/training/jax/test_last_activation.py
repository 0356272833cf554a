"""The last activation of a model, as JAX traces it."""

import jax
import keras
import pytest
from last_layers import ENDS, Subclassed, dense, sequential, softmax_in_parts
from output_kinds import SAMPLES

from glo_tf.training.jax.last_activation import last_activations

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
    assert last_activations(model, SAMPLES) == [activation]


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")
def test_a_softmax_over_samples_is_none_over_units() -> None:
    model = sequential(dense(3), keras.layers.Softmax(axis=0))
    assert last_activations(model, SAMPLES) == [None]
