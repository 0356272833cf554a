"""What a text on the command line means as a loss."""

import re

import numpy as np
import pytest

import glo_tf
from glo_tf.data.outputs import Activation, Output, Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    SQUARED_ERROR,
    usual_loss,
)
from glo_tf.losses.for_outputs import loss_for
from glo_tf.losses.lookup import find_loss, split_losses, with_baseline
from glo_tf.losses.named import NAMED_LOSSES, register_loss

CLASSES = Outputs.of_classes(10)
LABELS = Outputs((Output(Activation.SIGMOID, 3),))
BINARY = Outputs((Output(Activation.SIGMOID, 1),))
NUMBER = Outputs((Output(Activation.LINEAR, 1),))


def test_commas_in_parentheses_do_not_split() -> None:
    text = "baikal, min(x, max(y, x)) - log(y),runs/a/best_loss.json"
    assert split_losses(text) == ["baikal", "min(x, max(y, x)) - log(y)", "runs/a/best_loss.json"]


@pytest.mark.parametrize("text", ["", "baikal,", ",baikal", "baikal,,ngl"])
def test_an_empty_part_is_refused(text) -> None:
    with pytest.raises(ValueError, match="Expected losses with a comma between them"):
        split_losses(text)


@pytest.mark.parametrize(
    ("text", "outputs", "name", "loss"),
    [
        ("categorical_crossentropy", CLASSES, "cross-entropy", CROSS_ENTROPY),
        ("sparse_categorical_crossentropy", CLASSES, "cross-entropy", CROSS_ENTROPY),
        ("binary_crossentropy", BINARY, "cross-entropy", CROSS_ENTROPY),
        ("binary_crossentropy", LABELS, "binary cross-entropy", BINARY_CROSS_ENTROPY),
        ("x/y  - log(y)", CLASSES, "x/y - log(y)", Expression.parse("x/y - log(y)")),
        ("my best = x/y - log(y)", CLASSES, "my best", Expression.parse("x/y - log(y)")),
        ("CE=categorical_crossentropy", CLASSES, "CE", CROSS_ENTROPY),
    ],
)
def test_names_and_expressions_are_found(text, outputs, name, loss) -> None:
    assert find_loss(text, outputs) == (name, loss)


def test_names_that_are_given_can_be_shown() -> None:
    trees, _ = with_baseline({"\ud800": "x*y", "two\nlines": "x/y", "$a_{$": "x - y"}, CLASSES)
    assert list(trees) == ["cross-entropy", r"\ud800", r"two\nlines", "$a_{$"]
    with pytest.raises(ValueError, match="different names"):
        with_baseline({"\ud800": "x*y", r"\ud800": "x/y"}, CLASSES)
    with pytest.raises(ValueError, match="names of losses as text"):
        with_baseline({3: "x*y"}, CLASSES)


def test_the_losses_of_the_project_and_files_are_found(tmp_path) -> None:
    assert isinstance(find_loss("baikal_cma", CLASSES)[1], glo_tf.BaikalCMA)
    path = tmp_path / "best_loss.json"
    glo_tf.save_loss(glo_tf.ExpressionLoss("x*y"), path)
    assert find_loss(str(path), CLASSES)[1].expression == "x*y"
    name, found = find_loss(f"found={path}", CLASSES)
    assert (name, found.expression) == ("found", "x*y")
    path = tmp_path / "seed=1" / "best_loss.json"
    path.parent.mkdir()
    glo_tf.save_loss(glo_tf.ExpressionLoss("x/y"), path)
    assert find_loss(str(path), CLASSES)[0] == str(path)


