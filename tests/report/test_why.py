"""What a loss does to predictions: in numbers that can be worked out by hand, and in words."""

import numpy as np
import pytest

from glo_tf import losses, plots
from glo_tf.plots.slopes import pull_of_right, pull_of_wrong, usual_pulls
from glo_tf.report.why import rows, sentences

Y = np.array([0.1, 0.5, 0.9])
CROSS_ENTROPY = losses.ExpressionLoss("-(x*log(y))")
SQUARED = losses.ExpressionLoss("square(x - y)", epsilon=None)


def test_the_pull_of_cross_entropy_is_what_is_missing() -> None:
    assert pull_of_right(CROSS_ENTROPY, Y, 10) == pytest.approx(1.0 - Y)
    assert pull_of_wrong(CROSS_ENTROPY, Y, 10) == pytest.approx(-Y)
    name, right, wrong = usual_pulls(losses.Baikal(), Y, 10)
    assert (name, right, wrong) == ("cross-entropy", pytest.approx(1.0 - Y), pytest.approx(-Y))


def test_the_pull_of_baikal_is_that_of_its_derivative() -> None:
    """To log(y) the label's term has -(1 + 1/y), those of the 9 others -1: through the softmax."""
    terms = 1.0 + 1.0 / Y + 9.0
    assert pull_of_right(losses.Baikal(), Y, 10) == pytest.approx(1.0 + 1.0 / Y - Y * terms)


def test_the_pull_in_a_regression_is_the_slope() -> None:
    assert pull_of_right(SQUARED, Y) == pytest.approx(-2.0 * Y)
    assert usual_pulls(SQUARED, Y)[2] is None
    with pytest.raises(ValueError, match=r"Expected a loss of classes\. Received: loss="):
        pull_of_wrong(SQUARED, Y)


def test_a_mean_over_classes_pulls_less() -> None:
    summed = losses.ExpressionLoss(losses.NGL().tree)
    assert pull_of_right(losses.NGL(), Y, 4) == pytest.approx(pull_of_right(summed, Y, 4) / 4)


def test_words_say_what_the_numbers_say() -> None:
    assert sentences(CROSS_ENTROPY, 10)[1:] == ["Apart from it, it pulls as cross-entropy does."]
    of_baikal = "\n".join(sentences(losses.Baikal(), 10))
    assert "it pulls 10 times as hard as cross-entropy; that factor" in of_baikal
    assert "at rest where the label's class has 0.32" in of_baikal  # as its minimum
    assert "raises a wrong class that has less than 0.05" in of_baikal
    of_mae = sentences(losses.ExpressionLoss("abs(x - y)", epsilon=None), 10)
    assert of_mae[1:] == [
        "Apart from it, at an error of 0.25, it pulls 4 times as hard as squared error.",
        "Apart from it, at an error of 4, it pulls with 0.25 of the force of squared error.",
    ]
    assert sentences(losses.ExpressionLoss("log(y)"), 10) == [
        "It does not pull as cross-entropy does where training begins."
    ]


def test_rows_go_from_wrong_to_sure() -> None:
    found = rows(losses.Baikal(), 10)
    assert [row.prediction for row in found] == [0.02, 0.1, 0.9, 0.99]
    assert found[1].ratio == pytest.approx(10.0)
    assert [row.prediction for row in rows(CROSS_ENTROPY, 1000)] == [0.001, 0.9, 0.99]


def test_slopes_have_a_panel_for_each_kind_of_class() -> None:
    right, wrong = plots.plot_slopes(losses.Baikal()).axes
    assert (right.get_title(loc="left"), wrong.get_title(loc="left")) == (
        "The label's own class",
        "A wrong class",
    )
    low, high = right.get_ylim()
    assert low < -8.8
    assert high < 40.0  # where it goes on to 900
    assert len(plots.plot_slopes(SQUARED).axes) == 1
