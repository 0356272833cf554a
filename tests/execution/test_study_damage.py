"""Damaged studies on real SQLite files: all that was finished is read as it was, or refused."""

import pathlib
import random
import shutil
import sqlite3

import flipped_bits
import pytest
from flipped_bits import LOG, REFUSED, SAME, SETTINGS, STUDY, TASK, make_study

from glo_tf.cli import main as command_line
from glo_tf.execution import study as study_module
from glo_tf.execution import study_tables
from glo_tf.execution.study import Study
from glo_tf.execution.study_file import StudyError
from glo_tf.execution.study_reader import read_study
from glo_tf.expressions.tree import Expression
from glo_tf.report.run_folder import read_search
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

LOSS = Expression.parse("-(x*log(y))")


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    make_study(tmp_path, killed=False)
    return tmp_path


def change(folder: pathlib.Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / STUDY)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def refusal(folder: pathlib.Path) -> str:
    """The one line that opening, reading and reporting raise; all leave the file as it is."""
    before = (folder / STUDY).read_bytes()
    messages = set()
    for attempt in (
        lambda: Study.open(folder / STUDY, TASK, SETTINGS),
        lambda: read_study(folder / STUDY),
        lambda: read_search(folder),
    ):
        with pytest.raises(StudyError) as error:
            attempt()
        messages.add(str(error.value))
        assert (folder / STUDY).read_bytes() == before
    (message,) = messages
    assert "\n" not in message
    assert "it was left as it is: move " in message
    return message


@pytest.mark.parametrize(("name", "killed"), [(STUDY, False), (STUDY, True), (LOG, True)], ids=str)
def test_no_flipped_bit_changes_or_loses_a_result_unnoticed(tmp_path, name, killed) -> None:
    make_study(tmp_path, killed=killed)
    data = (tmp_path / name).read_bytes()
    draw = random.Random(0)
    used = [byte for byte, value in enumerate(data) if value]
    bytes_ = [*draw.sample(used, 150), *draw.sample(range(len(data)), 20), *range(100)]
    found = flipped_bits.outcomes(tmp_path, name, [(byte, draw.randrange(8)) for byte in bytes_])
    # By `python tests/helpers/flipped_bits.py`, each bit of each byte.
    assert set(found) <= {SAME, REFUSED}, found
    assert len(found[REFUSED]) > 50


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE evaluations SET fitness=0.75 WHERE id=1", "row 1 of the table evaluations"),
        ("UPDATE evaluations SET status='failed' WHERE id=3", "row 3 of the table evaluations"),
        ("UPDATE evaluations SET trained=0 WHERE id=5", "row 5 of the table evaluations"),
        ("UPDATE evaluations SET id=99 WHERE id=1", "row 99 of the table evaluations"),
        ("UPDATE settings SET value='8' WHERE name='seed'", "row 'seed' of the table settings"),
        ("DELETE FROM evaluations WHERE id=2", "the table evaluations has lost rows"),
        ("DELETE FROM settings WHERE name='seed'", "the table settings has lost rows"),
        ("DELETE FROM totals WHERE name='evaluations'", "total of the table evaluations is lost"),
        ("UPDATE totals SET rows=rows-1", "of the table totals is not as it was written"),
        ("ALTER TABLE totals DROP COLUMN sum", "table totals differs"),
        ("ALTER TABLE evaluations RENAME COLUMN loss TO text", "table evaluations differs"),
        ("ALTER TABLE evaluations ADD COLUMN note", "table evaluations differs"),
        ("ALTER TABLE evaluations RENAME TO trainings", "table evaluations is missing"),
        ("DROP TABLE settings", "table settings is missing"),
        ("CREATE VIEW best AS SELECT max(fitness) FROM evaluations", "view best is new"),
        (
            "CREATE TRIGGER worse AFTER INSERT ON evaluations "
            "BEGIN UPDATE evaluations SET fitness=0; END",
            "trigger worse is new",
        ),
        ("CREATE INDEX by_loss ON evaluations (loss)", "index by_loss is new"),
    ],
)
def test_what_others_change_in_a_study_is_named(folder, statement, what) -> None:
    change(folder, statement)
    message = refusal(folder)
    assert what in message
    assert "permission" not in message


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("fitness", "9e999"),
        ("fitness", "-0.5"),
        ("fitness", "x'00'"),
        ("status", "'fine'"),
        ("steps", "'many'"),
        ("seconds", "-9e999"),
        ("trained", "2"),
        ("loss", "x'ff'"),
        ("train_steps", "0"),
    ],
)
def test_values_that_no_training_gives_are_refused(folder, column, value) -> None:
    change(
        folder,
        "PRAGMA ignore_check_constraints=ON",
        f"UPDATE evaluations SET {column}={value} WHERE id=1",
    )
    assert "row 1 of the table evaluations holds what no training gives" in refusal(folder)


def test_text_that_is_none_is_refused(folder) -> None:
    change(folder, "UPDATE evaluations SET loss=CAST(x'ff' AS TEXT) WHERE id=1")
    assert "UTF-8" in refusal(folder)


@pytest.mark.parametrize(
    "text",
    [
        *("[1]", "1", "{", "[" * 99_999, '{"nll": [1.0]}', '{"test": [1.0]}', '{"train": {}}'),
        *('{"test": {"nll": 1}}', '{"test": {"nll": ["a"]}}', '{"test": {"nll": [true]}}'),
    ],
)
def test_measured_values_are_read_strictly(text) -> None:
    study = Study.in_memory(TASK)
    request = Request(Candidate(LOSS), 0)
    study.add(request, Evaluation(Candidate(LOSS), 0, 0.5, "ok", 30, 0.1))
    row = study._connection.execute("SELECT * FROM evaluations").fetchone()
    changed = (*row[:18], text, row[19])
    study._connection.execute(
        "UPDATE evaluations SET measured=?, checksum=?",
        (text, study_tables._checksum("evaluations", changed)),
    )
    with pytest.raises(StudyError, match="a column 'measured' is not what"):
        study.find(request)


