"""Models as their builder makes them: new ones each time, and the same from the same seed.

All trainings of a search begin from what a builder makes. One that hands out what it has made
before would have them begin from trained weights.
"""

from __future__ import annotations

import inspect
import re
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import keras
import numpy as np

from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.errors import InvalidArgumentError, first_of, shown
from glo_tf.identity import fingerprint
from glo_tf.utils.imported import is_of
from glo_tf.utils.seeding import seeded

Builder = Callable[[], keras.Model]


class ForwardPass(Protocol):
    """The forward pass of a model in training, with the penalties that it adds, as operations."""

    @property
    def digest(self) -> str:
        """Hash of the operations and their constants, without names."""
        ...

    def changes(self) -> tuple[list[keras.Variable], list[str]]:
        """Variables of the model that a call changes, and names of others; all stay as they are."""
        ...


Forward = TypeVar("Forward", bound=ForwardPass)

_METHODS = (
    "fit",
    "train_on_batch",
    "make_train_function",
    "train_step",
    "compute_loss",
    "evaluate",
    "make_test_function",
    "test_step",
)
"""How Keras trains and measures a model; a search does that by itself, with losses of its own."""

_BUILT: weakref.WeakSet[keras.Model] = weakref.WeakSet()


def check_builder(model: Any) -> None:
    """Refuses what is no function without arguments.

    Raises:
        ValueError: With what it is instead.
    """
    received = f"model={shown(model)}"
    if isinstance(model, keras.Model):
        received += ", a model; put what builds it in a function, and give that function"
    elif callable(model):
        try:
            inspect.signature(model).bind()
            return
        except TypeError as error:
            received += f", which takes arguments ({error}); functools.partial gives them"
        except ValueError:  # it has no signature that Python knows
            return
    raise InvalidArgumentError(
        "Expected model to be a function without arguments that builds the model (a new "
        f"keras.Model each time). Received: {received}"
    )


def build(model: Builder, samples: Structure, seed: int) -> keras.Model:
    """Calls the builder with a seed, and the model with its first sample.

    Args:
        model: The builder.
        samples: Arrays such as the model takes.
        seed: Of the initial weights.

    Raises:
        ValueError: If the builder gives no model, one with weights that it gave before, or one that
            carries a state from batch to batch.
    """
    with seeded(seed):
        built = model()
        if not isinstance(built, keras.Model):
            raise InvalidArgumentError(
                "Expected model to be a function that builds the model (a keras.Model). "
                f"Received: model={shown(model)}, which returned {shown(built)}"
            )
        _check_stateless(built)
        # Held, as what is collected meanwhile leaves its identity to what is new.
        known = {id(v): v for other in _BUILT for v in other.trainable_variables}
        # A subclassed model has no weights before its first call.
        call(built, samples)
        shared = [v.path for v in built.trainable_variables if id(v) in known]
        if shared or built in _BUILT:
            raise InvalidArgumentError(_shares(shared or ["all"]))
        _BUILT.add(built)
    return built


def _check_stateless(model: keras.Model) -> None:
    """Refuses recurrent layers that go on from the batch before; batches here are drawn."""
    stateful = [layer.name for layer in model._flatten_layers() if getattr(layer, "stateful", 0)]
    if stateful:
        raise InvalidArgumentError(
            "Expected layers with stateful=False, as batches are drawn from all samples and none "
            f"goes on where the one before ended. Received: {', '.join(stateful[:3])} with "
            "stateful=True"
        )


