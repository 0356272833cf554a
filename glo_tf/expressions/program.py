"""Tree to data: an expression as op-code arrays, and NumPy's interpreter of them.

The arrays are arguments, not code: `glo_tf.training.tensorflow.interpreter` runs them in a graph
that is compiled once.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions import operations
from glo_tf.expressions.leaves import LEAVES, values
from glo_tf.expressions.operations import Dual, Operation
from glo_tf.expressions.prefix import PrefixList, arity
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.value import is_log_of_scaled_y

LEAF_REGISTERS = {name: place for place, name in enumerate(LEAVES)}  # rows of the register file
LOG_Y = len(LEAVES)  # in programs for logits, log(y); intermediate results follow
IMMEDIATE = -1  # an operand that is a number
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
    return _IDENTITY, *operations.registered()


@dataclasses.dataclass(frozen=True)
class Program:
    """An expression as arrays, for `run` and `glo_tf.training.tensorflow.interpreter.interpret`.

    The first registers hold the leaves (x and y), with `log_y` the next one log(y), the others
    intermediate results; the last instruction writes the first of them. Parts without a leaf are
    folded into numbers.

    Attributes:
        codes: int32 `(capacity, 6)`: operation, registers of both operands (-1 for a number), the
            register written, and whether each operand depends on y.
        numbers: float `(capacity, 3)`: the node's coefficient, and the operands that are numbers.
        length: Number of instructions in use.
        log_y: Whether it is for predictions whose logarithm is known better than from y.
    """

    codes: np.ndarray
    numbers: np.ndarray
    length: int
    log_y: bool = False

    @classmethod
    def of(
        cls,
        expression: PrefixList,
        *,
        capacity: int | None = None,
        dtype: Any = np.float32,
        log_y: bool = False,
    ) -> Program:
        """Compiles an expression; takes microseconds per node.

        Args:
            expression: The tree with its coefficients.
            capacity: Rows of the arrays, at least the expression's size; its size if None.
            dtype: In which the program will run; numbers are folded in it.
            log_y: Whether the logarithm of y, times a positive coefficient, is taken from a
                `LogPrediction`.

        Raises:
            ValueError: If the expression has more nodes than `capacity`.
        """
        capacity = expression.size if capacity is None else capacity
        if expression.size > capacity:
            raise InvalidArgumentError(
                f"Expected an expression of at most {capacity} nodes. "
                f"Received: {expression.size} nodes"
            )
        instructions = _Compiler(expression, dtype, log_y).instructions
        codes = np.zeros((capacity, 6), np.int32)
        numbers = np.zeros((capacity, 3), dtype)
        for row, (code, number) in enumerate(instructions):
            codes[row], numbers[row] = code, number
        return cls(codes, numbers, len(instructions), log_y)

    def run(
        self, x: np.ndarray, y: np.ndarray, log_y: LogPrediction | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Value and d/dy in NumPy, in the precision of the program.

        Args:
            x: Labels, any shape.
            y: Predictions, same shape.
            log_y: For a program with `log_y`, which takes it from y if None.

        Returns:
            Two arrays of the same shape, with NaN and infinity as IEEE arithmetic gives them;
            subnormal numbers become 0, as TensorFlow's kernels make them.
        """
        dtype = self.numbers.dtype
        x, y = x.astype(dtype), y.astype(dtype)
        slope_of_y, held = np.ones_like(y), {}
        if log_y is not None:
            value, slope, slope_of_y = (part.astype(dtype) for part in log_y)
            held[LOG_Y] = value, slope
        elif self.log_y:
            with np.errstate(all="ignore"):
                held[LOG_Y] = np.log(y), 1.0 / y
        for name, leaf in values(x, y).items():
            slope = slope_of_y if LEAVES[name].depends else np.zeros_like(leaf)
            held[LEAF_REGISTERS[name]] = leaf, slope

        def operand(register: int, number: Any, depends: int) -> Dual:
            if register == IMMEDIATE:
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
        return held[result_register(self.log_y)]


def result_register(log_y: bool) -> int:
    """The first register of intermediate results, where that of the program is in the end."""
    return LOG_Y + log_y


@dataclasses.dataclass(frozen=True)
class _Operand:
    """Where an operand is, or which number, and whether y is in it."""

    register: int
    number: float = 0.0
    depends: bool = False


class _Compiler:
    """Emits the instructions of one expression, the operand that needs more registers first."""

    def __init__(self, expression: PrefixList, dtype: Any, log_y: bool):
        self._expression = expression
        self._dtype = np.dtype(dtype).type
        self._log_y = log_y
        self._first = result_register(log_y)
        self._codes = {
            operation.name: _COPY + 1 + place
            for place, operation in enumerate(operations.registered())
        }
        self._needs: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        for index in range(expression.size - 1, -1, -1):
            self._measure(index)
        self.instructions: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
        result = self._emit(0, self._first)
        if result.register != self._first:  # a bare leaf or number
            self._append(_COPY, [result], 1.0, self._first)

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
            return _Operand(IMMEDIATE, _flushed(self._dtype(node) * self._dtype(factor)))
        if node in LEAVES:
            leaf = _Operand(LEAF_REGISTERS[node], depends=LEAVES[node].depends)
            return leaf if factor == 1.0 else self._append(_COPY, [leaf], factor, free)
        if self._log_y and is_log_of_scaled_y(self._expression, index):
            scale = _Operand(IMMEDIATE, math.log(self._expression.coefficients[index + 1]))
            operands = [_Operand(LOG_Y, depends=True), scale]
            return self._append(self._codes["+"], operands, factor, free)
        indices = self._operands(index)
        found: dict[int, _Operand] = {}
        place = free
        for operand in sorted(indices, key=lambda operand: -self._needs[operand]):
            found[operand] = self._emit(operand, place)
            place += found[operand].register >= self._first
        operands = [found[operand] for operand in indices]
        if all(operand.register == IMMEDIATE for operand in operands):
            return _Operand(IMMEDIATE, self._fold(node, operands, factor))
        return self._append(self._codes[node], operands, factor, free)

    def _append(self, code: int, operands: list[_Operand], factor: float, target: int) -> _Operand:
        first, second = (*operands, _Operand(IMMEDIATE))[:2]
        registers = first.register, second.register, target
        codes = (code, *registers, first.depends, second.depends)
        self.instructions.append((codes, (factor, first.number, second.number)))
        return _Operand(target, depends=first.depends or second.depends)

    def _fold(self, name: str, operands: list[_Operand], factor: float) -> float:
        numbers = [self._dtype(operand.number) for operand in operands]
        with np.errstate(all="ignore"):
            value = operations.get(name).value(np, *numbers)
            folded: float = _flushed(self._dtype(value) * _flushed(self._dtype(factor)))
        return folded


def _flushed(values: Any) -> Any:
    """Subnormal numbers become 0, as in TensorFlow's kernels."""
    return values * (np.abs(values) >= np.finfo(values.dtype).tiny)
