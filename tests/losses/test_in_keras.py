"""The losses in all that Keras does with a loss, beside Keras's own for the same expression."""

import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import processes
import pytest
import tensorflow as tf

import glo_tf
from glo_tf.losses.expression_loss import ExpressionLoss

CROSS_ENTROPY, SQUARED_ERROR = "-(x*log(y))", "square(x - y)"
NAMED = [glo_tf.Baikal, glo_tf.BaikalCMA, glo_tf.NGL]
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(96, 4)).astype(np.float32)
INDICES = (FEATURES @ RNG.normal(size=(4, 3))).argmax(axis=-1)
LABELS = np.eye(3, dtype=np.float32)[INDICES]


@keras.saving.register_keras_serializable(package="tests")
class SummedSquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(keras.ops.square(y_true - y_pred), axis=-1)


PAIRS = [
    (CROSS_ENTROPY, keras.losses.CategoricalCrossentropy),
    (SQUARED_ERROR, SummedSquaredError),
]


def classifier(loss, outputs: int = 3, activation: str = "softmax", **compile) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(outputs, activation=activation)]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss, **compile)
    return model


def fitted(loss, labels=LABELS, compile=None, **fit) -> tuple[list[float], list[np.ndarray]]:
    model = classifier(loss, **(compile or {}))
    losses = model.fit(
        FEATURES, labels, epochs=2, batch_size=32, shuffle=False, verbose=0, **fit
    ).history["loss"]
    return losses, model.get_weights()


def assert_same(ours, theirs) -> None:
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)
    for left, right in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


@pytest.mark.parametrize(("text", "reference"), PAIRS)
@pytest.mark.parametrize(
    "fit",
    [
        {},
        {"sample_weight": np.linspace(0, 2, 96)},
        {"class_weight": {0: 1.0, 1: 0.0, 2: 3.0}},
        {"compile": {"jit_compile": True}},
        {"compile": {"run_eagerly": True}},
    ],
    ids=["plain", "sample_weight", "class_weight", "jit_compile", "eager"],
)
def test_a_training_is_kerass_own(text, reference, fit) -> None:
    assert_same(fitted(ExpressionLoss(text), **fit), fitted(reference(), **fit))


@pytest.mark.parametrize(
    "reduction", ["sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"]
)
def test_every_reduction_is_kerass_own(reduction) -> None:
    weights = {"sample_weight": np.linspace(0, 2, 96)}
    ours = fitted(ExpressionLoss(CROSS_ENTROPY, reduction=reduction), **weights)
    theirs = fitted(keras.losses.CategoricalCrossentropy(reduction=reduction), **weights)
    assert_same(ours, theirs)


@pytest.mark.parametrize("shape", [(96,), (96, 1)])
def test_sparse_labels_are_kerass_own(shape) -> None:
    labels = INDICES.reshape(shape)
    ours = fitted(ExpressionLoss(CROSS_ENTROPY, sparse=True), labels)
    assert_same(ours, fitted(keras.losses.SparseCategoricalCrossentropy(), labels))


@pytest.mark.parametrize("loss", NAMED)
def test_sparse_labels_give_what_one_hot_labels_give(loss) -> None:
    assert_same(fitted(loss(sparse=True), INDICES), fitted(loss()))


@pytest.mark.parametrize("index", [-1, 3, 0.5, -0.5, 2.5, np.nan, np.inf])
def test_an_index_that_is_no_class_shows(index) -> None:
    losses = glo_tf.Baikal(sparse=True, reduction=None)([0, index], [[0.2, 0.3, 0.5]] * 2)
    assert np.isfinite(losses[0])
    assert np.isnan(losses[1])


def test_indices_that_half_precision_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match=r"class indices up to 3000.*dtype=float16"):
        glo_tf.Baikal(sparse=True, dtype="float16")(np.zeros(2, int), np.full((2, 3000), 1 / 3000))


