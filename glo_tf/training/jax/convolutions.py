"""Convolutions whose weights differ by lane, as matrix products of patches where that is faster.

`jax.vmap` makes one grouped convolution of them. On CPUs its passes are slow, 50 times those of a
product; on GPUs it is as fast or up to twice as fast, but for layers with few channels, the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.extend.core import primitives

_CALLS = ("jit", "pjit", "closed_call")
_FEW = 4  # channels of an image rather than of a layer


def as_products(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, with convolutions as products of patches and matrices where that pays.

    Args:
        function: Of arrays or structures of arrays; it is traced with their shapes.
    """

    def rewritten(*arguments: Any) -> Any:
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _run(traced.jaxpr, traced.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return rewritten


def _run(jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    held = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def value(variable: Any) -> Any:
        return variable.val if isinstance(variable, core.Literal) else held[variable]

    for equation in jaxpr.eqns:
        operands = list(map(value, equation.invars))
        primitive = equation.primitive
        if primitive is primitives.conv_general_dilated_p and _pays(*operands, **equation.params):
            results = [_product(*operands, **equation.params)]
        elif primitive.name in _CALLS:
            inner = equation.params.get("jaxpr") or equation.params["call_jaxpr"]
            results = _run(inner.jaxpr, inner.consts, operands)
        else:
            results = _alone(jaxpr, equation, held)
        held.update(zip(equation.outvars, results, strict=True))
    return list(map(value, jaxpr.outvars))


def _alone(jaxpr: Any, equation: Any, held: dict[Any, Any]) -> list[Any]:
    """The results of one equation of a jaxpr that stays as it is."""
    operands = dict.fromkeys(v for v in equation.invars if not isinstance(v, core.Literal))
    alone = jaxpr.replace(
        constvars=[],
        invars=list(operands),
        outvars=equation.outvars,
        eqns=[equation],
        effects=equation.effects,
    )
    results: list[Any] = core.jaxpr_as_fun(core.ClosedJaxpr(alone, []))(*map(held.get, operands))
    return results


def _pays(
    images: jax.Array,
    kernel: jax.Array,
    *,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
    lhs_dilation: Sequence[int],
    **_: Any,
) -> bool:
    """Whether a convolution is one as layers make them, and faster as a product."""
    if feature_group_count > 1 or batch_group_count > 1 or any(step > 1 for step in lhs_dilation):
        return False
    channels = images.shape[dimension_numbers.lhs_spec[1]]
    return jax.default_backend() == "cpu" or channels <= _FEW


def _product(
    images: jax.Array,
    kernel: jax.Array,
    *,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int],
    dimension_numbers: Any,
    precision: Any,
    preferred_element_type: Any,
    **_: Any,
) -> jax.Array:
    """The convolution; dimensions in any order, any number of spatial ones."""
    of_images, of_kernel, of_result = dimension_numbers
    images = jnp.transpose(images, (of_images[0], *of_images[2:], of_images[1]))
    kernel = jnp.transpose(kernel, (*of_kernel[2:], of_kernel[1], of_kernel[0]))
    patches_of = _by_convolution if images.shape[-1] <= _FEW else _by_shifting
    patches, kernel = patches_of(images, kernel, window_strides, padding, rhs_dilation)
    result = jnp.matmul(
        patches.reshape(-1, patches.shape[-1]),
        kernel,
        precision=precision,
        preferred_element_type=preferred_element_type,
    ).reshape(*patches.shape[:-1], kernel.shape[-1])
    order = [0] * result.ndim
    for place, dimension in enumerate((of_result[0], *of_result[2:], of_result[1])):
        order[dimension] = place
    return jnp.transpose(result, order)


def _by_convolution(
    images: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> tuple[jax.Array, jax.Array]:
    """Patches `(N, ..., C K)`, by a convolution that all lanes share, and the matrix for them."""
    window = kernel.shape[:-2]
    spatial = tuple(range(1, 1 + len(window)))
    of_images = (0, 1 + len(window), *spatial)
    of_kernel = (1 + len(window), len(window), *range(len(window)))
    patches = jax.lax.conv_general_dilated_patches(
        images,
        window,
        strides,
        padding,
        rhs_dilation=dilation,
        dimension_numbers=jax.lax.ConvDimensionNumbers(of_images, of_kernel, of_images),
    )
    matrix = jnp.moveaxis(kernel, -2, 0).reshape(-1, kernel.shape[-1])
    return patches, matrix


def _by_shifting(
    images: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> tuple[jax.Array, jax.Array]:
    """Patches `(N, ..., K C)`, as images that are shifted, and the matrix for them."""
    window = kernel.shape[:-2]
    images = jnp.pad(images, [(0, 0), *padding, (0, 0)])
    reach = [(width - 1) * step for width, step in zip(window, dilation, strict=True)]

    def shifted(offsets: tuple[int, ...]) -> jax.Array:
        places = [
            slice(offset * step, size - last + offset * step, stride)
            for offset, step, size, last, stride in zip(
                offsets, dilation, images.shape[1:-1], reach, strides, strict=True
            )
        ]
        return images[(slice(None), *places)]

    patches = jnp.stack([shifted(offsets) for offsets in np.ndindex(*window)], axis=-2)
    return patches.reshape(*patches.shape[:-2], -1), kernel.reshape(-1, kernel.shape[-1])
