"""Learning rates that fall, and schedules that candidates multiply, against Keras's own."""

import keras
import pytest
from three_classes import LABELS, SAMPLES, build_model

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.schedules import at_rate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request

STEPS = 12
O = keras.optimizers  # noqa: E741 (as short as S)
S = keras.optimizers.schedules
CROSS_ENTROPY = Expression.parse("-(x*log(y))")
FALLING = {
    "linear": lambda peak: S.PolynomialDecay(peak, STEPS, end_learning_rate=0.0),
    "cosine": lambda peak: S.CosineDecay(peak, STEPS),
}
CHECKPOINTS = tuple(range(1, STEPS + 1))


def task(optimizer, **settings) -> TrainingTask:
    data = (SAMPLES, LABELS)
    settings = {"train_steps": STEPS, "batch_size": 20, "jit_compile": False, **settings}
    return TrainingTask.define(build_model, optimizer, data, data, **settings)


def trained(optimizer, rate: float | None = None, **settings) -> Evaluation:
    candidate = Candidate(CROSS_ENTROPY, Hyperparameters(rate))
    request = Request(candidate, 0, checkpoints=CHECKPOINTS)
    return task(optimizer, **settings).make_trainer().evaluate(request)


def likelihoods(evaluation: Evaluation) -> tuple[float, ...]:
    """After each step, so that each step's learning rate shows."""
    return evaluation.measured["validation"]["nll"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "decay", "jit_compile"),
    [
        (O.SGD, "linear", False),
        (O.SGD, "cosine", True),
        (O.AdamW, "linear", False),
        (lambda rate: O.LossScaleOptimizer(O.SGD(rate)), "cosine", False),
    ],
)
def test_a_decay_is_kerass_schedule_of_that_name(kind, decay: str, jit_compile: bool) -> None:
    falling = trained(kind(0.1), learning_rate_decay=decay, jit_compile=jit_compile)
    schedule = trained(kind(FALLING[decay](0.1)), jit_compile=jit_compile)
    assert likelihoods(falling) == pytest.approx(likelihoods(schedule), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "schedule",
    [
        lambda peak: S.ExponentialDecay(peak, 3, 0.5),
        lambda peak: S.CosineDecay(0.01 * peak, 8, warmup_target=peak, warmup_steps=4),
        lambda peak: S.PiecewiseConstantDecay([4, 8], [peak / 2, peak, peak / 4]),
    ],
)
def test_a_candidates_rate_is_the_peak_of_the_schedule(schedule) -> None:
    given = task(O.SGD(schedule(0.4)))
    assert given.learning_rate == pytest.approx(0.4, rel=1e-3)
    scaled = trained(O.SGD(schedule(0.4)), 0.1, learning_rate_decay="linear")
    own = trained(O.SGD(schedule(0.1)), learning_rate_decay="linear")
    assert likelihoods(scaled) == pytest.approx(likelihoods(own), rel=1e-4)


def test_a_rate_of_one_candidate_is_not_the_nexts() -> None:
    for settings in ({}, {"learning_rate_decay": "linear"}):
        trainer = task(O.SGD(0.1), **settings).make_trainer()
        rates = [None, 0.4, None, 0.1]
        found = [
            likelihoods(
                trainer.evaluate(
                    Request(
                        Candidate(CROSS_ENTROPY, Hyperparameters(rate)), 0, checkpoints=(STEPS,)
                    )
                )
            )
            for rate in rates
        ]
        assert found[0] == found[2] == found[3] != found[1]


def test_a_paused_training_goes_on_with_its_decay() -> None:
    trainer = task(O.SGD(0.1), learning_rate_decay="cosine").make_trainer()
    candidate = Candidate(CROSS_ENTROPY, Hyperparameters(0.3))
    whole = trainer.evaluate(Request(candidate, 1))
    trainer.evaluate(Request(candidate, 0, train_steps=5))
    trainer.evaluate(Request(Candidate(CROSS_ENTROPY), 1))
    trainer.evaluate(Request(candidate, 1, train_steps=5))
    assert trainer.evaluate(Request(candidate, 1)).fitness == whole.fitness


def test_a_decay_makes_another_task() -> None:
    plain, falling = (task(O.SGD(0.1), learning_rate_decay=d) for d in ("none", "linear"))
    assert plain.description != falling.description


def test_an_unknown_decay_is_refused() -> None:
    with pytest.raises(ValueError, match="one of none, linear, cosine"):
        task(O.SGD(0.1), learning_rate_decay="exponential")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (O.SGD(0.4), lambda: O.SGD(0.1)),
        ("adam", lambda: O.Adam(0.1)),
        (lambda: O.SGD(0.4, momentum=0.5), lambda: O.SGD(0.1, momentum=0.5)),
        (
            O.SGD(S.PiecewiseConstantDecay([4], [0.2, 0.4])),
            lambda: O.SGD(S.PiecewiseConstantDecay([4], [0.05, 0.1])),
        ),
        (O.LossScaleOptimizer(O.SGD(0.4)), lambda: O.LossScaleOptimizer(O.SGD(0.1))),
    ],
    ids=["SGD", "name", "function", "schedule", "scaled"],
)
def test_an_optimizer_at_another_rate_trains_as_if_it_were_its_own(given, expected) -> None:
    changed = task(at_rate(given, 0.1, STEPS))
    assert changed.learning_rate == pytest.approx(0.1)
    assert (
        changed.description["optimizer"]
        == task(at_rate(given, 0.1, STEPS)).description["optimizer"]
    ), "a search resumes"
    want = task(expected())
    got, right = (
        each.make_trainer().evaluate(Request(Candidate(CROSS_ENTROPY), 0))
        for each in (changed, want)
    )
    assert got.fitness == right.fitness
    assert got.values == right.values
