"""Every registered architecture, by being registered."""

import numpy as np
import pytest

from glo_tf import architectures, plugins

GROUP = "glo_tf.architectures"


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
@pytest.mark.parametrize("name", plugins.names(GROUP))
def test_outputs_are_class_probabilities(name, shape) -> None:
    model = plugins.load(GROUP, name)(shape, 7)
    x = np.random.default_rng(0).uniform(size=(3, *shape)).astype(np.float32)
    y = np.asarray(model(x))
    assert y.shape == (3, 7)
    np.testing.assert_allclose(y.sum(axis=1), 1.0, rtol=1e-5)
    assert (y >= 0).all()


def test_the_networks_have_the_sizes_they_are_described_with() -> None:
    cnn = architectures.glo_mnist_cnn((28, 28, 1), 10)
    convolutions = (5 * 5 * 1 + 1) * 32 + (5 * 5 * 32 + 1) * 64
    assert cnn.count_params() == convolutions + (7 * 7 * 64 + 1) * 1024 + 1025 * 10
    assert architectures.mlp((8, 8, 1), 10).count_params() == 65 * 64 + 65 * 10
