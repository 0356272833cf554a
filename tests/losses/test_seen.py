"""What Keras losses know beside labels and predictions."""

import keras
import numpy as np
import pytest

import glo_tf
from glo_tf.data.outputs import Output, Outputs

X = np.eye(3, dtype=np.float32)[[0, 1]]
Y = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], np.float32)
COUNTS = [7, 1, 2]
ADJUSTED = "-(x*log(y*n/total(y*n)))"


def values(loss: keras.losses.Loss, *weights: np.ndarray, y: np.ndarray = Y) -> np.ndarray:
    return keras.ops.convert_to_numpy(loss(X, y, *weights))


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize(
    ("text", "known"),
    [
        (ADJUSTED, lambda **options: glo_tf.LogitAdjusted(COUNTS, **options)),
        ("x*log(y)/total(log(y))", glo_tf.NCE),
        ("-(x*log(y))*C/3", glo_tf.CrossEntropy),
    ],
)
def test_known_losses_of_all_classes_are_expressions(text, known, logits: bool) -> None:
    y = np.log(Y) if logits else Y
    options = {"from_logits": logits, "reduction": None}
    loss = glo_tf.ExpressionLoss(text, frequencies=COUNTS, **options)
    np.testing.assert_allclose(values(loss, y=y), values(known(**options), y=y), rtol=1e-5)


def test_counts_and_shares_are_the_same_and_go_with_config_and_file(tmp_path) -> None:
    loss = glo_tf.ExpressionLoss(f"{ADJUSTED} + t*y", frequencies=COUNTS, progress=0.25)
    shares = glo_tf.ExpressionLoss(
        loss.expression, frequencies=np.array(COUNTS) / 10, progress=0.25
    )
    glo_tf.save_loss(loss, tmp_path / "loss.json")
    again = [
        shares,
        glo_tf.ExpressionLoss.from_config(loss.get_config()),
        glo_tf.load_loss(tmp_path / "loss.json"),
    ]
    assert [float(values(one)) for one in again] == pytest.approx([float(values(loss))] * 3)
    assert again[-1].frequencies == loss.frequencies == (7.0, 1.0, 2.0)
    assert again[-1].progress == 0.25
    namespace: dict = {}
    exec(loss.python(), namespace)
    assert namespace["expression_loss"](X, Y).mean() == pytest.approx(float(values(loss)))


@pytest.mark.parametrize("text", ["-(x*log(y)/n)", ADJUSTED, "-(x*log(y)/square(n))", "y*log(n)"])
@pytest.mark.parametrize(
    ("activation", "frequencies"), [("softmax", [7, 0, 2]), ("sigmoid", [0.0, 0.4, 1.0])]
)
def test_classes_without_training_data_do_no_harm(text, activation, frequencies) -> None:
    loss = glo_tf.ExpressionLoss(
        text,
        frequencies=frequencies,
        activation=activation,
        two_sided=activation == "sigmoid",
        reduction=None,
    )
    found = values(loss)
    assert np.isfinite(found).all()
    namespace: dict = {}
    exec(loss.python(), namespace)
    np.testing.assert_allclose(namespace["expression_loss"](X, Y), found, rtol=1e-5)
    seen = Outputs((Output(activation, 3),)).with_frequencies(frequencies).frequencies
    assert seen.min() == 1e-6


def test_labels_of_their_own_have_shares_and_two_sides() -> None:
    shares = np.array([0.5, 0.1, 0.9])
    labels = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], np.float32)
    options = {"activation": "sigmoid", "frequencies": shares, "reduction": None}
    one_side = glo_tf.ExpressionLoss("-(x*log(y)/n)", **options)
    both = glo_tf.ExpressionLoss("-(x*log(y)/n)", two_sided=True, **options)
    there = labels * np.log(Y) / shares
    absent = (1 - labels) * np.log(1 - Y) / (1 - shares)
    found = [keras.ops.convert_to_numpy(loss(labels, Y)) for loss in (one_side, both)]
    np.testing.assert_allclose(found[0], -there.sum(axis=-1), rtol=1e-5)
    np.testing.assert_allclose(found[1], -(there + absent).sum(axis=-1), rtol=1e-5)


