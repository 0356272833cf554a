"""Flips the bits of a small study, one at a time, and sees what becomes of its results.

`python tests/helpers/flipped_bits.py` flips each bit of each byte, and prints the counts.
"""

from __future__ import annotations

import collections
import os
import pathlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable

from glo_tf.data.split import Split
from glo_tf.execution.study import Study
from glo_tf.execution.study_file import StudyError
from glo_tf.execution.study_reader import read_study
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

TASK = {"model": "a", "optimizer": {"learning_rate": 0.1}, "train_steps": 30}
SETTINGS = {"seed": 0, "population_size": 20}
STUDY, LOG = "study.db", "study.db-wal"


SAME, REFUSED = "read as it was", "refused"
LOST, CHANGED, OTHER = "lost without a word", "changed without a word", "another exception"

_LOSSES = [Expression.parse(text) for text in ("-(x*log(y))", "-(log(y) - x/y)", "-(x*sqrt(y))")]


def make_study(folder: pathlib.Path, *, killed: bool) -> None:
    """A study with a few trainings.

    Args:
        folder: Where.
        killed: Whether the last of them are in the write-ahead log, as a kill leaves them.
    """
    with tempfile.TemporaryDirectory() as elsewhere:
        path = pathlib.Path(elsewhere) / STUDY
        study = Study.open(path, TASK, SETTINGS)
        for seed in range(2):
            _fill(study, seed)
        study.close()
        study = Study.open(path, TASK, SETTINGS)
        _fill(study, 2)
        if killed:  # closing empties the log
            shutil.copy(path.with_name(LOG), folder / LOG)
            shutil.copy(path, folder / STUDY)
        study.close()
        if not killed:
            shutil.copy(path, folder / STUDY)


def _fill(study: Study, seed: int) -> None:
    for number, loss in enumerate(_LOSSES):
        measured = {Split.VALIDATION: {"accuracy": (0.1, 1 / 3), "nll": (2.5, None)}}
        evaluation = Evaluation(Candidate(loss), seed, number / 7, "ok", 30, 0.1, measured=measured)
        study.add(_request(loss, seed), evaluation, worker="here", reason="")
        study.add_untrained(Evaluation(Candidate(loss), seed, 0.5, "rejected", 0, 0.0))


def _request(loss: Expression, seed: int) -> Request:
    return Request(Candidate(loss), seed, checkpoints=(10, 20, 30))


def results(path: pathlib.Path) -> tuple[list[object], list[tuple]]:
    """All that a study knows: what it finds, and its rows."""
    study = Study.open(path, TASK, SETTINGS)
    try:
        found = [study.find(_request(loss, seed)) for seed in range(3) for loss in _LOSSES]
        # What it knows, it also takes more of.
        study.add(
            Request(Candidate(_LOSSES[0]), 9),
            Evaluation(Candidate(_LOSSES[0]), 9, 0.5, "ok", 30, 0.1),
        )
        study.forget([Request(Candidate(_LOSSES[0]), 9)])
    finally:
        study.close()
    contents = read_study(path)
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT * FROM evaluations ORDER BY id").fetchall()
    finally:
        connection.close()
    return [*found, contents], rows


def outcomes(
    folder: pathlib.Path, name: str, flips: Iterable[tuple[int, int]]
) -> dict[str, list[tuple[int, int]]]:
    """What became of the study by each flip.

    Args:
        folder: With the study of `make_study`.
        name: Of the file whose bits are flipped.
        flips: Byte and bit.

    Returns:
        The flips by their outcome.
    """
    files = [folder / file for file in (STUDY, LOG)]
    contents = {file.name: file.read_bytes() for file in files if file.exists()}
    by_outcome = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(dir=_fast()) as temporary:
        copy = pathlib.Path(temporary)
        expected = _outcome_of(copy, contents)
        assert isinstance(expected, tuple)
        for byte, bit in flips:
            data = bytearray(contents[name])
            data[byte] ^= 1 << bit
            spoilt = {**contents, name: bytes(data)}
            got = _outcome_of(copy, spoilt)
            if isinstance(got, str):
                by_outcome[got].append((byte, bit))
            elif got == expected:
                by_outcome[SAME].append((byte, bit))
            else:
                lost = None in got[0] or len(got[1]) < len(expected[1])
                by_outcome[LOST if lost else CHANGED].append((byte, bit))
    return dict(by_outcome)


def _outcome_of(folder: pathlib.Path, contents: dict[str, bytes]) -> object:
    for old in folder.iterdir():
        old.unlink()
    for file, data in contents.items():
        (folder / file).write_bytes(data)
    try:
        read_first = read_study(folder / STUDY)
        got = results(folder / STUDY)
    except StudyError as error:
        alone = all((folder / file).read_bytes() == data for file, data in contents.items())
        return REFUSED if alone and "\n" not in str(error) else f"refused badly: {error}"
    except Exception as error:
        return f"{OTHER}: {type(error).__name__}: {error}"
    return got if got[0][-1] == read_first else CHANGED


def _fast() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main() -> None:
    """Flips each bit of each byte."""
    for killed, name in ((False, STUDY), (True, STUDY), (True, LOG)):
        with tempfile.TemporaryDirectory(dir=_fast()) as temporary:
            folder = pathlib.Path(temporary)
            make_study(folder, killed=killed)
            size = (folder / name).stat().st_size
            flips = ((byte, bit) for byte in range(size) for bit in range(8))
            found = outcomes(folder, name, flips)
        print(f"{name} of a search that {'was killed' if killed else 'ended'}: {8 * size} bits")
        for outcome, where in sorted(found.items()):
            shown = "" if outcome in (SAME, REFUSED) else f", as at {where[:5]}"
            print(f"  {outcome}: {len(where)}{shown}", flush=True)


if __name__ == "__main__":
    main()