def test_a_subclass_has_no_name_to_be_found_by_until_it_is_registered(monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.losses.named.NAMED_LOSSES", known := dict(NAMED_LOSSES))
    monkeypatch.setattr("glo_tf.losses.lookup.NAMED_LOSSES", known)

    class Steep(glo_tf.NamedLoss):
        EXPRESSION = "-4*(x*log(y))"
        NAME = "steep"

    with pytest.raises(ValueError, match=r"(?s)saimaa, the path.*Received: losses='steep'"):
        find_loss("steep", CLASSES)
    assert "steep" not in NAMED_LOSSES
    assert register_loss(Steep) is Steep
    name, found = find_loss("mine=steep", Outputs((Output(Activation.SOFTMAX, 3, (), True),)))
    assert (name, type(found), found.from_logits) == ("mine", Steep, True)
    trees, _ = with_baseline(["steep"], CLASSES)
    assert trees["steep"] == Steep().tree


@pytest.mark.parametrize(
    ("text", "outputs", "expression"),
    [
        ("gce", CLASSES, glo_tf.GCE().expression),
        ("gce(q=0.5)", CLASSES, glo_tf.GCE(q=0.5).expression),
        ("mine=gce( q = 1 )", CLASSES, "x - y*x"),
        ("focal(gamma=1)", BINARY, "-(x*(1 - y)*log(y))"),
        ("label_smoothing(alpha=0.5)", CLASSES, "-((0.5*x + 0.05)*log(y))"),
        ("label_smoothing(alpha=0.5)", BINARY, "-((0.5*x + 0.25)*log(y))"),
        ("mae", LABELS, "abs(x - y) + abs(1 - x - (1.0000002 - y))"),
        ("taylor_cross_entropy(order=1)", CLASSES, "x*(1 - y)"),
        ("huber(delta=2)", NUMBER, glo_tf.Huber(delta=2).expression),
        ("tukey()", NUMBER, glo_tf.Tukey().expression),
    ],
)
def test_a_known_loss_is_found_by_its_name_and_its_parameters(text, outputs, expression) -> None:
    trees, _ = with_baseline(split_losses(text), outputs)
    name = text.partition("=")[0] if text.startswith("mine") else text
    assert str(trees[name]) == expression


@pytest.mark.parametrize(
    ("text", "outputs"),
    [("cross_entropy", CLASSES), ("cross_entropy", BINARY), ("cross_entropy", LABELS)]
    + [("squared_error", Outputs((Output(Activation.LINEAR, units),))) for units in (1, 3)],
)
def test_the_usual_loss_is_known_by_its_name(text, outputs) -> None:
    assert list(with_baseline([text], outputs)[0]) == [usual_loss(outputs)[0]]


@pytest.mark.parametrize(
    ("text", "outputs", "message"),
    [
        ("gce(q=2)", CLASSES, r"^Expected q in \(0, 1\]\. Received: q=2\.0$"),
        ("gce(q=much)", CLASSES, "Expected q as float for loss 'gce'. Received: q=much"),
        ("taylor_cross_entropy(order=1.5)", CLASSES, "Expected order as int"),
        ("focal(gama=1)", CLASSES, r"did you mean gamma\?\)\. Received: gama=1"),
        ("focal(1)", CLASSES, "Expected options of loss 'focal' as name=value. Received: '1'"),
        ("mae(q=1)", CLASSES, "Expected no options for loss 'mae'. Received: q=1"),
        ("focall", CLASSES, r"(?s)did you mean focal\?\)\. Received: losses='focall'"),
        ("hubber(delta=1)", NUMBER, r"(?s)did you mean huber\?"),
        (
            "huber",
            CLASSES,
            r"outputs softmax\(10\): cross_entropy, .*saimaa\. Received: losses='huber'",
        ),
        ("gce", NUMBER, r"outputs linear\(1\): squared_error, .*tukey\. Received: losses='gce'"),
        ("asymmetric", CLASSES, "Expected a loss for outputs"),
        ("ldam", CLASSES, r"glo_tf\.LDAM, .* model\.compile\. Received: losses='ldam'"),
        ("nce", LABELS, r"glo_tf\.NCE, .* model\.compile\. Received: losses='nce'"),
    ],
)
def test_a_known_loss_that_cannot_be_had_is_refused(text, outputs, message) -> None:
    with pytest.raises(ValueError, match=message):
        find_loss(text, outputs)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "nce",
        "nce_rce(alpha=0.3,beta=2)",
        "nce_amse(beta=0.3,a=10)",
        *[f"class_weighted(power={power})" for power in (0.0, 0.3, 0.5, 1.0)],
        *[f"logit_adjusted(tau={tau})" for tau in (0.0, 0.5, 1.0, 1.5)],
    ],
)
def test_losses_of_all_classes_are_trained_as_their_expressions(text, logits) -> None:
    rng = np.random.default_rng(0)
    counts, labels = [40.0, 10.0, 5.0, 1.0], np.eye(4)[rng.integers(0, 4, 9)].astype("float32")
    y = rng.normal(size=(9, 4)).astype("float32")
    y = y if logits else np.exp(y) / np.exp(y).sum(-1, keepdims=True)
    outputs = Outputs((Output(Activation.SOFTMAX, 4, from_logits=logits),))
    name, found = find_loss(text, outputs.with_frequencies(counts))
    assert name == text
    kind = NAMED_LOSSES[text.split("(")[0]]
    options = re.findall(r"(\w+)=([\d.]+)", text)
    options = {"from_logits": logits, **{option: float(value) for option, value in options}}
    known = issubclass(kind, glo_tf.FrequencyLoss)
    keras_loss = kind(counts, **options) if known else kind(**options)
    ours = loss_for(outputs.with_frequencies(counts), found)
    assert float(ours(labels, y)) == pytest.approx(float(keras_loss(labels, y)), rel=1e-5)


@pytest.mark.parametrize("given", [[40, 10, 5, 1], [0.4, 0.1, 0.05, 0.01]])
def test_a_loss_with_the_frequencies_of_the_data_is_its_expression(given, tmp_path) -> None:
    outputs = Outputs.of_classes(4).with_frequencies([40.0, 10.0, 5.0, 1.0])
    loss = glo_tf.ExpressionLoss("-(x*log(y)/n)", frequencies=given)
    assert with_baseline([loss], outputs)[0][loss.expression] == loss.tree
    # In a file, the same for other data: these have frequencies of their own.
    glo_tf.save_loss(loss, tmp_path / "loss.json")
    other = Outputs.of_classes(3).with_frequencies([1.0, 1.0, 2.0])
    assert loss.tree in with_baseline([str(tmp_path / "loss.json")], other)[0].values()


