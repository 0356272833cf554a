"""The compiled part of trainings in JAX: networks side by side, each with its own loss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from glo_tf.data.output_weights import column_shares
from glo_tf.data.outputs import Outputs
from glo_tf.expressions.seen_by_loss import seen_by_loss
from glo_tf.training.jax.call import in_training
from glo_tf.training.jax.convolutions import as_products
from glo_tf.training.schedules import LearningRate

if TYPE_CHECKING:
    from glo_tf.data.arrays import Structure

TermsAndSlopes = Callable[..., tuple[jax.Array, jax.Array]]
"""`f(y_true, y_pred, arguments, log_y)` of all lanes: terms and slopes, `(lanes, batch, W)`."""

Advance = Callable[..., "Lanes"]
"""`advance(lanes, goals, count, batches, which, arguments)`, see `LaneLoop.compile`."""


class Lanes(NamedTuple):
    """The state of networks that train side by side; arrays begin with the dimension of lanes.

    Attributes:
        variables: Weights, statistics, dropout seeds, optimizer slots; see `LaneLoop.variables`.
        step: int32 `(lanes,)`: steps done.
        finite: bool `(lanes,)`: whether every loss was finite.
    """

    variables: list[jax.Array]
    step: jax.Array
    finite: jax.Array


def lane_variables(
    model: keras.Model, optimizer: keras.Optimizer, rate: LearningRate
) -> list[keras.Variable]:
    """All state of a training: weights, other variables of the model, then the optimizer's."""
    stepped = list(optimizer.variables)
    if not any(variable is rate.variable for variable in stepped):
        stepped.append(rate.variable)
    return [*model.trainable_variables, *model.non_trainable_variables, *stepped]