@pytest.mark.parametrize(("text", "reference"), PAIRS)
def test_masked_steps_do_not_count(text, reference) -> None:
    sequences = np.where(RNG.uniform(size=(32, 5, 1)) < 0.3, 0.0, RNG.normal(size=(32, 5, 4)))
    labels = np.eye(3)[RNG.integers(0, 3, (32, 5))]
    results = []
    for loss in (ExpressionLoss(text), reference()):
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Masking(), keras.layers.Dense(3, activation="softmax")]
        model = keras.Sequential([keras.Input((5, 4)), *layers])
        model.compile(keras.optimizers.SGD(0.1), loss)
        history = model.fit(sequences, labels, epochs=2, shuffle=False, verbose=0).history
        results.append((history["loss"], model.get_weights()))
    assert_same(*results)
    masked = sequences == 0
    changed = np.where(masked.all(axis=-1, keepdims=True), np.roll(labels, 1, axis=-1), labels)
    model = classifier(ExpressionLoss(text))
    mask = ~masked.all(axis=-1)
    predictions = keras.ops.softmax(sequences[..., :3])
    predictions._keras_mask = tf.constant(mask)
    loss = ExpressionLoss(text)
    assert float(loss(labels, predictions)) == pytest.approx(float(loss(changed, predictions)))


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_output_is_binary(from_logits: bool, smoothing: float) -> None:
    settings = {"from_logits": from_logits, "label_smoothing": smoothing}
    labels = (INDICES == 0).astype(np.float32)[:, None]
    activation = "linear" if from_logits else "sigmoid"
    compile = {"outputs": 1, "activation": activation}
    ours = fitted(ExpressionLoss(CROSS_ENTROPY, **settings), labels, compile)
    assert_same(ours, fitted(keras.losses.BinaryCrossentropy(**settings), labels, compile))


@pytest.mark.parametrize("loss", NAMED)
@pytest.mark.parametrize("sparse", [False, True])
def test_one_output_gives_what_two_give(loss, sparse: bool) -> None:
    y = RNG.uniform(0.01, 0.99, (8, 1))
    x = RNG.integers(0, 2, (8, 1))
    two = loss(reduction=None)(np.concatenate([1 - x, x], -1), np.concatenate([1 - y, y], -1))
    np.testing.assert_allclose(loss(reduction=None, sparse=sparse)(x, y), two, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
@pytest.mark.parametrize("loss", NAMED)
@pytest.mark.parametrize("from_logits", [False, True])
def test_half_precision_models_train(policy, loss, from_logits: bool) -> None:
    keras.utils.set_random_seed(0)
    activation = "linear" if from_logits else "softmax"
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16, activation="relu", dtype=policy),
            keras.layers.Dense(3, activation=activation, dtype=policy),
        ]
    )
    optimizer = keras.optimizers.SGD(0.05)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, loss(from_logits=from_logits), metrics=["accuracy"])
    data = (np.tile(FEATURES, (10, 1)), np.tile(LABELS, (10, 1)))  # epochs take time of their own
    history = model.fit(*data, epochs=3, batch_size=16, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]
    assert history["accuracy"][-1] > 0.7


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("loss", NAMED)
def test_a_half_precision_loss_is_the_rounded_float32_one(dtype, loss) -> None:
    y = np.array([[0.6, 0.3, 0.1]])
    value = loss(dtype=dtype)([[1.0, 0.0, 0.0]], y)
    assert keras.backend.standardize_dtype(value.dtype) == dtype
    rounded = float(keras.ops.cast(value, "float32"))
    assert rounded == pytest.approx(float(loss()([[1.0, 0.0, 0.0]], y)), rel=2e-2)


