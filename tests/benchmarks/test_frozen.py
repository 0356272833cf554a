"""Frozen losses: where they are tested, and that they are no known ones."""

import numpy as np
import pytest
from scipy import special

import glo_tf
from benchmarks.suite.frozen import FROZEN, Frozen, of_task
from benchmarks.suite.leads import Row, held_against
from benchmarks.suite.tasks import TASKS
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.losses.all_classes import AllClassesLoss

OWN = Frozen("own", "-(x*y)", "noise", ("symmetric 40 %",), ("digits",), ("gce",), "Ours.")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("noise/symmetric 40 %/letter", True),
        ("noise/symmetric 40 %/digits", False),  # it was found there
        ("noise/symmetric 60 %/letter", False),
        ("clean/letter", False),
    ],
)
def test_it_is_tested_on_its_kind_of_tasks_where_it_was_not_found(task, expected) -> None:
    assert OWN.is_tested_on(TASKS[task]) == expected


def test_those_of_the_suite_are_losses_that_are_tested_on_something() -> None:
    for one in FROZEN:
        assert Expression.parse(one.expression).has_x_and_y
        tested = [name for name, task in TASKS.items() if one.is_tested_on(task)]
        assert tested
        for name in tested:
            assert one in of_task(TASKS[name])
            assert set(one.rivals) <= {rival.name for rival in TASKS[name].rivals}


def test_it_is_held_against_the_best_known_loss_and_its_rivals() -> None:
    values = {"cross_entropy": [0.5, 0.6], "gce": [0.7, 0.7], "sce": [0.8, 0.9], "own": [0.9, 0.8]}
    entries = {name: {"tested": of} for name, of in values.items()}
    document = {"searches": {}, "frozen": {"own": "-(x*y)"}, "largest": True}
    row = Row({**document, "entries": {"sgd": entries}}, "sgd")
    assert row.known == ["cross_entropy", "gce", "sce"]
    (tests,) = held_against([row], "own", ("gce",))
    assert [test.against for test in tests] == ["sce", "gce"]
    assert [test.lead.mean for test in tests] == pytest.approx([0.0, 0.15])
    assert all(test.corrected >= test.lead.p_value for test in tests)


SHARES = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
CLASSES = {
    "saimaa": glo_tf.Saimaa,
    "vanern": lambda alpha: glo_tf.Vanern(SHARES, alpha=alpha),
}


@pytest.mark.parametrize("alpha", [0.002, 0.3])
@pytest.mark.parametrize("name", CLASSES)
def test_one_that_has_a_class_is_that_of_the_library(name, alpha) -> None:
    (one,) = (one for one in FROZEN if one.name == name)
    rng = np.random.default_rng(0)
    x, log_y = np.eye(5)[rng.integers(5, size=50)], special.log_softmax(rng.normal(size=(50, 5)), 1)
    around = Surroundings(classes=5, frequencies=SHARES)
    loss = CLASSES[name](alpha=alpha)
    if isinstance(loss, AllClassesLoss):
        expected = loss.formula(np, x, np.exp(log_y), log_y)
    else:
        terms = value_of(loss.tree, x, np.exp(log_y), ops=np, log_y_pred=log_y, surroundings=around)
        expected = terms.sum(-1)
    found = one.rival.formula(np, x, log_y, around, [alpha])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
