"""Loss files: the exact round trip, and that a bad file gives a ValueError and nothing else."""

import json
import os
import pathlib
import resource
import tempfile

import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.expressions.tree import Expression
from glo_tf.losses.all_classes import NCE
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.files import load_loss, save_loss
from glo_tf.losses.named import NGL, Baikal, BaikalCMA

VALID = {
    "format": "glo_tf.loss",
    "version": 1,
    "expression": "-(log(y) - x/y)",
    "from_logits": False,
    "epsilon": 1e-7,
    "label_smoothing": 0.1,
    "reduction": "sum",
    "name": "found",
    "sparse": False,
    "class_reduction": "sum",
    "metadata": {"fitness": 0.9},
}
REQUIRED = [field for field in VALID if field != "metadata"]
TEXTS = st.one_of(st.text(), st.text("xylogsqrt()+-*/.0123456789e ", max_size=30))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda values: st.one_of(
        st.lists(values, max_size=3), st.dictionaries(st.text(), values, max_size=3)
    ),
    max_leaves=8,
)


def written(path: pathlib.Path, document) -> pathlib.Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


@given(
    expression=expressions(unit=False),
    from_logits=st.booleans(),
    epsilon=st.floats(0, 1, exclude_min=True, exclude_max=True),
    label_smoothing=st.floats(0, 1),
    reduction=st.sampled_from(["sum", "mean", "none", None, "sum_over_batch_size"]),
    name=st.text(min_size=1),
)
def test_the_round_trip_is_exact(expression: Expression, **arguments) -> None:
    loss = ExpressionLoss(expression, **arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "loss.json")
        save_loss(loss, path)
        loaded = load_loss(path)
        assert os.listdir(folder) == ["loss.json"]
    assert Expression.parse(loaded.expression) == expression
    assert loaded.get_config() == loss.get_config()


@pytest.mark.parametrize(
    "loss", [Baikal(epsilon=1e-3), BaikalCMA(reduction=None), NGL(sparse=True)]
)
def test_named_losses_are_saved_as_their_expressions(tmp_path, loss: ExpressionLoss) -> None:
    save_loss(loss, tmp_path / "loss.json")
    loaded = load_loss(str(tmp_path / "loss.json"))
    assert type(loaded) is ExpressionLoss
    assert loaded.get_config() == {
        **loss.get_config(),
        "expression": loss.expression,
        "class_reduction": loss.class_reduction,
    }


def test_the_format_of_a_file(tmp_path) -> None:
    arguments = {field: VALID[field] for field in REQUIRED if field not in ("format", "version")}
    path = tmp_path / "loss.json"
    save_loss(ExpressionLoss(**arguments), path, metadata=VALID["metadata"])
    assert json.loads(path.read_text()) == VALID


