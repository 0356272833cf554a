"""The files of a run: their names, and whether a folder can take them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence

from glo_tf.execution.study_file import StudyError
from glo_tf.results.owned_files import is_there

STUDY, HISTORY, BEST_LOSS = "study.db", "history.csv", "best_loss.json"
LOG, FLAGS, REPORT = "search.log", "search.flags", "report.html"
"""What a search writes."""

COMPARISON, COMPARISON_LOG, COMPARISON_FLAGS = "comparison.json", "comparison.log", "compare.flags"
"""What a comparison writes beside its studies, which may be in the folder of a search."""

RECOMMENDATION, RECOMMENDED_LOSS = "recommendation.json", "recommended_loss.json"
RECOMMENDATION_LOG, RECOMMENDATION_FLAGS = "recommendation.log", "recommend.flags"
"""What a recommendation writes, likewise."""

OUTPUT = "output"
"""Field of the metadata of a loss that is for one output alone."""


def best_loss_name(output: str, of_all: str = BEST_LOSS) -> str:
    """The file of the loss of one output; that of all is `best_loss.json`, or another.

    No name leads out of the folder, or to the file of another.
    """
    if not output:
        return of_all
    stem, suffix = os.path.splitext(of_all)
    escaped = re.sub(r"[^\w .()-]", lambda match: urllib.parse.quote(match[0], safe=""), output)
    return f"{stem}_{escaped}{suffix}"


def best_loss_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The best losses that a search has written, by their output; copies by users are left out.

    Raises:
        OSError: If a file cannot be read.
    """
    from glo_tf.losses.files import read_metadata

    stem, suffix = os.path.splitext(BEST_LOSS)
    found = {"": folder / BEST_LOSS} if is_there(folder / BEST_LOSS) else {}
    for path in sorted(folder.glob(f"{stem}_*{suffix}")):
        with contextlib.suppress(ValueError):
            output = read_metadata(path).get(OUTPUT)
            if isinstance(output, str) and best_loss_name(output) == path.name:
                found[output] = path
    return found


def refuse_orphans(results: Sequence[pathlib.Path], study: pathlib.Path) -> None:
    """Refuses results without the study that they came from: what made them is not known.

    Raises:
        StudyError: If there are any.
    """
    orphans = [path for path in results if is_there(path)]
    if orphans:
        raise StudyError(
            "Expected an output_dir without other results, or overwrite=True (--overwrite). "
            f"Received: output_dir='{study.parent}', with a {orphans[0].name} but no {study.name}"
        )


def make_writable(path: pathlib.Path) -> None:
    """Makes a folder where there is none, and tries to write there.

    Raises:
        StudyError: If that fails.
    """
    with writing_to(path):
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass


@contextlib.contextmanager
def writing_to(path: pathlib.Path) -> Iterator[None]:
    """Makes errors of the file system those of the output folder."""
    try:
        yield
    except OSError as error:
        raise StudyError(
            f"Expected a writable output_dir ({error.strerror}). Received: output_dir='{path}'"
        ) from error
