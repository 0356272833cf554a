"""Trainings of a small network, in one compiled program for all losses of a task.

Losses are branches, parameters and rates arguments, so that no trial is compiled for itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.suite.draws import Draw
from benchmarks.suite.known import Formula, Rival
from glo_tf.expressions.leaves import Surroundings

MOMENTUM = 0.9
_MOST_PARAMETERS = 4


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How all networks are trained; the rate falls linearly to 0.

    Attributes:
        units: Of the hidden layer.
        steps: Of a training.
        batch_size: Samples of a step.
        checkpoints: How often validation data are looked at, the last time at the end.
    """

    units: int = 128
    steps: int = 1000
    batch_size: int = 64
    checkpoints: int = 20


RECIPE = Recipe()


@dataclasses.dataclass(frozen=True)
class Trained:
    """Weights at all checkpoints, each `(checkpoints, ...)`; not finite where it diverged."""

    weights: tuple[np.ndarray, ...]

    def scores(self, x: np.ndarray, checkpoint: int) -> np.ndarray:
        """Logits or numbers for samples `(N, D)`; not finite where weights are too large."""
        first, bias, second, last = (part[checkpoint] for part in self.weights)
        with np.errstate(over="ignore", invalid="ignore"):
            found: np.ndarray = np.maximum(x @ first + bias, 0.0) @ second + last
        return found

    @property
    def finite(self) -> bool:
        """Whether all weights are."""
        return all(np.isfinite(part).all() for part in self.weights)


