"""Budgets: what ends a search before its last generation, and where one that replays it ends."""

import time

import pytest
from hashed_search import make_search, trained_by_hashes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

import glo_tf
from glo_tf.display.callbacks import Callback
from glo_tf.execution.study import Study
from glo_tf.results.record import Ending
from glo_tf.search.budget import BudgetSpent, Patience, TimeLimit
from glo_tf.search.ranking import Ranking

pytestmark = pytest.mark.usefixtures("unreported")

SIZES = {"coefficient_expressions": 0, "population_size": 20, "elites": 2, "generations": 4}


@pytest.fixture
def unreported(monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.search.run.try_to_write_report", lambda _: None)


@pytest.fixture
def trainer(monkeypatch):
    return trained_by_hashes(monkeypatch)


class Clock:
    """Stands still, but for what is trained."""

    def __init__(self, patch, trainer, seconds: float = 60.0) -> None:
        self.now = 0.0
        patch.setattr(time, "monotonic", lambda: self.now)
        evaluate = trainer.evaluate

        def takes_time(*arguments):
            self.now += seconds
            return evaluate(*arguments)

        trainer.evaluate = takes_time


def history(result) -> list[str]:
    return [str(record.loss) for record in result.records]


def test_time_ends_the_search_and_what_was_found_is_confirmed_and_compared(
    monkeypatch, trainer
) -> None:
    Clock(monkeypatch, trainer)
    whole = make_search(**SIZES).run()
    result = make_search(**SIZES, max_minutes=5).run()
    assert result.ended_by is Ending.MAX_MINUTES
    assert (result.interrupted, result.stopped) == (False, False)
    assert history(result) == history(whole)[: len(result.records)]
    assert len({record.loss for record in result.records if record.loss.has_x_and_y}) == 5
    assert len(result.confirmation) == 2
    assert result.comparison.verdict


@pytest.mark.parametrize("minutes", [0.5, 7])
def test_a_search_ends_at_the_same_place_when_it_is_run_again(
    monkeypatch, trainer, tmp_path, minutes
) -> None:
    clock = Clock(monkeypatch, trainer)
    arguments = {**SIZES, "output_dir": tmp_path, "finalists": 1, "comparison_seeds": 0}
    first = make_search(**arguments, max_minutes=minutes).run()
    trained, written = len(trainer.requests), (tmp_path / "history.csv").read_bytes()
    clock.now = 0.0
    again = make_search(**arguments, max_minutes=minutes).run()
    assert again.records == first.records
    assert (again.best, again.ended_by) == (first.best, Ending.MAX_MINUTES)
    assert len(trainer.requests) == trained
    assert (tmp_path / "history.csv").read_bytes() == written
    onward = make_search(**{**arguments, "max_minutes": 90}).run()
    assert onward.ended_by is None
    assert onward.records[: len(first.records)] == first.records
    assert len(onward.records) == 80


def test_an_interrupted_search_ends_where_it_would_have(monkeypatch, trainer, tmp_path) -> None:
    class Interrupt(Callback):
        def on_retraining(self, *_) -> None:
            raise KeyboardInterrupt

    Clock(monkeypatch, trainer)
    arguments = {**SIZES, "output_dir": tmp_path, "max_minutes": 4}
    broken = make_search(**arguments, callbacks=[Interrupt()]).run()
    whole = make_search(**arguments).run()
    assert whole.records == broken.records
    assert whole.confirmation
    assert whole.ended_by is Ending.MAX_MINUTES


def test_what_the_end_takes_is_kept_back_but_not_more_than_half() -> None:
    for takes, minutes in [(0.0, 10.0), (120.0, 8.0), (6000.0, 5.0)]:
        with pytest.MonkeyPatch.context() as patch:
            now = 100.0
            patch.setattr(time, "monotonic", lambda: now)  # noqa: B023
            limit = TimeLimit(10.0, Study.in_memory({}), lambda: takes)  # noqa: B023
            now += 60.0 * minutes - 1.0
            limit.check()
            now += 1.0
            with pytest.raises(BudgetSpent, match=r"max_minutes=10\b"):
                limit.check()


@examples(25)
@given(st.lists(st.booleans(), max_size=20), st.integers(0, 20))
def test_a_limit_ends_a_replay_after_as_many_steps(checks_within, spent_at) -> None:
    def steps(limit: TimeLimit, clock: list[float]) -> int:
        done = 0
        try:
            limit.check()
            for number, within in enumerate(checks_within):
                clock[0] += number >= spent_at
                if within:
                    limit.check()
                done += 1
                limit.step_done()
        except BudgetSpent:
            return done
        return -1

    with pytest.MonkeyPatch.context() as patch:
        study, clock = Study.in_memory({}), [0.0]
        patch.setattr(time, "monotonic", lambda: clock[0])
        first = steps(TimeLimit(1 / 60, study), clock)
        assert first == steps(TimeLimit(1 / 60, study), [0.0])
        assert steps(TimeLimit(None, study), clock) == -1


def test_a_fit_enough_candidate_ends_the_phases(trainer) -> None:
    whole = make_search(**SIZES)
    fitnesses = [record.fitness for record in whole.run().records]
    target = sorted(fitnesses)[-3]
    result = make_search(**SIZES, target_fitness=target).run()
    assert result.ended_by is Ending.TARGET_FITNESS
    first = next(n for n, fitness in enumerate(fitnesses) if fitness >= target)
    assert [record.fitness for record in result.records] == fitnesses[: first + 1]
    assert result.confirmation
    never = make_search(**SIZES, target_fitness=1.1).run()
    assert (never.ended_by, len(never.records)) == (None, len(fitnesses))


def test_patience_ends_a_phase_after_so_many_generations_without_a_better_one(trainer) -> None:
    said = []

    class Listen(Callback):
        def on_early_end(self, reason: str) -> None:
            said.append(reason)

    sizes = {"population_size": 8, "elites": 2, "generations": 60, "coefficient_generations": 40}
    result = make_search(**sizes, patience=3, callbacks=[Listen()]).run()
    assert result.ended_by is None
    for phase, total in [("discovery", 60), ("coefficients", 40)]:
        records = [record for record in result.records if record.phase == phase]
        best, found_in = None, 0
        for record in records:
            if Ranking().better(record, best):
                best, found_in = record, record.generation
        assert records[-1].generation == found_in + 3 < total
        ended = f"{phase} ends after {found_in + 3} of {total}"
        assert f"No better candidate in 3 generations (patience): {ended}" in said
    assert len(said) == 2


def test_patience_of_0_waits_for_ever() -> None:
    patience = Patience(0, Ranking())
    for _ in range(100):
        patience.see([])
    assert not patience.lost


def test_nothing_is_given_up_before_there_is_a_first_candidate() -> None:
    patience = Patience(2, Ranking())
    for _ in range(100):
        patience.see([])
    assert not patience.lost


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_minutes": 0}, "Expected a positive, finite max_minutes. Received: max_minutes=0"),
        ({"max_minutes": float("nan")}, "max_minutes=nan"),
        ({"target_fitness": -0.5}, "target_fitness=-0.5"),
        ({"patience": -1}, "Expected patience of at least 0. Received: patience=-1"),
        ({"patience": 2.5}, "Expected patience to be a whole number. Received: patience=2.5"),
    ],
)
def test_budgets_that_are_none_are_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        make_search(**arguments)


def test_budgets_are_no_part_of_what_a_study_resumes(trainer, tmp_path) -> None:
    arguments = {**SIZES, "output_dir": tmp_path, "comparison_seeds": 0}
    make_search(**arguments, patience=1).run()
    trained = len(trainer.requests)
    search = make_search(**arguments, target_fitness=2.0)
    assert search.trained_before == trained
    assert history(search.run()) == history(make_search(**SIZES).run())


@pytest.mark.parametrize("name", ["quick", "standard", "paper"])
def test_a_preset_has_all_phases(name) -> None:
    sizes = glo_tf.preset(name)
    assert {"generations", "coefficient_generations", "finalists", "comparison_seeds"} <= {*sizes}
    make_search(**sizes)
    sizes.clear()
    assert glo_tf.preset(name)
