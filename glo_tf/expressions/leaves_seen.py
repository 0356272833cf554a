"""Which leaves the losses of a training may have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.leaves import LABEL_AND_PREDICTION, LEAVES, Surroundings, check_known

if TYPE_CHECKING:
    from glo_tf.data.outputs import Outputs
    from glo_tf.expressions.prefix import PrefixList


def leaves_seen(outputs: Outputs, loss: PrefixList | None = None) -> tuple[str, ...]:
    """The leaves beside x and y that have a value in trainings with such outputs.

    Args:
        outputs: Of the model.
        loss: Whose leaves have to be among them; None for any.

    Raises:
        ValueError: If the loss has another leaf; it says what that needs.
    """
    known = Surroundings(outputs.frequencies, progress=0.0, classes=outputs.classes)
    if loss is not None:
        check_known(loss.surroundings, known)
    return tuple(name for name in _others() if _has_value(name, known))


def check_leaves(names: Iterable[str], outputs: Outputs, argument: str) -> None:
    """Whether leaves have a value in trainings with such outputs.

    Args:
        names: Of leaves.
        outputs: Of the model.
        argument: Where they were given, for messages.

    Raises:
        ValueError: If one has none.
    """
    seen = leaves_seen(outputs)
    missing = [name for name in names if name in LEAVES and name not in (*seen, "x", "y")]
    if missing:
        raise InvalidArgumentError(
            f"Expected frequencies of classes, for a loss with {missing[0]}: those of train_data, "
            "where all outputs are of classes or labels, or of an ExpressionLoss that is given "
            f"some. Received: {argument} with {missing[0]}, for outputs {outputs}"
        )


def _others() -> list[str]:
    return [name for name in LEAVES if name not in LABEL_AND_PREDICTION]


def _has_value(name: str, known: Surroundings) -> bool:
    return all(getattr(known, part) is not None for part in LEAVES[name].needs)
