"""The losses against Keras's cross-entropy, the paper's minima, and all that Keras does to them."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import keras
import known_values
import numpy as np
import pytest
import tensorflow as tf
from side_programs import Program

import glo_tf
from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.named import NGL, Baikal, BaikalCMA

CROSS_ENTROPY = "-(x*log(y))"
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", None, "none"]
SETTINGS = {
    "from_logits": True,
    "label_smoothing": 0.1,
    "reduction": "sum",
    "name": "mine",
    "dtype": "float64",
    "epsilon": 1e-4,
    "sparse": False,
}
SAVED = [
    ExpressionLoss("-1.5*(x*log(y)) + 0.25*square(x - y)", name="mine"),
    Baikal(label_smoothing=0.1),
    BaikalCMA(epsilon=1e-3, reduction="sum"),
    NGL(),
    glo_tf.GCE(q=0.3),
    glo_tf.LogitAdjusted([5, 3, 1], tau=2),
]


def samples(count: int = 32, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """One-hot labels and logits."""
    rng = np.random.default_rng(0)
    labels = np.eye(classes, dtype=np.float32)[rng.integers(0, classes, count)]
    return labels, rng.normal(size=(count, classes)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def baikal(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(np.sum(-(np.log(y) - x / y), axis=-1)))


def classifier(loss: keras.losses.Loss, **kwargs) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=loss, **kwargs)
    return model


def run(program: str, **environment: str) -> Any:
    """The JSON that a program prints in a fresh process."""
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_cross_entropy_expression_is_kerass_cross_entropy(
    reduction, from_logits: bool, label_smoothing: float
) -> None:
    labels, logits = samples()
    settings = {
        "from_logits": from_logits,
        "label_smoothing": label_smoothing,
        "reduction": reduction,
    }
    ours = ExpressionLoss(CROSS_ENTROPY, **settings)
    theirs = keras.losses.CategoricalCrossentropy(**settings)
    predictions = logits if from_logits else softmax(logits)
    for weights in (None, np.linspace(0, 2, len(labels))):
        np.testing.assert_allclose(
            ours(labels, predictions, sample_weight=weights),
            theirs(labels, predictions, sample_weight=weights),
            rtol=1e-5,
            atol=1e-6,
        )


def test_labels_may_be_probabilities_and_samples_sequences() -> None:
    _, logits = samples(24)
    predictions = softmax(logits).reshape(4, 6, 10)
    labels, weights = predictions[::-1], np.arange(24.0).reshape(4, 6)
    theirs = keras.losses.CategoricalCrossentropy()(labels, predictions, sample_weight=weights)
    ours = ExpressionLoss(CROSS_ENTROPY)(labels, predictions, sample_weight=weights)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_an_expression_without_predictions_still_has_a_term_per_class() -> None:
    labels, logits = samples()
    assert float(ExpressionLoss("2")(labels, logits)) == 20.0


@pytest.mark.parametrize("name", ["x", "y_true"])
def test_text_and_tree_are_one_loss(name: str) -> None:
    loss = ExpressionLoss(f"-(log(y) - {name}/y)")
    assert loss.expression == ExpressionLoss(Expression.parse(Baikal.EXPRESSION)).expression
    assert loss.expression == Baikal().expression


def test_predictions_are_clipped_at_epsilon() -> None:
    labels, predictions = np.array([[1.0, 0.0]] * 3), np.array([[0.0, 1.0], [1.0, 0.0], [2.0, -1]])
    losses = Baikal(epsilon=1e-2, reduction=None)(labels, predictions)
    rest = -np.log(1e-2)  # the term of the class that is clipped
    np.testing.assert_allclose(losses, [rest + 100, 1 + rest, 1 + rest], rtol=1e-5)


@pytest.mark.parametrize("loss", [ExpressionLoss, Baikal, BaikalCMA, NGL])
@pytest.mark.parametrize("from_logits", [False, True])
def test_value_and_gradient_are_finite_where_the_network_is_sure(loss, from_logits: bool) -> None:
    arguments = (CROSS_ENTROPY,) if loss is ExpressionLoss else ()
    labels = np.array([[1.0, 0.0], [0.0, 1.0]])
    certain = tf.constant([[1000.0, -1000.0]] * 2) if from_logits else tf.constant([[1.0, 0.0]] * 2)
    with tf.GradientTape() as tape:
        tape.watch(certain)
        value = loss(*arguments, from_logits=from_logits)(labels, certain)
    assert np.isfinite(value)
    assert np.isfinite(tape.gradient(value, certain)).all()


def test_half_precision_predictions_are_computed_in_float32() -> None:
    labels, logits = samples()
    predictions = softmax(logits).astype(np.float16)
    value = Baikal()(labels, predictions)
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(baikal(labels, predictions.astype(float)), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "classes", "minimum"),
    [(Baikal, 2, 0.7071), (Baikal, 10, 0.3162), (BaikalCMA, 2, 0.7720), (BaikalCMA, 10, 0.3891)],
)
def test_the_minimum_is_below_certainty(loss, classes: int, minimum: float) -> None:
    y = np.linspace(0, 1, 20_001)[1:-1]
    others = np.repeat((1 - y[:, None]) / (classes - 1), classes - 1, axis=1)
    predictions = np.concatenate([y[:, None], others], axis=1)
    labels = np.zeros_like(predictions)
    labels[:, 0] = 1
    losses = np.array(loss(reduction=None, dtype="float64")(labels, predictions))
    assert losses.dtype == np.float64
    assert y[losses.argmin()] == pytest.approx(minimum, abs=1e-4)


@pytest.mark.parametrize(
    ("labels", "predictions"), [((8, 1), (8, 3)), ((8,), (8, 3)), ((8, 3), (4, 3)), ((), ())]
)
def test_shapes_that_would_broadcast_are_refused(labels, predictions) -> None:
    with pytest.raises(ValueError, match=r"of one shape \(\.\.\., C\).*Received: y_true\.shape="):
        Baikal()(np.ones(labels), np.ones(predictions))


def test_integer_labels_are_refused_in_training() -> None:
    with pytest.raises(ValueError, match=r"Received: y_true\.shape="):
        classifier(Baikal()).fit(np.ones((8, 4)), np.zeros(8, int), verbose=0)


@pytest.mark.parametrize("value", [0.0, 1.0, -1e-7, float("nan")])
def test_an_epsilon_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=f"Expected epsilon between 0 and 1.*epsilon={value}"):
        Baikal(epsilon=value)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_label_smoothing_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=rf"Expected label_smoothing in \[0, 1\].*={value}"):
        BaikalCMA(label_smoothing=value)


def test_other_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="reduction=median"):
        Baikal(reduction="median")
    with pytest.raises(glo_tf.ParseError, match="column 6"):
        ExpressionLoss("log(y")
    with pytest.raises(TypeError, match="Expected expression text"):
        ExpressionLoss(3)


@pytest.mark.parametrize(
    ("loss", "arguments"),
    [
        (
            ExpressionLoss,
            {"expression": "-1.25e-08*(x*log(y)) + 0.1*square(x - y)", "class_reduction": "mean"},
        ),
        (Baikal, {}),
        (BaikalCMA, {}),
        (NGL, {}),
    ],
)
def test_the_configuration_holds_every_argument(loss, arguments) -> None:
    original = loss(**arguments, **SETTINGS)
    config = json.loads(json.dumps(original.get_config()))
    assert config == {**arguments, **SETTINGS}
    labels, logits = samples()
    for copy in (
        loss.from_config(config),
        keras.losses.deserialize(json.loads(json.dumps(keras.losses.serialize(original)))),
    ):
        assert type(copy) is loss
        assert copy.get_config() == config
        assert float(copy(labels, logits)) == float(original(labels, logits))


# NumPy 2 wants another signature of the `__array__` of Keras's variables, which saving copies.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
def test_saved_models_load_in_a_fresh_process(tmp_path) -> None:
    x, labels = np.linspace(-1, 1, 32).reshape(8, 4), np.eye(3)[np.arange(8) % 3]
    expected = []
    for number, loss in enumerate(SAVED):
        model = classifier(loss)
        model.save(tmp_path / f"{number}.keras")
        expected.append(model.evaluate(x, labels, verbose=0))
    program = f"""
        import json
        import glo_tf
        import keras
        import numpy as np

        x, labels = np.linspace(-1, 1, 32).reshape(8, 4), np.eye(3)[np.arange(8) % 3]
        losses = []
        for number in range({len(SAVED)}):
            path = r"{tmp_path}" + f"/{{number}}.keras"
            model = keras.saving.load_model(path, safe_mode=True)
            losses.append(model.evaluate(x, labels, verbose=0))
        print(json.dumps(losses))
    """
    assert run(program) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_lowers_the_loss(jit_compile: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)).astype(np.float32)
    labels = np.eye(3)[(x @ rng.normal(size=(4, 3))).argmax(axis=-1)]
    model = classifier(glo_tf.Baikal(), jit_compile=jit_compile)
    losses = model.fit(x, labels, epochs=5, batch_size=16, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


KINKS = {"abs(x - y)": 0.0, "psqrt(x - y)": 0.0, "min(x, y)": 0.5, "max(2*y, x + y)": 1.5}


OF_BACKEND = f"""
import json
import sys
import glo_tf
import numpy as np
from keras import backend, ops
from glo_tf.expressions.value import value_of
from glo_tf.expressions.tree import Expression
from known_values import values_of_known_losses

