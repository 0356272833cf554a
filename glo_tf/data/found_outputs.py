"""What the outputs of a model are: from its last activations, the labels, and the user's word.

What the first two leave open is asked of the user, in an error that names the argument.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.data.targets import ROUNDING, in_order, indices_or_rows, shown_shape
from glo_tf.errors import InvalidArgumentError

OutputKinds: TypeAlias = str | Sequence[str | None] | Mapping[str, str]
"""`"softmax"`, `"sigmoid"` or `"linear"`, for all outputs or for each of them."""

_HALF_PRECISION = 1e-2  # rounding of a sum of probabilities

_INDICES, _ONE_HOT, _SHARES = "class indices", "one-hot labels", "labels that sum to 1"
_FLAGS, _NUMBERS = "labels of 0 and 1", "numbers"
_OF_CLASSES = (_INDICES, _ONE_HOT, _SHARES)


def find_outputs(
    predictions: Any,
    activations: Sequence[Activation | None],
    targets: Structure,
    epsilon: float,
    *,
    outputs: OutputKinds | None = None,
    from_logits: bool = False,
    weights: Sequence[np.ndarray] | None = None,
    standardize: Sequence[bool] | None = None,
) -> Outputs:
    """What a model's outputs are.

    A softmax gives classes, and a sigmoid probabilities of their own, where the labels fit. All
    else gives numbers; beside labels of classes, these may be logits, and the user has to say it.

    Args:
        predictions: The untrained model's, for a few samples. They decide nothing: they confirm the
            labels, or the user's word, where the activation is not known.
        activations: Of each output its last one, where it shows; see `glo_tf.data.output.End`.
        targets: All of the training data.
        epsilon: See `Outputs`.
        outputs: What the user says: an activation, a list, or a dict by the outputs' names.
        from_logits: Whether outputs without softmax and sigmoid, beside labels of classes, are
            logits.
        weights: Of the samples in each output, `(N,)`; None if all count alike.
        standardize: Of each output, whether numbers are standardised; None for none.

    Raises:
        ValueError: If an output is not of shape `(N, ..., units)` or has outputs in it, targets do
            not fit it, the user's word contradicts the model, or it is not clear what an output is.
    """
    if not isinstance(from_logits, bool | np.bool_):
        raise InvalidArgumentError(f"Expected True or False. Received: from_logits={from_logits!r}")
    names = tuple(sorted(predictions)) if isinstance(predictions, dict) else None
    _check_not_nested(predictions)
    found = arrays.flat(predictions)
    given = in_order(targets, names, len(found), "train_data")
    said = _said(outputs, names, len(found))
    of_samples = [None] * len(given) if weights is None else weights
    chosen = [False] * len(given) if standardize is None else standardize
    evidence = [
        _Evidence.of(names[place] if names else f"output {place}", *parts)
        for place, parts in enumerate(
            zip(found, activations, given, of_samples, chosen, strict=True)
        )
    ]
    each = [one.output(kind, bool(from_logits)) for one, kind in zip(evidence, said, strict=True)]
    result = Outputs(tuple(each), names, epsilon)
    if from_logits and not result.from_logits.any():
        raise InvalidArgumentError(
            "Expected a model that ends in logits, without softmax or sigmoid, beside labels of "
            f"classes. Received: from_logits=True, with outputs understood as: {result.in_words}"
        )
    return result


def _check_not_nested(predictions: Any) -> None:
    """Raises `ValueError` for outputs within outputs, for which no name and no loss would be."""
    if not isinstance(predictions, dict | list | tuple):
        return
    parts = predictions.items() if isinstance(predictions, dict) else enumerate(predictions)
    for name, part in parts:
        if isinstance(part, dict | list | tuple):
            raise InvalidArgumentError(
                "Expected a model of one output, or of a list or a dict of outputs, each of them "
                f"an array. Received: output {name!r}, which is a {type(part).__name__}"
            )


def _said(outputs: Any, names: tuple[str, ...] | None, count: int) -> list[Activation | None]:
    if outputs is None or isinstance(outputs, str):
        each, fits = [outputs] * count, True
    elif isinstance(outputs, Mapping):
        each = [outputs.get(name) for name in names or ()]
        fits = names is not None and set(outputs) <= set(names)
    else:
        fits = isinstance(outputs, list | tuple) and len(outputs) == count
        each = list(outputs) if fits else []
    if not fits or any(
        kind not in (Activation.SOFTMAX, Activation.SIGMOID, Activation.LINEAR, None)
        for kind in each
    ):
        several = f"a dict with {', '.join(names)}" if names else f"a list of {count}"
        raise InvalidArgumentError(
            f"Expected 'softmax', 'sigmoid' or 'linear', or {several} of these, as the model's "
            f"outputs. Received: outputs={outputs!r}"
        )
    return [None if kind is None else Activation(kind) for kind in each]


@dataclasses.dataclass(frozen=True)
class _Evidence:
    """What is known of one output.

    Attributes:
        name: For messages.
        activation: The model's last one; None if it is not known.
        labels: What its targets are.
        targets: Class indices `(N, ...)` or rows `(N, ..., units)`.
        weights: Of the samples, `(N,)`, or of their positions; None if all count alike.
        predictions: Of the untrained model, float32 `(n, ..., units)`.
        rounding: Of a sum of probabilities among them.
        standardize: Whether numbers are standardised; labels of 0 and 1 never are.
    """

    name: str
    activation: Activation | None
    labels: str
    targets: np.ndarray
    weights: np.ndarray | None
    predictions: np.ndarray
    rounding: float
    standardize: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        predictions: Any,
        activation: Activation | None,
        targets: np.ndarray,
        weights: np.ndarray | None,
        standardize: bool,
    ) -> _Evidence:
        shape = tuple(predictions.shape)
        if len(shape) < 2 or not all(shape[1:]):
            raise InvalidArgumentError(
                "Expected a model whose outputs have shape (N, units) or (N, ..., units). "
                f"Received: {name} of shape={shape} for {shape[0]} sample(s)"
            )
        targets, labels = _rows_and_kind(name, targets, tuple(map(int, shape[1:])))
        columns = np.asarray(predictions)
        rounding = ROUNDING if columns.dtype.itemsize > 2 else _HALF_PRECISION
        predictions = columns.astype(np.float32)
        return cls(name, activation, labels, targets, weights, predictions, rounding, standardize)

    def output(self, said: Activation | None, from_logits: bool) -> Output:
        """What it is, given the user's word."""
        kind = said or self._suggested(from_logits)
        if kind is None:
            raise self._unclear(from_logits)
        if kind == Activation.LINEAR:
            self._check_targets_of_numbers()
            return Output.of_numbers(
                self._units,
                self.targets,
                self.weights,
                self._positions,
                standardize=self.standardize and self.labels == _NUMBERS,
            )
        activated = self.activation in (Activation.SOFTMAX, Activation.SIGMOID)
        if activated and kind != self.activation:
            raise InvalidArgumentError(
                f"Expected outputs='{self.activation}' for {self.name}, as a {self.activation} is "
                f"its last activation. Received: outputs='{said}'"
            )
        if not activated:
            self._check_model(kind, from_logits)
        if kind == Activation.SOFTMAX:
            self._check_targets_of_classes()
        else:
            self._check_targets_of_flags(said)
        logits = from_logits and not activated
        return Output(
            kind,
            self._units,
            from_logits=logits,
            positions=self._positions,
            sparse=self.labels == _INDICES,
        )

    @property
    def _units(self) -> int:
        return int(self.predictions.shape[-1])

    @property
    def _positions(self) -> tuple[int, ...]:
        return tuple(map(int, self.predictions.shape[1:-1]))

    @property
    def _shape(self) -> str:
        """Of the targets."""
        return shown_shape((*self._positions, self._units))

    @property
    def _range(self) -> str:
        return f"{self.labels} from {self.targets.min():g} to {self.targets.max():g}"

    def _suggested(self, from_logits: bool) -> Activation | None:
        if self.activation in (Activation.SOFTMAX, Activation.SIGMOID):
            return self.activation
        if self.labels == _NUMBERS:
            return Activation.LINEAR
        if from_logits:
            return Activation.SOFTMAX if self.labels in _OF_CLASSES else Activation.SIGMOID
        confirmed = self.labels in _OF_CLASSES and self._look_like(Activation.SOFTMAX)
        return Activation.SOFTMAX if self.activation is None and confirmed else None

    def _look_like(self, kind: Activation) -> bool:
        rows = self.predictions
        in_range = bool(((rows >= 0.0) & (rows <= 1.0)).all())
        shared = self._units > 1 and np.allclose(rows.sum(axis=-1), 1.0, atol=self.rounding)
        return in_range and (shared or kind == Activation.SIGMOID)

    def _unclear(self, from_logits: bool) -> InvalidArgumentError:
        choices = [f"from_logits=True, if {self.name} gives logits"]
        if self.activation is None:
            kind = Activation.SOFTMAX if self.labels in _OF_CLASSES else Activation.SIGMOID
            choices.append(f"outputs='{kind}', if it gives probabilities")
        choices.append(
            "a softmax as its last activation"
            if self.labels == _INDICES
            else "outputs='linear', if it gives numbers"
        )
        last = "linear" if self.activation == Activation.LINEAR else "not known"
        return InvalidArgumentError(
            f"Expected {', or '.join(choices)}, as its last activation is {last} and its targets "
            f"are {self.labels}. Received: from_logits={from_logits}, outputs=None"
        )

    def _check_model(self, kind: Activation, from_logits: bool) -> None:
        """An output without softmax and sigmoid that is taken for classes."""
        if from_logits and self.activation is None and self._look_like(Activation.SOFTMAX):
            raise InvalidArgumentError(
                f"Expected logits of {self.name}. Received: from_logits=True, and a model whose "
                "predictions are probabilities that sum to 1"
            )
        if not from_logits and (self.activation == Activation.LINEAR or not self._look_like(kind)):
            raise InvalidArgumentError(
                f"Expected a {kind} as the last activation of {self.name}, or from_logits=True. "
                f"Received: outputs='{kind}', from_logits=False, and a model that predicts from "
                f"{self.predictions.min():g} to {self.predictions.max():g}"
            )

    def _check_targets_of_numbers(self) -> None:
        if self.labels == _INDICES:
            raise InvalidArgumentError(
                f"Expected targets of {self.name} of shape {self._shape} with "
                f"outputs='linear'. Received: shape={self.targets.shape}"
            )

    def _check_targets_of_classes(self) -> None:
        if self._units == 1:
            raise InvalidArgumentError(
                f"Expected more than one unit in a softmax; a lone one is always 1, and a sigmoid "
                f"is for two classes. Received: {self.name} with 1 unit"
            )
        if self.labels not in _OF_CLASSES:
            raise InvalidArgumentError(
                f"Expected class indices, or rows that sum to 1, as targets of {self.name}, which "
                "is a softmax; several labels at once are for a sigmoid, and numbers for "
                f"outputs='linear'. Received: {self._range}"
            )

    def _check_targets_of_flags(self, said: Activation | None) -> None:
        if self.labels == _INDICES:
            raise InvalidArgumentError(
                f"Expected targets of {self.name} of shape {self._shape}, as it is a sigmoid "
                "for each of them; classes that exclude each other are for a softmax. "
                f"Received: {self._range} of shape={self.targets.shape}"
            )
        if self.targets.min() < 0 or self.targets.max() > 1:
            raise InvalidArgumentError(
                f"Expected labels 0 and 1 as targets of {self.name}, which is a sigmoid, or "
                f"outputs='linear', if they are numbers. Received: targets from "
                f"{self.targets.min():g} to {self.targets.max():g}"
            )
        if said is None and self.labels in (_SHARES, _NUMBERS):
            raise InvalidArgumentError(
                f"Expected outputs='sigmoid', if the targets of {self.name} are probabilities, or "
                "outputs='linear', if they are numbers, as its last activation is a sigmoid. "
                f"Received: outputs=None, and {self._range}"
            )


def _rows_and_kind(
    name: str, targets: np.ndarray, shape: tuple[int, ...]
) -> tuple[np.ndarray, str]:
    """Targets of an output of which each sample has this shape."""
    *positions, units = shape
    if not np.issubdtype(targets.dtype, np.number) and targets.dtype != bool:
        raise InvalidArgumentError(
            f"Expected numbers as targets of {name}. Received: dtype={targets.dtype}"
        )
    targets = indices_or_rows(targets, shape)
    flat = targets.ndim == len(shape)
    if flat and units > 1 and targets.shape[1:] == (*positions,):
        return targets, _INDICES
    rows = targets[..., None] if flat else targets
    if rows.shape[1:] != shape:
        raise InvalidArgumentError(
            f"Expected targets of {name} of shape {shown_shape(positions)} or "
            f"{shown_shape(shape)}. Received: shape={targets.shape}"
        )
    rows = rows.astype(float)
    only_flags = bool(np.isin(rows, (0, 1)).all())
    if units > 1 and rows.min() >= 0 and np.allclose(rows.sum(axis=-1), 1.0, atol=ROUNDING):
        return rows, _ONE_HOT if only_flags else _SHARES
    return rows, _FLAGS if only_flags else _NUMBERS
