"""The study on real SQLite files: what it keeps, what it refuses, what it leaves alone."""

import itertools
import pathlib
import resource
import sqlite3
import subprocess
import sys

import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.data.split import Split
from glo_tf.execution.study import Study
from glo_tf.execution.study_file import StudyError, remove_study
from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Record
from glo_tf.search.output_folder import OutputFolder
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation, Request

BAIKAL = Expression.parse("-(log(y) - x/y)")
TASK = {"model": "a", "optimizer": {"learning_rate": 0.1}, "train_steps": 30}
SETTINGS = {"seed": 0, "population_size": 20}


def evaluation(loss: Expression = BAIKAL, fitness: float = 0.5, status: str = "ok", **others):
    return Evaluation(Candidate(loss), 0, fitness, status, steps=30, seconds=0.1, **others)


@pytest.fixture
def path(tmp_path) -> pathlib.Path:
    return tmp_path / "study.db"


def open_study(path, task=TASK, settings=SETTINGS) -> Study:
    return Study.open(path, task, settings)


def test_what_was_added_is_found_when_opened_again(path) -> None:
    study = open_study(path)
    assert study.find(Request(Candidate(BAIKAL), 0)) is None
    study.add(Request(Candidate(BAIKAL), 0), evaluation(), worker="here", tries=2)
    study.close()
    study = open_study(path)
    assert study.find(Request(Candidate(BAIKAL), 0)) == evaluation()
    assert len(study) == 1
    study.close()


def test_what_was_measured_is_found_when_opened_again(path) -> None:
    values = {"accuracy": (0.1, 1 / 3), "nll": (2.5, None)}
    measured = {Split.VALIDATION: values, Split.TEST: {"accuracy": ()}}
    request = Request(Candidate(BAIKAL), 0, checkpoints=(10, 20, 30))
    study = open_study(path)
    values = {"fitness (a, b)": 1 / 3, "0_a": -0.5, "1_b": None, "\0 \ud800": 1e308}
    study.add(request, evaluation(values=values, measured=measured))
    study.close()
    study = open_study(path)
    found = study.find(request)
    assert (found.values, found.measured) == (values, measured)
    assert list(found.values) == list(values)
    study.close()


@pytest.mark.parametrize(
    "other",
    [
        Request(Candidate(BAIKAL.negated()), 0),
        Request(Candidate(BAIKAL.with_coefficients([0.5] * 6)), 0),
        Request(Candidate(BAIKAL), 1),
        Request(Candidate(BAIKAL, Hyperparameters(0.1)), 0),
        Request(Candidate(BAIKAL), 0, train_steps=10),
        Request(Candidate(BAIKAL), 0, checkpoints=(10, 30)),
    ],
)
def test_every_part_of_a_request_tells_it_from_others(other) -> None:
    study = Study.in_memory(TASK)
    study.add(Request(Candidate(BAIKAL), 0), evaluation())
    assert study.find(other) is None


def test_a_training_of_another_task_is_not_found() -> None:
    one, other = Study.in_memory(TASK), Study.in_memory({**TASK, "model": "b"})
    assert one._key(Request(Candidate(BAIKAL), 0)) != other._key(Request(Candidate(BAIKAL), 0))


@examples(50)
@given(st.lists(expressions(unit=False), unique=True, max_size=8), st.floats(0, 1))
def test_every_expression_is_found_with_its_own_fitness(losses, fitness) -> None:
    study = Study.in_memory(TASK)
    for number, loss in enumerate(losses):
        study.add(Request(Candidate(loss), 0), evaluation(loss, fitness / (number + 1)))
    for number, loss in enumerate(losses):
        assert study.find(Request(Candidate(loss), 0)).fitness == fitness / (number + 1)


def test_a_stopped_training_answers_only_who_lets_it_stop() -> None:
    study = Study.in_memory(TASK)
    stopped, whole = evaluation(fitness=0.1, status="stopped"), evaluation(fitness=0.9)
    study.add(Request(Candidate(BAIKAL), 0, stop_at_chance=True), stopped)
    assert study.find(Request(Candidate(BAIKAL), 0)) is None
    study.add(Request(Candidate(BAIKAL), 0), whole)
    assert study.find(Request(Candidate(BAIKAL), 0)) == whole
    # The whole training was asked for later: a search that is run again meets the same order.
    assert study.find(Request(Candidate(BAIKAL), 0, stop_at_chance=True)) == stopped


def test_a_whole_training_answers_who_would_let_it_stop() -> None:
    study = Study.in_memory(TASK)
    study.add(Request(Candidate(BAIKAL), 0, stop_at_chance=True), evaluation())
    assert study.find(Request(Candidate(BAIKAL), 0)) == evaluation()


def test_what_was_not_trained_is_kept_and_takes_no_trainings_place(path) -> None:
    study = open_study(path)
    study.add(Request(Candidate(BAIKAL), 0), evaluation())
    inherited = evaluation(inherited_from=BAIKAL.negated())
    study.add_untrained(inherited)
    study.add_untrained(inherited)
    assert len(study) == 1
    study.close()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT trained, inherited_from FROM evaluations").fetchall()
    assert rows == [(1, None), (0, str(BAIKAL.negated()))]


def test_what_is_forgotten_is_not_found() -> None:
    study = Study.in_memory(TASK)
    study.add(Request(Candidate(BAIKAL), 0), evaluation(status="failed"))
    study.add(Request(Candidate(BAIKAL), 1), evaluation())
    study.forget([Request(Candidate(BAIKAL), 0)])
    assert study.find(Request(Candidate(BAIKAL), 0)) is None
    assert study.find(Request(Candidate(BAIKAL), 1)) is not None


