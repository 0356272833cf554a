"""Dense outputs: terms are averaged over positions, as in `Model.fit`; metrics are Keras's."""

import dataclasses

import keras
import numpy as np
import pytest
from one_step import OF_LABELS, SQUARED_ERROR, check_step, task

from glo_tf.data.held_out import HeldOut
from glo_tf.data.outputs import Output, Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.metrics.calibration import expected_calibration_error, negative_log_likelihood
from glo_tf.metrics.meter import Meter
from glo_tf.metrics.metric import Metric
from glo_tf.metrics.mode import Mode
from glo_tf.metrics.objective import Objective
from glo_tf.screening.scale import relative_scale, relative_steepness
from glo_tf.screening.screen import Screen, proportional, same_gradients, trains_alike
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5, 4)).astype(np.float32)
CLASSES = (X[..., 0] > 0.3).astype(np.int32) + (X[..., 0] > -0.3)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
FLAGS = (X[..., :2] > 0.0).astype(np.float32)
NUMBERS = X @ np.array([[1.0], [-1.0], [0.5], [0.0]], np.float32)
W = RNG.uniform(0.0, 3.0, (60, 5))
W[W < 0.8] = 0.0
IMAGES = RNG.normal(size=(60, 4, 6, 2)).astype(np.float32)
SCCE, BCE = "sparse_categorical_crossentropy", "binary_crossentropy"


def dense(units: int, activation: str | None = None):
    return lambda: keras.Sequential(
        [keras.Input((5, 4)), keras.layers.Dense(units, activation=activation)]
    )


KINDS = {
    "classes": (dense(3, "softmax"), SCCE, CLASSES, {}),
    "indices": (dense(3, "softmax"), SCCE, CLASSES[..., None], {}),
    "one_hot": (dense(3, "softmax"), "categorical_crossentropy", ONE_HOT, {}),
    "flag": (dense(1, "sigmoid"), BCE, FLAGS[..., :1], {}),
    "flags": (dense(2, "sigmoid"), BCE, FLAGS, {"factor": 2.0, "tree": OF_LABELS}),
    "number": (dense(1), "mse", NUMBERS, {"tree": SQUARED_ERROR}),
    "logits": (dense(3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES, {}),
}


@pytest.mark.parametrize(
    ("kind", "w"),
    [
        ("classes", W),
        ("indices", W[:, :1]),
        ("one_hot", None),
        ("flag", W),
        ("flags", W),
        ("number", W),
        ("logits", W[:, 0]),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_step_is_that_of_keras(kind, w) -> None:
    model, loss, y, options = KINDS[kind]
    defined = task(model, (X, y, w), from_logits=kind == "logits")
    # Keras broadcasts one weight a sample against positions as NumPy does, so it wants an axis.
    w = w[:, None] if w is not None and w.ndim == 1 else w
    check_step(defined, model, loss, X, y, w=w, **options)


def masked(units: int, activation: str | None = None):
    """Zeros are masked."""
    return lambda: keras.Sequential(
        [
            keras.Input((5, 4)),
            keras.layers.Masking(),
            keras.layers.Dense(units, activation=activation),
        ]
    )


PADDED = X.copy()
PADDED[RNG.uniform(size=(60, 5)) < 0.4] = 0.0
VOID = np.where(RNG.uniform(size=(60, 5)) < 0.3, 255, CLASSES)
IGNORES = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)


@pytest.mark.parametrize("w", [None, W], ids=["alike", "weighted"])
@pytest.mark.parametrize(
    ("units", "activation", "loss", "y", "options"),
    [
        (3, "softmax", SCCE, CLASSES, {}),
        (1, "sigmoid", BCE, FLAGS[..., :1], {}),
        (1, None, "mse", NUMBERS, {"tree": SQUARED_ERROR}),
    ],
    ids=["classes", "flag", "number"],
)
def test_masked_positions_do_not_count(units, activation, loss, y, options, w) -> None:
    model = masked(units, activation)
    defined = task(model, (PADDED, y, w))
    assert defined.train_valid.sum() == (PADDED != 0.0).any(axis=-1).sum()
    check_step(defined, model, loss, PADDED, y, w=w, **options)


@pytest.mark.parametrize("model", [dense(3, "softmax"), masked(3, "softmax")])
@pytest.mark.parametrize("w", [None, W], ids=["alike", "weighted"])
def test_an_ignored_class_does_not_count(model, w) -> None:
    defined = task(model, (PADDED, VOID, w), ignore_class=255)
    check_step(defined, model, IGNORES, PADDED, VOID, w=w)


def test_an_ignored_class_of_whole_samples_does_not_count() -> None:
    x, y = X[:, 0], VOID[:, 0]

    def model() -> keras.Model:
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])

    check_step(task(model, (x, y), ignore_class=255), model, IGNORES, x, y)


