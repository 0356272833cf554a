"""The known losses against the formulas of their papers, written in NumPy, and against Keras's."""

import inspect
import json
import zlib

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from paper_formulas import (
    CLASSES,
    EVOLVED,
    LABELS,
    NUMBERS,
    OF_FREQUENCIES,
    reference_slopes,
    sigmoid,
    softmax,
)

import glo_tf
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions import leaves
from glo_tf.losses.given import as_expressions
from glo_tf.losses.lookup import by_name
from glo_tf.losses.named import NAMED_LOSSES
from glo_tf.losses.rewriting import smoothed, two_sided


def ids(cases):
    return [f"{kind.__name__}-{place}" for place, (kind, _, _) in enumerate(cases)]


def one_of_each(cases):
    return list({kind: (kind, arguments) for kind, arguments, _ in cases}.values())


SOFTMAX = [*CLASSES, *EVOLVED, *OF_FREQUENCIES]


def rng_of(*parts) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


def drawn(rng, shape: tuple[int, ...], classes: int):
    """Class indices and logits."""
    return rng.integers(0, classes, shape), 2.0 * rng.normal(size=(*shape, classes))


def both(second):
    return np.stack([1.0 - second, second], axis=-1)


def slopes(loss, x, z):
    z = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = loss(x, z)
    return tape.gradient(value, z).numpy()


@pytest.mark.parametrize("case", SOFTMAX, ids=ids(SOFTMAX))
def test_losses_of_classes_are_what_their_papers_say(case) -> None:
    kind, arguments, reference = case
    indices, z = drawn(rng_of(kind.__name__, arguments), (2, 3), 4)
    x, y = np.eye(4)[indices], softmax(z)
    expected = reference(x, y)
    for settings, labels, predictions in (
        ({}, x, y),
        ({"from_logits": True}, x, z),
        ({"from_logits": True}, x, z + 50.0),
        ({"sparse": True}, indices, y),
        ({"sparse": True, "from_logits": True}, indices[..., None], z),
    ):
        loss = kind(**arguments, **settings, reduction=None)
        np.testing.assert_allclose(loss(labels, predictions), expected, rtol=2e-4, atol=2e-6)
        loss = kind(**arguments, **settings)
        assert float(loss(labels, predictions)) == pytest.approx(expected.mean(), rel=1e-4)
    exact = kind(**arguments, reduction=None, dtype="float64")(x, y)
    np.testing.assert_allclose(exact, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("case", SOFTMAX, ids=ids(SOFTMAX))
def test_slopes_of_losses_of_classes_are_what_their_papers_say(case) -> None:
    kind, arguments, reference = case
    indices, z = drawn(rng_of(kind.__name__, arguments), (6,), 4)
    x = np.eye(4)[indices]
    expected = reference_slopes(lambda logits: reference(x, softmax(logits)), z)
    loss = kind(**arguments, from_logits=True, reduction="sum", dtype="float64")
    np.testing.assert_allclose(slopes(loss, x, z), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CLASSES, ids=ids(CLASSES))
def test_a_label_of_its_own_is_two_classes(case) -> None:
    kind, arguments, reference = case
    rng = rng_of(kind.__name__, arguments)
    z, x = rng.normal(size=(5, 3)), rng.integers(0, 2, (5, 3)).astype(float)
    expected = reference(both(x), both(sigmoid(z)))
    for settings, predictions in (({}, sigmoid(z)), ({"from_logits": True}, z)):
        labels = kind(**arguments, **settings, activation="sigmoid", reduction=None)
        np.testing.assert_allclose(labels(x, predictions), expected.sum(-1), rtol=2e-4, atol=1e-6)
        for one in (kind(**arguments, **settings, reduction=None), labels):  # one output
            values = one(x[:, :1], predictions[:, :1])
            np.testing.assert_allclose(values, expected[:, 0], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("case", LABELS, ids=ids(LABELS))
def test_losses_of_labels_are_what_their_papers_say(case) -> None:
    kind, arguments, reference = case
    rng = rng_of(kind.__name__, arguments)
    z, x = 2.0 * rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 3)).astype(float)
    expected = reference(x, sigmoid(z))
    for settings, predictions in (({}, sigmoid(z)), ({"from_logits": True}, z)):
        loss = kind(**arguments, **settings, reduction=None)
        np.testing.assert_allclose(loss(x, predictions), expected, rtol=2e-4, atol=2e-6)
    loss = kind(**arguments, from_logits=True, reduction="sum", dtype="float64")
    expected = reference_slopes(lambda logits: reference(x, sigmoid(logits)), z)
    np.testing.assert_allclose(slopes(loss, x, z), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", NUMBERS, ids=ids(NUMBERS))
def test_losses_of_numbers_are_what_their_papers_say(case) -> None:
    kind, arguments, reference = case
    rng = rng_of(kind.__name__, arguments)
    x, y = rng.normal(size=(8, 3)), 3.0 * rng.normal(size=(8, 3))
    terms = reference(x - y)
    for settings, expected in (({}, terms.mean(-1)), ({"class_reduction": "sum"}, terms.sum(-1))):
        values = kind(**arguments, **settings, reduction=None)(x, y)
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)
    loss = kind(**arguments, reduction="sum", dtype="float64")
    expected = reference_slopes(lambda numbers: reference(x - numbers).mean(-1), y)
    np.testing.assert_allclose(slopes(loss, x, y), expected, rtol=1e-5, atol=1e-6)
    # One number, of which labels may lack the axis.
    values = kind(**arguments, reduction=None)(x[:, 0], y[:, :1])
    np.testing.assert_allclose(values, terms[:, 0], rtol=1e-4, atol=1e-6)