def slope(text):
    x = ops.convert_to_tensor(np.float32(0.25))
    value = lambda y: value_of(Expression.parse(text), x, y, ops=ops)
    if backend.backend() == "jax":
        import jax
        return float(jax.grad(value)(x))
    import torch
    y = torch.tensor(0.25, requires_grad=True)
    value(y).backward()
    return float(y.grad)

slopes = [slope(text) for text in {list(KINKS)}]
x, logits = np.eye(3), np.log([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4]])
losses = [
    float(glo_tf.Baikal()(x, np.exp(logits))),
    float(glo_tf.Baikal(from_logits=True)(x, logits)),
]
known = values_of_known_losses()
assert "tensorflow" not in sys.modules  # Model.fit may import it

import keras

rng = np.random.default_rng(0)
features = rng.normal(size=(64, 4)).astype("float32")
labels = (features @ rng.normal(size=(4, 3))).argmax(axis=-1)
text = "-(x*log(y))"
for loss in (
    glo_tf.Baikal(sparse=True),
    glo_tf.BaikalCMA(sparse=True),
    glo_tf.NGL(sparse=True),
    glo_tf.ExpressionLoss(text, sparse=True),
    keras.losses.SparseCategoricalCrossentropy(),
):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,)), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.05), loss)
    history = model.fit(features, labels, epochs=4, shuffle=False, verbose=0)
    history = history.history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0], (loss, history)
    losses.append(history[-1])