def test_weights_of_classes_are_those_of_positions() -> None:
    factors = np.array([1.0, 3.0, 0.5])[CLASSES]
    defined = task(dense(3, "softmax"), (X, CLASSES, W), class_weight={1: 3.0, 2: 0.5})
    check_step(defined, dense(3, "softmax"), SCCE, X, CLASSES, w=W * factors)


def several() -> keras.Model:
    """An image to an image of classes, a dense number, and one class of all of it."""
    image = keras.Input((4, 6, 2))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(
        image,
        {
            "map": keras.layers.Conv2D(3, 3, padding="same", activation="softmax")(image),
            "row": keras.layers.Dense(1)(image[:, 0]),
            "what": keras.layers.Dense(2, activation="softmax")(pooled),
        },
    )


def test_outputs_of_any_shapes_stand_side_by_side() -> None:
    y = {
        "map": np.where(IMAGES[..., 0] > 1.0, 255, IMAGES[..., 1] > 0.0).astype(np.int32),
        "row": IMAGES[:, 0, :, :1] * 2.0,
        "what": (IMAGES.mean(axis=(1, 2, 3)) > 0).astype(np.int32),
    }
    w = {"map": np.ones((60, 4, 6)), "row": W[:, :1], "what": W[:, 1]}
    defined = task(several, (IMAGES, y, w), ignore_class=255)
    losses = {
        name: ExpressionLoss(SQUARED_ERROR, **{"sparse": name == "what", **options})
        for name, options in zip(sorted(y), defined.outputs.loss_options, strict=True)
    }
    assert losses["map"].ignore_class == 255
    check_step(defined, several, losses, IMAGES, y, tree=SQUARED_ERROR, w=w)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        ("accuracy", keras.metrics.SparseCategoricalAccuracy()),
        (keras.metrics.MeanIoU(3, sparse_y_pred=False), None),
        (keras.metrics.OneHotMeanIoU(3), None),
        (keras.metrics.OneHotIoU(3, [0, 2]), None),
        ("sparse_categorical_crossentropy", keras.metrics.SparseCategoricalCrossentropy()),
        ("categorical_crossentropy", keras.metrics.CategoricalCrossentropy()),
    ],
    ids=["accuracy", "mean", "one-hot mean", "one-hot", "sparse", "one-hot entropy"],
)
@pytest.mark.parametrize("at_once", [1 << 22, 60], ids=["whole", "in parts"])
def test_metrics_are_those_of_keras(metric, reference, at_once, monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.metrics.metric._AT_ONCE", at_once)
    predictions = RNG.dirichlet(np.ones(3), (60, 5)).astype(np.float32)
    output = Output("softmax", 3, positions=(5,))
    reference = reference or metric
    reference.reset_state()
    indices = getattr(metric, "sparse_y_true", True) and "onehot" not in str(type(metric)).lower()
    one_hot = isinstance(reference, keras.metrics.CategoricalCrossentropy) or not indices
    reference.update_state(ONE_HOT if one_hot else CLASSES, predictions)
    expected = pytest.approx(float(reference.result()), rel=1e-5)
    measured = Metric.of(metric, Mode.MAX, output)
    assert measured.measure(CLASSES)(predictions) == expected
    assert measured.measure(ONE_HOT)(predictions) == expected
    counts = RNG.integers(0, 2, (60, 5)).astype(np.float32)
    kept = counts > 0.0
    weighted = measured.measure(CLASSES, counts)(predictions)
    assert weighted == pytest.approx(measured.measure(CLASSES[kept])(predictions[kept]), rel=1e-5)


def test_binary_iou_is_that_of_keras() -> None:
    predictions = RNG.uniform(size=(60, 5, 1)).astype(np.float32)
    metric = keras.metrics.BinaryIoU(threshold=0.4)
    measured = Metric.of(metric, None, Output("sigmoid", 1, positions=(5,)))
    found = measured.measure(FLAGS[..., :1])(predictions)
    metric.update_state(FLAGS[..., :1], predictions)
    assert found == pytest.approx(float(metric.result()))


def test_calibration_is_that_of_positions() -> None:
    outputs = Outputs((Output("softmax", 3, positions=(5,)),))
    predictions = RNG.dirichlet(np.ones(3), (60, 5)).astype(np.float32)
    objective = Objective.define("accuracy", "auto", outputs)
    counts = (W > 0.0).astype(np.float32)
    data = HeldOut(X, ONE_HOT.reshape(60, -1), [CLASSES], [counts])
    values = Meter(objective, outputs, data).values(predictions.reshape(60, -1))
    flat = ONE_HOT[counts > 0.0], predictions[counts > 0.0]
    assert values["nll"] == pytest.approx(negative_log_likelihood(*flat, epsilon=1e-7))
    assert values["ece"] == pytest.approx(expected_calibration_error(*flat))


def test_a_search_over_dense_outputs_screens_as_over_one_position() -> None:
    dense, plain = (Outputs((Output("softmax", 3, positions=p),)) for p in ((4, 6), ()))
    losses = [Expression.parse(text) for text in ("-(x*log(y))", "-(x*y)", "x*log(y)", "y")]
    verdicts = [Screen(outputs).examine(list(map(Candidate, losses))) for outputs in (dense, plain)]
    assert verdicts[0] == verdicts[1]
    for how_steep in (relative_scale, relative_steepness):
        assert how_steep(losses[1], dense) == how_steep(losses[1], plain)
    twice = Expression.parse("-2*(x*y)")
    assert proportional(losses[1], twice, dense)
    assert not proportional(*losses[:2], dense)
    assert same_gradients(losses[1], losses[1], dense)
    assert not same_gradients(*losses[:2], dense)
    assert not trains_alike(Candidate(losses[1]), Candidate(twice), dense)
    assert dense.in_words == "3 classes, softmax at 4x6 positions"


def test_a_training_of_masks_and_an_ignored_class_learns() -> None:
    void = np.where(CLASSES == 1, -1, CLASSES)  # what is left is told by the sign
    defined = task(
        masked(3, "softmax"),
        (PADDED, void),
        metric=keras.metrics.MeanIoU(3, sparse_y_pred=False, ignore_class=-1),
        ignore_class=-1,
        train_steps=120,
    )
    trainer = defined.make_trainer()
    request = Request(Candidate(Expression.parse("-(x*log(y))")), 0, stop_at_chance=True)
    assert trainer.evaluate(request).fitness > 0.6  # of two of three classes, which is 2/3 at best
    other = dataclasses.replace(request, candidate=Candidate(Expression.parse("x*log(y)")))
    assert trainer.evaluate(other).status == "stopped"


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (CLASSES[:, :4], {}, r"of shape \(N, 5\) or \(N, 5, 3\). Received: shape=\(60, 4\)"),
        (CLASSES[:, 0], {}, r"of shape \(N, 5\) or \(N, 5, 3\). Received: shape=\(60,\)"),
        (ONE_HOT, {"ignore_class": 2}, "class indices as targets of train_data, .*ignore_class=2"),
        (CLASSES * 0 + 7, {"ignore_class": 7}, "output 0 with all of them masked or ignored"),
        (CLASSES, {"ignore_class": 0.5}, "ignore_class to be a whole number"),
        (VOID, {}, "Received: .* from 0 to 255"),
    ],
)
def test_what_does_not_fit_is_refused(y, settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        task(dense(3, "softmax"), (X, y), **settings)


def test_weights_of_other_shapes_are_refused() -> None:
    message = r"\(N,\), one a sample, or \(N, 5\), one a position. Received: shape=\(60, 4\)"
    with pytest.raises(ValueError, match=message):
        task(dense(3, "softmax"), (X, CLASSES, W[:, :4]))
