"""The interpreter of programs in JAX: a loop over instructions, for one lane or for many."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from glo_tf.expressions.leaves import LEAVES, values
from glo_tf.expressions.operations import Dual, Operation
from glo_tf.expressions.program import IMMEDIATE, instruction_set, result_register
from glo_tf.expressions.seen_by_loss import LogPrediction


def interpret(
    y_true: jax.Array,
    y_pred: jax.Array,
    codes: jax.Array,
    numbers: jax.Array,
    length: jax.Array,
    longest: jax.Array,
    log_y: LogPrediction | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Runs a program, as `glo_tf.training.tensorflow.interpreter.interpret` does.

    Under `jax.vmap` each instruction computes all operations, and each lane takes its own; without
    it, the one that is needed is computed.

    Args:
        y_true: Labels, any shape.
        y_pred: Predictions, same shape and dtype.
        codes: int32 `(capacity, 6)`, see `glo_tf.expressions.program.Program`.
        numbers: `(capacity, 3)`, dtype of `y_pred`.
        length: int32 scalar, instructions of this program.
        longest: int32 scalar, instructions that are run; those beyond `length` do nothing. The same
            for all lanes, so that none waits for another's condition.
        log_y: For programs that take it; None for others.

    Returns:
        Value and d/dy, or the derivative of which `log_y` tells, both of the shape of `y_pred`.
    """
    # To need k results at once, a tree must have 2**k - 1 nodes (Sethi and Ullman, 1970).
    results = int(codes.shape[0] + 1).bit_length() - 1
    zeros = jnp.zeros_like(y_pred)
    slope_of_y = jnp.ones_like(y_pred) if log_y is None else log_y.slope_of_y
    given = [
        jnp.stack([value, slope_of_y if LEAVES[name].depends else zeros])
        for name, value in values(y_true, y_pred).items()
    ]
    if log_y is not None:
        given.append(jnp.stack([log_y.value, log_y.slope]))
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

        operands = operand(0), operand(1)

        def branch(operation: Operation) -> Callable[[], jax.Array]:
            def run() -> jax.Array:
                used = operands[: operation.arity]
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
    result = registers[result_register(log_y is not None)]
    return result[0], result[1]