@pytest.mark.parametrize("loss", [lambda **a: ExpressionLoss(CROSS_ENTROPY, **a), *NAMED])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_gradients_are_finite_over_random_and_extreme_logits(loss, scale: float) -> None:
    logits = tf.constant(scale * RNG.normal(size=(64, 10)), tf.float32)
    labels = np.eye(10)[RNG.integers(0, 10, 64)]
    for from_logits in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            predictions = logits if from_logits else tf.nn.softmax(logits)
            value = loss(from_logits=from_logits)(labels, predictions)
        assert np.isfinite(value)
        assert np.isfinite(tape.gradient(value, logits)).all()


def test_from_logits_keeps_the_slope_where_the_probability_is_clipped() -> None:
    labels, logits = np.eye(3)[:1], tf.constant([[-60.0, 60.0, 0.0]])
    slopes = []
    for loss in (ExpressionLoss, keras.losses.CategoricalCrossentropy):
        arguments = (CROSS_ENTROPY,) if loss is ExpressionLoss else ()
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(*arguments, from_logits=True)(labels, logits)
        slopes.append(tape.gradient(value, logits))
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-6)
    assert abs(slopes[0][0, 0]) > 0.5


@pytest.mark.parametrize(
    ("labels", "predictions", "sparse"),
    [
        ((8, 3), (8, 3), True),
        ((8, 2), (8, 3), True),
        ((7,), (8, 3), True),
        ((8, 5, 1, 1), (8, 5, 3), True),
        ((8, 5), (8, 5, 3), False),
        ((8, 1), (8, 5, 3), False),
    ],
)
def test_labels_of_another_shape_are_refused(labels, predictions, sparse: bool) -> None:
    with pytest.raises(ValueError, match=r"Expected y_true .*Received: y_true\.shape="):
        glo_tf.Baikal(sparse=sparse)(np.zeros(labels), np.ones(predictions))


def test_ragged_tensors_are_refused() -> None:
    ragged = tf.RaggedTensor.from_row_lengths([1.0, 0.0, 1.0], [2, 1])
    with pytest.raises(ValueError, match=r"Expected dense.*Received: ragged y_true"):
        glo_tf.Baikal()(ragged, np.ones((2, 2)))
    with pytest.raises(ValueError, match="Received: ragged y_pred"):
        glo_tf.Baikal()(np.ones((2, 2)), ragged)


@pytest.mark.slow
def test_mirrored_strategy_over_two_devices_gives_what_one_gives() -> None:
    program = """
        import keras
        import numpy as np
        import tensorflow as tf
        import glo_tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(64, 4)).astype("float32")
        labels = np.eye(3, dtype="float32")[rng.integers(0, 3, 64)]
        mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

        class SummedSquaredError(keras.losses.Loss):
            def call(self, y_true, y_pred):
                return keras.ops.sum(keras.ops.square(y_true - y_pred), axis=-1)

        pairs = [
            [lambda: glo_tf.ExpressionLoss("-(x*log(y))"), keras.losses.CategoricalCrossentropy],
            [lambda: glo_tf.ExpressionLoss("square(x - y)"), SummedSquaredError],
        ]

        def trained(strategy, loss):
            keras.utils.set_random_seed(0)
            with strategy.scope():
                layers = [keras.Input((4,)), keras.layers.Dense(3, activation="softmax")]
                model = keras.Sequential(layers)
                model.compile(keras.optimizers.SGD(0.1), loss())
            model.fit(x, labels, epochs=2, batch_size=16, shuffle=False, verbose=0)
            return np.concatenate([w.ravel() for w in model.get_weights()])
        for pair in pairs:
            first, *others = (
                trained(strategy, loss)
                for strategy in (mirrored, tf.distribute.get_strategy())
                for loss in pair
            )
            for other in others:
                np.testing.assert_allclose(first, other, atol=1e-5)
        assert mirrored.num_replicas_in_sync == 2
    """
    finished = processes.python("-c", textwrap.dedent(program))
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("ignored", [-1, 255])
@pytest.mark.parametrize("weights", [{}, {"sample_weight": np.linspace(0, 2, 96)}])
def test_an_ignored_class_is_ignored_as_by_keras(ignored, weights) -> None:
    labels = np.where(RNG.uniform(size=96) < 0.3, ignored, INDICES)
    ours = ExpressionLoss(CROSS_ENTROPY, sparse=True, ignore_class=ignored)
    theirs = keras.losses.SparseCategoricalCrossentropy(ignore_class=ignored)
    assert_same(fitted(ours, labels, **weights), fitted(theirs, labels, **weights))


