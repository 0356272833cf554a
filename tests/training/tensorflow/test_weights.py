"""Weights of samples and classes: one step is that of `Model.fit`, and metrics are weighted."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from one_step import OF_LABELS, SQUARED_ERROR, check_step, task
from output_kinds import CLASSES, FLAGS, NUMBERS, SAMPLES, build_model, targets

from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

W = np.random.default_rng(1).uniform(0.0, 3.0, 200)
W[::5] = 0.0
OTHERS = W[::-1].copy()
HELD_OUT = (SAMPLES[:50], NUMBERS[:50])
CLASS_WEIGHT = {0: 0.25, 2: 4.0}
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
SCCE, BCE = "sparse_categorical_crossentropy", "binary_crossentropy"
LOGITS = {
    "classes": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "flag": keras.losses.BinaryCrossentropy(from_logits=True),
}


def logits(units: int):
    return lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])


KINDS = {
    "classes": (lambda: build_model("classes"), SCCE, CLASSES, {}),
    "one_hot": (lambda: build_model("classes"), "categorical_crossentropy", ONE_HOT, {}),
    "flag": (lambda: build_model("flag"), BCE, FLAGS[:, 0], {}),
    "flags": (lambda: build_model("flags"), BCE, FLAGS, {"factor": 2.0, "tree": OF_LABELS}),
    "number": (lambda: build_model("number"), "mse", NUMBERS, {"tree": SQUARED_ERROR}),
    "logits": (logits(3), LOGITS["classes"], CLASSES, {}),
    "logit": (logits(1), LOGITS["flag"], FLAGS[:, 0], {}),
}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        *[(kind, "samples") for kind in KINDS if kind != "flag"],
        *[(kind, "classes") for kind in ("one_hot", "logit", "number")],
        ("classes", "both"),
    ],
)
def test_a_step_is_that_of_keras(kind, given) -> None:
    model, loss, y, options = KINDS[kind]
    settings = {"from_logits": True} if kind.startswith("logit") else {}
    known = 2 if kind.startswith(("flag", "logit")) and kind != "logits" else 3
    of_classes = {number: w for number, w in CLASS_WEIGHT.items() if number < known}
    if kind == "number":
        of_classes = {7: 0.0, 8: 2.5, -1: 3.0}
    if given != "samples":
        settings["class_weight"] = of_classes
    defined = task(model, (SAMPLES, y) if given == "classes" else (SAMPLES, y, W), **settings)
    of_fit = {"w": W} if given == "samples" else {"class_weight": of_classes}
    if given == "both":  # of which Keras takes one
        rows = y.argmax(axis=-1) if y.ndim > 1 else np.round(y)
        of_fit = {"w": W * np.array([of_classes.get(int(row), 1.0) for row in rows])}
    check_step(defined, model, loss, SAMPLES, y, **options, **of_fit)


@pytest.mark.parametrize(
    ("w", "class_weight"),
    [
        (W, None),
        (
            {"classes": W, "flag": None, "number": OTHERS[:, None]},
            {"classes": CLASS_WEIGHT, "flag": {1: 3.0}},
        ),
    ],
    ids=["one", "each"],
)
def test_each_of_several_outputs_has_its_weights(w, class_weight) -> None:
    names = ("classes", "flag", "number")
    y = targets(*names)
    defined = task(lambda: build_model(*names), (SAMPLES, y, w), class_weight=class_weight)
    losses = {
        name: ExpressionLoss(SQUARED_ERROR, **options)
        for name, options in zip(names, defined.outputs.loss_options, strict=True)
    }
    each = dict(w) if isinstance(w, dict) else dict.fromkeys(names, w)
    each = {name: np.ones(200) if part is None else part.ravel() for name, part in each.items()}
    for name, of_classes in (class_weight or {}).items():
        each[name] = each[name] * np.array([of_classes.get(int(row), 1.0) for row in y[name]])
    check_step(defined, lambda: build_model(*names), losses, SAMPLES, y, tree=SQUARED_ERROR, w=each)


def test_samples_of_weight_0_are_not_seen() -> None:
    """Not even where the loss is infinite: 0 times infinity is no number."""
    spoiled = SAMPLES.copy()
    spoiled[W == 0.0] = 1e30
    infinite = Expression.parse("0.5*square(2*(x - y))")
    evaluations = [
        task(lambda: build_model("number"), (samples, NUMBERS, W), HELD_OUT)
        .make_trainer()
        .evaluate(Request(Candidate(infinite), seed=0))
        for samples in (SAMPLES, spoiled)
    ]
    assert evaluations[0].status == "ok"
    assert evaluations[0].values == evaluations[1].values


def test_batches_may_have_weights() -> None:
    arrays = task(lambda: build_model("classes"), (SAMPLES, CLASSES, W))
    batches = tf.data.Dataset.from_tensor_slices((SAMPLES, CLASSES, W)).batch(70)
    of_batches = task(lambda: build_model("classes"), batches, (SAMPLES, CLASSES))
    assert of_batches.description == arrays.description


def test_weights_are_part_of_what_a_study_is_of_and_their_absence_is_not() -> None:
    def described(*train, **settings):
        made = task(lambda: build_model("classes"), train, **settings)
        return made.description["train_data"]

    without = described(SAMPLES, CLASSES)
    assert without == "200 samples of shape (4,), sha256 13e8c8c2b2972e5c"
    assert described(SAMPLES, CLASSES, None) == without
    found = {without, described(SAMPLES, CLASSES, W), described(SAMPLES, CLASSES, OTHERS)}
    found.add(described(SAMPLES, CLASSES, class_weight=CLASS_WEIGHT))
    assert len(found) == 4