class LaneLoop:
    """Trains many copies of one model, each with variables, loss and batches of its own.

    Args:
        model: Built model.
        outputs: What its outputs are.
        optimizer: Built for the model's variables.
        rate: What sets its learning rate.
        train_data: Samples and columns of labels, where batches are gathered from.
        train_weights: What the terms of a loss are multiplied by, `(N, W)` or `(N, 1)`; None for
            none.
        train_valid: Positions of each output that are not masked, `(N, outputs)`; None if no
            output has a mask.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: Outputs,
        optimizer: keras.Optimizer,
        rate: LearningRate,
        train_data: tuple[Structure, np.ndarray],
        train_weights: np.ndarray | None,
        train_valid: np.ndarray | None = None,
    ):
        self._model, self._outputs, self._optimizer = model, outputs, optimizer
        self._trained = model.trainable_variables
        self._kept = model.non_trainable_variables
        self._stepped = lane_variables(model, optimizer, rate)[
            len(self._trained) + len(self._kept) :
        ]
        self.place_of_rate = [v is rate.variable for v in self.variables].index(True)
        samples, labels = train_data
        self._samples = keras.tree.map_structure(jnp.asarray, samples)
        self._labels = jnp.asarray(labels)
        self._weights = None if train_weights is None else jnp.asarray(train_weights)
        self._valid = None if train_valid is None else jnp.asarray(train_valid)

    @property
    def variables(self) -> list[keras.Variable]:
        """All state of a training, in the order of `Lanes.variables`; see `lane_variables`."""
        return [*self._trained, *self._kept, *self._stepped]

    def compile(self, loss: TermsAndSlopes) -> Advance:
        """The training with one kind of loss.

        Args:
            loss: Terms and slopes of all lanes.

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
                variables, finite = self._step(loss, lanes.variables, batch, arguments)

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

    def _step(
        self, loss: TermsAndSlopes, variables: list[jax.Array], batch: jax.Array, arguments: Any
    ) -> tuple[list[jax.Array], jax.Array]:
        """New variables, and whether the loss was finite, of every lane."""
        trained, kept, stepped = self._parts(variables)
        samples = keras.tree.map_structure(lambda part: part[batch], self._samples)
        labels = self._labels[batch]

        def forward(trained: list[jax.Array]) -> Any:
            scores, kept_after, penalties = jax.vmap(as_products(self._forward))(
                trained, kept, samples
            )
            return (scores, penalties), kept_after

        (scores, penalties), pull, kept = jax.vjp(forward, trained, has_aux=True)
        seen = seen_by_loss(self._outputs, keras.ops, scores)
        terms, slopes = loss(labels, seen.y, arguments, seen.log_y)
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
        with keras.StatelessScope(zip(self._stepped, stepped, strict=True)):
            return jnp.asarray(self._optimizer.scale_loss(jnp.float32(1.0)))

    def _apply(
        self, trained: list[jax.Array], stepped: list[jax.Array], gradients: list[jax.Array]
    ) -> tuple[list[jax.Array], list[jax.Array]]:
        """One step of the optimizer, of one lane."""
        return self._in_scope(
            trained, stepped, lambda: self._optimizer.apply(gradients, self._trained)
        )

    def _in_scope(
        self,
        trained: list[jax.Array],
        stepped: list[jax.Array],
        function: Callable[[], None],
    ) -> tuple[list[jax.Array], list[jax.Array]]:
        variables = [*self._trained, *self._stepped]
        with keras.StatelessScope(zip(variables, [*trained, *stepped], strict=True)) as scope:
            function()
        after = [scope.get_current_value(variable) for variable in variables]
        return after[: len(trained)], after[len(trained) :]

    def _parts(self, values: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        first, second = len(self._trained), len(self._trained) + len(self._kept)
        return values[:first], values[first:second], values[second:]

    @functools.partial(jax.jit, static_argnums=0)
    def empty(self, like: list[jax.Array], lanes: jax.Array) -> Lanes:
        """Lanes in which nothing trains: the shape of `lanes` `(L,)` says how many."""
        return Lanes(
            [jnp.broadcast_to(part, (len(lanes), *part.shape)) for part in like],
            jnp.zeros(len(lanes), jnp.int32),
            jnp.ones(len(lanes), bool),
        )

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def put(self, lanes: Lanes, lane: jax.Array, values: list[jax.Array], step: jax.Array) -> Lanes:
        """Gives one lane these variables."""
        return Lanes(
            [all_.at[lane].set(one) for all_, one in zip(lanes.variables, values, strict=True)],
            lanes.step.at[lane].set(step),
            lanes.finite.at[lane].set(True),
        )

    @functools.partial(jax.jit, static_argnums=0)
    def get(self, lanes: Lanes, lane: jax.Array) -> list[jax.Array]:
        """The variables of one lane."""
        return [part[lane] for part in lanes.variables]

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def begin(
        self,
        lanes: Lanes,
        begins: jax.Array,
        which: jax.Array,
        initial: list[jax.Array],
        rates: jax.Array,
    ) -> Lanes:
        """Lets trainings begin in some of the lanes.

        Args:
            lanes: All of them; given up.
            begins: In which, bool `(lanes,)`.
            which: The place of their seed in `initial`, int32 `(lanes,)`.
            initial: Variables as each seed gives them, `(seeds, ...)`.
            rates: Of the variable that holds the learning rate, float32 `(lanes,)`.
        """
        given = [part[which] for part in initial]
        given[self.place_of_rate] = rates.astype(given[self.place_of_rate].dtype)
        return Lanes(
            [
                jnp.where(begins.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(given, lanes.variables, strict=True)
            ],
            jnp.where(begins, 0, lanes.step),
            lanes.finite | begins,
        )

    @functools.partial(jax.jit, static_argnums=(0, 5))
    def predict(
        self,
        variables: list[jax.Array],
        chosen: jax.Array,
        count: jax.Array,
        samples: Structure,
        finished: bool,
    ) -> tuple[jax.Array, jax.Array]:
        """Predictions of some networks, one after the other.

        Args:
            variables: Of all lanes.
            chosen: Lanes, int32 `(most,)`.
            count: How many of them are wanted; what is found of the others has no meaning.
            samples: What is predicted, N of them.
            finished: Whether the optimizer is to do first what it does after the last step, such as
                setting averaged weights.

        Returns:
            Columns, `(most, N, W)`, and whether all weights are finite, bool `(most,)`.
        """
        samples_count = len(jax.tree.leaves(samples)[0])
        shape = len(chosen), samples_count, self._outputs.width

        def add(place: jax.Array, found: tuple[jax.Array, jax.Array]) -> Any:
            columns, sound = found
            values = [part[chosen[place]] for part in variables]
            trained, kept, stepped = self._parts(values)
            if finished:
                trained, _ = self._in_scope(
                    trained,
                    stepped,
                    lambda: self._optimizer.finalize_variable_values(self._trained),
                )
            finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(part)) for part in trained]))
            of_lane = self._columns(trained, kept, samples)
            return columns.at[place].set(of_lane), sound.at[place].set(finite)

        empty = jnp.zeros(shape, jnp.float32), jnp.zeros(len(chosen), bool)
        found: tuple[jax.Array, jax.Array] = jax.lax.fori_loop(0, count, add, empty)
        return found

    def _columns(self, trained: list[Any], kept: list[Any], samples: Structure) -> jax.Array:
        """Predictions of one network, `(N, W)`."""

        def forward(part: Structure) -> jax.Array:
            predictions, _ = self._model.stateless_call(
                trained, kept, part, **in_training(self._model, False)
            )
            return jnp.asarray(self._outputs.columns(predictions))

        count = len(jax.tree.leaves(samples)[0])
        at_once = self._outputs.samples_at_once
        whole = count - count % at_once

        def batches(part: jax.Array) -> jax.Array:
            return part[:whole].reshape(-1, at_once, *part.shape[1:])

        found = []
        if whole:
            of_batches = jax.lax.map(forward, keras.tree.map_structure(batches, samples))
            found.append(of_batches.reshape(whole, -1))
        if whole < count:
            found.append(forward(keras.tree.map_structure(lambda part: part[whole:], samples)))
        return jnp.concatenate(found)