def test_they_are_kerass_own_where_keras_has_them() -> None:
    indices, z = drawn(np.random.default_rng(0), (9,), 4)
    x, y, weights = np.eye(4)[indices], softmax(z), np.linspace(0.0, 2.0, 9)
    many = np.random.default_rng(1).integers(0, 2, (9, 4)).astype(float)
    focal, binary = keras.losses.CategoricalFocalCrossentropy, keras.losses.BinaryFocalCrossentropy
    labels = {"activation": "sigmoid"}
    balanced = (x / x.mean(0)).sum(-1) / 4.0
    for ours, theirs, true, predicted, factor in (
        (glo_tf.CrossEntropy(), keras.losses.CategoricalCrossentropy(), x, y, 1),
        (
            glo_tf.LabelSmoothing(alpha=0.2),
            keras.losses.CategoricalCrossentropy(label_smoothing=0.2),
            x,
            y,
            1,
        ),
        (glo_tf.CrossEntropy(**labels), keras.losses.BinaryCrossentropy(), many, sigmoid(z), 4),
        (
            glo_tf.LabelSmoothing(alpha=0.2, **labels),
            keras.losses.BinaryCrossentropy(label_smoothing=0.2),
            many,
            sigmoid(z),
            4,
        ),
        (glo_tf.Focal(gamma=1.5), focal(alpha=1.0, gamma=1.5), x, y, 1),
        (glo_tf.Focal(gamma=1.5, **labels), binary(gamma=1.5), many, sigmoid(z), 4),
        (glo_tf.MAE(), keras.losses.MeanAbsoluteError(), x, y, 4),
        (glo_tf.Brier(), keras.losses.MeanSquaredError(), x, y, 4),
        (glo_tf.SquaredError(), keras.losses.MeanSquaredError(), x, z, 1),
        (glo_tf.AbsoluteError(), keras.losses.MeanAbsoluteError(), x, z, 1),
        (glo_tf.Huber(delta=0.7), keras.losses.Huber(delta=0.7), x, z, 1),
        (glo_tf.LogCosh(), keras.losses.LogCosh(), x, z, 1),
    ):
        for sample_weight in (None, weights):
            value = ours(true, predicted, sample_weight=sample_weight)
            expected = factor * theirs(true, predicted, sample_weight=sample_weight)
            np.testing.assert_allclose(value, expected, rtol=1e-5)
    ours = glo_tf.ClassWeighted(np.bincount(indices, minlength=4))
    expected = keras.losses.CategoricalCrossentropy()(x, y, sample_weight=balanced)
    np.testing.assert_allclose(ours(x, y), expected, rtol=1e-5)


