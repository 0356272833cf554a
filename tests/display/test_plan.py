"""What a search shows before it begins and while it runs, in few columns."""

import io

import pytest
from hashed_search import make_search, trained_by_hashes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from rich.console import Console

import glo_tf
from glo_tf.display.plan import Expected, Plan, PlannedPhase
from glo_tf.display.search import ProgressDisplay
from glo_tf.display.verbosity import Verbosity
from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Phase, Record, Source
from glo_tf.results.summary import brief
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Status

LONG = "-0.5163741939797388*(0.42391366729794033*log(2.7006825079754178*y) - x/(0.31684249417*y))"


@pytest.fixture
def trainer(monkeypatch):
    return trained_by_hashes(monkeypatch)


def test_a_search_fits_the_columns_that_there_are(trainer, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.search.run.try_to_write_report", lambda _: None)
    files = {width: io.StringIO() for width in (60, 80, 120)}
    consoles = [Console(file=file, width=width) for width, file in files.items()]
    make_search(
        callbacks=[ProgressDisplay(console, names={"data": "three"}) for console in consoles],
        output_dir=tmp_path,
        coefficient_generations=10,
        patience=9,
        comparison_seeds=0,
        reference_losses=["baikal"],
    ).run(verbose=0)
    for width, file in files.items():
        fits(file.getvalue().splitlines(), width, str(tmp_path))


def fits(lines: list[str], width: int, folder: str) -> None:
    words = ["data", "network", "optimizer", "fitness", "search", "trainings", "at the end"]
    for word in [*words, "budget", "results", "time"]:
        assert any(line.startswith(word) for line in lines), word
    assert any(line.startswith("data       three: 60 samples of shape (4,)") for line in lines)
    generations = [line for line in lines if line.startswith(("discovery ", "coefficients "))]
    assert len(generations) > 3
    long = (folder, "to beat: ", "Load it", "Report", "Validation", "No better")
    assert all(len(line) <= width for line in generations)
    told = [line for line in lines if not any(word in line for word in long)]
    assert all(len(line) <= width for line in told if not line.startswith("Best loss"))


@pytest.mark.parametrize(
    ("width", "expected"),
    [(200, "-0.516*(0.424*log(2.7*y) - x/(0.317*y))"), (20, "-0.516*(0.424*log...")],
)
def test_a_loss_is_shown_in_short(width, expected) -> None:
    assert brief(Expression.parse(LONG), width) == expected


def test_silence_is_silent_and_all_else_shows_lines(trainer, capsys) -> None:
    search = make_search(comparison_seeds=0)
    search.run(verbose=0)
    assert capsys.readouterr().out == ""
    for verbose in ("auto", 1, 2):
        search.run(verbose=verbose)
        output = capsys.readouterr().out
        assert "discovery 3/3" in output
        assert "\x1b" not in output
    for verbose in ("on", 3, -1, None, 0.5):
        with pytest.raises(glo_tf.InvalidArgumentError, match=r"^Expected verbose to be auto, 0 "):
            search.run(verbose=verbose)


def test_what_cannot_be_shown_ends_no_search(trainer, monkeypatch) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    assert make_search(comparison_seeds=0).run().best is not None


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("verbosity", [Verbosity.BAR, Verbosity.LINES])
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_bar_is_shown_on_terminals_that_can_and_fits(
    trainer, monkeypatch, verbosity, term
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for file in (Screen(), io.StringIO()):
        environment = {"TERM": term, "FORCE_COLOR": "1"}
        console = Console(file=file, width=60, _environ=environment)
        display = ProgressDisplay(console, verbosity)
        make_search(comparison_seeds=0, callbacks=[display]).run(verbose=0)
        shown = " left " in file.getvalue()
        on_screen = isinstance(file, Screen)
        assert shown == (on_screen and verbosity is Verbosity.BAR and term == "xterm")


def record(steps: int) -> Record:
    return Record(
        phase=Phase.DISCOVERY,
        generation=1,
        individual=1,
        candidate=Candidate(Expression.parse("-(x*y)")),
        fitness=0.5,
        status=Status.OK,
        source=Source.TRAINED,
        steps=steps,
    )


@examples(25)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=40), st.integers(1, 5))
def test_what_is_expected_ends_at_what_was_done(steps, seeds) -> None:
    phases = (PlannedPhase(Phase.DISCOVERY, 1, len(steps)),)
    expected = Expected(Plan({}, phases, 3, seeds, 4, 100, None))
    assert expected.total == 3 + len(steps) * seeds + 4
    for count in steps:
        expected.train(count)
        expected.evaluate(count)
        assert expected.total >= expected.done + 4
    expected.end_generation(1, 1)
    assert expected.total == pytest.approx(sum(steps) / 100 + 4)
    for _ in range(4):
        expected.train(100)
        expected.retrain()
    assert expected.total == expected.done == pytest.approx(sum(steps) / 100 + 4)


@pytest.mark.parametrize("lanes", [1, 4])
def test_how_long_a_training_takes_is_said_once_it_is_known(lanes) -> None:
    file = io.StringIO()
    display = ProgressDisplay(Console(file=file, width=80))
    phases = (PlannedPhase(Phase.DISCOVERY, 10, 60),)
    display.on_plan(Plan({}, phases, 0, 1, 0, 100, None, lanes=lanes))
    loss = Candidate(Expression.parse("-(x*y)"))
    for seconds in (9.0,) * lanes + (0.5, 0.5):  # the first compile
        display.on_training(Evaluation(loss, 0, 0.5, "ok", 50, seconds))
    assert not file.getvalue()
    for _ in range(2):
        display.on_training(Evaluation(loss, 0, 0.5, "ok", 50, 0.5))
    assert file.getvalue().startswith("time       1 s a training, at most ")
    assert file.getvalue().count("time") == 1
