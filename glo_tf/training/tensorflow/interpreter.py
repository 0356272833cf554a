"""The interpreter of programs in TensorFlow: one graph for every expression.

Programs are arguments, not code: one trace and one XLA compilation of whatever calls `interpret`
serve every expression, and the cost follows the length of the expression at hand.
"""

from __future__ import annotations

from collections.abc import Callable

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

    def unfinished(index: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        return index < length

    def instruction(index: tf.Tensor, registers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # By tf.gather: for XLA, the place of a slice is a constant, to be compiled for each value.
        code = tf.unstack(tf.gather(codes, index))
        number = tf.unstack(tf.gather(numbers, index))

        def operand(place: int) -> Dual:
            register, depends = code[1 + place], code[4 + place] > 0
            # Row 0 is read, and not used, where the operand is a number.
            held = tf.gather(registers, tf.maximum(register, 0))
            value = tf.where(register == IMMEDIATE, number[1 + place], held[0])
            return Dual(value, tf.where(depends, held[1], 0.0), depends)

        def branch(operation: Operation) -> Callable[[], tf.Tensor]:
            # Operands are read inside the branch, where XLA fuses reading and operation.
            def run() -> tf.Tensor:
                operands = [operand(place) for place in range(operation.arity)]
                value, slope = operation.dual(keras.ops, *operands)
                depends = tf.reduce_any([operand.depends for operand in operands])
                slope = tf.where(depends, slope * number[0], 0.0)
                return tf.stack([value * number[0], slope])

            return run

        result = tf.switch_case(code[0], list(map(branch, instruction_set())))
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

    def operands(index: tf.Tensor, registers: tf.Tensor, count: int) -> list[tf.Tensor]:
        code, number = tf.gather(codes, index), tf.gather(numbers, index)
        return [
            tf.where(
                code[1 + place] == IMMEDIATE,
                number[1 + place],
                tf.gather(registers, tf.maximum(code[1 + place], 0)),
            )
            for place in range(count)
        ]

    def forward(index: tf.Tensor, registers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def branch(operation: Operation) -> Callable[[], tf.Tensor]:
            return lambda: operation.value(keras.ops, *operands(index, registers, operation.arity))

        value = tf.switch_case(tf.gather(codes, index)[0], list(map(branch, table)))
        target = tf.gather(codes, index)[3]
        scaled = (value * tf.gather(numbers, index)[0])[tf.newaxis]
        return index + 1, tf.tensor_scatter_nd_update(registers, [[target]], scaled)

    _, registers = tf.while_loop(
        lambda index, _: index < length,
        forward,
        (tf.constant(0), tf.concat([inputs[:, 0], empty], 0)),
    )

    def backward(index: tf.Tensor, adjoints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        code = tf.gather(codes, index)
        adjoint = tf.gather(adjoints, code[3]) * tf.gather(numbers, index)[0]

        def branch(operation: Operation) -> Callable[[], tf.Tensor]:
            def run() -> tf.Tensor:
                parts = operands(index, registers, operation.arity)
                pulled = [
                    tf.where(
                        code[4 + place] > 0,
                        operation.pulled(keras.ops, adjoint, place, *parts),
                        0.0,
                    )
                    for place in range(operation.arity)
                ]
                return tf.stack([*pulled, tf.zeros_like(adjoint)][:2])

            return run

        pulled = tf.switch_case(code[0], list(map(branch, table)))
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
