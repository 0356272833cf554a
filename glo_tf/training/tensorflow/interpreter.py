"""The interpreter of programs in TensorFlow: one graph for every expression.

Programs are arguments, not code: one trace and one XLA compilation of whatever calls `interpret`
serve every expression, and the cost follows the length of the expression at hand.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from glo_tf.expressions.leaves import LEAVES, Surroundings, values
from glo_tf.expressions.operations import Dual, Operation
from glo_tf.expressions.program import IMMEDIATE, Layout, Program, instruction_set
from glo_tf.expressions.seen_by_loss import LogPrediction


def tensors(program: Program) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Codes, numbers and length, as `interpret` takes them."""
    return tf.constant(program.codes), tf.constant(program.numbers), tf.constant(program.length)


def interpret(
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    codes: tf.Tensor,
    numbers: tf.Tensor,
    length: tf.Tensor,
    *,
    log_y: LogPrediction | None = None,
    layout: Layout | None = None,
    surroundings: Surroundings | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a program on tensors, inside a `tf.function` of the caller.

    A trace knows the `instruction_set` of its time. Programs with operations that were registered
    later need a trace of their own.

    Args:
        y_true: Labels, any shape; the last axis is that of the classes.
        y_pred: Predictions, same shape and dtype.
        codes: int32 `(capacity, 6)`, see `Program`.
        numbers: `(capacity, 3)`, dtype of `y_pred`.
        length: int32 scalar.
        log_y: For programs that take it; None for others.
        layout: Of the programs; that of labels and predictions alone if None.
        surroundings: What leaves beside x and y are made of.

    Returns:
        Value and d/dy, or the derivative of which `log_y` tells, both of the shape of `y_pred`.
    """
    layout = Layout(log_y=log_y is not None) if layout is None else layout
    # To need k results at once, a tree must have 2**k - 1 nodes (Sethi and Ullman, 1970).
    results = int(codes.shape[0] + 1).bit_length() - 1
    zeros = tf.zeros_like(y_pred)
    slope_of_y = tf.ones_like(y_pred) if log_y is None else log_y.slope_of_y
    leaves = values(y_true, y_pred, surroundings, layout.leaves, zeros=zeros)
    given = [
        tf.stack([leaves[name], slope_of_y if LEAVES[name].depends else zeros])
        for name in layout.leaves
    ]
    if log_y is not None:
        given.append(tf.stack([log_y.value, log_y.slope]))
    inputs = tf.stack(given)
    if layout.across:
        return _backward(inputs, codes, numbers, length, layout)
    empty = tf.zeros(tf.concat([[results], tf.shape(inputs)[1:]], 0), y_pred.dtype)
    registers = tf.concat([inputs, empty], 0)
    table = instruction_set()

    def unfinished(index: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        return index < length

    def instruction(index: tf.Tensor, registers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # By tf.gather: for XLA, the place of a slice is a constant, to be compiled for each value.
        code, number = tf.gather(codes, index), tf.gather(numbers, index)
        result = _switch(_dual, table, code, number, registers)
        return index + 1, tf.tensor_scatter_nd_update(registers, [[code[3]]], result[tf.newaxis])

    _, registers = tf.while_loop(unfinished, instruction, (tf.constant(0), registers))
    return registers[layout.first_result, 0], registers[layout.first_result, 1]


def _backward(
    inputs: tf.Tensor, codes: tf.Tensor, numbers: tf.Tensor, length: tf.Tensor, layout: Layout
) -> tuple[tf.Tensor, tf.Tensor]:
    """Values first, each in a register of its own, then derivatives from the last to the first."""
    table = instruction_set(across=True)
    empty = tf.zeros(tf.concat([[codes.shape[0]], tf.shape(inputs)[2:]], 0), inputs.dtype)
    last = layout.first_result + length - 1

    def forward(index: tf.Tensor, registers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        code, number = tf.gather(codes, index), tf.gather(numbers, index)
        value = _switch(_value, table, code, number, registers)
        scaled = (value * number[0])[tf.newaxis]
        return index + 1, tf.tensor_scatter_nd_update(registers, [[code[3]]], scaled)

    _, registers = tf.while_loop(
        lambda index, _: index < length,
        forward,
        (tf.constant(0), tf.concat([inputs[:, 0], empty], 0)),
    )

    def backward(index: tf.Tensor, adjoints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        code, number = tf.gather(codes, index), tf.gather(numbers, index)
        adjoint = tf.gather(adjoints, code[3]) * number[0]
        pulled = _switch(_pulled, table, code, number, registers, adjoint)
        # One after the other, as both may be for the same register.
        places = tf.maximum(code[1:3], 0)[:, tf.newaxis]
        return index - 1, tf.tensor_scatter_nd_add(adjoints, places, pulled)

    one = tf.tensor_scatter_nd_update(
        tf.zeros_like(registers), [[last]], tf.ones_like(registers[:1])
    )
    _, adjoints = tf.while_loop(lambda index, _: index >= 0, backward, (length - 1, one))
    own = [register for register in range(inputs.shape[0]) if layout.depends(register)]
    slope = tf.add_n([adjoints[register] * inputs[register, 1] for register in own])
    return registers[last], slope


def _switch(
    run: Callable[..., tf.Tensor],
    table: Sequence[Operation],
    code: tf.Tensor,
    number: tf.Tensor,
    registers: tf.Tensor,
    *more: tf.Tensor,
) -> tf.Tensor:
    """What `run` makes of the instruction's operation, of the instruction and of what is given.

    As `tf.switch_case`, of functions that are traced once for all trainings of the process. They
    are called, and not made part of the graph, which is then of a size that runs quickly.
    """
    # On a GPU, int32 is in the memory of the host, where called functions do not expect it.
    given = (tf.cast(code, tf.int64), number, registers, *more)
    branches = [_traced(run, operation, *map(_spec, given)) for operation in table]
    (result,) = tf.raw_ops.Case(
        branch_index=code[0], input=given, Tout=[registers.dtype], branches=branches
    )
    return result


def _spec(tensor: tf.Tensor) -> tf.TensorSpec:
    """Of an instruction its size; of others any, for all numbers of samples and of classes."""
    shape = tensor.shape if len(tensor.shape) == 1 else (None,) * len(tensor.shape)
    return tf.TensorSpec(shape, tensor.dtype)


@functools.lru_cache(maxsize=1024)
def _traced(run: Callable[..., tf.Tensor], operation: Operation, *specs: tf.TensorSpec) -> Any:
    function = tf.function(functools.partial(run, operation), autograph=False)
    return function.get_concrete_function(*specs)


class _ToRead(NamedTuple):
    """Of an instruction: a row of the registers, or a number in its place."""

    row: tf.Tensor
    is_number: tf.Tensor
    number: tf.Tensor
    depends: tf.Tensor


def _operands(operation: Operation, code: tf.Tensor, number: tf.Tensor) -> list[_ToRead]:
    codes, numbers = tf.unstack(code), tf.unstack(number)
    # Row 0 is read, and not used, where the operand is a number.
    return [
        _ToRead(tf.maximum(row, 0), row == IMMEDIATE, value, depends > 0)
        for row, value, depends, _ in zip(
            codes[1:], numbers[1:], codes[4:], range(operation.arity), strict=False
        )
    ]


def _dual(
    operation: Operation, code: tf.Tensor, number: tf.Tensor, registers: tf.Tensor
) -> tf.Tensor:
    """Value and slope."""
    duals = []
    # Operands are read here, where XLA fuses reading and operation.
    for operand in _operands(operation, code, number):
        value, slope = tf.unstack(tf.gather(registers, operand.row), num=2)
        value = tf.where(operand.is_number, operand.number, value)
        duals.append(Dual(value, tf.where(operand.depends, slope, 0.0), operand.depends))
    value, slope = operation.dual(keras.ops, *duals)
    depends = functools.reduce(tf.logical_or, [dual.depends for dual in duals])
    factor = number[0]
    return tf.stack([value * factor, tf.where(depends, slope * factor, 0.0)])


def _value(
    operation: Operation, code: tf.Tensor, number: tf.Tensor, registers: tf.Tensor
) -> tf.Tensor:
    """The value alone, without the factor."""
    operands = _operands(operation, code, number)
    return operation.value(keras.ops, *(_read(operand, registers) for operand in operands))


def _pulled(
    operation: Operation,
    code: tf.Tensor,
    number: tf.Tensor,
    registers: tf.Tensor,
    adjoint: tf.Tensor,
) -> tf.Tensor:
    """Derivatives by two operands; 0 by those that it does not have, or that do not depend on y."""
    operands = _operands(operation, code, number)
    values = [_read(operand, registers) for operand in operands]
    pulled = [
        tf.where(operand.depends, operation.pulled(keras.ops, adjoint, place, *values), 0.0)
        for place, operand in enumerate(operands)
    ]
    return tf.stack([*pulled, tf.zeros_like(adjoint)][:2])


def _read(operand: _ToRead, registers: tf.Tensor) -> tf.Tensor:
    return tf.where(operand.is_number, operand.number, tf.gather(registers, operand.row))