def examine(
    model: Builder,
    samples: Structure,
    forward_pass: Callable[[keras.Model, Structure], Forward],
) -> tuple[keras.Model, Forward]:
    """Builds a model twice, and checks that trainings can begin from what the builder makes.

    Args:
        model: The builder.
        samples: Arrays such as the model takes.
        forward_pass: From a built model and samples to its forward pass.

    Returns:
        A model and its forward pass.

    Raises:
        ValueError: If the builder gives no new model each time, or not the same from the same seed;
            if a model trains or measures itself in its own way, or changes what is not its own.
    """
    check_builder(model)
    first = build(model, samples, seed=0)
    _check_methods(first)
    forward = forward_pass(first, samples)
    changed, outside = forward.changes()
    if outside:
        raise InvalidArgumentError(
            "Expected model to keep all that a training changes in variables of its own "
            "(add_weight; keras.random.SeedGenerator for random numbers), so that each training "
            f"begins alike. Received: a model whose call changes {first_of(outside, 3)}"
        )
    second = build(model, samples, seed=0)
    also = {id(v) for v in second.variables}
    shared = [v.path for v in changed if id(v) in also]
    if shared:
        raise InvalidArgumentError(_shares(shared))
    _check_equal(first, second)
    if forward.digest != forward_pass(second, samples).digest:
        raise InvalidArgumentError(_differs("with another network"))
    return first, forward


def describe(built: keras.Model, forward: ForwardPass) -> str:
    """Size and hash of a model: of its initial weights and its forward pass."""
    weights = fingerprint.of_arrays(np.asarray(v.value) for v in built.variables)
    digest = fingerprint.of_bytes([forward.digest.encode(), weights.encode()])
    return f"{built.count_params()} parameters, sha256 {digest}"


def call(built: keras.Model, samples: Structure, name: str = "train_data") -> None:
    """Samples that the model cannot take show before any training.

    Args:
        built: The model.
        samples: The first of them is given to it.
        name: For messages.

    Raises:
        ValueError: If they are of another shape or structure, or it has no `call`.
    """
    try:
        built(first_sample(samples))
    except NotImplementedError as error:
        raise InvalidArgumentError(
            f"Expected model to be a function that builds a model with a call. "
            f"Received: {_reason(error)}"
        ) from error
    except Exception as error:  # a model raises what it likes
        shapes = ", ".join(str(tuple(part.shape)) for part in arrays.flat(samples)[:4])
        raise InvalidArgumentError(
            f"Expected samples of {name} that the model takes. Received: shape {shapes} "
            f"({type(error).__name__}: {_reason(error)})"
        ) from error


def _reason(error: Exception) -> str:
    """The line that says it; Keras has it in bold, between others."""
    bold = re.search(r"\x1b\[1m(.+?)(\x1b\[0m|\n)", str(error))
    line = bold[1] if bold else str(error).strip().partition("\n")[0]
    return line[:250]


def first_sample(samples: Structure) -> Structure:
    """A batch of one, as tensors."""
    return keras.tree.map_structure(
        lambda part: (
            part if is_of("tensorflow", part, "RaggedTensor") else keras.ops.convert_to_tensor(part)
        ),
        arrays.head(samples, 1),
    )


def _check_methods(built: keras.Model) -> None:
    kind = type(built)
    own = [
        name
        for name in _METHODS
        if name in vars(built) or getattr(kind, name) is not getattr(keras.Model, name)
    ]
    if own:
        raise InvalidArgumentError(
            "Expected model to build what is trained and measured as keras.Model does it, since a "
            "search trains it with losses of its own; terms of the loss belong in add_loss, all "
            f"else in call. Received: {kind.__name__} with {first_of(own, 3)} of its own, which no "
            "search would call"
        )


def _check_equal(first: keras.Model, second: keras.Model) -> None:
    pairs = list(zip(first.variables, second.variables, strict=False))
    if len(first.variables) != len(second.variables) or any(
        (v.shape, v.dtype) != (w.shape, w.dtype) for v, w in pairs
    ):
        raise InvalidArgumentError(_differs("with weights of other shapes"))
    other = [
        v.path for v, w in pairs if np.asarray(v.value).tobytes() != np.asarray(w.value).tobytes()
    ]
    if other:
        raise InvalidArgumentError(_differs(f"with other initial values of {first_of(other, 3)}"))


def _differs(how: str) -> str:
    return (
        "Expected model to build the same network from the same seed "
        "(keras.utils.set_random_seed, which is called before it), with no generator or counter of "
        f"its own. Received: a second model {how}"
    )


def _shares(paths: Iterable[str]) -> str:
    return (
        "Expected model to build new layers and weights each time it is called, as each training "
        "begins from them. Received: a model that shares weights with an earlier one "
        f"({first_of(list(paths), 3)}); build its layers within the function"
    )