@pytest.mark.parametrize("given", [[1, 10, 5, 40], [40, 10, 5, 2], [4, 1, 1]])
def test_a_loss_with_other_frequencies_than_those_of_the_data_is_refused(given) -> None:
    outputs = Outputs.of_classes(4).with_frequencies([40.0, 10.0, 5.0, 1.0])
    with pytest.raises(
        ValueError, match=r"or its text, '-\(x\*log\(y\)/n\)'.*Received: losses\[0\]"
    ):
        with_baseline([glo_tf.ExpressionLoss("-(x*log(y)/n)", frequencies=given)], outputs)
    # What sees no n is the same with any.
    usual = glo_tf.ExpressionLoss("-(x*sqrt(y))", frequencies=given)
    assert usual.tree in with_baseline([usual], outputs)[0].values()


def test_losses_with_other_parameters_have_other_names() -> None:
    losses = [glo_tf.GCE(), glo_tf.GCE(q=0.5), glo_tf.GCE(q=0.9, name="mine"), "gce(q=0.1)"]
    names = list(with_baseline(losses, CLASSES)[0])
    assert names == ["cross-entropy", "gce", "gce(q=0.5)", "mine", "gce(q=0.1)"]
    counted = CLASSES.with_frequencies([1] * 10)
    losses = [glo_tf.LogitAdjusted([1] * 10), glo_tf.LogitAdjusted([1] * 10, tau=0.5)]
    names = list(with_baseline(losses, counted)[0])
    assert names == ["cross-entropy", "logit_adjusted", "logit_adjusted(tau=0.5)"]


def test_a_name_belongs_to_one_loss(monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.losses.named.NAMED_LOSSES", known := dict(NAMED_LOSSES))

    def define(name: str, **attributes) -> type[glo_tf.NamedLoss]:
        return type(name, (glo_tf.NamedLoss,), {"EXPRESSION": "x*y", **attributes})

    with pytest.raises(ValueError, match=r"no other loss has\. Received: NAME='baikal' of Other"):
        register_loss(define("Other", NAME="baikal"))
    for nameless in (define("Nameless"), glo_tf.NamedLoss, glo_tf.ExpressionLoss, "baikal"):
        with pytest.raises(ValueError, match="Expected a NamedLoss with a NAME"):
            register_loss(nameless)
    assert known == NAMED_LOSSES
    again = [register_loss(define("Mine", NAME="mine")) for _ in range(2)]  # a notebook's cell
    assert known == {**NAMED_LOSSES, "mine": again[1]}


@pytest.mark.parametrize(
    ("text", "outputs", "message"),
    [
        ("binary_crossentropy", CLASSES, r"outputs softmax\(10\), such as cross-entropy"),
        ("categorical_crossentropy", NUMBER, "such as squared error"),
        (
            "baical",
            CLASSES,
            "Expected categorical_crossentropy, .* baikal, baikal_cma, ngl, saimaa, the",
        ),
    ],
)
def test_what_is_no_loss_is_refused(text, outputs, message) -> None:
    with pytest.raises(ValueError, match=message):
        find_loss(text, outputs)


def test_the_baseline_is_found_among_the_losses_or_added() -> None:
    trees, baseline = with_baseline(["baikal", glo_tf.NGL()], CLASSES)
    assert (list(trees), baseline) == (["cross-entropy", "baikal", "ngl"], "cross-entropy")
    assert trees["ngl"].coefficients[0] == pytest.approx(0.1)  # a mean over 10 classes
    trees, baseline = with_baseline(["baikal", "-(x*log(y))"], CLASSES)
    assert (list(trees), baseline) == (["baikal", "cross-entropy"], "cross-entropy")
    trees, baseline = with_baseline({"mine": "baikal", "ce": "categorical_crossentropy"}, CLASSES)
    assert (list(trees), baseline) == (["mine", "ce"], "ce")
    assert with_baseline(["x - y"], NUMBER)[0]["squared error"] == SQUARED_ERROR


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ("baikal", "Expected losses as a sequence or a dict"),
        (["baikal", "baikal"], "Expected losses with different names"),
        (["categorical_crossentropy", "-(x*log(y))"], "Expected cross-entropy once"),
        (["log(y)"], r"Expected losses with x and y\. Received: losses with 'log\(y\)'"),
        ([glo_tf.Baikal(label_smoothing=0.1)], "label_smoothing=0"),
    ],
)
def test_losses_that_cannot_be_compared_are_refused(losses, message) -> None:
    with pytest.raises(ValueError, match=message):
        with_baseline(losses, CLASSES)
