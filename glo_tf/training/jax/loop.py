"""The compiled part of trainings in JAX: networks side by side, each with its own loss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from glo_tf.data.output_weights import column_shares
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.training.jax.call import in_training
from glo_tf.training.jax.convolutions import as_products
from glo_tf.training.jax.lanes import Lanes, LaneVariables

if TYPE_CHECKING:
    from glo_tf.data.arrays import Structure

TermsAndSlopes = Callable[..., tuple[jax.Array, jax.Array]]
"""`f(y_true, y_pred, arguments, log_y, surroundings)` of all lanes: terms and slopes.

Both are `(lanes, batch, W)`. The surroundings are None where no loss sees them; progress and
weights begin with the dimension of lanes.
"""

Advance = Callable[..., Lanes]
"""`advance(lanes, goals, count, batches, which, arguments)`, see `LaneLoop.compile`."""


class LaneLoop:
    """Trains many copies of one model, each with variables, loss and batches of its own.

    Args:
        model: Built model.
        outputs: What its outputs are.
        optimizer: Built for the model's variables.
        variables: Of a lane.
        train_data: Samples and columns of labels, where batches are gathered from.
        train_weights: What the terms of a loss are multiplied by, `(N, W)` or `(N, 1)`; None for
            none.
        train_valid: Positions of each output that are not masked, `(N, outputs)`; None if no
            output has a mask.
        train_steps: Of a whole training, of which shorter ones are the beginning.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: Outputs,
        optimizer: keras.Optimizer,
        variables: LaneVariables,
        train_data: tuple[Structure, np.ndarray],
        train_weights: np.ndarray | None,
        train_valid: np.ndarray | None = None,
        *,
        train_steps: int,
    ):
        self._train_steps = train_steps
        self._model, self._outputs, self._optimizer = model, outputs, optimizer
        self._variables = variables
        samples, labels = train_data
        self._samples = keras.tree.map_structure(jnp.asarray, samples)
        self._labels = jnp.asarray(labels)
        self._weights = None if train_weights is None else jnp.asarray(train_weights)
        self._valid = None if train_valid is None else jnp.asarray(train_valid)

    def compile(self, loss: TermsAndSlopes, *, sees: bool = False) -> Advance:
        """The training with one kind of loss.

        Args:
            loss: Terms and slopes of all lanes.
            sees: Whether it sees its surroundings.

        Returns:
            `advance(lanes, goals, count, batches, which, arguments)`: at most `count` steps of each
            lane, up to its goal; `batches` are sample indices, int32 `(seeds, train_steps, batch)`,
            of which a lane takes those at `which`; `arguments` go to the loss. What `lanes` held is
            given up.
        """

        @functools.partial(jax.jit, donate_argnums=0)
        def advance(
            lanes: Lanes,
            goals: jax.Array,
            count: jax.Array,
            batches: jax.Array,
            which: jax.Array,
            arguments: Any,
        ) -> Lanes:
            def unfinished(carry: tuple[jax.Array, Lanes]) -> jax.Array:
                done, lanes = carry
                return (done < count) & jnp.any(lanes.finite & (lanes.step < goals))

            def train_step(carry: tuple[jax.Array, Lanes]) -> tuple[jax.Array, Lanes]:
                done, lanes = carry
                active = lanes.finite & (lanes.step < goals)
                batch = batches[which, jnp.minimum(lanes.step, batches.shape[1] - 1)]
                around = self._surroundings(batch, lanes.step) if sees else None
                variables, finite = self._step(loss, lanes.variables, batch, arguments, around)

                def kept(new: jax.Array, old: jax.Array) -> jax.Array:
                    return jnp.where(active.reshape(-1, *[1] * (new.ndim - 1)), new, old)

                return done + 1, Lanes(
                    list(map(kept, variables, lanes.variables)),
                    lanes.step + active,
                    lanes.finite & (finite | ~active),
                )

            _, lanes = jax.lax.while_loop(unfinished, train_step, (jnp.int32(0), lanes))
            return lanes

        return advance

    def _surroundings(self, batch: jax.Array, steps: jax.Array) -> Surroundings:
        """What losses may see beside labels and predictions."""
        frequencies = self._outputs.frequencies
        return Surroundings(
            frequencies=None if frequencies is None else jnp.asarray(frequencies, jnp.float32),
            progress=steps.astype(jnp.float32) / self._train_steps,
            weights=jnp.ones(len(batch)) if self._weights is None else self._weights[batch],
            classes=jnp.asarray(self._outputs.classes, jnp.float32),
        )

    def _step(
        self,
        loss: TermsAndSlopes,
        variables: list[jax.Array],
        batch: jax.Array,
        arguments: Any,
        around: Surroundings | None,
    ) -> tuple[list[jax.Array], jax.Array]:
        """New variables, and whether the loss was finite, of every lane."""
        trained, kept, stepped = self._variables.parts(variables)
        samples = keras.tree.map_structure(lambda part: part[batch], self._samples)
        labels = self._labels[batch]

        def forward(trained: list[jax.Array]) -> Any:
            scores, kept_after, penalties = jax.vmap(as_products(self._forward))(
                trained, kept, samples
            )
            return (scores, penalties), kept_after

        (scores, penalties), pull, kept = jax.vjp(forward, trained, has_aux=True)
        seen = seen_by_loss(self._outputs, keras.ops, scores)
        terms, slopes = loss(labels, seen.y, arguments, seen.log_y, around)
        if self._weights is not None:
            # What has the weight 0 is 0, finite or not.
            weights = self._weights[batch]
            terms, slopes = (
                jnp.where(weights > 0.0, part * weights, 0.0) for part in (terms, slopes)
            )
        shares = self._shares(batch)
        if shares is not None:
            terms, slopes = terms * shares, slopes * shares
        value = jnp.mean(jnp.sum(terms, axis=-1), axis=-1)
        scale = jax.vmap(self._scale)(stepped)
        share = (scale / labels.shape[1])[:, None, None]
        (gradients,) = pull(
            (
                jnp.where(seen.inside, slopes, 0.0) * share,
                [scale.astype(penalty.dtype) for penalty in penalties],
            )
        )
        trained, stepped = jax.vmap(self._apply)(trained, stepped, gradients)
        for penalty in penalties:
            value = value + penalty.astype(jnp.float32)
        return [*trained, *kept, *stepped], jnp.isfinite(value)

    def _forward(self, trained: list[Any], kept: list[Any], samples: Structure) -> Any:
        predictions, kept, penalties = self._model.stateless_call(
            trained, kept, samples, return_losses=True, **in_training(self._model, True)
        )
        return self._outputs.scores(predictions), kept, penalties

    def _shares(self, batch: jax.Array) -> Any:
        """What the terms of each column count in every lane; None if all count 1."""
        if self._valid is None:
            return column_shares(self._outputs)
        shares = jax.vmap(functools.partial(column_shares, self._outputs))(self._valid[batch])
        return shares.reshape(len(batch), 1, -1)

    def _scale(self, stepped: list[jax.Array]) -> jax.Array:
        with keras.StatelessScope(zip(self._variables.stepped, stepped, strict=True)):
            return jnp.asarray(self._optimizer.scale_loss(jnp.float32(1.0)))

    def _apply(
        self, trained: list[jax.Array], stepped: list[jax.Array], gradients: list[jax.Array]
    ) -> tuple[list[jax.Array], list[jax.Array]]:
        """One step of the optimizer, of one lane."""
        return self._variables.after(
            lambda: self._optimizer.apply(gradients, self._variables.trained), trained, stepped
        )
