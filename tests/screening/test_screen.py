"""Which losses train alike and which cannot, against automatic differentiation and trainings."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from expression_strategies import expressions
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf import architectures, datasets
from glo_tf.data.outputs import Output, Outputs
from glo_tf.expressions.program import Program
from glo_tf.expressions.tree import Expression
from glo_tf.expressions.value import value_of
from glo_tf.losses.named import NGL, Baikal, BaikalCMA
from glo_tf.screening import screen
from glo_tf.screening.learnability import learns
from glo_tf.screening.probes import UNDECIDED, fixed_set, logit_gradients
from glo_tf.screening.screen import Screen, Traits, Verdict
from glo_tf.search.genetic import evolution
from glo_tf.search.spaces import space as search_spaces
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.trainer import CandidateTrainer
from glo_tf.training.trial import Request

COEFFICIENTS = st.one_of(st.floats(0.01, 3), st.floats(-3, -0.01))
CROSS_ENTROPY = Expression.parse("-(x*log(y))")
BAIKAL = Expression.parse("-(log(y) - x/y)")
CLASSES, EPSILON = 10, 1e-7
OUTPUTS = Outputs.of_classes(CLASSES)
SOFTMAX, FLAG, FLAGS = Output("softmax", 4), Output("sigmoid", 1), Output("sigmoid", 2)
NUMBER = Output("linear", 1, (2.0, 4.0, 5.0, 9.0, 50.0))
MIXED = Outputs((SOFTMAX, FLAG, FLAGS, NUMBER))


def traits(loss: Expression) -> Traits:
    return Traits.of(loss, OUTPUTS)


def trains_alike(one: Expression, other: Expression) -> bool:
    return screen.trains_alike(Candidate(one), Candidate(other), OUTPUTS)


def gradients_of_the_graph(loss: Expression) -> np.ndarray:
    labels, predictions = fixed_set(OUTPUTS)
    logits = tf.constant(np.log(predictions))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        clipped = tf.clip_by_value(tf.nn.softmax(logits), EPSILON, 1.0)
        total = tf.reduce_sum(value_of(loss, tf.constant(labels), clipped, ops=keras.ops))
    zero = tf.UnconnectedGradients.ZERO
    return tape.gradient(total, logits, unconnected_gradients=zero).numpy()


@pytest.mark.slow
@examples(40)
@given(expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=5))
def test_gradients_are_those_of_the_graph(loss: Expression) -> None:
    ours, theirs = traits(loss), gradients_of_the_graph(loss)
    # Where 0 meets infinity, forward and backward differentiation may differ. The last rows are
    # of predictions so sure that TensorFlow's softmax and ours round differently.
    rows = slice(UNDECIDED)
    both = ours.finite.all(axis=0)[rows] & np.isfinite(theirs[rows])
    whole = both.all(axis=-1)
    left, right = ours.gradients[rows][whole], theirs[rows][whole]
    scale = 1 + np.abs(right).max(initial=0)
    np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-9 * scale)


@examples(20)
@given(expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=4))
@example(Expression.parse("max(x, y)"))
def test_gradients_go_through_the_activation_of_each_output(loss: Expression) -> None:
    labels, predictions = fixed_set(MIXED)
    _, slopes = Program.of(loss, dtype=np.float64).run(labels, predictions)
    slopes = np.where(np.isfinite(slopes), slopes, 1.0)
    softmax, flag, flags, number = (predictions[:, place] for place in MIXED.slices)
    logits = [np.log(softmax), np.log(flag[:, 1:] / flag[:, :1]), np.log(flags / (1 - flags))]
    variables = [tf.constant(part) for part in (*logits, number)]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        first, second, third, fourth = variables
        second, third = tf.sigmoid(second), tf.sigmoid(third)
        parts = [tf.nn.softmax(first), 1 - second, second, third, fourth]
        total = tf.reduce_sum(tf.concat(parts, axis=-1) * slopes)
    expected = [part.numpy() for part in tape.gradient(total, variables)]
    gradients, terms = logit_gradients(MIXED, slopes, predictions)
    rows = slice(UNDECIDED)  # beyond, rounding differs
    scale = 1e-9 * (1 + np.abs(slopes[rows]).max())
    for theirs, place in zip(expected, MIXED.slices, strict=True):
        ours = gradients[rows, place][:, -theirs.shape[1] :]
        np.testing.assert_allclose(ours, theirs[rows], rtol=1e-6, atol=scale)
        # Of a softmax: the label's own term, and y times those of the others.
        most = max(1, gradients[:, place].shape[1] - 1)
        assert (np.abs(gradients[:, place]) <= most * terms[:, place] + scale).all()


def test_a_linear_output_is_examined_where_its_targets_are() -> None:
    labels, predictions = fixed_set(Outputs((NUMBER,)))
    assert (labels.min(), labels.max()) == (2.0, 50.0)
    errors = np.abs(predictions - labels)[:, 0]
    assert errors[:UNDECIDED].max() < 10 * labels.std()
    assert errors[UNDECIDED:].max() > 20 * labels.std()


LEARNERS = {
    "square(x - y)": {"number", "flags", "softmax"},
    "abs(x - y)": {"number", "flags", "softmax"},
    "log(1 + square(x - y))": {"number", "flags", "softmax"},
    "max(x - y, (y - x)/4)": {"number", "flags", "softmax"},  # of a quantile
    "square(2*x - y)": {"number", "flags", "softmax"},
    "square(x - y) + square(y)*y*y": {"number", "flags", "softmax"},
    "-(x*log(y))": {"softmax"},  # nothing keeps a lone probability, or a number, down
    "-(x*log(y) + (1 - x)*log(1.000001 - y))": {"flags", "softmax"},
    "-(x*y)": {"softmax"},
    "y - x": set(),
    "square(x + y)": set(),
    "-square(x - y)": set(),
}


@pytest.mark.parametrize("text", LEARNERS)
def test_a_loss_learns_where_gradient_descent_finds_the_labels(text: str) -> None:
    program = Program.of(Expression.parse(text))
    found = {
        name
        for name, output in (("softmax", SOFTMAX), ("flags", FLAGS), ("number", NUMBER))
        if learns([program], Outputs((output,))).all()
    }
    assert found == LEARNERS[text]
    assert learns([program], MIXED).all() == bool(found)  # one output is enough


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_fixed_set_holds_all_kinds_of_predictions(classes: int) -> None:
    labels, predictions = fixed_set(Outputs.of_classes(classes))
    np.testing.assert_allclose(predictions.sum(axis=-1), 1)
    np.testing.assert_array_equal(labels.sum(axis=-1), 1)
    right = (labels * predictions).sum(axis=-1)
    undecided, sure = np.split(right, [UNDECIDED])
    assert undecided.max() < 0.99
    assert sure.max() > 1 - 1e-4
    assert sure.min() < EPSILON


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-(log(y) - x/y)", "-(1 + (log(y) - x/y))"),
        ("-(log(y) - x/y)", "-(log(y) - x/y + log(x + 1))"),
        ("-(log(y) - x/y)", "-(log(2*y) - x/y)"),
        ("-(log(y) - x/y)", "-(log(y) - x/y) + 3.0*y"),  # predictions sum to 1
        ("-(x*log(y))", "-(x*x*log(y))"),  # labels are 0 or 1
        ("-(x*log(y))", "-(2*x*log(sqrt(y)))"),
        ("y/y + x", "x - 1"),
    ],
)
def test_losses_that_train_alike(one: str, other: str) -> None:
    assert trains_alike(Expression.parse(one), Expression.parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-(log(y) - x/y)", "log(y) - x/y"),
        ("-(log(y) - x/y)", "-(log(y) - 1.00001*(x/y))"),
        ("-(log(y) - x/y)", "-2.0*(log(y) - x/y)"),
        ("-(log(y) - x/y)", "log(x)*y"),
        ("-(x*log(y))", "square(x - y)"),
        ("-(x*log(y))", "-(x*log(y)) + log(x)"),  # the same gradients, but the value is infinite
        ("-(x*log(y))", "-(x*log(y)) + square(square(square(1/y)))*0"),  # NaN in float32 at 1e-7
    ],
)
def test_losses_that_do_not(one: str, other: str) -> None:
    assert not trains_alike(Expression.parse(one), Expression.parse(other))


def test_a_loss_that_float32_cannot_represent_is_like_no_other() -> None:
    # Its large terms cancel: equal to cross-entropy in float64, rounding errors in float32.
    unstable = Expression.parse("-(x*log(y)) + (100000000/y - 100000000/y*(1 + x*0))")
    assert trains_alike(unstable, Expression.parse("-(x*log(y))"))
    large = Expression.parse("(1000000000*y + (-(x*log(y)))) - 1000000000*y")
    assert np.allclose(traits(large).gradients[:16], traits(CROSS_ENTROPY).gradients[:16])
    assert not traits(large).stable
    assert not trains_alike(large, CROSS_ENTROPY)
    assert not trains_alike(large, large)


@given(expressions(), expressions())
def test_alike_is_symmetric(one: Expression, other: Expression) -> None:
    assert trains_alike(one, other) == trains_alike(other, one)
    assert trains_alike(one, one) == traits(one).stable


GOOD = ["-(x*log(y))", "-(log(y) - x/y)", "square(x - y)", "x/y", "-(x*y)", "-x*sqrt(y)"]


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("text", GOOD)
def test_a_loss_that_can_learn_is_let_through(text: str, classes: int) -> None:
    assert Screen(Outputs.of_classes(classes)).examine([Candidate(Expression.parse(text))]) == [
        Verdict()
    ]


@pytest.mark.parametrize("loss", [Baikal(), BaikalCMA(), NGL()], ids=lambda loss: loss.name)
def test_the_named_losses_are_let_through(loss) -> None:
    assert Screen(OUTPUTS).examine([Candidate(Expression.parse(loss.expression))]) == [Verdict()]


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize(
    ("text", "rejection"),
    [
        ("log(x - y)", "non-finite gradient"),
        ("x*sqrt(-1 - y)", "non-finite gradient"),
        ("-(x*log(y)) + log(x)", "non-finite gradient"),
        ("x + y", "no gradient"),
        ("x + y/y", "no gradient"),
        ("x*log(y)", "cannot learn"),
        ("x + y*y", "cannot learn"),  # has no use for the label
        ("log(y) - x/y", "cannot learn"),
    ],
)
def test_a_loss_that_cannot_is_rejected(text: str, rejection: str, classes: int) -> None:
    loss = Expression.parse(text)
    assert Screen(Outputs.of_classes(classes)).examine([Candidate(loss)]) == [
        Verdict(rejection=rejection)
    ]
    assert Screen(Outputs.of_classes(classes), rejects=False).examine([Candidate(loss)]) == [
        Verdict()
    ]


def test_a_screen_remembers_what_it_let_through_and_what_it_rejected() -> None:
    screen = Screen(OUTPUTS)
    baikal, shifted, scaled, hopeless, opposite = (
        Candidate(loss)
        for loss in (
            BAIKAL,
            Expression.parse("-(1 + (log(y) - x/y))"),
            Expression.parse("-(log(3*y) - x/y)"),
            BAIKAL.negated(),
            Expression.parse("-(1 + (log(y) - x/y))").negated(),
        )
    )
    assert screen.examine([baikal, shifted]) == [Verdict(), Verdict(inherits_from=baikal)]
    assert screen.examine([opposite, hopeless]) == 2 * [Verdict(rejection="cannot learn")]
    assert screen.examine([scaled]) == [Verdict(baikal)]
    assert screen.examine([hopeless]) == [Verdict(rejection="cannot learn")]


def test_candidates_train_alike_with_the_same_hyperparameters_only() -> None:
    losses = BAIKAL, Expression.parse("-(1 + (log(y) - x/y))")
    (one, alike), (other, alike_other) = (
        [Candidate(loss, Hyperparameters(rate)) for loss in losses] for rate in (0.1, 0.2)
    )
    plain = Candidate(BAIKAL)
    screen = Screen(OUTPUTS)
    assert screen.examine([one, other, plain]) == 3 * [Verdict()]
    assert screen.examine([alike_other, alike]) == [Verdict(other), Verdict(one)]
    assert screen.examine([one, other, plain]) == 3 * [Verdict()]
    hopeless = Candidate(BAIKAL.negated(), Hyperparameters(0.1))
    assert screen.examine([hopeless]) == [Verdict(rejection="cannot learn")]


def test_the_verdicts_do_not_depend_on_who_is_examined_together() -> None:
    space, rng = search_spaces.glo(), np.random.default_rng(0)
    trees = evolution.initial_population(space, 500, rng)
    losses = list(dict.fromkeys(tree.negated() for tree in trees if tree.has_x_and_y))
    together = Screen(OUTPUTS).examine([Candidate(loss) for loss in losses])
    screen = Screen(OUTPUTS)
    assert together == [screen.examine([Candidate(loss)])[0] for loss in losses]
    assert {bool(verdict.inherits_from) for verdict in together} == {True, False}


def digits_trainer() -> CandidateTrainer:
    data = datasets.digits()
    return TrainingTask.define(
        lambda: architectures.mlp(data.input_shape, data.num_classes),
        keras.optimizers.SGD(0.1),
        (data.x_train, data.y_train),
        (data.x_validation, data.y_validation),
        train_steps=100,
        batch_size=100,
    ).make_trainer()


@pytest.mark.slow
def test_losses_that_train_alike_reach_the_same_accuracy() -> None:
    trainer = digits_trainer()
    fitnesses = [
        trainer.evaluate(Request(Candidate(Expression.parse(text)), seed=0)).fitness
        for text in ("-(log(y) - x/y)", "-(x + (log(2*y) - x/y))", "-(log(y) - x*x/y)")
    ]
    assert fitnesses[0] > 0.8
    assert max(fitnesses) - min(fitnesses) <= 1 / 300  # an image, by rounding


@pytest.mark.slow
def test_rejected_losses_do_not_train_a_network() -> None:
    """The audit of `benchmarks/screening_audit.py`, small."""
    trainer = digits_trainer()
    rng = np.random.default_rng(1)
    trees = evolution.initial_population(search_spaces.glo(), 600, rng)
    losses = list(dict.fromkeys(tree.negated() for tree in trees if tree.has_x_and_y))
    verdicts = Screen(OUTPUTS).examine([Candidate(loss) for loss in losses])
    rejected = [loss for loss, verdict in zip(losses, verdicts, strict=True) if verdict.rejection]
    assert len(rejected) > 30
    assert (
        max(trainer.evaluate(Request(Candidate(loss), seed=0)).fitness for loss in rejected) < 0.3
    )
    assert trainer.evaluate(Request(Candidate(CROSS_ENTROPY), seed=0)).fitness > 0.8


def scaled(loss: Expression, factor: float) -> Expression:
    first, *others = loss.coefficients
    return loss.with_coefficients((factor * first, *others))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("factor", "shares"), [(7.0, True), (0.02, True), (-1.0, False), (101.0, False)]
)
def test_up_to_scale_a_factor_of_the_loss_is_one_of_the_rate(exponent, factor, shares) -> None:
    outputs = Outputs.of_classes(10)
    baikal = Expression.parse("-(log(y) - x/y)")
    other = scaled(baikal, factor)
    search = Screen(outputs, rejects=False, up_to_scale=exponent)
    first, second = search.examine([Candidate(baikal), Candidate(other)])
    assert first.inherits_from is None
    assert second.inherits_from == (Candidate(baikal) if shares else None)
    # What has a rate shares a result only if that makes up for the factor.
    search = Screen(outputs, rejects=False, up_to_scale=exponent)
    known = Candidate(baikal, Hyperparameters(0.5))
    rates = [0.5 / abs(factor) ** exponent, 0.7 / abs(factor) ** exponent]
    verdicts = search.examine([known, *(Candidate(other, Hyperparameters(r)) for r in rates)])
    expected = [None, known if shares else None, None]
    assert [verdict.inherits_from for verdict in verdicts] == expected
    assert Screen(outputs).examine([Candidate(baikal), Candidate(other)])[1].inherits_from is None
    assert screen.proportional(baikal, other, outputs) == (factor > 0)
