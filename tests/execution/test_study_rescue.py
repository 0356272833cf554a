"""Studies whose files are deleted, moved, replaced or overwritten while a search has them open."""

import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import tempfile

import pytest

from glo_tf.execution.study import Study
from glo_tf.execution.study_file import StudyError
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

LOSS = Expression.parse("-(x*log(y))")
TASK = {"model": "a"}


def add(study: Study, seed: int) -> None:
    study.add(
        Request(Candidate(LOSS), seed), Evaluation(Candidate(LOSS), seed, seed / 100, "ok", 30, 0.1)
    )


@pytest.fixture
def folder(tmp_path, monkeypatch) -> pathlib.Path:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    folder = tmp_path / "runs" / "digits"
    folder.mkdir(parents=True)
    return folder


def delete_the_study(folder: pathlib.Path) -> None:
    (folder / "study.db").unlink()


def delete_all_files(folder: pathlib.Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def delete_the_log(folder: pathlib.Path) -> None:
    (folder / "study.db-wal").unlink()


def rename_the_study(folder: pathlib.Path) -> None:
    (folder / "study.db").rename(folder / "old.db")


def put_another_file_there(folder: pathlib.Path) -> None:
    delete_all_files(folder)
    (folder / "study.db").write_text("mine")


def put_another_study_there(folder: pathlib.Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    Study.open(folder / "study.db", {"model": "another"}, {}).close()


def put_a_folder_there(folder: pathlib.Path) -> None:
    delete_the_study(folder)
    (folder / "study.db").mkdir()


def move_the_folder(folder: pathlib.Path) -> None:
    folder.rename(folder.with_name("moved"))


def delete_all_runs(folder: pathlib.Path) -> None:
    shutil.rmtree(folder.parent)


NOTICED_BY = {
    "add": lambda study: add(study, 2),
    "forget": lambda study: study.forget([]),
    "close": lambda study: study.close(),
}


@pytest.mark.parametrize(
    ("vanish", "beside"),
    [
        (delete_the_study, True),
        (delete_all_files, True),
        (delete_the_log, True),
        (rename_the_study, True),
        (put_another_file_there, True),
        (put_another_study_there, True),
        (put_a_folder_there, True),
        (shutil.rmtree, True),
        (move_the_folder, True),
        (delete_all_runs, False),
    ],
)
@pytest.mark.parametrize("notice", ["add", "forget", "close"])
def test_a_study_that_vanishes_is_saved_elsewhere(folder, monkeypatch, vanish, beside, notice):
    monkeypatch.chdir(folder.parent)
    study = Study.open("digits/study.db", TASK, {"seed": 0})  # a path relative to what changes
    add(study, 0)
    study.add_untrained(Evaluation(Candidate(LOSS), 1, 0.5, "rejected", 0, 0.0))
    add(study, 1)
    monkeypatch.chdir("/")
    vanish(folder)
    left = {path: path.read_bytes() for path in folder.glob("*") if path.is_file()}
    with pytest.raises(StudyError, match="to stay as it is while a search runs") as error:
        NOTICED_BY[notice](study)
    if notice != "close":
        with pytest.raises(StudyError) as again:
            study.close()
        assert again.value is error.value
    message = str(error.value)
    assert "\n" not in message
    assert "same command" not in message
    copy = pathlib.Path(re.search(r"saved as '(.*?)': move that file back", message)[1])
    assert f"output_dir='{copy.parent}'" in message
    place = folder.parent if beside else pathlib.Path(tempfile.gettempdir())
    assert copy.parent.parent == place
    # Under its name, it is a study that goes on.
    study = Study.open(copy, TASK, {"seed": 0})
    assert len(study) == (3 if notice == "add" else 2)
    for seed in range(len(study)):
        assert study.find(Request(Candidate(LOSS), seed)).fitness == seed / 100
    add(study, 3)
    study.close()
    # What is in its place is not touched.
    for path, data in left.items():
        if path.name == "study.db" and vanish is not delete_the_log:
            assert path.read_bytes() == data


def overwrite(path: pathlib.Path, data: bytes) -> None:
    with path.open("r+b") as file:  # in place
        file.write(data)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: os.truncate(path, 0),
        lambda path: os.truncate(path, 5000),
        lambda path: overwrite(path, b"name,value\n" * 100),
        lambda path: overwrite(path, b"\0" * path.stat().st_size),
    ],
)
def test_a_study_that_is_overwritten_in_place_does_not_end_well(folder, spoil) -> None:
    path = folder / "study.db"
    study = Study.open(path, TASK, {"seed": 0})
    for seed in range(20):
        add(study, seed)
    study.close()
    study = Study.open(path, TASK, {"seed": 0})
    add(study, 20)
    spoil(path)
    with pytest.raises(StudyError, match="something else has written to it") as error:
        add(study, 21)
    with pytest.raises(StudyError), contextlib.closing(study):
        add(study, 22)
    saved = re.search(r"saved as '(.*?)'", str(error.value))
    if saved:  # SQLite still had all of it
        study = Study.open(saved[1], TASK, {"seed": 0})
        assert len(study) == 22
        study.close()
    else:
        assert "no copy of what it holds could be written" in str(error.value)


def test_a_study_that_was_touched_or_read_by_others_goes_on(folder) -> None:
    study = Study.open(folder / "study.db", TASK, {"seed": 0})
    add(study, 0)
    (folder / "study.db").touch()
    with contextlib.closing(sqlite3.connect(folder / "study.db")) as other:
        other.execute("SELECT * FROM evaluations").fetchall()
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    add(study, 1)
    (folder / "study.lock").unlink()
    study.close()
    study = Study.open(folder / "study.db", TASK, {"seed": 0})
    assert len(study) == 2
    study.close()


def test_where_no_copy_can_be_written_the_error_says_so(folder, monkeypatch) -> None:
    study = Study.open(folder / "study.db", TASK, {"seed": 0})
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    shutil.rmtree(folder.parent)
    with pytest.raises(StudyError, match=r"no copy of what it holds could be written: .*; "):
        study.close()
