"""What the command line says of errors: bad input, failures, and mistakes with their traceback."""

import pathlib

import fake_distribution
import pytest

from glo_tf import errors
from glo_tf.cli import main as command_line
from glo_tf.cli.failures import BAD_INPUT, FAILED, LoggedError, fail_by_mistake


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def ended_by(error: Exception, monkeypatch, capsys, tmp_path: pathlib.Path) -> tuple[int, str]:
    """Exit code and standard error of a command whose first step raises."""

    def fail(_):
        raise error

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(command_line, "parse_flags", fail)
    return command_line.main(["glo-tf"]), capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidArgumentError("Expected x. Received: y=1"),
        errors.InvalidFileError("Expected x.\n Received:\ty=1"),
        errors.PluginError("Expected x. Received: y=1"),
        errors.StudyError("Expected x. Received: y=1"),
        errors.InvalidArgumentTypeError("Expected x. Received: y=1"),
        OSError("Expected x. Received: y=1"),
    ],
)
def test_what_users_cause_is_one_line(error, monkeypatch, capsys, tmp_path) -> None:
    said = ended_by(error, monkeypatch, capsys, tmp_path)
    assert said == (BAD_INPUT, "glo-tf: error: Expected x. Received: y=1\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (KeyError("loss"), "KeyError: 'loss'"),
        (ValueError("of a\nlibrary"), "ValueError: of a library"),
        (AssertionError(), "AssertionError"),
        (RecursionError("too deep"), "RecursionError: too deep"),
    ],
)
def test_a_mistake_is_one_line_and_a_traceback_in_a_file(
    error, what, monkeypatch, capsys, tmp_path
) -> None:
    code, said = ended_by(error, monkeypatch, capsys, tmp_path)
    (file,) = tmp_path.iterdir()
    assert code == FAILED
    assert said == f"glo-tf: internal error: {what}; traceback in {file}\n"
    text = file.read_text()
    assert text.startswith("Traceback (most recent call last):")
    assert __file__ in text


def test_where_no_file_can_be_written_the_traceback_is_shown(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert fail_by_mistake(raised(KeyError("loss"))) == FAILED
    *shown, last = capsys.readouterr().err.splitlines()
    assert shown[0] == "Traceback (most recent call last):"
    assert last == "glo-tf: internal error: KeyError: 'loss'"


def test_a_mistake_in_a_run_is_in_its_log_and_notes_are_shown(capsys, tmp_path) -> None:
    error = raised(KeyError("loss"))
    error.add_note("After it, another one: OSError: no room")
    log = tmp_path / "search.log"
    assert fail_by_mistake(raised(LoggedError(error, log))) == FAILED
    said = capsys.readouterr().err
    assert said == (
        "glo-tf: internal error: KeyError: 'loss' After it, another one: OSError: no room; "
        f"traceback in {log}\n"
    )


def test_a_plugin_that_refuses_its_options_is_heard(tmp_path, capsys, monkeypatch) -> None:
    entries = {
        "glo_tf.datasets": ["picky = picky:load"],
        "glo_tf.search_spaces": ["picky = picky:space"],
        "glo_tf.strategies": ["picky = picky:strategy"],
        "glo_tf.architectures": ["picky = picky:build"],
    }
    fake_distribution.register(tmp_path / "site", monkeypatch, "picky", entries)
    (tmp_path / "site" / "picky.py").write_text(
        "def load(data_dir=None, *, size: int = 1):\n"
        "    raise ValueError(f'Expected a positive size.\\nReceived: size={size}')\n"
        "def space(*, size: int = 1): load(size=size)\n"
        "def strategy(*, size: int = 1): load(size=size)\n"
        "def build(input_shape, num_classes, *, size: int = 1):\n"
        "    import keras\n"
        "    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(size)])\n"
    )
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for flag in ("dataset", "search_space", "strategy"):
        arguments = [f"--{flag}=picky", f"--{flag}_options=size=-3", "--train_steps=2"]
        code = command_line.main(["glo-tf", *arguments, f"--output_dir={tmp_path / 'out'}"])
        said = capsys.readouterr().err
        assert (code, said) == (
            BAD_INPUT,
            "glo-tf: error: Expected a positive size. Received: size=-3\n",
        )
    arguments = ["--architecture=picky", "--architecture_options=size=-3"]
    assert command_line.main(["glo-tf", *arguments, f"--output_dir={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "units" in said  # by Keras
    assert not (tmp_path / "out").exists()
