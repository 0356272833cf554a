"""Labels and predictions as losses are given them."""

import numpy as np
import pytest
import tensorflow as tf

from glo_tf.losses.expression_loss import ExpressionLoss

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("rank_is_known", [False, True])
def test_labels_without_known_shapes_are_held_to_those_of_predictions(
    units: int, sparse: bool, rank_is_known: bool
) -> None:
    """As those of a `tf.py_function`; they would be broadcast, such as one step over all steps."""
    loss = ExpressionLoss("-(x*log(y))", sparse=sparse)
    predictions = RNG.dirichlet(np.ones(3), (4, 5)).astype(np.float32)[..., :units]
    indices = RNG.integers(0, 2, (4, 5))
    labels = indices if sparse else (np.eye(3)[indices] if units > 1 else indices[..., None])
    spec = tf.TensorSpec([None] * labels.ndim if rank_is_known else None)
    of_graph = tf.function(loss, input_signature=[spec, tf.TensorSpec([None, None, units])])
    expected = float(loss(labels, predictions))
    assert float(of_graph(labels.astype(np.float32), predictions)) == pytest.approx(expected)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"[Rr]eshape"):
        of_graph(labels[:, :1].astype(np.float32), predictions)


@pytest.mark.parametrize("text", ["-(x*log(y))", "-(x*log(y)*w)"])
@pytest.mark.parametrize("axes", [(4,), (4, 1), (4, 2), (4, 2, 1), (4, 2, 4)])
def test_weights_of_samples_are_weights_of_their_positions(text: str, axes) -> None:
    """In Keras alone four of them are those of four columns, in which NumPy broadcasts."""
    loss = ExpressionLoss(text, sparse=True, reduction=None)
    predictions = RNG.dirichlet(np.ones(3), (4, 2, 4)).astype(np.float32)
    indices = RNG.integers(0, 3, (4, 2, 4))
    weights = RNG.uniform(0.5, 2.0, axes).astype(np.float32)
    of_positions = weights.reshape(*axes, *[1] * (3 - len(axes)))
    plain = ExpressionLoss("-(x*log(y))", sparse=True, reduction=None)(indices, predictions)
    expected = plain.numpy() * of_positions ** (2 if "w" in text else 1)
    np.testing.assert_allclose(loss(indices, predictions, weights), expected, rtol=1e-5)
    if "w" not in text:
        assert loss(indices, predictions, 2.0).numpy() == pytest.approx(2.0 * plain.numpy())