ALL = one_of_each([*CLASSES, *OF_FREQUENCIES, *LABELS, *NUMBERS])
PROBABILITIES = one_of_each([*CLASSES, *OF_FREQUENCIES, *LABELS])


@pytest.mark.parametrize(("kind", "arguments"), PROBABILITIES)
@pytest.mark.parametrize("scale", [30.0, 1e4])
def test_values_and_slopes_are_finite_where_the_network_is_sure(kind, arguments, scale) -> None:
    rng = np.random.default_rng(0)
    z = np.concatenate([scale * rng.normal(size=(16, 4)), scale * np.eye(4), -scale * np.eye(4)])
    x = np.eye(4)[rng.integers(0, 4, len(z))]
    z = z.astype(np.float32)
    for predictions, from_logits in (
        (z, True),
        (softmax(z), False),
        (np.eye(4)[:1].repeat(24, 0), False),
    ):
        loss = kind(**arguments, from_logits=from_logits)
        predictions = predictions.astype(np.float32)
        assert np.isfinite(loss(x, predictions))
        assert np.isfinite(slopes(loss, x, predictions)).all()


@pytest.mark.parametrize(("kind", "arguments"), one_of_each(NUMBERS))
def test_far_numbers_keep_finite_slopes(kind, arguments) -> None:
    loss = kind(**arguments, reduction="sum")
    y = np.array([[1e8], [-1e8], [0.0], [1e-8]], np.float32)
    assert np.isfinite(slopes(loss, np.zeros_like(y), y)).all()
    assert np.isfinite(loss(np.zeros_like(y), y))


def test_a_wrong_saturated_logit_still_has_cross_entropys_slope() -> None:
    z, x = np.array([[200.0, 0.0]]), np.array([[0.0, 1.0]])
    for loss in (
        glo_tf.CrossEntropy(from_logits=True),
        glo_tf.Focal(from_logits=True),
        glo_tf.LogitAdjusted([1, 1], from_logits=True),
        glo_tf.ClassWeighted([1, 1], from_logits=True),
    ):
        np.testing.assert_allclose(slopes(loss, x, z), [[1.0, -1.0]], rtol=1e-5)
    loss = glo_tf.Focal(from_logits=True, activation="sigmoid")
    np.testing.assert_allclose(
        slopes(loss, np.array([[0.0, 1.0]]), z), [[1.0, -0.25 + 0.0]], atol=0.2
    )


@pytest.mark.parametrize(("kind", "arguments"), ALL)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_the_rounded_float32_value(kind, arguments, dtype) -> None:
    y, x = np.array([[0.6, 0.3, 0.05, 0.05]]), np.array([[1.0, 0.0, 0.0, 0.0]])
    value = kind(**arguments, dtype=dtype)(x, y.astype(np.float16))
    assert keras.backend.standardize_dtype(value.dtype) == dtype
    expected = float(kind(**arguments)(x, y.astype(np.float16)))
    assert float(keras.ops.cast(value, "float32")) == pytest.approx(expected, rel=2e-2)


def changed(kind) -> dict[str, float]:
    """Parameters that are not the defaults."""
    return {
        each.name: each.default + 1
        if each.most == each.below == float("inf") or each.whole
        else 0.37
        for each in kind.PARAMETERS
    }


