"""Convolutions as products of patches, against JAX's own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glo_tf.training.jax import convolutions
from glo_tf.training.jax.convolutions import as_products

CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "one channel": ((2, 9, 9, 1), (5, 5, 1, 3), {"padding": "SAME"}),
    "many channels": ((2, 9, 8, 6), (3, 5, 6, 4), {"padding": "VALID"}),
    "strides": ((2, 9, 8, 6), (3, 3, 6, 4), {"window_strides": (2, 3), "padding": "SAME"}),
    "strides of few": ((2, 9, 8, 2), (3, 2, 2, 4), {"window_strides": (2, 3), "padding": "SAME"}),
    "dilated": ((2, 9, 9, 5), (3, 3, 5, 4), {"rhs_dilation": (2, 3), "padding": "VALID"}),
    "dilated few": ((2, 9, 9, 3), (3, 3, 3, 4), {"rhs_dilation": (2, 1), "padding": "VALID"}),
    "one dimension": ((2, 9, 6), (3, 6, 4), {"padding": "VALID"}),
    "three dimensions": ((2, 4, 5, 6, 5), (2, 3, 2, 5, 3), {"padding": "SAME"}),
    "grouped": ((2, 9, 9, 6), (3, 3, 3, 4), {"feature_group_count": 2, "padding": "SAME"}),
    "transposed": (
        (2, 4, 4, 6),
        (3, 3, 6, 4),
        {"lhs_dilation": (2, 2), "padding": [(2, 2)] * 2},
    ),
}
ORDERS = {3: ("NWC", "WIO"), 4: ("NHWC", "HWIO"), 5: ("NDHWC", "DHWIO")}


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_the_convolution(case: str) -> None:
    of_images, of_kernel, options = CASES[case]
    rng = np.random.default_rng(0)
    images = jnp.asarray(rng.normal(size=of_images), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=of_kernel), jnp.float32)
    order = ORDERS[images.ndim]
    options = {"window_strides": (1,) * (images.ndim - 2), **options}

    @jax.jit  # a call within, as Keras's layers make them
    def convolve(images: jax.Array, kernel: jax.Array) -> jax.Array:
        dimensions = (order[0], order[1], order[0])
        found: jax.Array = jax.lax.conv_general_dilated(
            images, kernel, dimension_numbers=dimensions, **options
        )
        return jax.nn.relu(found)

    def of(function: Any) -> Any:
        return jax.value_and_grad(
            lambda *arrays: jnp.sum(jnp.sin(function(*arrays))), argnums=(0, 1)
        )(images, kernel)

    np.testing.assert_allclose(
        as_products(convolve)(images, kernel), convolve(images, kernel), atol=1e-4
    )
    found, expected = of(as_products(convolve)), of(convolve)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_what_pays_depends_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def convolutions_in(channels: int) -> int:
        images, kernel = jnp.ones((1, 6, 6, channels)), jnp.ones((3, 3, channels, 2))
        function = as_products(
            lambda *arrays: jax.lax.conv_general_dilated(
                *arrays, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
        )
        return str(jax.make_jaxpr(function)(images, kernel)).count("conv_general_dilated[")

    assert convolutions_in(8) == 0
    monkeypatch.setattr(convolutions.jax, "default_backend", lambda: "gpu")
    assert convolutions_in(8) == 1