class Networks:
    """Trains networks with any of some losses.

    Args:
        rivals: The losses.
        classes: Of the data; 0 of numbers.
        optimizer: `"sgd"` with momentum, or `"adam"`.
        recipe: How long, and with what.
    """

    def __init__(self, rivals: Sequence[Rival], classes: int, optimizer: str, recipe: Recipe):
        self._places = {rival.name: place for place, rival in enumerate(rivals)}
        self._branches = [self._branch(rival.formula) for rival in rivals]
        self._classes = classes
        self._adam = optimizer == "adam"
        self._recipe = recipe
        self._train = jax.jit(self._training)
        self._slope = jax.jit(self._steepness)

    def train(
        self, rival: str, draw: Draw, seed: int, rate: float, parameters: Sequence[float]
    ) -> Trained:
        """One training; initial weights and batches depend on the seed alone.

        Args:
            rival: Name of the loss.
            draw: The data.
            seed: Of weights and batches.
            rate: The first learning rate.
            parameters: Of the loss.
        """
        x, y = draw.train
        rng = np.random.default_rng([seed, 2])
        weights = initial_weights(rng, x.shape[1], self._recipe.units, self._classes or 1)
        batches = batch_order(rng, len(x), self._recipe)
        targets = np.eye(self._classes, dtype=np.float32)[y] if self._classes else y[:, None]
        found = self._train(
            self._places[rival],
            weights,
            x.astype(np.float32),
            targets.astype(np.float32),
            batches,
            np.float32(rate),
            _padded(parameters),
            draw.shares.astype(np.float32),
        )
        return Trained(tuple(map(np.asarray, found)))

    def steepness(self, rival: str, parameters: Sequence[float], shares: np.ndarray) -> float:
        """How long the first gradient is where all is equal, relative to that of the usual loss."""
        return float(
            self._slope(self._places[rival], _padded(parameters), shares.astype(np.float32))
        )

    def _branch(self, formula: Formula) -> Callable[..., Any]:
        def loss(x: Any, predictions: Any, shares: Any, progress: Any, parameters: Any) -> Any:
            seen = Surroundings(shares, progress, classes=self._classes or 1)
            return formula(jnp, x, predictions, seen, parameters)

        return loss

    def _loss(
        self, place: Any, x: Any, scores: Any, shares: Any, progress: Any, parameters: Any
    ) -> Any:
        predictions = jax.nn.log_softmax(scores) if self._classes else scores
        return jax.lax.switch(place, self._branches, x, predictions, shares, progress, parameters)

    def _steepness(self, place: Any, parameters: Any, shares: Any) -> Any:
        x = jnp.eye(self._classes) if self._classes else jnp.array([[-1.0], [1.0]])

        def total(scores: Any, place: Any) -> Any:
            return self._loss(place, x, scores, shares, 0.0, parameters).sum()

        own, usual = (jax.grad(total)(jnp.zeros_like(x), which) for which in (place, 0))
        weight = shares[:, None] if self._classes else 0.5
        return jnp.sqrt((weight * own**2).sum() / (weight * usual**2).sum())

    def _training(
        self,
        place: Any,
        weights: Any,
        x: Any,
        targets: Any,
        batches: Any,
        rate: Any,
        parameters: Any,
        shares: Any,
    ) -> Any:
        recipe = self._recipe

        def mean_loss(weights: Any, batch: Any, progress: Any) -> Any:
            first, bias, second, last = weights
            scores = jnp.maximum(x[batch] @ first + bias, 0.0) @ second + last
            of_samples = self._loss(place, targets[batch], scores, shares, progress, parameters)
            return of_samples.mean()

        def step(state: Any, batch: Any) -> tuple[Any, None]:
            weights, first, second, count = state
            progress = count / recipe.steps
            gradients = jax.grad(mean_loss)(weights, batch, progress)
            now = rate * (1.0 - progress)
            if self._adam:
                first = _mixed(0.9, first, gradients)
                second = _mixed(0.999, second, tuple(g * g for g in gradients))
                corrections = 1.0 - 0.9 ** (count + 1.0), 1.0 - 0.999 ** (count + 1.0)
                moves = tuple(
                    -now * (m / corrections[0]) / (jnp.sqrt(v / corrections[1]) + 1e-7)
                    for m, v in zip(first, second, strict=True)
                )
            else:
                first = tuple(MOMENTUM * m - now * g for m, g in zip(first, gradients, strict=True))
                moves = first
            weights = tuple(w + move for w, move in zip(weights, moves, strict=True))
            return (weights, first, second, count + 1.0), None

        def stretch(state: Any, of_stretch: Any) -> tuple[Any, Any]:
            state, _ = jax.lax.scan(step, state, of_stretch)
            return state, state[0]

        zeros = tuple(jnp.zeros_like(w) for w in weights)
        second = zeros if self._adam else ()
        _, found = jax.lax.scan(stretch, (weights, zeros, second, jnp.float32(0.0)), batches)
        return found


def initial_weights(
    rng: np.random.Generator, features: int, units: int, outputs: int
) -> tuple[np.ndarray, ...]:
    """Glorot's uniform, biases 0."""

    def layer(inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        limit = np.sqrt(6.0 / (inputs + outputs))
        drawn = rng.uniform(-limit, limit, (inputs, outputs))
        return drawn.astype(np.float32), np.zeros(outputs, np.float32)

    return *layer(features, units), *layer(units, outputs)


def batch_order(rng: np.random.Generator, samples: int, recipe: Recipe) -> np.ndarray:
    """Epochs, each in an order of its own, int32 `(checkpoints, steps between, batch_size)`."""
    wanted = recipe.steps * recipe.batch_size
    epochs = [rng.permutation(samples) for _ in range(-(-wanted // samples))]
    shape = recipe.checkpoints, recipe.steps // recipe.checkpoints, recipe.batch_size
    return np.concatenate(epochs)[:wanted].reshape(shape).astype(np.int32)


def _padded(parameters: Sequence[float]) -> np.ndarray:
    held = np.zeros(_MOST_PARAMETERS, np.float32)
    held[: len(parameters)] = parameters
    return held


def _mixed(share: float, old: Any, new: Any) -> Any:
    return tuple(share * a + (1.0 - share) * b for a, b in zip(old, new, strict=True))
