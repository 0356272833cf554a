"""Optimizers that each training can have anew, and those that are refused."""

import copy
import inspect
import itertools
import pickle

import keras
import numpy as np
import pytest
from three_classes import CLEAR, LABELS, build_model

import glo_tf
from glo_tf import LossSearch
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.optimizers import understand
from glo_tf.training.trial import Request

DATA = (CLEAR, LABELS)
O = keras.optimizers  # noqa: E741 (as short as L)
S = keras.optimizers.schedules
CROSS_ENTROPY = "-(x*log(y))"


class Described(O.SGD):
    """With a configuration that says all."""

    def __init__(self, factor: float = 2.0, **others) -> None:
        super().__init__(**others)
        self.factor = factor

    def update_step(self, gradient, variable, learning_rate) -> None:
        super().update_step(gradient * self.factor, variable, learning_rate)

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


class Forgetful(Described):
    """With one that leaves the factor out."""

    def get_config(self) -> dict:
        return O.SGD.get_config(self)


class Demanding(O.SGD):
    def __init__(self, factor: float, **others) -> None:
        super().__init__(**others)


class Constant(S.LearningRateSchedule):
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step):
        return self.rate


class DescribedConstant(Constant):
    def get_config(self) -> dict:
        return {"rate": self.rate}


class SGD(O.SGD):
    """Of the name of another."""

    def update_step(self, gradient, variable, learning_rate) -> None:
        super().update_step(-gradient, variable, learning_rate)


def search(optimizer, **arguments) -> LossSearch:
    settings = {"train_steps": 30, "batch_size": 20, "jit_compile": False, **arguments}
    return LossSearch(build_model, DATA, DATA, optimizer=optimizer, **settings)


def trained(optimizer, **arguments) -> float:
    found = search(optimizer, metric="categorical_crossentropy", **arguments)
    first, again = (found.evaluate([CROSS_ENTROPY], seed=seed)[0] for seed in (1, 1))
    assert first == again
    return first.values["categorical_crossentropy"]


def used(optimizer: keras.Optimizer) -> keras.Optimizer:
    variable = keras.Variable(np.ones((3, 3), np.float32))
    optimizer.build([variable])
    for _ in range(3):
        optimizer.apply([np.ones((3, 3), np.float32)], [variable])
    return optimizer


OF_KERAS = [
    kind
    for name, kind in sorted(vars(O).items())
    if inspect.isclass(kind)
    and issubclass(kind, O.Optimizer)
    and name not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
]


@pytest.mark.parametrize("kind", OF_KERAS)
def test_every_optimizer_of_keras_is_taken_new_or_used(kind) -> None:
    rate = kind(0.125)
    for optimizer in (
        rate,
        used(kind(0.125)),
        lambda: kind(0.125),
        used(kind(0.125, use_ema=True)),
    ):
        understood = understand(optimizer, 10)
        assert type(understood.make()) is kind
        assert not understood.make().built
        assert understood.learning_rate == 0.125
    assert understand(used(kind(0.125)), 10).config == understand(rate, 10).config
    assert understand(lambda: kind(0.125), 10).config == understand(rate, 10).config
    assert understand(kind, 10).make().get_config().keys() == rate.get_config().keys()