@pytest.mark.parametrize(("kind", "arguments"), ALL)
def test_the_configuration_holds_every_argument(kind, arguments) -> None:
    arguments = {**arguments, **changed(kind)}
    loss = kind(**arguments, name="mine", reduction="sum")
    config = json.loads(json.dumps(keras.losses.serialize(loss)))
    copy = keras.losses.deserialize(config)
    assert type(copy) is kind
    assert (
        copy.get_config() == loss.get_config() == kind.from_config(loss.get_config()).get_config()
    )
    assert copy.parameters == changed(kind)
    assert (copy.name, copy.reduction) == ("mine", "sum")
    y, x = np.full((2, 4), 0.25), np.eye(4)[:2]
    assert float(copy(x, y)) == float(loss(x, y))
    other = loss.with_options(name="other", reduction=None)
    assert type(other) is kind
    assert {**other.get_config(), "name": "mine", "reduction": "sum"} == loss.get_config()
    assert (loss.name, loss.reduction) == ("mine", "sum")
    with pytest.raises(TypeError, match="spares"):
        loss.with_options(spares=True)


@pytest.mark.parametrize(("kind", "arguments"), ALL)
def test_parameters_are_checked(kind, arguments) -> None:
    frequencies = {k: v for k, v in arguments.items() if k == "frequencies"}
    assert list(inspect.signature(kind).parameters)[-len(kind.PARAMETERS) or 99 :] == [
        each.name for each in kind.PARAMETERS
    ]
    for each in kind.PARAMETERS:
        wrong = [float("nan"), "1", None, True, float("inf")]
        wrong += [each.above] if each.above > -np.inf else [each.least - 0.5]
        wrong += [each.below] if each.below < np.inf else []
        wrong += [each.most + 0.5] if each.most < np.inf else []
        for value in wrong:
            with pytest.raises(
                ValueError, match=rf"^Expected {each.name} .*Received: {each.name}="
            ):
                kind(**frequencies, **{each.name: value})
        for value in (each.least, each.most):
            if np.isfinite(value):
                kind(**frequencies, **{each.name: value})
    with pytest.raises(TypeError, match=r"parameters.* of .*Received: gama=1"):
        kind(**frequencies, gama=1)


def test_a_parameter_that_is_misspelt_is_guessed() -> None:
    with pytest.raises(TypeError, match=r"Focal \(did you mean gamma\?\)\. Received: gama=1"):
        glo_tf.Focal(gama=1)
    for kind, value in ((glo_tf.GCE, 0.7), (glo_tf.Focal, 1), (glo_tf.NCEAndRCE, 1.0)):
        with pytest.raises(ValueError, match=rf"by their names\. Received: from_logits={value}$"):
            kind(value)


NO_NUMBERS = [["1", "2"], [True, True], [10**400, 1], {0: 1, 1: 2}, iter([1, 2]), "ab", 3]


@pytest.mark.parametrize(
    "frequencies", [[1.0], [1, 0], [1, -2], [1, np.nan], [[1, 2]], None, *NO_NUMBERS]
)
def test_frequencies_are_checked(frequencies) -> None:
    with pytest.raises(ValueError, match="Expected frequencies as positive numbers"):
        glo_tf.LogitAdjusted(frequencies)


@pytest.mark.parametrize("frequencies", NO_NUMBERS)
def test_frequencies_of_expressions_are_numbers(frequencies) -> None:
    with pytest.raises(ValueError, match="Expected frequencies as numbers of at least 0"):
        glo_tf.ExpressionLoss("n*x*y", frequencies=frequencies)


@pytest.mark.parametrize(
    "make",
    [glo_tf.Vanern, lambda given: glo_tf.ExpressionLoss("n*x*y", frequencies=given)],
    ids=["known", "expression"],
)
def test_counts_of_pandas_are_in_the_order_of_the_classes(make) -> None:
    """`value_counts` has the most frequent class first, whichever that is."""
    counts = pd.Series([1, 0, 2, 2, 1, 2]).value_counts()
    with pytest.raises(ValueError, match=r"value_counts\(\)\.sort_index\(\).*index \[2, 1, 0\]"):
        make(counts)
    assert make(counts.sort_index()).frequencies == (1.0, 2.0, 3.0)
    assert make(counts.sort_index().astype("Int64")).frequencies == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(("kind", "arguments"), one_of_each([*SOFTMAX, *LABELS]))
