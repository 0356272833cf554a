"""What is common to the commands: what a terminal shows while Keras is imported."""

import io

import pytest

from glo_tf.cli.task import shown_meanwhile


class Stream(io.StringIO):
    """A standard output that is a terminal, or none."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "kind", "shown"),
    [(True, "xterm", True), (True, "dumb", False), (False, "xterm", False)],
)
def test_what_takes_long_is_told_on_terminals_and_goes_again(
    monkeypatch, terminal, kind, shown
) -> None:
    monkeypatch.setattr("sys.stdout", stream := Stream(terminal))
    monkeypatch.setenv("TERM", kind)
    with shown_meanwhile("Starting ..."):
        assert stream.getvalue() == "Starting ..." * shown
    assert stream.getvalue() == "Starting ...\r\x1b[2K" * shown