def test_nothing_infinite_comes_from_what_is_ignored() -> None:
    """0 times an infinite derivative is no number."""
    loss = ExpressionLoss("-(x*log(y))", sparse=True, ignore_class=9, epsilon=1e-38)
    predictions = tf.Variable([[0.25, 0.75], [0.0, np.nan]])
    with tf.GradientTape() as tape:
        value = loss(np.array([1, 9]), predictions)
    assert float(value) == pytest.approx(-np.log(0.75))
    np.testing.assert_allclose(tape.gradient(value, predictions), [[0, -1 / 0.75], [0, 0]])


def test_a_loss_that_ignores_a_class_comes_back(tmp_path) -> None:
    for loss in (glo_tf.Baikal(sparse=True, ignore_class=255), ExpressionLoss("x*y", sparse=True)):
        again = type(loss).from_config(loss.get_config())
        glo_tf.save_loss(loss, tmp_path / "loss.json")
        read = glo_tf.load_loss(tmp_path / "loss.json")
        assert again.ignore_class == read.ignore_class == loss.ignore_class
    assert "ignore_class" not in ExpressionLoss("x*y", sparse=True).get_config()


@pytest.mark.parametrize("options", [{"ignore_class": 0.5, "sparse": True}, {"ignore_class": 1}])
def test_an_ignored_class_is_one_of_indices(options) -> None:
    with pytest.raises(ValueError, match="a whole number, beside sparse=True"):
        ExpressionLoss("x*y", **options)


def test_the_source_of_a_loss_ignores_its_class() -> None:
    loss = ExpressionLoss("-(x*log(y))", sparse=True, ignore_class=255, reduction=None)
    labels = np.array([[0, 255], [2, 1]])
    predictions = RNG.dirichlet(np.ones(3), (2, 2)).astype(np.float32)
    names: dict = {}
    exec(loss.python(), names)
    found = names["expression_loss"](labels, predictions)
    np.testing.assert_allclose(found, loss(labels, predictions), rtol=1e-5)
    assert found[0, 1] == 0.0


def test_keras_finds_losses_by_their_names() -> None:
    assert isinstance(keras.losses.get("glo_tf>Baikal"), glo_tf.Baikal)
    assert isinstance(keras.losses.get("glo_tf>Huber"), glo_tf.Huber)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", loss="glo_tf>Baikal")
    x, y = np.ones((2, 4), "float32"), np.eye(3, dtype="float32")[:2]
    expected = float(glo_tf.Baikal()(y, model(x)))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-6)
    for needs_more in ("glo_tf>ExpressionLoss", "glo_tf>LDAM", "glo_tf>Nothing"):
        with pytest.raises(ValueError, match="Could not interpret loss identifier"):
            keras.losses.get(needs_more)


@pytest.mark.parametrize("first", ["classes", "all_classes"])
def test_keras_finds_them_whichever_module_of_losses_is_imported_first(first: str) -> None:
    pytest.importorskip("jax")
    names = ("GCE", "NCE", "Huber", "Baikal")
    program = f"""
        from glo_tf.losses import {first}
        import keras
        from glo_tf.losses.named import NAMED_LOSSES
        print(*(keras.losses.get(f"glo_tf>{{name}}").name for name in {names}))
        print("vanern" in NAMED_LOSSES)
        """
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.split() == ["gce", "nce", "huber", "baikal", "True"]
