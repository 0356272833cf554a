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
from glo_tf.expressions.leaves import (
    LABEL_AND_PREDICTION,
    LEAVES,
    Surroundings,
    check_known,
    values,
)
from glo_tf.expressions.operations import Dual, Operation
from glo_tf.expressions.prefix import PrefixList, arity
from glo_tf.expressions.seen_by_loss import LogPrediction
from glo_tf.expressions.value import is_log_of_scaled_y

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


def instruction_set(*, across: bool = False) -> tuple[Operation, ...]:
    """The operations in the order of their codes; it grows at its end, and only there.

    Args:
        across: Whether those across classes are among them, as in programs that have one.
    """
    registered = operations.registered()
    return _IDENTITY, *(each for each in registered if across or not each.across)


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the registers of a program are used, and how it is differentiated.

    Attributes:
        leaves: What the first registers hold, x and y first.
        log_y: Whether log(y) follows them, for predictions whose logarithm is known better than
            from y.
        across: Whether there are operations across classes. Derivatives are then taken backward,
            and each instruction writes a register of its own.
    """

    leaves: tuple[str, ...] = LABEL_AND_PREDICTION
    log_y: bool = False
    across: bool = False

    @classmethod
    def of(
        cls, expression: PrefixList, *, log_y: bool, seen: tuple[str, ...] | None = None
    ) -> Layout:
        """The layout for an expression.

        Args:
            expression: The tree.
            log_y: See the class.
            seen: Leaves beside x and y that have registers where the expression has any of them,
                so that programs of several expressions have one layout; its own if None.
        """
        if not expression.surroundings:
            return cls(log_y=log_y, across=expression.across)
        others = expression.surroundings if seen is None else seen
        return cls((*LABEL_AND_PREDICTION, *others), log_y, expression.across)

    @property
    def register_of_log_y(self) -> int:
        """Where log(y) is."""
        return len(self.leaves)

    def depends(self, register: int) -> bool:
        """Whether a register of a leaf changes with y."""
        return register >= len(self.leaves) or LEAVES[self.leaves[register]].depends

    @property
    def first_result(self) -> int:
        """The first register of intermediate results.

        That of the program is there in the end, or of one with operations across classes in that
        of the last instruction.
        """
        return len(self.leaves) + self.log_y


@dataclasses.dataclass(frozen=True)
class Program:
    """An expression as arrays, for `run` and `glo_tf.training.tensorflow.interpreter.interpret`.

    The first registers hold the leaves, with `log_y` the next one log(y), the others intermediate
    results; see `Layout`. Parts without a leaf are folded into numbers.

    Attributes:
        codes: int32 `(capacity, 6)`: operation, registers of both operands (-1 for a number), the
            register written, and whether each operand depends on y.
        numbers: float `(capacity, 3)`: the node's coefficient, and the operands that are numbers.
        length: Number of instructions in use.
        layout: Of its registers.
    """

    codes: np.ndarray
    numbers: np.ndarray
    length: int
    layout: Layout = Layout()

    @classmethod
    def of(
        cls,
        expression: PrefixList,
        *,
        capacity: int | None = None,
        dtype: Any = np.float32,
        log_y: bool = False,
        seen: tuple[str, ...] | None = None,
    ) -> Program:
        """Compiles an expression; takes microseconds per node.

        Args:
            expression: The tree with its coefficients.
            capacity: Rows of the arrays, at least the expression's size; its size if None.
            dtype: In which the program will run; numbers are folded in it.
            log_y: Whether the logarithm of y, times a positive coefficient, is taken from a
                `LogPrediction`.
            seen: See `Layout.of`.

        Raises:
            ValueError: If the expression has a leaf that is not `seen`, or more nodes than
                `capacity`.
        """
        capacity = expression.size if capacity is None else capacity
        if expression.size > capacity:
            raise InvalidArgumentError(
                f"Expected an expression of at most {capacity} nodes. "
                f"Received: {expression.size} nodes"
            )
        layout = Layout.of(expression, log_y=log_y, seen=seen)
        unseen = [name for name in expression.surroundings if name not in layout.leaves]
        check_known(unseen, Surroundings(weights=None))
        instructions = _Compiler(expression, dtype, layout).instructions
        codes = np.zeros((capacity, 6), np.int32)
        numbers = np.zeros((capacity, 3), dtype)
        for row, (code, number) in enumerate(instructions):
            codes[row], numbers[row] = code, number
        return cls(codes, numbers, len(instructions), layout)

    def run(
        self,
        x: np.ndarray,
        y: np.ndarray,
        log_y: LogPrediction | None = None,
        surroundings: Surroundings | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Value and d/dy in NumPy, in the precision of the program.

        Args:
            x: Labels, any shape; the last axis is that of the classes.
            y: Predictions, same shape.
            log_y: For a program with `log_y`, which takes it from y if None.
            surroundings: What leaves beside x and y are made of.

        Returns:
            Two arrays of the same shape, with NaN and infinity as IEEE arithmetic gives them;
            subnormal numbers become 0, as TensorFlow's kernels make them.
        """
        dtype = self.numbers.dtype
        x, y = x.astype(dtype), y.astype(dtype)
        slope_of_y, held = np.ones_like(y), {}
        if log_y is not None:
            value, slope, slope_of_y = (part.astype(dtype) for part in log_y)
            held[self.layout.register_of_log_y] = value, slope
        elif self.layout.log_y:
            with np.errstate(all="ignore"):
                held[self.layout.register_of_log_y] = np.log(y), 1.0 / y
        leaves = values(x, y, surroundings, self.layout.leaves, zeros=np.zeros_like(y))
        for register, name in enumerate(self.layout.leaves):
            leaf = leaves[name].astype(dtype)
            slope = slope_of_y if LEAVES[name].depends else np.zeros_like(leaf)
            held[register] = leaf, slope
        if self.layout.across:
            return self._run_backward(held, y)

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
        return held[self.layout.first_result]

    def _run_backward(
        self, held: dict[int, tuple[np.ndarray, np.ndarray]], y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same with operations across classes; the derivative is that of the sum over these."""
        table = instruction_set(across=True)
        found = {register: value for register, (value, _) in held.items()}
        instructions = list(
            zip(
                self.codes[: self.length].tolist(),
                _flushed(self.numbers[: self.length]),
                strict=True,
            )
        )

        def operands(code: list[int], given: list[Any]) -> list[np.ndarray]:
            return [
                np.full_like(y, number) if register == IMMEDIATE else found[register]
                for register, number, _ in zip(
                    code[1:3], given, range(table[code[0]].arity), strict=False
                )
            ]

        with np.errstate(all="ignore"):
            for code, (factor, *given) in instructions:
                value = table[code[0]].value(np, *operands(code, given))
                found[code[3]] = _flushed(value * factor)
            adjoints = {register: np.zeros_like(y) for register in found}
            adjoints[code[3]] = np.ones_like(y)
            for code, (factor, *given) in reversed(instructions):
                adjoint, parts = adjoints[code[3]] * factor, operands(code, given)
                for place in range(len(parts)):
                    if code[4 + place]:
                        pulled = table[code[0]].pulled(np, adjoint, place, *parts)
                        register = code[1 + place]
                        adjoints[register] = _flushed(adjoints[register] + pulled)
            slope = np.zeros_like(y)
            for register, (_, own) in held.items():
                if self.layout.depends(register):
                    slope = _flushed(slope + adjoints[register] * own)
        return found[instructions[-1][0][3]], slope


@dataclasses.dataclass(frozen=True)
class _Operand:
    """Where an operand is, or which number, and whether y is in it."""

    register: int
    number: float = 0.0
    depends: bool = False


class _Compiler:
    """Emits the instructions of one expression, the operand that needs more registers first."""

    def __init__(self, expression: PrefixList, dtype: Any, layout: Layout):
        self._expression = expression
        self._dtype = np.dtype(dtype).type
        self._layout = layout
        self._first = layout.first_result
        self._codes = {
            operation.name: code
            for code, operation in enumerate(instruction_set(across=layout.across))
        }
        self._needs: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        for index in range(expression.size - 1, -1, -1):
            self._measure(index)
        self.instructions: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
        result = self._emit(0, self._first)
        if result.register < self._first:  # a bare leaf or number
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
            register = self._layout.leaves.index(node)
            leaf = _Operand(register, depends=LEAVES[node].depends)
            return leaf if factor == 1.0 else self._append(_COPY, [leaf], factor, free)
        if self._layout.log_y and is_log_of_scaled_y(self._expression, index):
            scale = _Operand(IMMEDIATE, math.log(self._expression.coefficients[index + 1]))
            operands = [_Operand(self._layout.register_of_log_y, depends=True), scale]
            return self._append(self._codes["+"], operands, factor, free)
        indices = self._operands(index)
        found: dict[int, _Operand] = {}
        place = free
        for operand in sorted(indices, key=lambda operand: -self._needs[operand]):
            found[operand] = self._emit(operand, place)
            place += found[operand].register >= self._first
        operands = [found[operand] for operand in indices]
        constant = all(operand.register == IMMEDIATE for operand in operands)
        if constant and not operations.get(node).across:
            return _Operand(IMMEDIATE, self._fold(node, operands, factor))
        return self._append(self._codes[node], operands, factor, free)

    def _append(self, code: int, operands: list[_Operand], factor: float, target: int) -> _Operand:
        if self._layout.across:
            target = self._first + len(self.instructions)
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