assert abs(losses[-2] - losses[-1]) < 1e-5, losses

annealed = glo_tf.ExpressionLoss("-(x*log(y)) + 9*t", sparse=True, progress=0.0)
model.compile(keras.optimizers.SGD(0.0), annealed)
data, told = (features, labels), glo_tf.TrainingProgress()
found = []
for progress in (0.0, 0.5, 1.0):
    annealed.set_progress(progress)
    found += [model.evaluate(*data, verbose=0), model.train_on_batch(*data)]
    found += model.fit(*data, batch_size=64, verbose=0).history["loss"]
found += model.fit(
    *data, batch_size=16, epochs=2, verbose=0, callbacks=[told]
).history["loss"]
seen = [*[0.0] * 3, *[0.5] * 3, *[1.0] * 3, 3 / 16, 11 / 16]  # the last are of 4 steps
expected = found[0] + 3 * 9 * np.array(seen)
assert np.allclose(np.array(found, float), expected, atol=1e-4), found
print(json.dumps({{"slopes": slopes, "losses": losses[:-5], "known": known}}))
"""
"""What is found in a fresh process of another backend: slopes at kinks, losses."""


def with_losses(backend: str) -> Program:
    path = str(pathlib.Path(known_values.__file__).parent)
    return Program(
        f"losses-on-{backend}",
        lambda _: [sys.executable, "-c", OF_BACKEND],
        needs=[backend],
        environment={
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": backend,
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": path,
        },
    )


BACKENDS = [
    pytest.param(program, marks=pytest.mark.beside(program), id=program.name)
    for program in map(with_losses, ("jax", "torch"))
]


def found_by(program: Program, beside) -> dict[str, Any]:
    finished = beside(program)
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


@pytest.mark.slow
@pytest.mark.parametrize("program", BACKENDS)
def test_other_backends_find_the_mean_slope_at_a_kink(program, beside) -> None:
    assert found_by(program, beside)["slopes"] == list(KINKS.values())


@pytest.mark.slow
@pytest.mark.parametrize("program", BACKENDS)
def test_other_backends_need_no_tensorflow_and_train(program, beside) -> None:
    y = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4]])
    found = found_by(program, beside)
    assert found["losses"] == pytest.approx([baikal(np.eye(3), y)] * 2, rel=1e-5)
    expected = known_values.values_of_known_losses()  # and those of other tests
    assert len(found["known"]) >= 50
    assert found["known"] == pytest.approx(
        {name: expected[name] for name in found["known"]}, rel=1e-4, abs=1e-5
    )


@pytest.mark.parametrize(
    ("options", "activation"),
    [
        ({}, "softmax"),
        ({"epsilon": 0.25}, "softmax"),
        ({"activation": "sigmoid"}, "sigmoid"),
        ({"epsilon": None}, "linear"),
        ({"epsilon": None, "activation": "sigmoid"}, "linear"),
    ],
)
def test_a_loss_says_what_its_predictions_are(options, activation, tmp_path) -> None:
    loss = ExpressionLoss("square(x - y)", **options)
    glo_tf.save_loss(loss, tmp_path / "loss.json")
    for same in (
        loss,
        ExpressionLoss.from_config(loss.get_config()),
        glo_tf.load_loss(tmp_path / "loss.json"),
    ):
        assert same.activation == activation
        assert same.probabilities == (activation != "linear")
        assert same.epsilon == options.get("epsilon", 1e-7)
        y = np.array([[2.0, -1.0]])
        clipped = y if activation == "linear" else np.clip(y, same.epsilon, 1.0)
        assert float(same(np.zeros((1, 2)), y)) == pytest.approx(float((clipped**2).sum()))


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({"label_smoothing": np.float32(0.5)}, {"label_smoothing": 0.5}),
        ({"epsilon": np.float32(0.25)}, {"epsilon": 0.25}),
        ({"sparse": np.bool_(True)}, {"sparse": True}),
        ({"sparse": True, "ignore_class": np.int64(255)}, {"ignore_class": 255}),
        ({"activation": "sigmoid", "two_sided": np.bool_(True)}, {"two_sided": True}),
        (
            {"epsilon": None, "target_mean": np.float32(0.5), "target_deviation": np.int32(2)},
            {"target_mean": 0.5, "target_deviation": 2.0},
        ),
        ({"frequencies": np.array([1, 2], np.int32)}, {"frequencies": [1.0, 2.0]}),
        ({"progress": np.float32(0.5)}, {"progress": 0.5}),
    ],
)
def test_numbers_of_numpy_are_saved_as_those_of_python(options, plain, tmp_path) -> None:
    loss = ExpressionLoss("x*y", **options)
    config = json.loads(json.dumps(loss.get_config()))
    assert {name: config[name] for name in plain} == plain
    glo_tf.save_loss(loss, tmp_path / "loss.json")
    assert glo_tf.load_loss(tmp_path / "loss.json").get_config() == loss.get_config()


def test_two_sided_is_a_boolean() -> None:
    with pytest.raises(ValueError, match="Received: two_sided=1"):
        ExpressionLoss("x*y", activation="sigmoid", two_sided=1)
