"""`glo-tf` as tools are: commands, its version, help, and what a misspelt word may stand for."""

import re

import pytest

import glo_tf
from glo_tf._version import __version__
from glo_tf.cli import main as command_line
from glo_tf.cli.flags import parse_flags
from glo_tf.expressions import operations
from glo_tf.expressions.leaves import LEAVES
from glo_tf.plugins import GROUPS
from glo_tf.plugins.skeleton import KINDS


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = command_line.main(["glo-tf", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("word", ["search", "compare", "recommend", "report", "list"])
def test_a_word_is_a_mode(word) -> None:
    flags = ["--seed=3", "--losses=baikal"]
    values = parse_flags(["glo-tf", word, *flags])
    assert (values.mode, values.seed) == (word, 3)
    assert parse_flags(["glo-tf", f"--mode={word}", *flags]).mode == word
    assert parse_flags(["glo-tf", *flags]).mode == "search"


def test_what_a_run_writes_repeats_it_with_or_without_the_word(tmp_path) -> None:
    (tmp_path / "search.flags").write_text("--mode=compare\n--seed=4\n")
    file = f"--flagfile={tmp_path / 'search.flags'}"
    assert parse_flags(["glo-tf", file]).mode == "compare"
    assert parse_flags(["glo-tf", "compare", file]).seed == 4


def test_list_and_help_and_version_are_there(capsys) -> None:
    code, out, _ = run(capsys, "list")
    assert (code, "glo_tf.datasets" in out) == (0, True)
    assert run(capsys, "--version") == (0, f"glo-tf {__version__}\n", "")
    assert run(capsys, "search", "--version")[1] == f"glo-tf {glo_tf.__version__}\n"
    full = run(capsys, "--helpfull")
    assert full[0] == 0
    assert full == run(capsys, "--help") == run(capsys, "compare", "-h")
    for flag in ("--help", "-h"):
        code, out, _ = run(capsys, "new-plugin", flag)
        assert (code, out.startswith("glo-tf new-plugin NAME ")) == (0, True)
        assert "\n--kind says what it is" in out
        for kind, of_kind in KINDS.items():
            assert f"\n  {kind} " in out
            assert of_kind.group in out


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_without_a_command_it_says_what_there_is(capsys, arguments) -> None:
    """And begins no search of many minutes."""
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    for word in ("search", "compare", "recommend", "report", "list", "new-plugin", "--help"):
        assert f"\n  glo-tf {word} " in out
    assert max(map(len, out.splitlines())) <= 100
    assert run(capsys, "--help")[1].startswith(out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--train_steps=a b"], "Expected --train_steps to be an integer. Received: "),
        (["--seed="], "Expected --seed to be an integer. Received: seed=''"),
        (["--racing=maybe"], "Expected --racing to be true or false. Received: racing='maybe'\n"),
        (["--target_fitness=high"], "Expected --target_fitness to be a number. Received: "),
        (["search", "--losses=baikal"], "Expected --reference_losses, which a search has to beat"),
        (["report"], "Expected the folder of a run, as in glo-tf report runs/digits_seed0. "),
        (["compare", "--losses=foo"], "Expected categorical_crossentropy, "),
        (["compare", "--losses=log(y"], "Expected an expression, the name of a loss or the path "),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_words_of_the_command_line(
    capsys, tmp_path, arguments, said
) -> None:
    folder = [] if arguments == ["report"] else [f"--output_dir={tmp_path / 'out'}"]
    code, _, error = run(capsys, *arguments, *folder)
    assert code == 2
    assert error.startswith(f"glo-tf: error: {said}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["list", "--mode=list"])
def test_nodes_and_leaves_are_listed_with_what_they_are(capsys, monkeypatch, command) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    code, out, _ = run(capsys, command)
    tables = re.split(r"^(glo_tf\.\w+) *$", out, flags=re.MULTILINE)
    rows = dict(zip(tables[1::2], tables[2::2], strict=True))
    assert (code, list(rows)) == (0, list(GROUPS))
    for group, known in (
        ("glo_tf.nodes", operations.registered()),
        ("glo_tf.leaves", [*LEAVES.values()]),
    ):
        for one in known:
            assert re.search(
                rf"│ {re.escape(one.name)} +│ {re.escape(one.description[:40])}", rows[group]
            )


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["serch"], "search"),
        (["new-plugn", "stripes"], "new-plugin"),
        (["--mode=compar"], "compare"),
        (["--preset=quik"], "quick"),
        (["--screening=equivalent"], "equivalence"),
        (["--metric_mode=mx"], "max"),
        (["--flagfile=digit.flags"], "digits.flags"),
        (["--dataset=digts"], "digits"),
        (["--architecture=glo_mnist_cn"], "glo_mnist_cnn"),
        (["--search_space=glo_extend"], "glo_extended"),
        (["--operators=gpleran"], "gplearn"),
        (["--strategy=locl"], "local"),
    ],
    ids=str,
)
def test_a_word_that_is_not_known_may_stand_for_another(capsys, arguments, meant) -> None:
    code, _, error = run(capsys, *arguments)
    assert code == 2
    assert f"(did you mean {meant}?)" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["compare", "--losses=baikl"], "baikal"),
        (["compare", "--losses=baikal,mine=focl(gamma=1)"], "focal"),
        (["--reference_losses=cross_entrpy"], "cross_entropy"),
        (["--optimizer=adm"], "adam"),
        (["--optimizer=RMSporp"], "rmsprop"),
        (["--metric=acuracy"], "accuracy"),
        (["--metric=F1Scor"], "F1Score"),
    ],
    ids=str,
)
def test_names_in_keras_and_of_losses_are_suggested(capsys, tmp_path, arguments, meant) -> None:
    code, _, error = run(capsys, *arguments, f"--output_dir={tmp_path / 'out'}")
    assert (code, error.count("\n")) == (2, 1)
    assert f"(did you mean {meant}?)" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("-(x*lgo(y))", "lgo"), ("x*", ""), ("-(x*log(y)", ""), ("x + * y", "*"), ("(x$y)", "$")],
)
def test_the_wrong_place_of_an_expression_is_marked_below_it(capsys, tmp_path, text, wrong) -> None:
    for flags in (["compare", f"--losses={text}"], [f"--initial_expressions={text}"]):
        code, _, error = run(capsys, *flags, f"--output_dir={tmp_path / 'out'}")
        message, expression, mark = error.splitlines()
        assert (code, expression.strip()) == (2, text)
        place = mark.index("^") - expression.index(text)
        assert mark.strip() == "^"
        assert f" at column {place + 1}." in message
        assert text[place:].startswith(wrong)
        assert place < len(text) or not wrong
