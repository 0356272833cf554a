"""The interpreter of programs in JAX: a loop over instructions, for one lane or for many."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from glo_tf.expressions.leaves import LEAVES, Surroundings, values
from glo_tf.expressions.operations import Dual, Operation
from glo_tf.expressions.program import IMMEDIATE, Layout, instruction_set
from glo_tf.expressions.seen_by_loss import LogPrediction


def interpret(
    y_true: jax.Array,
    y_pred: jax.Array,
    codes: jax.Array,
    numbers: jax.Array,
    length: jax.Array,
    longest: jax.Array,
    log_y: LogPrediction | None = None,
    layout: Layout | None = None,
    surroundings: Surroundings | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Runs a program, as `glo_tf.training.tensorflow.interpreter.interpret` does.

    Under `jax.vmap` each instruction computes all operations, and each lane takes its own; without
    it, the one that is needed is computed.

    Args:
        y_true: Labels, any shape; the last axis is that of the classes.
        y_pred: Predictions, same shape and dtype.
        codes: int32 `(capacity, 6)`, see `glo_tf.expressions.program.Program`.
        numbers: `(capacity, 3)`, dtype of `y_pred`.
        length: int32 scalar, instructions of this program.
        longest: int32 scalar, instructions that are run; those beyond `length` do nothing. Under
            `jax.vmap` the same for all lanes, so that none waits for another's condition.
        log_y: For programs that take it; None for others.
        layout: Of the programs; that of labels and predictions alone if None.
        surroundings: What leaves beside x and y are made of.

    Returns:
        Value and d/dy, or the derivative of which `log_y` tells, both of the shape of `y_pred`.
    """
    layout = Layout(log_y=log_y is not None) if layout is None else layout
    # To need k results at once, a tree must have 2**k - 1 nodes (Sethi and Ullman, 1970).
    results = int(codes.shape[0] + 1).bit_length() - 1
    zeros = jnp.zeros_like(y_pred)
    slope_of_y = jnp.ones_like(y_pred) if log_y is None else log_y.slope_of_y
    leaves = values(y_true, y_pred, surroundings, layout.leaves, zeros=zeros)
    given = [
        jnp.stack([leaves[name], slope_of_y if LEAVES[name].depends else zeros])
        for name in layout.leaves
    ]
    if log_y is not None:
        given.append(jnp.stack([log_y.value, log_y.slope]))
    if layout.across:
        return _backward(jnp.stack(given), codes, numbers, length, longest, layout)
    empty = jnp.zeros((results, 2, *y_pred.shape), y_pred.dtype)
    registers = jnp.concatenate([jnp.stack(given), empty])

    def instruction(index: jax.Array, registers: jax.Array) -> jax.Array:
        code, number = codes[index], numbers[index]

        def operand(place: int) -> Dual:
            register, depends = code[1 + place], code[4 + place] > 0
            # Row 0 is read, and not used, where the operand is a number.
            held = registers[jnp.maximum(register, 0)]
            value = jnp.where(register == IMMEDIATE, number[1 + place], held[0])
            return Dual(value, jnp.where(depends, held[1], 0.0), depends)

        def branch(operation: Operation) -> Callable[[], jax.Array]:
            def run() -> jax.Array:
                # Read here, they are part of the one loop over elements that an operation is.
                used = [operand(place) for place in range(operation.arity)]
                value, slope = operation.dual(jnp, *used)
                depends = jnp.any(jnp.stack([part.depends for part in used]))
                slope = jnp.where(depends, slope * number[0], 0.0)
                return jnp.stack([value * number[0], slope])

            return run

        result = jax.lax.switch(code[0], list(map(branch, instruction_set())))
        # Where the program has ended, its target is written with what it holds.
        target = code[3]
        return registers.at[target].set(jnp.where(index < length, result, registers[target]))

    registers = jax.lax.fori_loop(0, longest, instruction, registers)
    result = registers[layout.first_result]
    return result[0], result[1]


def _backward(
    inputs: jax.Array,
    codes: jax.Array,
    numbers: jax.Array,
    length: jax.Array,
    longest: jax.Array,
    layout: Layout,
) -> tuple[jax.Array, jax.Array]:
    """Values first, each in a register of its own, then derivatives from the last to the first."""
    table = instruction_set(across=True)
    last = layout.first_result + length - 1

    def operands(index: jax.Array, registers: jax.Array) -> list[jax.Array]:
        code, number = codes[index], numbers[index]
        return [
            jnp.where(
                code[1 + place] == IMMEDIATE,
                number[1 + place],
                registers[jnp.maximum(code[1 + place], 0)],
            )
            for place in range(2)
        ]

    def forward(index: jax.Array, registers: jax.Array) -> jax.Array:
        target = codes[index][3]

        def branch(operation: Operation) -> Callable[[], jax.Array]:
            def run() -> jax.Array:
                used = operands(index, registers)[: operation.arity]
                value: jax.Array = operation.value(jnp, *used) * numbers[index][0]
                return value

            return run

        value = jax.lax.switch(codes[index][0], list(map(branch, table)))
        # Where the program has ended, its target is written with what it holds.
        return registers.at[target].set(jnp.where(index < length, value, registers[target]))

    empty = jnp.zeros((codes.shape[0], *inputs.shape[2:]), inputs.dtype)
    registers = jax.lax.fori_loop(0, longest, forward, jnp.concatenate([inputs[:, 0], empty]))

    def backward(done: jax.Array, adjoints: jax.Array) -> jax.Array:
        index = longest - 1 - done
        code = codes[index]

        def branch(operation: Operation) -> Callable[[], jax.Array]:
            def run() -> jax.Array:
                adjoint = adjoints[code[3]] * numbers[index][0]
                used = operands(index, registers)[: operation.arity]
                pulled = [
                    operation.pulled(jnp, adjoint, place, *used) for place in range(operation.arity)
                ]
                return jnp.stack([*pulled, jnp.zeros_like(adjoint)][:2])

            return run

        pulled = jax.lax.switch(code[0], list(map(branch, table)))
        for place in range(2):
            counts = (index < length) & (code[4 + place] > 0)
            added = jnp.where(counts, pulled[place], 0.0)
            adjoints = adjoints.at[jnp.maximum(code[1 + place], 0)].add(added)
        return adjoints

    one = jnp.zeros_like(registers).at[last].set(1.0)
    adjoints = jax.lax.fori_loop(0, longest, backward, one)
    slope = jnp.zeros_like(inputs[0, 0])
    for register in range(inputs.shape[0]):
        if layout.depends(register):
            slope = slope + adjoints[register] * inputs[register, 1]
    return registers[last], slope