@pytest.mark.parametrize("metadata", [{"x": "import os"}, None, [1, "two"], "text"])
def test_metadata_is_not_read(tmp_path, metadata) -> None:
    plain = load_loss(written(tmp_path / "plain.json", {name: VALID[name] for name in REQUIRED}))
    loss = load_loss(written(tmp_path / "loss.json", {**VALID, "metadata": metadata}))
    assert loss.get_config() == plain.get_config()


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_refused(tmp_path, field: str) -> None:
    document = {name: value for name, value in VALID.items() if name != field}
    with pytest.raises(ValueError, match=f"{field}.*Received: "):
        load_loss(written(tmp_path / "loss.json", document))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("format", "glo_tf.result", "Expected a file with format 'glo_tf.loss'"),
        ("version", 0, "Expected version 1. Received: version=0"),
        ("version", 2, "Expected version 1. Received: version=2"),
        ("version", "1", "Expected version 1. Received: version='1'"),
        ("expression", 3, "Expected a valid 'expression'. Received: 3"),
        ("expression", ["x"], "Expected a valid 'expression'"),
        ("expression", "log(y", "at column 6"),
        ("expression", "", "at column 1"),
        ("expression", "1e999*x/y", "finite coefficients"),
        ("expression", "tan(y) - x", "received 'tan'"),
        ("expression", "__import__('os').system('true')", "at column 1"),
        ("from_logits", 1, "Expected a valid 'from_logits'. Received: 1"),
        ("from_logits", "false", "Expected a valid 'from_logits'"),
        ("epsilon", True, "Expected a valid 'epsilon'. Received: True"),
        ("epsilon", "1e-7", "Expected a valid 'epsilon'"),
        ("epsilon", 0, "Expected epsilon between 0 and 1"),
        ("epsilon", 1.5, "Expected epsilon between 0 and 1"),
        ("epsilon", float("nan"), "Expected epsilon between 0 and 1"),
        ("epsilon", 10**400, "Expected epsilon between 0 and 1"),
        ("label_smoothing", float("nan"), r"Expected label_smoothing in \[0, 1\]"),
        ("label_smoothing", -1, r"Expected label_smoothing in \[0, 1\]"),
        ("label_smoothing", None, "Expected a valid 'label_smoothing'"),
        ("reduction", "median", "reduction=median"),
        ("reduction", {"sum": 1}, "Expected a valid 'reduction'"),
        ("name", None, "Expected a valid 'name'"),
    ],
)
def test_a_bad_value_is_refused(tmp_path, field: str, value, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_loss(written(tmp_path / "loss.json", {**VALID, field: value}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected a JSON file"),
        ("-(log(y) - x/y)", "Expected a JSON file"),
        (json.dumps(VALID)[:-1], "Expected a JSON file"),
        ("[" * 100_000, "Expected a JSON file"),
        ('{"metadata":' * 50_000, "Expected a JSON file"),
        (f'{{"epsilon": {"1" * 5000}}}', "Expected a JSON file"),
        ("null", "Expected a file with format"),
        (json.dumps([VALID]), "Expected a file with format"),
        (json.dumps({**VALID, "metadata": "x" * 1_000_000}), "of at most 1000000 bytes"),
    ],
    ids=range(9),
)
def test_other_files_are_refused(tmp_path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_loss(written(tmp_path / "loss.json", text))


def test_bytes_that_are_no_text_are_refused(tmp_path) -> None:
    (tmp_path / "loss.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(ValueError, match="Expected a JSON file"):
        load_loss(tmp_path / "loss.json")


@pytest.mark.parametrize("depth", [100, *range(800, 1000, 20)])
def test_nesting_at_the_edge_of_pythons_stack_is_refused(tmp_path, depth: int) -> None:
    document = json.dumps({**VALID, "expression": None})
    nested = document.replace('"expression": null', f'"expression": {"[" * depth}{"]" * depth}')
    with pytest.raises(ValueError, match="Expected a"):
        load_loss(written(tmp_path / "loss.json", nested))


@examples(300)
@given(field=st.sampled_from(list(VALID)), value=JSON)
def test_any_value_in_any_field_gives_a_loss_or_a_value_error(field: str, value) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(pathlib.Path(folder, "loss.json"), {**VALID, field: value})
        try:
            loss = load_loss(path)
        except ValueError:
            return
    assert isinstance(loss, ExpressionLoss)


def test_a_missing_file_is_an_os_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        load_loss(tmp_path / "loss.json")


def test_only_expression_losses_are_saved(tmp_path) -> None:
    for loss in ("-(x*log(y))", NCE()):
        received = rf"Expected an ExpressionLoss.* as_expression.* Received: {type(loss).__name__}"
        with pytest.raises(TypeError, match=received):
            save_loss(loss, tmp_path / "loss.json")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "metadata",
    [{"rate": float("nan")}, {"rate": object()}, {"history": "x" * 1_000_000}],
    ids=["NaN", "no JSON", "too large to be read"],
)
def test_metadata_that_cannot_be_saved_leaves_the_old_file(tmp_path, metadata) -> None:
    path = written(tmp_path / "loss.json", VALID)
    with pytest.raises((ValueError, TypeError)):
        save_loss(Baikal(), path, metadata=metadata)
    assert json.loads(path.read_text()) == VALID
    assert os.listdir(tmp_path) == ["loss.json"]


@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_save_that_fails_leaves_the_old_file(
    tmp_path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def no_permission(*_) -> None:
        raise OSError("not permitted")

    path = written(tmp_path / "loss.json", VALID)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with monkeypatch.context() as patch:
        if step == "write":
            resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))  # a disk nearly full
        else:
            patch.setattr(os, "replace", no_permission)
        try:
            with pytest.raises(OSError, match=r"File too large|not permitted"):
                save_loss(Baikal(), path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert json.loads(path.read_text()) == VALID
    save_loss(Baikal(), path)
    assert load_loss(path).name == "baikal"
    assert os.listdir(tmp_path) == ["loss.json"]