def test_options_of_another_type_are_refused(kind, arguments) -> None:
    for name, wrong in {"epsilon": [None, "a"], "label_smoothing": [None, "a", 1.5]}.items():
        for value in wrong:
            if name == "epsilon" or kind is not glo_tf.LabelSmoothing:
                with pytest.raises(ValueError, match=f"^Expected {name} .*Received: {name}="):
                    kind(**{**arguments, name: value})
    if kind is not glo_tf.Asymmetric:
        with pytest.raises(ValueError, match="Expected sparse to be True or False"):
            kind(**arguments, sparse="yes")


@pytest.mark.parametrize(
    ("kind", "arguments", "fixed"),
    [
        (glo_tf.LogitAdjusted, {"frequencies": [1, 2]}, {"activation": "sigmoid"}),
        (glo_tf.Asymmetric, {}, {"sparse": True}),
        (glo_tf.LabelSmoothing, {}, {"label_smoothing": 0.2}),
    ],
)
def test_what_a_class_decides_is_no_argument_of_it(kind, arguments, fixed) -> None:
    with pytest.raises(TypeError, match=r"Expected parameters among .* of .*Received: \w+="):
        kind(**arguments, **fixed)


@pytest.mark.parametrize(("kind", "arguments"), one_of_each([*SOFTMAX, *NUMBERS]))
def test_no_samples_have_no_losses(kind, arguments) -> None:
    none = np.zeros((0, 3), np.float32)
    if "frequencies" in arguments:
        arguments = {**arguments, "frequencies": [3, 2, 1]}
    assert kind(**arguments, reduction=None)(none, none).shape == (0,)