SCHEDULES = [
    S.CosineDecay(0.0, 20, warmup_target=0.5, warmup_steps=5),
    S.CosineDecayRestarts(0.5, 5),
    S.ExponentialDecay(0.5, 10, 0.5, staircase=True),
    S.InverseTimeDecay(0.5, 10, 0.5),
    S.PiecewiseConstantDecay([5, 10], [0.5, 0.1, 0.0]),
    S.PolynomialDecay(0.5, 10),
    DescribedConstant(0.5),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
def test_schedules_travel(schedule) -> None:
    for optimizer in (
        O.SGD(schedule),
        used(O.SGD(schedule)),
        O.LossScaleOptimizer(O.SGD(schedule)),
        O.SGD(schedule, gradient_accumulation_steps=2),
    ):
        understood = understand(optimizer, 20)
        assert understood.learning_rate == max(float(schedule(step)) for step in range(20))
        copied = pickle.loads(pickle.dumps(understood.make))()
        inner = getattr(copied, "inner_optimizer", copied)
        for step in range(25):
            inner.variables[0].assign(step)
            assert float(copied.learning_rate) == pytest.approx(float(schedule(step)))


@pytest.mark.slow
def test_a_used_optimizer_is_left_as_it_was_and_does_not_change_a_training() -> None:
    optimizer = used(O.Adam(0.01))
    before = [np.copy(np.asarray(v)) for v in optimizer.variables]
    assert trained(optimizer) == trained(O.Adam(0.01))
    for variable, value in zip(optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)


@pytest.mark.slow
def test_a_configuration_is_not_changed() -> None:
    for config in (
        O.serialize(O.Adam(S.CosineDecay(0.1, 10))),
        {"class_name": "Adam", "config": {"learning_rate": 0.01, "name": "mine"}},
        {"class_name": "SGD"},
    ):
        before = copy.deepcopy(config)
        search(config).evaluate([CROSS_ENTROPY])
        assert config == before


@pytest.mark.slow
def test_what_a_user_wrote_is_trained_with() -> None:
    plain = trained(O.SGD(0.1))
    tripled = pytest.approx(trained(O.SGD(0.3)), rel=1e-6)  # 3 times 0.1, rounded elsewhere
    assert trained(Described(3.0, learning_rate=0.1)) == tripled != plain
    assert trained(lambda: Forgetful(3.0, learning_rate=0.1)) == tripled
    assert trained(lambda: Demanding(3.0, learning_rate=0.1)) == plain
    assert trained(O.SGD(DescribedConstant(0.1))) == plain
    assert trained(lambda: O.SGD(Constant(0.1))) == plain
    assert trained(lambda: O.SGD(lambda: 0.1)) == plain
    assert trained(SGD(0.1)) > plain  # it climbs


@pytest.mark.slow
def test_a_function_travels_to_devices() -> None:
    def make() -> keras.Optimizer:
        return Demanding(3.0, learning_rate=0.1)

    assert trained(make, strategy="devices") == trained(O.SGD(0.1))


def test_what_a_class_says_of_itself_tells_searches_apart() -> None:
    descriptions = [
        search(optimizer).task.description["optimizer"]
        for optimizer in (
            O.SGD(0.1),
            SGD(0.1),
            Described(2.0, learning_rate=0.1),
            Described(3.0, learning_rate=0.1),
            lambda: Forgetful(2.0, learning_rate=0.1),
            lambda: Forgetful(3.0, learning_rate=0.1),
            lambda: O.SGD(Constant(0.1)),
            lambda: O.SGD(Constant(0.2)),
        )
    ]
    assert all(one != other for one, other in itertools.combinations(descriptions, 2))


def excluding() -> keras.Optimizer:
    optimizer = O.AdamW(0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


SHARED = O.SGD(0.1)
RATES = itertools.count(1)


@pytest.mark.parametrize(
    ("optimizer", "received"),
    [
        (Forgetful(3.0, learning_rate=0.1), r"<.*Forgetful>, where the second one has factor=2.0"),
        (Demanding(3.0, learning_rate=0.1), r"<.*Demanding>, where that raises TypeError"),
        (O.SGD(Constant(0.1)), r"<.*SGD>, where that raises NotImplementedError"),
        (O.SGD(lambda: 0.1), r"<.*SGD>, where that raises ValueError"),
        (excluding(), r"<.*AdamW>, where the second one has _exclude_from_weight_decay"),
        (lambda: SHARED, "returned the same one twice"),
        (lambda: used(O.SGD(0.1)), "returned one that has been used"),
        (lambda: O.SGD(0.1 * next(RATES)), "made a second one with learning_rate="),
        (lambda rate: O.SGD(rate), "takes arguments .*'rate'"),
        (lambda: None, "returned None"),
        (lambda: "sgd", "returned 'sgd'"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (None, "optimizer=None"),
        (0.1, "optimizer=0.1"),
        ("sdg", "optimizer='sdg'"),
        ({"class_name": "SGD", "config": {"momentun": 0.9}}, "momentun"),
        ({"config": {}}, r"optimizer=\{'config': \{\}\}"),
        (S.CosineDecay(0.1, 10), "optimizer=<.*CosineDecay"),
    ],
)
def test_what_would_be_another_optimizer_is_refused(optimizer, received) -> None:
    calls = [
        lambda: search(optimizer),
        lambda: glo_tf.compare(
            build_model, DATA, DATA, DATA, [CROSS_ENTROPY], optimizer=optimizer, batch_size=20
        ),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"^Expected optimizer to be .*{received}") as raised:
            call()
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf"), 1e-50, 1e39, -0.0])
def test_a_learning_rate_that_cannot_train_is_refused(rate: float) -> None:
    expected = r"learning_rate.* positive and finite.*learning_rate="
    for optimizer in (
        {"class_name": "sgd", "config": {"learning_rate": rate}},
        lambda: O.Adam(rate),
        O.LossScaleOptimizer(O.SGD(rate)),
        O.SGD(DescribedConstant(rate)),
    ):
        with pytest.raises(ValueError, match=expected):
            search(optimizer)
    with pytest.raises(ValueError, match=expected):
        search("sgd").evaluate([CROSS_ENTROPY], learning_rate=rate)
    with pytest.raises(ValueError, match=expected):
        Hyperparameters(rate)


def test_a_schedule_that_never_trains_or_climbs_is_refused() -> None:
    for schedule in (
        S.PiecewiseConstantDecay([1000], [0.0, 0.1]),
        S.PolynomialDecay(0.1, 30, end_learning_rate=-0.1),
    ):
        with pytest.raises(ValueError, match="learning_rate is positive and finite"):
            search(O.SGD(schedule))


def test_a_request_has_a_learning_rate_that_trains() -> None:
    (evaluation,) = search("sgd").evaluate([CROSS_ENTROPY], learning_rate=0.5)
    for rate in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"positive and finite.*learning_rate={rate}"):
            Request(Candidate(evaluation.loss, Hyperparameters(rate)), 0)


def test_a_learning_rate_is_the_largest_of_a_schedule() -> None:
    (found,) = search(O.SGD(S.CosineDecay(0.5, 10))).evaluate([CROSS_ENTROPY], learning_rate=0.1)
    (own,) = search(O.SGD(S.CosineDecay(0.1, 10))).evaluate([CROSS_ENTROPY])
    assert found.fitness == own.fitness


def test_a_scaled_loss_has_its_inner_optimizers_learning_rate() -> None:
    scaled = search(O.LossScaleOptimizer(O.SGD(0.1)))
    assert scaled.task.learning_rate == 0.1
    losses = [CROSS_ENTROPY]
    assert (
        scaled.evaluate(losses, learning_rate=0.5)[0].fitness
        == search(O.SGD(0.5)).evaluate(losses)[0].fitness
    )
