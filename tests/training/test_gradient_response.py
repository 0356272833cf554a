"""Which optimizers take a loss times a number for another rate, for the same, and for neither."""

import keras
import pytest

from glo_tf.training.gradient_response import gradient_response

O = keras.optimizers  # noqa: E741 (short, as there are many)


@pytest.mark.parametrize(
    ("response", "make"),
    [
        ("proportional", O.SGD),
        ("proportional", lambda rate: O.SGD(rate, momentum=0.9, nesterov=True)),
        ("proportional", lambda rate: O.SGD(O.schedules.CosineDecay(rate, 100))),
        ("proportional", lambda rate: O.LossScaleOptimizer(O.SGD(rate))),
        ("independent", O.Adam),
        ("independent", O.AdamW),
        ("independent", O.Lion),
        ("other", lambda rate: O.SGD(rate, weight_decay=1e-4)),
        ("other", lambda rate: O.SGD(rate, clipnorm=1.0)),
        ("other", lambda rate: O.SGD(rate, clipvalue=1.0)),
        ("other", lambda rate: O.Adam(rate, epsilon=0.1)),
        ("other", lambda rate: O.Adam(rate, global_clipnorm=1.0)),
        ("other", O.Adagrad),
        # A rate of 0 while it is tried says nothing.
        ("other", lambda rate: O.SGD(O.schedules.PiecewiseConstantDecay([9], [0.0, rate]))),
    ],
)
def test_the_response_is_that_of_the_rule(response: str, make) -> None:
    for rate in (0.001, 5.0):
        assert gradient_response(make, rate) == response