def test_what_does_not_fit_the_outputs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected frequencies of 3 classes.*Received: 2 freq"):
        glo_tf.ClassWeighted([1, 2])(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="Expected several labels"):
        glo_tf.Asymmetric()(np.ones((4, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="Expected activation='sigmoid'"):
        glo_tf.Asymmetric(activation="softmax")
    with pytest.raises(ValueError, match="Expected activation='sigmoid' and an epsilon"):
        glo_tf.ExpressionLoss("x*y", two_sided=True)


def test_frequencies_may_be_counts_or_shares() -> None:
    x, y = np.eye(3), np.full((3, 3), 1 / 3)
    for kind in (glo_tf.LogitAdjusted, glo_tf.ClassWeighted, glo_tf.LDAM, glo_tf.Vanern):
        values = [
            kind(n, reduction=None)(x, y) for n in ([100, 10, 1], np.array([100, 10, 1]) / 111)
        ]
        np.testing.assert_allclose(*values, rtol=1e-5)


OF_CLASSES, OF_LABELS = Outputs.of_classes(4), Outputs((Output(Activation.SIGMOID, 3),))
EXPRESSIONS = [case for case in one_of_each(CLASSES) if issubclass(case[0], glo_tf.ExpressionLoss)]


@pytest.mark.parametrize(("kind", "arguments"), EXPRESSIONS)
def test_what_is_trained_is_what_keras_is_given(kind, arguments) -> None:
    rng = np.random.default_rng(0)
    for outputs, activation, width in ((OF_CLASSES, "softmax", 4), (OF_LABELS, "sigmoid", 3)):
        y = rng.uniform(0.1, 0.9, (6, width))
        x = np.eye(width)[rng.integers(0, width, 6)]
        loss = kind(**arguments, activation=activation, reduction=None)
        plain = kind(**arguments)
        for given_loss in (kind(**arguments, activation=activation), plain):
            (tree,) = as_expressions(
                [given_loss], "losses", options=outputs.loss_options, outputs=outputs
            )
            trained = glo_tf.ExpressionLoss(tree, reduction=None)(x, y)
            np.testing.assert_allclose(trained, loss(x, y), rtol=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "-(x*log(y)/n)",
        "-(x*log(y))*1.5*C/3",
        "-(x*log(y))*w*(1 - t)",
        "-(x*log(y*n/total(y*n)))",
        "-2.5*total(1.5*x*y) + C*square(0.5*x - 2.0*y)/n",
        "total(y*n*total(x*y))*x - total(1)*y + total(t)*square(y)",
        "total(total(2.0*(y*x)))",
        "n",
    ],
)
def test_what_two_sides_see_is_trained(text: str) -> None:
    rng = np.random.default_rng(0)
    shares = (0.5, 0.1, 0.9)
    outputs = Outputs((Output(Activation.SIGMOID, 3, frequencies=shares),))
    x, y = rng.integers(0, 2, (6, 3)).astype(float), rng.uniform(0.1, 0.9, (6, 3))
    weights = rng.uniform(0.5, 2.0, 6)
    settings = {"activation": "sigmoid", "frequencies": shares, "progress": 0.25}
    settings |= {"dtype": "float64", "reduction": None}
    for reduction in ("sum", "mean"):
        loss = glo_tf.ExpressionLoss(
            text, two_sided=True, class_reduction=reduction, **settings | {"progress": None}
        )
        given_loss = loss.from_config({**loss.get_config(), "reduction": "sum_over_batch_size"})
        (tree,) = as_expressions(
            [given_loss], "losses", options=outputs.loss_options, outputs=outputs
        )
        loss.set_progress(0.25)
        trained = glo_tf.ExpressionLoss(tree, **settings)(x, y, weights)
        np.testing.assert_allclose(trained, loss(x, y, weights), rtol=1e-4, atol=1e-4)


@pytest.fixture
def further_leaves(monkeypatch) -> None:
    for name, value, part in (
        ("share", lambda seen: 1.0 / seen.classes, "classes"),
        ("later", lambda seen: 2.0 * seen.progress, "progress"),
    ):
        leaf = leaves.Leaf(name, f"{name}_of", "Another.", value=value, needs=(part,))
        monkeypatch.setitem(leaves.LEAVES, name, leaf)
        monkeypatch.setitem(leaves.SPELLINGS, name, name)


@pytest.mark.usefixtures("further_leaves")
def test_what_cannot_be_told_of_two_sides_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected a loss without share, which has") as error:
        two_sided(glo_tf.Expression.parse("x*y*share"), "losses[2]")
    assert str(error.value).endswith("Received: losses[2]='x*y*share'")
    assert "later" in two_sided(glo_tf.Expression.parse("x*y*later")).nodes
    deep = "y"
    for _ in range(40):
        deep = f"total(x*{deep})"
    with pytest.raises(ValueError, match=r"at most 2000 nodes when both sides .* Received: \d+ n"):
        two_sided(glo_tf.Expression.parse(deep))


WRITTEN = [
    (kind, arguments)
    for kind, arguments, _ in [*CLASSES, *OF_FREQUENCIES]
    if issubclass(kind, glo_tf.AllClassesLoss) and kind is not glo_tf.LDAM
]


@given(
    st.sampled_from(WRITTEN),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.1]),
    st.integers(0, 10_000),
)
@examples(30)
def test_a_loss_of_all_classes_is_an_expression(case, from_logits, sparse, smoothing, seed) -> None:
    """As which it is compared, drawn and saved."""
    kind, arguments = case
    options = {"from_logits": from_logits, "sparse": sparse, "label_smoothing": smoothing}
    loss = kind(**arguments, **options, name="mine", reduction="sum", dtype="float64")
    written = loss.as_expression()
    indices, z = drawn(np.random.default_rng(seed), (5,), 4)
    labels = indices if sparse else np.eye(4)[indices]
    predictions = z if from_logits else softmax(z)
    np.testing.assert_allclose(written(labels, predictions), loss(labels, predictions), rtol=1e-6)
    shared = set(loss.get_config()) & set(written.get_config())
    assert {"name", "reduction", "dtype", "epsilon", *options} <= shared
    for option in shared:
        assert written.get_config()[option] == loss.get_config()[option]
    assert "log" in written.latex()


