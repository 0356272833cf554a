"""Files that are damaged or made up: each reader takes them or says in one line what is wrong."""

import json
import pathlib
import re
import tempfile

import example_comparison
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis_examples import examples

import glo_tf
from glo_tf.losses.named import Baikal
from glo_tf.report.comparison_part import ComparisonPart
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_part import SearchPart
from glo_tf.results.comparison import Comparison
from glo_tf.search.output_folder import OutputFolder

DIGITS = 4300  # Python converts no longer ones
NUMBERS = ["9" * 400, "1" + "0" * 401, "-" + "9" * DIGITS, "9" * (DIGITS + 1), "1e999", "-1e999"]
NUMBERS += ["NaN", "Infinity", "-Infinity", "1.5", "-1", "0", "1e300", "5e-324", "true"]
TEXTS = ['""', '"\\u0000"', '"\\ud800"', '"x"', '"</script>"', '"$"', '"' + "a" * 300 + '"', "null"]
NESTED = ["[]", "{}", "[[]]", '{"a": {"a": 1}}', "[" * 900 + "]" * 900, "[" * 100_000]
VALUES = st.sampled_from([*NUMBERS, *TEXTS, *NESTED])
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|null|true|false')

COMPARISON = json.dumps(example_comparison.document())


def mutated(text: str, place: float, change: str) -> str:
    """The text with one token, a value or a name, replaced."""
    tokens = list(TOKEN.finditer(text))
    token = tokens[int(place * len(tokens))]
    return text[: token.start()] + change + text[token.end() :]


def one_line(error: ValueError, path: pathlib.Path) -> None:
    message = str(error)
    assert "\n" not in message
    assert "Expected " in message
    assert "Received: " in message
    assert str(path) in message
    assert len(message) < 1000


def read_comparison(text: str | bytes) -> Comparison | None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "comparison.json")
        path.write_bytes(data)
        try:
            return glo_tf.Comparison.load(path)
        except ValueError as error:
            one_line(error, path)
            return None


@examples(400)
@given(st.floats(0, 1, exclude_max=True), VALUES)
@example(0.5, "9" * 401)
def test_a_comparison_with_any_value_is_read_or_refused(place, value) -> None:
    found = read_comparison(mutated(COMPARISON, place, value))
    if found is not None:  # what is read can be shown
        json.dumps(found.as_dict(), allow_nan=False)
        part = ComparisonPart(found)
        assert [part.at_end(entry, found.metric) for entry in found.losses]


@examples(200)
@given(st.integers(0, len(COMPARISON) - 1), st.binary(max_size=4), st.integers(0, 3))
def test_a_comparison_with_any_bytes_is_read_or_refused(place, data, dropped) -> None:
    encoded = COMPARISON.encode()
    read_comparison(encoded[:place] + data + encoded[place + dropped :])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (COMPARISON.replace('"mode": "max"', '"mode": "best"'), "'mode' of max or min"),
        (COMPARISON.replace('"split": "test"', '"split": "all"'), "'split' of validation or test"),
        (COMPARISON.replace("[100, 200", "[200, 100"), "'steps' that rise"),
        (
            COMPARISON.replace('"confidence": 0.95', '"confidence": 1e999'),
            "finite number 'confidence'",
        ),
        (COMPARISON.replace('"seeds": [1, 2, 3]', f'"seeds": [1, 2, {"9" * 401}]'), "'seeds'"),
        (COMPARISON.replace('"name": "baikal"', '"name": "cross-entropy"'), "each name once"),
        (COMPARISON[:-1] + ', "mode": "min"}', "field 'mode' twice"),
        (COMPARISON.replace('"version": 2', '"version": true'), "version=True"),
        (COMPARISON.replace('"mean": ', f'"mean": {"9" * 400}, "m": '), "finite number 'mean'"),
        (COMPARISON.replace("[[", "[[NaN, ", 1).replace("100, ", "50, 100, "), "'accuracy' of 3"),
    ],
    ids=range(10),
)
def test_what_is_wrong_is_named(tmp_path, text, message) -> None:
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        glo_tf.Comparison.load(tmp_path / "comparison.json")


@pytest.mark.parametrize("data", [b"\xff{", b"\xfe\xff\x00{", b"\0", b"", b"{\x80}", b"[" * 10**6])
def test_what_is_no_text_is_refused(tmp_path, data) -> None:
    for read, name in ((glo_tf.Comparison.load, "comparison.json"), (glo_tf.load_loss, "l.json")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match="Expected a JSON file"):
            read(tmp_path / name)
        (tmp_path / name).unlink()


