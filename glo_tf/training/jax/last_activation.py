"""How the outputs of a model end, read from the operations that JAX traces.

A softmax is no operation there, but it is always the same few of them: exponentials, over their
sum.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import keras
from jax.extend.core import Literal

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.outputs import Activation, End
from glo_tf.training.jax.call import traced

_KEEPS_VALUES = re.compile(
    "broadcast_in_dim|convert_element_type|copy|copy_p|expand_dims|optimization_barrier|pvary|"
    "reduce_precision|reshape|sharding_constraint|squeeze|stop_gradient"
)
_GIVES_NUMBERS = re.compile(
    "celu|elu|exp|leaky_relu|log_sigmoid|log_softmax|relu|selu|soft_sign|softplus|tanh"
)
_LIMITED = re.compile("clip|hard_sigmoid|hard_silu|hard_swish|hard_tanh|relu6|sparse_.*")
_AFFINE = re.compile("conv_general_dilated|dot_general|ragged_dot.*")
_JOINS = re.compile(
    "add|add_any|concatenate|dynamic_slice|mul|neg|reduce_max|reduce_sum|slice|sub|transpose"
)

_INNER = "jaxpr", "call_jaxpr", "fun_jaxpr"
_CALLS = re.compile("(core_|closed_)?call|checkpoint|custom_(jvp|vjp)_call.*|p?jit|remat.*")


@dataclasses.dataclass(frozen=True, eq=False)
class _Value:
    """An array that a forward pass computes.

    Attributes:
        shape: Its shape.
        floating: Whether it is of floating-point numbers.
        operation: Whose result it is; empty for arguments and constants.
        inputs: Of the operation.
        parameters: Of the operation.
    """

    shape: tuple[int, ...]
    floating: bool
    operation: str = ""
    inputs: list[_Value] = dataclasses.field(default_factory=list)
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, variable: Any, *operation: Any) -> _Value:
        """Of a variable of a jaxpr, or a literal."""
        aval = variable.aval
        return cls(aval.shape, jnp.issubdtype(aval.dtype, jnp.floating), *operation)

    @property
    def kept(self) -> _Value:
        """What it has its numbers from, unchanged."""
        value = self
        while _KEEPS_VALUES.fullmatch(value.operation) and value.floating:
            value = value.inputs[0]
        return value


def ends(model: keras.Model, samples: Structure) -> list[End]:
    """How each output ends; see `glo_tf.training.backends.Backend`."""
    outputs, arguments = _traced(model, samples)
    variables = {id(argument) for argument in arguments[: len(model.variables)]}

    def gives(value: _Value) -> bool:
        value = value.kept
        if value.operation in ("slice", "dynamic_slice", "transpose"):
            return gives(value.inputs[0])
        if value.operation in ("add", "add_any"):
            # A bias is a variable; what a model adds to its numbers otherwise are units of its own.
            inputs = [part for part in value.inputs if id(part.kept) not in variables]
            return bool(inputs) and all(map(gives, inputs))
        return bool(_AFFINE.fullmatch(value.operation))

    return [End(_activation(output), gives(output)) for output in outputs]


def _traced(model: keras.Model, samples: Structure) -> tuple[list[_Value], list[_Value]]:
    """What a model gives for samples, and what that is computed of: variables and samples."""

    def call(samples: Structure) -> list[Any]:
        return arrays.flat(model(samples, training=False))

    found, _ = traced(call, model, samples)
    jaxpr = found.jaxpr.jaxpr
    arguments = list(map(_Value.of, jaxpr.invars))
    values = _outputs(jaxpr, arguments)
    return values[: len(values) - len(model.variables)], arguments


def _outputs(jaxpr: Any, arguments: list[_Value]) -> list[_Value]:
    """What a jaxpr makes of arguments, with all that it calls, but for named activations."""
    known = dict(zip(jaxpr.invars, arguments, strict=True))

    def seen(variable: Any) -> _Value:
        value = None if isinstance(variable, Literal) else known.get(variable)
        return _Value.of(variable) if value is None else value

    for equation in jaxpr.eqns:
        operation, parameters = equation.primitive.name, equation.params
        inputs = list(map(seen, equation.invars))
        inner = next((parameters[key] for key in _INNER if key in parameters), None)
        if inner is not None and _CALLS.fullmatch(operation):
            name = str(parameters.get("name", ""))
            if not (_GIVES_NUMBERS.fullmatch(name) or _LIMITED.fullmatch(name)):
                results = _outputs(getattr(inner, "jaxpr", inner), inputs)
                known.update(zip(equation.outvars, results, strict=True))
                continue
            operation = name
        for output in equation.outvars:
            known[output] = _Value.of(output, operation, inputs, parameters)
    return list(map(seen, jaxpr.outvars))


def _activation(output: _Value) -> Activation | None:
    value = output.kept
    if _is_softmax(value):
        # Reshaped, its last axis may no longer be that of the units.
        return Activation.SOFTMAX if value.shape[-1:] == output.shape[-1:] else None
    if value.operation == "logistic":
        return Activation.SIGMOID
    numbers = _GIVES_NUMBERS.fullmatch(value.operation)
    if numbers or any(_AFFINE.fullmatch(part.operation) for part in _joined(value)):
        return Activation.LINEAR
    return None


def _is_softmax(value: _Value) -> bool:
    """Whether it is exponentials over their sum along the last axis."""
    if value.operation != "div":
        return False
    above, below = (part.kept for part in value.inputs)
    return (
        above.operation == "exp"
        and below.operation == "reduce_sum"
        and below.inputs[0].kept is above
        and tuple(below.parameters["axes"]) == (len(value.shape) - 1,)
    )


def _joined(value: _Value) -> Iterator[_Value]:
    """A value and those that it is a sum, a mean, a multiple or a part of."""
    waiting, seen = [value], set()
    while waiting:
        value = waiting.pop().kept
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if _JOINS.fullmatch(value.operation):
            waiting += value.inputs
        elif value.operation == "div" and not value.inputs[1].kept.operation:  # by a constant
            waiting.append(value.inputs[0])
