"""Every registered architecture, by being registered."""

from glo_tf import architectures
from glo_tf.testing import ArchitectureTestCase, registered

globals().update(registered(ArchitectureTestCase, "glo_tf"))


def test_the_networks_have_the_sizes_they_are_described_with() -> None:
    cnn = architectures.glo_mnist_cnn((28, 28, 1), 10)
    convolutions = (5 * 5 * 1 + 1) * 32 + (5 * 5 * 32 + 1) * 64
    assert cnn.count_params() == convolutions + (7 * 7 * 64 + 1) * 1024 + 1025 * 10
    assert architectures.mlp((8, 8, 1), 10).count_params() == 65 * 64 + 65 * 10
