"""Tree to data: an expression as op-code arrays, and the interpreter that runs them.

The arrays are arguments, not code: one trace and one XLA compilation of whatever calls `interpret`
serve every expression, and the cost follows the length of the expression at hand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from glo_tf import nodes
from glo_tf.expression import Expression, arity
from glo_tf.nodes import Dual, Operation

_X, _Y, _FIRST = 0, 1, 2  # rows of the register file: label, prediction, then intermediate results
_IMMEDIATE = -1  # an operand that is a number
_COPY = 0  # the code of the one operation that is no node
_IDENTITY = Operation(
    "identity",
    1,
    "What a leaf needs to get a coefficient.",
    value=lambda ops, a: a,
    slope=lambda ops, value, a: a.slope,
    sympy=lambda sympy, a: a,
    numpy="({0})",
)


def instruction_set() -> tuple[Operation, ...]:
    """The operations in the order of their codes; it grows at its end, and only there."""
    return _IDENTITY, *nodes.registered()


@dataclasses.dataclass(frozen=True)
class Program:
    """An expression as arrays, for `interpret` and `run`.

    Registers 0 and 1 hold x and y, the others intermediate results; the last instruction writes
    register 2. Parts without x and y are folded into numbers.

    Attributes:
        codes: int32 `(capacity, 6)`: operation, registers of both operands (-1 for a number), the
            register written, and whether each operand depends on y.
        numbers: float `(capacity, 3)`: the node's coefficient, and the operands that are numbers.
        length: Number of instructions in use.
    """

    codes: np.ndarray
    numbers: np.ndarray
    length: int

    @classmethod
    def of(
        cls, expression: Expression, *, capacity: int | None = None, dtype: Any = np.float32
    ) -> Program:
        """Compiles an expression; takes microseconds per node.

        Args:
            expression: The tree with its coefficients.
            capacity: Rows of the arrays, at least the expression's size; its size if None.
            dtype: In which the program will run; numbers are folded in it.

        Raises:
            ValueError: If the expression has more nodes than `capacity`.
        """
        capacity = expression.size if capacity is None else capacity
        if expression.size > capacity:
            raise ValueError(
                f"Expected an expression of at most {capacity} nodes. "
                f"Received: {expression.size} nodes"
            )
        instructions = _Compiler(expression, dtype).instructions
        codes = np.zeros((capacity, 6), np.int32)
        numbers = np.zeros((capacity, 3), dtype)
        for row, (code, number) in enumerate(instructions):
            codes[row], numbers[row] = code, number
        return cls(codes, numbers, len(instructions))

    def run(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Value and d/dy in NumPy, in the precision of the program.

        Args:
            x: Labels, any shape.
            y: Predictions, same shape.

        Returns:
            Two arrays of the same shape, with NaN and infinity as IEEE arithmetic gives them;
            subnormal numbers become 0, as TensorFlow's kernels make them.
        """
        dtype = self.numbers.dtype
        x, y = x.astype(dtype), y.astype(dtype)
        held = {_X: (x, np.zeros_like(x)), _Y: (y, np.ones_like(y))}

        def operand(register: int, number: Any, depends: int) -> Dual:
            if register == _IMMEDIATE:
                return Dual(np.full_like(y, number), np.zeros_like(y), False)
            return Dual(*held[register], bool(depends))

        table = instruction_set()
        with np.errstate(all="ignore"):
            for code, (factor, *given) in zip(
                self.codes[: self.length].tolist(),
                _flushed(self.numbers[: self.length]),
                strict=True,
            ):
                operation = table[code[0]]
                registers, target, depends = code[1:3], code[3], code[4:6]
                operands = map(operand, registers[: operation.arity], given, depends)
                value, slope = operation.dual(np, *operands)
                slope = slope * factor if any(depends) else np.zeros_like(y)
                held[target] = _flushed(value * factor), _flushed(slope)
        return held[_FIRST]

    def tensors(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Codes, numbers and length, as `interpret` takes them."""
        return tf.constant(self.codes), tf.constant(self.numbers), tf.constant(self.length)


def interpret(
    y_true: tf.Tensor,
    y_pred: tf.Tensor,
    codes: tf.Tensor,
    numbers: tf.Tensor,
    length: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a program on tensors, inside a `tf.function` of the caller.

    A trace knows the `instruction_set` of its time. Programs with operations that were registered
    later need a trace of their own.

    Args:
        y_true: Labels, any shape.
        y_pred: Predictions, same shape and dtype.
        codes: int32 `(capacity, 6)`, see `Program`.
        numbers: `(capacity, 3)`, dtype of `y_pred`.
        length: int32 scalar.

    Returns:
        Value and d/dy, both of the shape of `y_pred`.
    """
    # To need k results at once, a tree must have 2**k - 1 nodes (Sethi and Ullman, 1970).
    results = int(codes.shape[0] + 1).bit_length() - 1
    zeros = tf.zeros_like(y_pred)
    inputs = tf.stack([tf.stack([y_true, zeros]), tf.stack([y_pred, tf.ones_like(y_pred)])])
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
            value = tf.where(register == _IMMEDIATE, number[1 + place], held[0])
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
    return registers[_FIRST, 0], registers[_FIRST, 1]


@dataclasses.dataclass(frozen=True)
class _Operand:
    """Where an operand is, or which number, and whether y is in it."""

    register: int
    number: float = 0.0
    depends: bool = False


class _Compiler:
    """Emits the instructions of one expression, the operand that needs more registers first."""

    def __init__(self, expression: Expression, dtype: Any):
        self._expression = expression
        self._dtype = np.dtype(dtype).type
        self._codes = {
            operation.name: _COPY + 1 + place for place, operation in enumerate(nodes.registered())
        }
        self._needs: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        for index in range(expression.size - 1, -1, -1):
            self._measure(index)
        self.instructions: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
        result = self._emit(0, _FIRST)
        if result.register != _FIRST:  # a bare leaf or number
            self._append(_COPY, [result], 1.0, _FIRST)

    def _operands(self, index: int) -> list[int]:
        operands, start = [], index + 1
        for _ in range(arity(self._expression.nodes[index])):
            operands.append(start)
            start = self._ends[start]
        return operands

    def _measure(self, index: int) -> None:
        operands = self._operands(index)
        self._ends[index] = self._ends[operands[-1]] if operands else index + 1
        if not operands:
            self._needs[index] = 0 if self._expression.coefficients[index] == 1.0 else 1
            return
        # Registers needed, given that those of the heavier operands are taken one by one.
        needs = sorted((self._needs[operand] for operand in operands), reverse=True)
        self._needs[index] = max([1, *(need + held for held, need in enumerate(needs) if need)])

    def _emit(self, index: int, free: int) -> _Operand:
        node, factor = self._expression.nodes[index], self._expression.coefficients[index]
        if isinstance(node, int):
            return _Operand(_IMMEDIATE, _flushed(self._dtype(node) * self._dtype(factor)))
        if node in ("x", "y"):
            leaf = _Operand(_X) if node == "x" else _Operand(_Y, depends=True)
            return leaf if factor == 1.0 else self._append(_COPY, [leaf], factor, free)
        indices = self._operands(index)
        found: dict[int, _Operand] = {}
        place = free
        for operand in sorted(indices, key=lambda operand: -self._needs[operand]):
            found[operand] = self._emit(operand, place)
            place += found[operand].register >= _FIRST
        operands = [found[operand] for operand in indices]
        if all(operand.register == _IMMEDIATE for operand in operands):
            return _Operand(_IMMEDIATE, self._fold(node, operands, factor))
        return self._append(self._codes[node], operands, factor, free)

    def _append(self, code: int, operands: list[_Operand], factor: float, target: int) -> _Operand:
        first, second = (*operands, _Operand(_IMMEDIATE))[:2]
        registers = first.register, second.register, target
        codes = (code, *registers, first.depends, second.depends)
        self.instructions.append((codes, (factor, first.number, second.number)))
        return _Operand(target, depends=first.depends or second.depends)

    def _fold(self, name: str, operands: list[_Operand], factor: float) -> float:
        numbers = [self._dtype(operand.number) for operand in operands]
        with np.errstate(all="ignore"):
            value = nodes.get(name).value(np, *numbers)
            folded: float = _flushed(self._dtype(value) * _flushed(self._dtype(factor)))
        return folded


def _flushed(values: Any) -> Any:
    """Subnormal numbers become 0, as in TensorFlow's kernels."""
    return values * (np.abs(values) >= np.finfo(values.dtype).tiny)
