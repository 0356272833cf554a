import pytest
from glo_tf_resnet import resnet

from glo_tf.testing import ArchitectureTestCase


class TestResnet(ArchitectureTestCase):
    name = "resnet"
    options = {"width": 4}
    input_shapes = ((32, 32, 3), (28, 28, 1))


@pytest.mark.parametrize(("depth", "parameters"), [(20, 0.27e6), (32, 0.46e6)])
def test_it_has_the_size_of_the_paper(depth, parameters) -> None:
    model = resnet((32, 32, 3), 10, depth=depth, width=16)
    assert model.count_params() == pytest.approx(parameters, rel=0.03)


def test_depth_counts_the_layers_with_weights() -> None:
    model = resnet((32, 32, 3), 10, depth=14, width=4)
    kernels = [weight for weight in model.trainable_weights if weight.path.endswith("kernel")]
    shortcuts = [kernel for kernel in kernels if kernel.shape[:2] == (1, 1)]
    assert (len(kernels) - len(shortcuts), len(shortcuts)) == (14, 2)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((64,), {}, r"shape=\(64,\)"),
        ((32, 32, 3), {"depth": 9}, "depth=9"),
        ((32, 32, 3), {"depth": 2}, "depth=2"),
        ((32, 32, 3), {"width": 0}, "width=0"),
    ],
)
def test_what_makes_no_network_is_refused(shape, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        resnet(shape, 10, **options)
