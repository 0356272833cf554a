"""Flagfiles as users write them: anywhere, within each other, by any editor, with mistakes."""

import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.cli import main as command_line
from glo_tf.cli.flags import define_flags, parse_flags

PROGRAM = "glo-tf"


def parsed(*arguments: str):
    return parse_flags([PROGRAM, *arguments])


@pytest.fixture
def folder(tmp_path, monkeypatch) -> pathlib.Path:
    """Where files are; the working folder is another one."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there"


@pytest.mark.parametrize(
    "line", ["--flagfile=mnist.flags", "-flagfile=mnist.flags", "--flagfile\nmnist.flags"]
)
def test_a_flagfile_begins_with_a_shipped_one(folder, line) -> None:
    (folder / "mine.flags").write_text(f"--seed=3\n{line}\n--generations=7\n")
    values = parsed(f"--flagfile={folder / 'mine.flags'}", "--elites=2")
    shipped = parsed("--flagfile=mnist.flags")
    assert (values.dataset, shipped.dataset) == ("mnist", "mnist")
    assert values.architecture == shipped.architecture != define_flags()["architecture"].default
    assert (values.seed, values.generations, values.elites) == (3, 7, 2)


def test_a_file_is_looked_for_beside_the_one_that_includes_it_then_here(folder) -> None:
    (folder / "outer.flags").write_text("--flagfile=inner.flags\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.flags").write_text("--flagfile=../inner.flags\n--elites=3\n")
    (folder / "inner.flags").write_text("--seed=1\n")
    pathlib.Path("inner.flags").write_text("--seed=2\n")
    assert parsed(f"--flagfile={folder / 'outer.flags'}").seed == 1
    assert parsed(f"--flagfile={folder / 'sub' / 'deep.flags'}").seed == 1
    assert parsed("--flagfile=inner.flags").seed == 2
    (folder / "inner.flags").unlink()
    assert parsed(f"--flagfile={folder / 'outer.flags'}").seed == 2


def test_a_file_of_the_name_of_a_shipped_one_may_begin_with_it(folder) -> None:
    shipped = parsed("--flagfile=digits.flags")
    pathlib.Path("digits.flags").write_text("--flagfile=digits.flags\n--seed=9\n")
    values = parsed("--flagfile=digits.flags")
    assert values.seed == 9
    assert values.train_steps == shipped.train_steps != define_flags()["train_steps"].default


@pytest.mark.parametrize("first", ["one", "two", "three"])
def test_flagfiles_that_include_each_other_are_refused(folder, first) -> None:
    for name, other in (("one", "two"), ("two", "three"), ("three", "one")):
        (folder / f"{name}.flags").write_text(f"--flagfile={other}.flags\n")
    (folder / "self.flags").write_text("--flagfile=self.flags\n")
    for name in (first, "self"):
        with pytest.raises(ValueError, match=r"not include themselves\. Received: '.*' includes"):
            parsed(f"--flagfile={folder / name}.flags")


def test_one_file_may_be_included_twice(folder) -> None:
    (folder / "base.flags").write_text("--seed=4\n")
    (folder / "both.flags").write_text("--flagfile=base.flags\n--seed=5\n--flagfile=base.flags\n")
    assert parsed(f"--flagfile={folder / 'both.flags'}").seed == 4


TEXT = "--seed=5\n# a remark\n\n  // another\n--dataset_options=path=a b,é=1\n--elites=2"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "  \n", "\t\r\n", "\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_editors_add_is_no_part_of_a_flag(folder, end, encoding) -> None:
    text = TEXT.replace("\n", end) + end
    (folder / "a.flags").write_bytes(text.encode(encoding))
    values = parsed(f"--flagfile={folder / 'a.flags'}")
    assert (values.seed, values.elites) == (5, 2)
    assert values.dataset_options == ["path=a b,é=1"]


@pytest.mark.parametrize("name", ["a b", "a\u00a0b", "日本", "a\u200bb", "a\tb"])
def test_any_text_of_one_line_is_a_value(name) -> None:
    assert parsed(f"--output_dir={name}").output_dir == name


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# nothing\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_flagfile_has_no_flags(folder, data) -> None:
    (folder / "a.flags").write_bytes(data)
    assert parsed(f"--flagfile={folder / 'a.flags'}").seed == 0


def test_a_home_folder_is_found(folder, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "a.flags").write_text("--flagfile=~/b.flags\n")
    (folder / "b.flags").write_text("--seed=6\n")
    assert parsed("--flagfile=~/a.flags").seed == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--seed=1\n\n--train_steps=many\n", "train_steps.*line 3"),
        ("--seed=1\n--no_such_flag=1\n--elites=2\n", "no_such_flag.*line 2"),
        ("# all right\n--intra_op_threads=-3", "intra_op_threads.*line 2"),
        ("--seed=1\nelites=2\n--elites=3\n", "Expected flags only. Received: elites=2.*line 2"),
        ("--train_steps", "train_steps.*line 1"),
        ("--mode=sing", "mode.*line 1"),
        ("--flagfile=nothing.flags", r"'nothing\.flags' in '.*a\.flags', line 1"),
        ("--flagfile=\n", r"Expected --flagfile=NAME.* line 1"),
        ("--flagfile\n", r"Expected --flagfile=NAME.* line 1"),
        ("--flagfile=.", "which is a folder"),
        ("--seed=1\0", "with a zero byte"),
        ("--seed=\udcff", "in UTF-8"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(folder, capsys, text, message) -> None:
    (folder / "a.flags").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert command_line.main([PROGRAM, f"--flagfile={folder / 'a.flags'}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(folder) in error
    with pytest.raises(ValueError, match=message):
        parsed(f"--flagfile={folder / 'a.flags'}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--flagfile=nothing.flags"],
        ["--flagfile"],
        ["--flagfile="],
        ["--flagfile=."],
        ["--flagfile=/dev/zero"],
        ["--flagfile=" + "a" * 5000],
        ["--flagfile=../configs/nothing.flags"],
        ["--output_dir=a\nb"],
        ["--output_dir=a\udcff"],
        ["--output_dir=a\0"],
        ["--", "--seed=3"],
    ],
)
def test_other_mistakes_are_one_line_and_exit_code_2(folder, capsys, arguments) -> None:
    assert command_line.main([PROGRAM, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("glo-tf: error: ")
    assert error.count("\n") == 1


LINES = st.lists(
    st.sampled_from(
        ["--seed=1", "--seed", "7", "--", "-", "--x", "--flagfile", "--flagfile=b", "#"]
    )
    | st.text(max_size=9),
    max_size=6,
)


@examples(200)
@given(LINES, LINES)
def test_any_flagfiles_give_flags_or_a_value_error(tmp_path_factory, first, second) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    for name, lines in (("a", first), ("b", second)):
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        (folder / name).write_bytes(data)
    try:
        parsed(f"--flagfile={folder / 'a'}")
    except ValueError as error:
        message = str(error)
    else:
        return
    assert "Received" in message or "(in '" in message


def test_a_path_to_a_home_folder_reaches_it(folder, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "run").mkdir()
    (folder / "run" / "search.log").write_text("mine")
    assert command_line.main([PROGRAM, "--output_dir=~/run"]) == 2
    assert f"'{folder / 'run' / 'search.log'}', which is not written" in capsys.readouterr().err
    assert not os.listdir(".")