def test_a_signature_before_the_text_is_none_of_it(tmp_path) -> None:
    glo_tf.save_loss(Baikal(), tmp_path / "loss.json")
    data = (tmp_path / "loss.json").read_bytes()
    (tmp_path / "loss.json").write_bytes(b"\xef\xbb\xbf" + data)
    assert glo_tf.load_loss(tmp_path / "loss.json").name == "baikal"
    assert read_comparison(b"\xef\xbb\xbf" + COMPARISON.encode()) == read_comparison(COMPARISON)


def test_what_never_ends_is_read_up_to_the_limit() -> None:
    with pytest.raises(ValueError, match="at most 1000000 bytes"):
        glo_tf.load_loss("/dev/zero")


HISTORY = (
    "phase,generation,individual,loss,fitness,status,source,steps,inherited_from\r\n"
    "discovery,1,1,-(x*log(y)),0.5,ok,trained,30,\r\n"
    'discovery,1,2,"min(x, y)",0.25,ok,inherited,0,-(x*log(y))\r\n'
)
AT_THE_END = {
    "name": "a",
    "tuned": False,
    "expression": "-(x*log(y))",
    "learning_rate": 0.1,
    "train_fraction": 1.0,
    "seeds": [1],
    "metric": "accuracy",
    "split": "validation",
    "values": {"validation": {"accuracy": [[0.5]]}},
    "fitnesses": [0.5],
    "mean": 0.5,
    "interval": None,
}
COMPARED = {
    "metric": "accuracy",
    "mode": "max",
    "steps": [10],
    "baseline": "a",
    "baseline_tuned": False,
    "losses": [AT_THE_END],
    "tests": [],
    "verdict": "Nothing.",
    "split": "validation",
    "confidence": 0.95,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> pathlib.Path:
    """A search's folder, to be damaged."""
    path = tmp_path_factory.mktemp("run")
    OutputFolder(path, {"metric": "accuracy (max)"}, {"generations": 1})
    return path


def read_run(path: pathlib.Path, damaged: str) -> bool:
    try:
        part = SearchPart(read_search(path))
    except ValueError as error:
        one_line(error, path / damaged)
        return False
    assert part.files.counts() is not None
    for row in part.files.confirmation:
        assert row.shown
    if part.comparison:
        assert part.comparison.pictures()
    return True


@examples(300)
@given(
    st.integers(0, len(HISTORY) - 1),
    st.sampled_from(
        [*NUMBERS, "", ",", '"', "\0", "\r", "\n", "é", "nan", "x" * 200_000, "(" * 99]
    ),
    st.integers(0, 9),
)
def test_a_history_with_any_change_is_read_or_refused(run, place, change, dropped) -> None:
    (run / "history.csv").write_text(
        HISTORY[:place] + change + HISTORY[place + dropped :], encoding="utf-8", newline=""
    )
    read_run(run, "history.csv")


@examples(300)
@given(st.sampled_from([*AT_THE_END, *COMPARED, "all", "metadata"]), VALUES)
def test_a_best_loss_with_any_metadata_is_read_or_refused(run, field, value) -> None:
    (run / "history.csv").write_text(HISTORY, newline="")
    rows, changed = [{**AT_THE_END, field: "@"}], {**COMPARED, field: "@"}
    place = {"metadata": "@", "all": {"comparison": "@", "confirmation": "@"}}.get(
        field, {"comparison": changed if field in COMPARED else COMPARED, "confirmation": rows}
    )
    glo_tf.save_loss(Baikal(), run / "best_loss.json", metadata={"place": 0})
    text = (run / "best_loss.json").read_text()
    document = json.dumps({**json.loads(text), "metadata": place}).replace('"@"', value)
    (run / "best_loss.json").write_text(document)
    read_run(run, "best_loss.json")
    (run / "best_loss.json").unlink()


def test_what_is_not_damaged_is_read(run) -> None:
    (run / "history.csv").write_text(HISTORY, newline="")
    metadata = {"comparison": COMPARED, "confirmation": [AT_THE_END]}
    glo_tf.save_loss(Baikal(), run / "best_loss.json", metadata=metadata)
    assert read_run(run, "history.csv")
    found = read_search(run)
    assert [record.fitness for record in found.records] == [0.5, 0.25]
    assert [row.last() for row in (*found.comparison, *found.confirmation)] == [[0.5], [0.5]]
    (run / "best_loss.json").unlink()


@examples(200)
@given(st.floats(0, 1, exclude_max=True), VALUES)
def test_a_loss_with_any_value_is_read_or_refused(run, place, value) -> None:
    path = run / "a_loss.json"
    glo_tf.save_loss(Baikal(), path)
    path.write_text(mutated(path.read_text(), place, value))
    try:
        glo_tf.load_loss(path)
    except ValueError as error:
        one_line(error, path)
