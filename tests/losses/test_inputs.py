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