def test_losses_of_all_classes_are_trained_as_their_expressions() -> None:
    outputs = Outputs.of_classes(3).with_frequencies([10, 5, 1])
    vanern = glo_tf.Vanern([10, 5, 1], alpha=0.5)
    found = by_name([vanern, glo_tf.NCE(), "nce_rce"], outputs)
    assert list(found) == ["vanern(alpha=0.5)", "nce", "nce_rce"]
    assert found == by_name(["vanern(alpha=0.5)", "nce", "nce_rce"], outputs)
    with pytest.raises(
        ValueError, match=r"frequencies of the training data.*Received: losses\[0\]"
    ):
        by_name([glo_tf.Vanern([1, 1, 1])], outputs)


@pytest.mark.parametrize(
    ("loss", "activation"),
    [(glo_tf.LDAM([3, 1]), "softmax"), (glo_tf.NCE(activation="sigmoid"), "sigmoid")],
)
def test_losses_of_all_classes_that_are_no_expression_are_refused(loss, activation) -> None:
    message = rf"an expression is known\. Received: {loss.name}.*activation='{activation}'"
    with pytest.raises(ValueError, match=f"(?i){message}"):
        loss.as_expression()
    with pytest.raises(ValueError, match=f"(?i){message} as losses.0., which is for model.compile"):
        by_name([loss], Outputs.of_classes(2))


LINEAR = [
    case
    for case in one_of_each([*CLASSES, *OF_FREQUENCIES])
    if case[0] not in (glo_tf.SCE, glo_tf.NCEAndRCE, glo_tf.NCEAndAMSE, glo_tf.LDAM)
    and case[0] not in (glo_tf.MAE, glo_tf.Brier, glo_tf.AMSE)
]
"""Of which the loss is an average over the labels, where a label is one of probabilities."""


@given(
    st.sampled_from([*CLASSES, *OF_FREQUENCIES]),
    st.lists(st.integers(1, 3), max_size=3),
    st.sampled_from(["float16", "float32", "float64", "int32", "uint8", "bool"]),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.integers(0, 10_000),
)
@examples(40)
def test_shapes_and_dtypes_change_nothing(case, shape, of_labels, dtype, from_logits, seed) -> None:
    kind, arguments, reference = case
    indices, z = drawn(np.random.default_rng(seed), tuple(shape), 4)
    expected = reference(np.eye(4)[indices], softmax(z))
    predictions = (z if from_logits else softmax(z)).astype(dtype)
    settings = {**arguments, "from_logits": from_logits, "reduction": None}
    one_hot = np.eye(4)[indices].astype(of_labels)
    for sparse, labels in ((False, one_hot), (True, np.asarray(indices, dtype="int64"))):
        if sparse and not shape:
            labels = labels[None]  # an index of one sample, shape (1,)
        values = kind(**settings, sparse=sparse)(labels, predictions)
        np.testing.assert_allclose(values, expected, rtol=5e-4, atol=1e-5)


@given(st.sampled_from(LINEAR), st.integers(0, 10_000))
@examples(20)
def test_a_label_of_probabilities_is_their_average(case, seed) -> None:
    kind, arguments = case
    _, z = drawn(np.random.default_rng(seed), (4,), 4)
    loss = kind(**arguments, reduction=None)
    of_labels = np.stack([loss(np.broadcast_to(x, (4, 4)), softmax(z)) for x in np.eye(4)], -1)
    x = softmax(z[::-1])
    np.testing.assert_allclose(loss(x, softmax(z)), (x * of_labels).sum(-1), rtol=1e-4)


