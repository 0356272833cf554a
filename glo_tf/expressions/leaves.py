"""The leaves with a name, and all that is known of each; integers are leaves, too.

Beside label and prediction an expression may see its `Surroundings`. A further leaf is one `Leaf`,
a function of these: parsing, exports, interpreters, losses and the screening read what they need
from it. The built-in ones are here; an installed package adds its own by an entry point of the
group `glo_tf.leaves`, named like the leaf, which is loaded when an expression first uses it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from glo_tf import plugins
from glo_tf.errors import InvalidArgumentError
from glo_tf.plugins.on_use import all_names, find_on_use

GROUP = "glo_tf.leaves"
"""Entry points of leaves."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What an expression may see beside a label and a prediction; None is what nobody knows.

    Each is a number, or an array that broadcasts against the predictions `(..., C)`, and of their
    dtype.

    Attributes:
        frequencies: Of each class or label in the training data, above 0, at most 1.
        progress: Of the training: 0 at its first step, and 1 at its end.
        weights: Of the samples; 1 where they have none.
        classes: Number of classes, labels or numbers of the output.
    """

    frequencies: Any = None
    progress: Any = None
    weights: Any = 1.0
    classes: Any = None


MISSING: Mapping[str, str] = {
    "frequencies": "the frequencies of the classes, or their counts, as in "
    "glo_tf.ExpressionLoss(..., frequencies=[0.9, 0.1]); a search and a comparison count them "
    "in training labels of classes",
    "progress": "the progress of the training: glo_tf.TrainingProgress() among the callbacks "
    "of keras.Model.fit, or loss.set_progress(t) with t from 0 to 1",
    "weights": "weights of the samples",
    "classes": "the number of classes",
}
"""What to do where a part of the surroundings is not known."""


@dataclasses.dataclass(frozen=True, eq=False)
class Leaf:
    """What stands for data in an expression.

    Attributes:
        name: In trees and in their text, of at most 16 characters.
        argument: Name of what it stands for in full; text may have that, too.
        description: One line for `--mode=list`.
        value: `value(surroundings)`: what it is, for numbers or, with the operators `+ - * /` and
            `**` alone, for arrays of any library, element by element. None for label and
            prediction themselves.
        needs: Names of the `Surroundings` that it is made of.
        depends: Whether it changes with the prediction y, so that it has a slope; only y does.
        assumed: What SymPy may assume of its symbol where labels and predictions are probabilities.

    Raises:
        ValueError: If a name cannot be written in an expression, or what it needs is unknown.

    Example:
        >>> from glo_tf.expressions.leaves import Leaf, Surroundings
        >>> rarity = Leaf("rarity", "class_rarity", "One over the frequency of the class.",
        ...               value=lambda seen: 1.0 / seen.frequencies, needs=("frequencies",))
        >>> rarity.value(Surroundings(frequencies=0.25))
        4.0
    """

    name: str
    argument: str
    description: str
    value: Callable[[Surroundings], Any] | None = None
    needs: tuple[str, ...] = ()
    depends: bool = False
    assumed: Mapping[str, bool] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for argument in ("name", "argument"):
            text = getattr(self, argument)
            if not re.fullmatch(r"[A-Za-z_]\w{0,15}", text, re.ASCII):
                raise InvalidArgumentError(
                    "Expected names of a leaf of at most 16 letters, digits and underscores. "
                    f"Received: {argument}={text!r}"
                )
        if not set(self.needs) <= set(MISSING):
            raise InvalidArgumentError(
                f"Expected needs among {', '.join(MISSING)}. Received: needs={self.needs}"
            )
        # Where plugins are described, a leaf shows its description.
        object.__setattr__(self, "__doc__", self.description)


def _built_in() -> Iterable[Leaf]:
    yield Leaf("x", "y_true", "True label.", assumed={"nonnegative": True})
    yield Leaf("y", "y_pred", "Prediction.", depends=True, assumed={"positive": True})
    yield Leaf(
        "n",
        "frequency",
        "Frequency of the class in the training data, from 1e-6 to 1.",
        value=lambda seen: seen.frequencies,
        needs=("frequencies",),
        assumed={"positive": True},
    )
    yield Leaf(
        "t",
        "progress",
        "Progress of the training, from 0 to 1.",
        value=lambda seen: seen.progress,
        needs=("progress",),
        assumed={"nonnegative": True},
    )
    yield Leaf(
        "w",
        "sample_weight",
        "Weight of the sample, 1 where it has none.",
        value=lambda seen: seen.weights,
        needs=("weights",),
        assumed={"nonnegative": True},
    )
    yield Leaf(
        "C",
        "classes",
        "Number of classes.",
        value=lambda seen: seen.classes,
        needs=("classes",),
        assumed={"positive": True},
    )


LEAVES: dict[str, Leaf] = {leaf.name: leaf for leaf in _built_in()}
"""By name; those of label and prediction first, then others as they were registered."""

LABEL_AND_PREDICTION = ("x", "y")

SPELLINGS: dict[str, str] = {
    **{name: name for name in LEAVES},
    **{leaf.argument: name for name, leaf in LEAVES.items()},
}
"""The leaf that each name in a text stands for; no operation has one of these names."""


def register(leaf: Leaf) -> None:
    """Makes a leaf known to this process; see `glo_tf.nodes.register`.

    Raises:
        ValueError: If another leaf has one of its names.
    """
    if LEAVES.get(leaf.name) is leaf:
        return
    if {leaf.name, leaf.argument} & set(SPELLINGS) or leaf.value is None:
        raise InvalidArgumentError(
            f"Expected a leaf with a value and with names other than {', '.join(SPELLINGS)}. "
            f"Received: name={leaf.name!r}, argument={leaf.argument!r}"
        )
    LEAVES[leaf.name] = leaf
    SPELLINGS.update({leaf.name: leaf.name, leaf.argument: leaf.name})


def names() -> list[str]:
    """Names of all leaves, those of installed packages included."""
    return all_names(LEAVES, GROUP)


def find(name: str) -> Leaf | None:
    """The leaf of this name, loaded if an installed package has it; None if there is none.

    Raises:
        PluginError: If several packages register the name, or what one registers is no such leaf.
    """
    return find_on_use(name, LEAVES, GROUP, Leaf, register)


def spelled(text: str) -> str | None:
    """The name of the leaf that a text names in either way; None if there is none.

    A name in full is known once its leaf is loaded; so for a text that nothing else has, those of
    installed packages are.
    """
    if text not in SPELLINGS:
        for name in plugins.names(GROUP):
            with contextlib.suppress(plugins.PluginError):  # of another leaf
                find(name)
    return SPELLINGS.get(text)


def check_known(seen: Iterable[str], surroundings: Surroundings) -> None:
    """Whether leaves have a value there.

    Args:
        seen: Names of leaves.
        surroundings: What is known.

    Raises:
        ValueError: If one needs what is not; it says what to do.
    """
    for name in seen:
        for part in LEAVES[name].needs:
            if getattr(surroundings, part) is None:
                raise InvalidArgumentError(
                    f"Expected {MISSING[part]}, for a loss with {name}. Received: {part}=None"
                )


def values(
    y_true: Any,
    y_pred: Any,
    surroundings: Surroundings | None = None,
    seen: Iterable[str] = LABEL_AND_PREDICTION,
    *,
    zeros: Any = None,
) -> dict[str, Any]:
    """The value of leaves by name, label and prediction first.

    Args:
        y_true: Labels.
        y_pred: Predictions.
        surroundings: What the others are made of.
        seen: Names of those that are needed.
        zeros: Of the shape of `y_pred`, which all others than it and the labels then have.

    Raises:
        ValueError: If one needs what is not known.
    """
    found = {"x": y_true, "y": y_pred}
    others = [name for name in seen if name not in found]
    if others:
        surroundings = Surroundings() if surroundings is None else surroundings
        check_known(others, surroundings)
    for name in others:
        value = LEAVES[name].value
        assert value is not None
        assert surroundings is not None
        found[name] = value(surroundings) if zeros is None else zeros + value(surroundings)
    return found