def test_the_weight_of_a_sample_multiplies_its_loss_all_the_same() -> None:
    weights = np.array([2.0, 0.5], np.float32)
    undone, plain = (
        glo_tf.ExpressionLoss(text, reduction=None) for text in ("-(x*log(y)/w)", "-(x*log(y))")
    )
    np.testing.assert_allclose(values(undone, weights), values(plain), rtol=1e-6)
    np.testing.assert_allclose(values(undone), values(plain), rtol=1e-6)
    found = values(undone, weights[:, None]).ravel()
    np.testing.assert_allclose(found, values(plain), rtol=1e-6)


def steps_of(fit: dict, *callbacks: keras.callbacks.Callback) -> np.ndarray:
    """The progress at each step: the slope of t*y, of a model with one weight, from 0."""
    ones, zeros = np.ones((8, 1), np.float32), np.zeros((8, 1), np.float32)
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    loss = glo_tf.ExpressionLoss("t*y + 0*x", epsilon=None)
    model.compile(keras.optimizers.SGD(1.0), loss)
    weights = [0.0]
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: weights.append(float(model.get_weights()[0][0, 0]))
    )
    model.fit(ones, zeros, batch_size=2, verbose=0, callbacks=[*callbacks, record], **fit)
    assert loss.progress == 1.0
    assert float(model.evaluate(ones, zeros, verbose=0)) == pytest.approx(weights[-1])
    return -np.diff(weights)


def test_progress_goes_from_0_to_1_in_a_fit() -> None:
    expected = np.arange(8) / 8
    found = steps_of({"epochs": 2}, glo_tf.TrainingProgress())
    np.testing.assert_allclose(found, expected, atol=1e-6)
    found = steps_of({"epochs": 3, "initial_epoch": 1}, glo_tf.TrainingProgress(steps=16))
    np.testing.assert_allclose(found, np.arange(4, 12) / 16, atol=1e-6)


def test_what_is_compiled_sees_progress_as_it_is_set() -> None:
    """On other backends: `test_other_backends_need_no_tensorflow_and_train`."""
    loss = glo_tf.ExpressionLoss("x*y + t", epsilon=None, progress=0.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model.compile("sgd", loss)
    found = []
    for progress in (0.0, 0.5, 1.0):
        loss.set_progress(progress)
        found.append(model.evaluate(np.ones((2, 1)), np.ones((2, 1)), verbose=0))
    assert found == [1.0, 1.5, 2.0]


def test_a_fit_that_goes_on_has_to_know_how_far_it_was() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model.compile("sgd", glo_tf.ExpressionLoss("x*y + t", epsilon=None))

    class Batches(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, place):
            return np.ones((2, 1)), np.ones((2, 1))

    told = glo_tf.TrainingProgress(steps=8)
    with pytest.raises(ValueError, match=r"steps_per_epoch=.*Received: initial_epoch=1$"):
        model.fit(Batches(), initial_epoch=1, epochs=2, shuffle=False, verbose=0, callbacks=[told])


def test_a_fit_that_does_not_see_t_says_so() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", glo_tf.CrossEntropy())
    with pytest.raises(ValueError, match="compiled with a loss that sees t"):
        model.fit(np.ones((2, 1)), X, verbose=0, callbacks=[glo_tf.TrainingProgress()])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"frequencies": [1, -1]}, r"at least 0.*frequencies=\[1, -1\]"),
        ({"frequencies": "many"}, "frequencies='many'"),
        ({"frequencies": [0, 0]}, "frequencies="),
        ({"frequencies": [2, 1], "activation": "sigmoid"}, "shares from 0 to 1"),
        ({"frequencies": [1, 2], "epsilon": None}, "None, as numbers have none"),
        ({"progress": 1.5}, "from 0 to 1. Received: progress=1.5"),
        ({"progress": True}, "progress=True"),
    ],
)
def test_what_is_out_of_range_is_refused(options: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        glo_tf.ExpressionLoss("n*x*y", **options)


@pytest.mark.parametrize(
    ("text", "options", "named"),
    [
        ("n*x*y", {}, r"frequencies=\[0.9, 0.1\].*for a loss with n. Received: frequencies=None"),
        ("t*x*y", {}, r"glo_tf.TrainingProgress\(\).*set_progress.*Received: progress=None"),
        ("n*x*y", {"frequencies": [1, 2]}, "frequencies of 3 classes.*Received: 2 frequencies"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(text: str, options: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        glo_tf.ExpressionLoss(text, **options)(X, Y)