def test_other_settings_are_refused_with_the_difference(path) -> None:
    open_study(path).close()
    before = path.read_bytes()
    task = {**TASK, "optimizer": {"learning_rate": 0.2}}
    with pytest.raises(StudyError, match="to resume it") as error:
        open_study(path, task, {"seed": 1, "population_size": 20, "racing": True})
    difference = (
        "seed=1 (there: 0), racing=true (there: absent), "
        "task.optimizer.learning_rate=0.2 (there: 0.1)"
    )
    assert str(error.value).endswith(difference)
    assert path.read_bytes() == before
    open_study(path).close()


def test_one_search_at_a_time(path) -> None:
    study = open_study(path)
    with pytest.raises(StudyError, match="which one has open"):
        open_study(path)
    code = (
        "import sys\nfrom glo_tf.execution.study import Study\n"
        "from glo_tf.execution.study_file import StudyError\n"
        f"try: Study.open({str(path)!r}, {TASK!r}, {SETTINGS!r})\n"
        "except StudyError as error: sys.exit('which one has open' not in str(error))\n"
        "sys.exit(2)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(StudyError, match="which one has open"):
        remove_study(path)
    study.close()
    open_study(path).close()


def foreign_sqlite(path: pathlib.Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE trials (value REAL)")
    connection.close()


def of_version(path: pathlib.Path, version: int) -> None:
    open_study(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()


def torn(path: pathlib.Path) -> None:
    study = open_study(path)
    for seed in range(200):
        study.add(Request(Candidate(BAIKAL), seed), evaluation())
    study.close()
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = b"\xa5" * (len(data) // 2 - 4096)
    path.write_bytes(data)


def cut_off(path: pathlib.Path) -> None:
    torn(path)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_text("name,value\n"), "which is something else, or corrupt"),
        (foreign_sqlite, "which is something else, or corrupt"),
        (lambda path: of_version(path, 4), "schema version 5. Received: .* of version 4; resume"),
        (lambda path: of_version(path, 6), "schema version 5. Received: .* of version 6; resume"),
        (torn, "which is corrupt"),
        (cut_off, "which is corrupt"),
    ],
    ids=["text", "foreign", "earlier", "later", "torn", "cut off"],
)
def test_a_file_that_is_no_readable_study_is_left_alone(path, spoil, message) -> None:
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StudyError, match=message):
        open_study(path)
    assert path.read_bytes() == before
    with pytest.raises(StudyError, match=message):  # the lock was given back
        open_study(path)


def test_overwriting_takes_a_corrupt_study_but_no_foreign_file(tmp_path) -> None:
    path = tmp_path / "study.db"
    foreign_sqlite(path)
    before = path.read_bytes()
    with pytest.raises(StudyError, match="which is something else"):
        OutputFolder(tmp_path, TASK, SETTINGS, overwrite=True)
    assert path.read_bytes() == before
    path.unlink()
    torn(path)
    OutputFolder(tmp_path, TASK, SETTINGS, overwrite=True)
    open_study(path).close()


def test_results_without_a_study_are_not_replaced_unasked(tmp_path) -> None:
    OutputFolder(tmp_path, TASK, SETTINGS).begin_history()
    (tmp_path / "study.db").unlink()
    before = (tmp_path / "history.csv").read_bytes()
    with pytest.raises(StudyError, match=r"with a history\.csv but no study\.db"):
        OutputFolder(tmp_path, TASK, SETTINGS)
    assert (tmp_path / "history.csv").read_bytes() == before
    OutputFolder(tmp_path, TASK, SETTINGS, overwrite=True)


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_finished(path) -> None:
    study = open_study(path)
    (pages,) = study._connection.execute("PRAGMA page_count").fetchone()
    study._connection.execute(f"PRAGMA max_page_count={pages + 2}")  # SQLite's own "disk full"
    seeds = itertools.count()

    def fill() -> None:
        for seed in seeds:
            study.add(Request(Candidate(BAIKAL), seed), evaluation())

    with pytest.raises(StudyError, match=r"room and permission .* \(database or disk is full\)"):
        fill()
    added = next(seeds) - 1
    study.close()
    assert added > 0
    study = open_study(path)
    assert len(study) == added
    study.add(Request(Candidate(BAIKAL), added), evaluation())
    study.close()


def test_an_empty_file_is_no_study_yet(path) -> None:
    path.touch()
    open_study(path).close()
    assert path.stat().st_size > 0


def test_a_folder_that_cannot_be_written_is_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="Expected a writable output_dir"):
        OutputFolder(tmp_path / "file", TASK, SETTINGS)


def test_history_is_appended_whole_or_not_at_all(tmp_path) -> None:
    folder = OutputFolder(tmp_path, TASK, SETTINGS)
    record = Record("discovery", 1, 1, Candidate(BAIKAL), 0.5, "ok", "trained", 30)
    folder.begin_history()
    folder.append_history([record])
    before = (tmp_path / "history.csv").read_bytes()
    assert before.splitlines()[1] == b"discovery,1,1,-(log(y) - x/y),0.5,ok,trained,30,"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))  # a disk nearly full
    try:
        with pytest.raises(StudyError, match=r"history\.csv' \(\[Errno 28\]"):
            folder.append_history([record, record])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "history.csv").read_bytes() == before
    folder.append_history([record])
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 3