@pytest.mark.parametrize(
    "text",
    [
        *("[1]", "1", "{", "[" * 99_999, '{"accuracy": [1.0]}', '{"accuracy": "1"}'),
        *('{"accuracy": true}', '{"accuracy": {}}', "null", "", '{"accuracy": NaN}'),
        *('{"accuracy": 1e999}', f'{{"accuracy": {10**400}}}'),
    ],
)
def test_values_are_read_strictly(text) -> None:
    study = Study.in_memory(TASK)
    request = Request(Candidate(LOSS), 0)
    study.add(request, Evaluation(Candidate(LOSS), 0, 0.5, "ok", 30, 0.1))
    row = study._connection.execute("SELECT * FROM evaluations").fetchone()
    study._connection.execute(
        'UPDATE evaluations SET "values"=?, checksum=?',
        (text, study_tables._checksum("evaluations", (*row[:19], text))),
    )
    with pytest.raises(StudyError, match="a column 'values' is not what"):
        study.find(request)


def test_a_row_of_another_training_under_this_ones_key_is_refused() -> None:
    study = Study.in_memory(TASK)
    study.add(Request(Candidate(LOSS), 0), Evaluation(Candidate(LOSS), 0, 0.5, "ok", 30, 0.1))
    study._key = lambda request, *, stopped=False: "0" * 16
    study.add(Request(Candidate(LOSS), 1), Evaluation(Candidate(LOSS), 1, 0.25, "ok", 30, 0.1))
    with pytest.raises(StudyError, match="is of another training"):
        study.find(Request(Candidate(LOSS), 0))


def test_damage_while_a_search_runs_is_found_when_a_row_is_read(folder) -> None:
    study = Study.open(folder / STUDY, TASK, SETTINGS)
    request = Request(Candidate(LOSS), 0, checkpoints=(10, 20, 30))
    assert study.find(request) is not None
    change(folder, "UPDATE evaluations SET fitness=0.75")
    with pytest.raises(StudyError, match="row 1 of the table evaluations is not as it was written"):
        study.find(request)
    study.close()


def test_a_table_that_changes_while_a_search_runs_is_no_full_disk(folder) -> None:
    study = Study.open(folder / STUDY, TASK, SETTINGS)
    change(folder, "ALTER TABLE evaluations ADD COLUMN note")
    with pytest.raises(StudyError, match="the tables of a study, which something else has changed"):
        study.add(Request(Candidate(LOSS), 7), Evaluation(Candidate(LOSS), 7, 0.5, "ok", 30, 0.1))
    study.close()


def test_a_program_that_holds_the_study_is_no_full_disk(folder) -> None:
    study = Study.open(folder / STUDY, TASK, SETTINGS)
    study._connection.execute("PRAGMA busy_timeout=0")
    other = sqlite3.connect(folder / STUDY, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StudyError, match="no other program to hold the study"):
        study.add(Request(Candidate(LOSS), 7), Evaluation(Candidate(LOSS), 7, 0.5, "ok", 30, 0.1))
    other.execute("ROLLBACK")
    other.close()
    study.add(Request(Candidate(LOSS), 7), Evaluation(Candidate(LOSS), 7, 0.5, "ok", 30, 0.1))
    study.close()


def test_a_log_that_a_kill_cut_off_gives_all_before_the_cut(tmp_path) -> None:
    make_study(tmp_path, killed=True)
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / STUDY, copy)
    log = (tmp_path / LOG).read_bytes()
    (copy / LOG).write_bytes(log + log[32:2000])  # the beginning of a page
    study = Study.open(copy / STUDY, TASK, SETTINGS)
    assert len(study) == 9
    study.close()
    assert not (copy / LOG).exists()


def test_a_damaged_log_names_itself_and_what_is_older_goes_on(tmp_path) -> None:
    make_study(tmp_path, killed=True)
    log = tmp_path / LOG
    data = bytearray(log.read_bytes())
    data[-1] ^= 1  # SQLite would drop the last training without a word
    log.write_bytes(data)
    message = refusal(tmp_path)
    assert f"move '{log}' away to go on from what is older" in message
    log.unlink()
    study = Study.open(tmp_path / STUDY, TASK, SETTINGS)
    assert len(study) == 6
    study.close()


def test_the_log_is_emptied_as_it_grows_and_read_as_it_is_written(folder, monkeypatch) -> None:
    monkeypatch.setattr(study_module, "_LOG_BYTES", 100_000)
    study = Study.open(folder / STUDY, TASK, SETTINGS)
    sizes = []
    for seed in range(100, 160):
        study.add(
            Request(Candidate(LOSS), seed), Evaluation(Candidate(LOSS), seed, 0.5, "ok", 30, 0.1)
        )
        sizes.append((folder / LOG).stat().st_size)
        assert read_study(folder / STUDY).statuses["ok"] == 9 + seed - 99
    assert 0 < max(sizes) <= 100_000
    assert sizes.count(0) > 2
    study.close()


def test_a_report_of_a_damaged_study_is_one_line(folder, capsys) -> None:
    change(folder, "UPDATE evaluations SET fitness=0.75 WHERE id=1")
    assert command_line.main(["glo-tf", "--mode=report", f"--output_dir={folder}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("glo-tf: error: Expected a readable study. Received: ")
    assert error.count("\n") == 1
