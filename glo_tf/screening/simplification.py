"""A loss in the fewest nodes and digits in which it trains as it does."""

from __future__ import annotations

from glo_tf.data.outputs import Activation, Outputs
from glo_tf.expressions.shortening import shorter_forms
from glo_tf.expressions.tree import Expression
from glo_tf.screening.screen import finite_alike, same_gradients


def simplified(loss: Expression, outputs: Outputs) -> Expression:
    """The simplest form that is found of a loss, with its gradients; see `screen.TOLERANCE`.

    What y is not in is left out, like terms are merged, and the steepness stays. Forms whose
    gradients differ on the screen's fixed set of predictions, if only in where they are finite,
    are not taken; a loss that trains on rounding errors stays as it is.

    Args:
        loss: The whole loss, per class.
        outputs: Of the model.
    """
    outputs = outputs.at_a_position
    *shorter, as_it_is = _forms(loss, outputs)

    def trains_alike(form: Expression) -> bool:
        # What has lost x was no loss, and stays one that can be trained.
        return form.has_x_and_y and same_gradients(loss, form, outputs)

    return next(filter(trains_alike, shorter), as_it_is)


def smallest_size(loss: Expression, outputs: Outputs) -> int:
    """A size that no simplified form of a loss falls below, found without examining it."""
    return _forms(loss, outputs)[0].size


def _forms(loss: Expression, outputs: Outputs) -> list[Expression]:
    probabilities = all(output.activation != Activation.LINEAR for output in outputs.each)
    return shorter_forms(loss, probabilities=probabilities)


def rounded(loss: Expression, digits: int, outputs: Outputs) -> Expression | None:
    """The loss with numbers of so many significant digits; None where that breaks it.

    It breaks where a logarithm has a pole then, such as that of 1.0000002 - y.

    Args:
        loss: The whole loss, per class.
        digits: At least 1.
        outputs: Of the model.
    """
    short = loss.with_coefficients([shortened(factor, digits) for factor in loss.coefficients])
    alike = short == loss or finite_alike(loss, short, outputs.at_a_position)
    return short if alike else None


def shortened(number: float, digits: int) -> float:
    """A number with so many significant digits."""
    return float(f"{number:.{digits}g}")
