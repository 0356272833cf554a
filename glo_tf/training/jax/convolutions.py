"""Convolutions whose weights differ by lane, as matrix products of patches.

`jax.vmap` makes one grouped convolution of them, whose backward pass is slow on GPUs and on CPUs.
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


def as_products(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, in which each convolution is a product of patches and a matrix.

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
        if primitive is primitives.conv_general_dilated_p and _is_plain(equation.params):
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


def _is_plain(parameters: dict[str, Any]) -> bool:
    """Whether it is a convolution as layers make them: not transposed, not grouped."""
    return (
        parameters["feature_group_count"] == 1
        and parameters["batch_group_count"] == 1
        and all(dilation == 1 for dilation in parameters["lhs_dilation"])
    )


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
    window, features = kernel.shape[:-2], kernel.shape[-1]
    images = jnp.pad(images, [(0, 0), *padding, (0, 0)])
    sizes = [
        (size - (width - 1) * dilation - 1) // stride + 1
        for size, width, dilation, stride in zip(
            images.shape[1:-1], window, rhs_dilation, window_strides, strict=True
        )
    ]

    def shifted(offsets: tuple[int, ...]) -> jax.Array:
        places = tuple(
            slice(offset * dilation, offset * dilation + (size - 1) * stride + 1, stride)
            for offset, dilation, size, stride in zip(
                offsets, rhs_dilation, sizes, window_strides, strict=True
            )
        )
        return images[(slice(None), *places)]

    patches = jnp.stack([shifted(o) for o in np.ndindex(*window)], axis=-2)
    result = jnp.matmul(
        patches.reshape(-1, kernel.size // features),
        kernel.reshape(-1, features),
        precision=precision,
        preferred_element_type=preferred_element_type,
    ).reshape(images.shape[0], *sizes, features)
    order = [0] * result.ndim
    for place, dimension in enumerate((of_result[0], *of_result[2:], of_result[1])):
        order[dimension] = place
    return jnp.transpose(result, order)