@given(st.floats(0.05, 0.95), st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0), st.integers(2, 9))
@examples(25)
def test_labels_and_predictions_are_rewritten(y, x, smoothing, classes) -> None:
    tree = glo_tf.Expression.parse("-2.5*(1.5*x*log(0.5*y) - square(2.0*x - y))")
    term = lambda x, y: -2.5 * (1.5 * x * np.log(0.5 * y) - (2 * x - y) ** 2)  # noqa: E731
    value = lambda tree: float(  # noqa: E731
        glo_tf.ExpressionLoss(tree, dtype="float64")(np.full((1, 2), x), np.full((1, 2), y)) / 2
    )
    assert value(two_sided(tree)) == pytest.approx(term(x, y) + term(1 - x, 1 - y), rel=1e-5)
    of_smooth = term(x * (1 - smoothing) + smoothing / classes, y)
    assert value(smoothed(tree, smoothing, classes)) == pytest.approx(
        of_smooth, rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize(("kind", "arguments"), [*EXPRESSIONS, *one_of_each(LABELS)])
def test_files_and_numpy_source_are_the_loss(kind, arguments, tmp_path) -> None:
    rng = np.random.default_rng(0)
    z, indices = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    many = rng.integers(0, 2, (5, 3)).astype(float)
    for activation in ("sigmoid", *kind.FITS[:1]):
        for from_logits in (False, True):
            squash = softmax if activation == "softmax" else sigmoid
            x, y = np.eye(3)[indices] if activation == "softmax" else many, squash(z)
            settings = {"activation": activation, "from_logits": from_logits, "reduction": None}
            loss = kind(**arguments, **settings, name="mine")
            predictions = z if from_logits else y
            expected = np.array(loss(x, predictions))
            namespace = {}
            exec(loss.python(), namespace)
            values = namespace["mine"](x, predictions)
            np.testing.assert_allclose(values, expected, rtol=2e-4, atol=1e-6)
            if loss.two_sided:  # a label alone, with and without its axis
                for one in (x[:, :1], x[:, 0]):
                    alone = namespace["mine"](one, predictions[:, :1])
                    of_keras = loss(one, predictions[:, :1])
                    np.testing.assert_allclose(alone, of_keras, rtol=2e-4, atol=1e-6)
            glo_tf.save_loss(loss, tmp_path / "loss.json")
            copy = glo_tf.load_loss(tmp_path / "loss.json")
            assert copy.two_sided == loss.two_sided
            np.testing.assert_allclose(copy(x, predictions), expected, rtol=1e-6)


def test_every_known_loss_is_public_and_tested() -> None:
    known = {kind for kind in NAMED_LOSSES.values() if kind.__module__ != "glo_tf.losses.named"} - {
        kind for kind in NAMED_LOSSES.values() if not kind.__module__.startswith("glo_tf")
    }
    assert {kind for kind, _ in ALL} == known
    for kind in known:
        assert getattr(glo_tf, kind.__name__) is getattr(glo_tf.losses, kind.__name__) is kind


class Sum(glo_tf.AllClassesLoss):
    """The Brier score as a loss of all classes."""

    NAME = "sum"

    def formula(self, ops, x, y, log_y):
        return ops.sum(ops.square(x - y), axis=-1)


@pytest.mark.parametrize("units", [2, 3, 10])
def test_the_scale_of_a_loss_of_all_classes_is_that_of_its_expression(units) -> None:
    for activation in ("softmax", "sigmoid"):
        expected = glo_tf.gradient_scale("brier", units, activation=activation)
        found = glo_tf.gradient_scale(Sum(), units, activation=activation)
        assert found == pytest.approx(expected, rel=1e-5)
        assert glo_tf.gradient_scale(
            glo_tf.Brier(from_logits=True, activation=activation), units, activation=activation
        ) == pytest.approx(expected, rel=1e-5)
    assert glo_tf.gradient_scale(glo_tf.LogitAdjusted([1] * units), units) == 1.0
    with pytest.raises(ValueError, match=f"frequencies of {units} classes"):
        glo_tf.gradient_scale(glo_tf.LogitAdjusted([1] * 4), units)


def test_the_scales_of_known_losses() -> None:
    """|t'(1, 1/C) - t'(0, 1/C)|/C by hand, of C = 10."""
    for name, scale in {
        "mae": 0.2,
        "brier": 0.2,
        "gce": 0.1**0.7,
        "amse(a=10)": 2.0,
        "poly1(epsilon_1=2)": 1.2,
        "label_smoothing": 0.9,
        "bootstrapping(beta=0.3)": 0.3,
    }.items():
        assert glo_tf.gradient_scale(name, 10) == pytest.approx(scale, rel=1e-5)
