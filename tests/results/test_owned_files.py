"""Nothing that others have put into a folder is replaced or removed, whatever its name."""

import dataclasses
import os
import pathlib
import shutil
import stat
import types
from collections.abc import Callable

import example_comparison
import pytest

import glo_tf
from glo_tf.cli import main as command_line
from glo_tf.comparison.folder import ComparisonFolder
from glo_tf.expressions.tree import Expression
from glo_tf.losses.named import Baikal
from glo_tf.report import write_report
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.owned_files import HISTORY_HEADER, MARK, ForeignFileError, foreign, write_owned
from glo_tf.results.record import Record
from glo_tf.results.run_files import best_loss_files, best_loss_name
from glo_tf.results.search_result import SearchResult
from glo_tf.search.output_folder import OutputFolder
from glo_tf.training.candidate import Candidate

TASK, SETTINGS = {"model": "a"}, {"seed": 0}
TASKS = {part: types.SimpleNamespace(description=TASK) for part in (1.0, 0.1)}
OUTPUTS = ["", "a/b", "..", "é"]

SEARCH = ["history.csv", "report.html", *map(best_loss_name, OUTPUTS)]
SEARCH += ["study.db", "study.lock", "study.db-wal", "study.db.partial"]
COMPARISON = ["comparison.json", "report.html", "trainings.db", "trainings_0.1.db"]
COMPARISON += ["trainings.lock", "trainings_0.1.db-journal"]


def text(path: pathlib.Path) -> None:
    path.write_text("epoch,accuracy\n1,0.5\n<html>glo_tf</html>\n")


def json_of_others(path: pathlib.Path) -> None:
    path.write_text('{"losses": [1, 2], "format": "mine", "of": "glo_tf.loss"}')


def folder(path: pathlib.Path) -> None:
    path.mkdir()
    (path / "within").write_text("mine")


def link(path: pathlib.Path) -> None:
    target = path.with_name("elsewhere")
    target.write_bytes(MARK + b"mine\n")
    path.symlink_to(target)


def broken_link(path: pathlib.Path) -> None:
    path.symlink_to("nowhere")


def pipe(path: pathlib.Path) -> None:
    os.mkfifo(path)


KINDS = [text, json_of_others, folder, link, broken_link, pipe]


def contents(root: pathlib.Path) -> dict[str, object]:
    """All that is in a folder: kinds, targets, bytes, and times of the last change."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        target = os.readlink(path) if path.is_symlink() else None
        found[str(path.relative_to(root))] = (status.st_mode, data, target, status.st_mtime_ns)
    return found


def result_of(losses: list[str]) -> SearchResult:
    best = Record(
        "discovery", 1, 1, Candidate(Expression.parse("-(x*log(y))")), 0.5, "ok", "trained", 30
    )
    named = dict.fromkeys(losses, Baikal()) if losses != [""] else Baikal()
    found = FoundLoss(best.loss, 0.1)
    return types.SimpleNamespace(
        best=best,
        found=found,
        bar=None,
        confirmation=[],
        comparison=[],
        best_loss=named,
        hall_of_fame_table=[],
    )


def search(path: pathlib.Path, overwrite: bool = False, outputs=OUTPUTS) -> OutputFolder:
    return OutputFolder(path, TASK, SETTINGS, outputs=outputs, overwrite=overwrite)


def compare(path: pathlib.Path, overwrite: bool = False) -> ComparisonFolder:
    return ComparisonFolder(path, TASKS, overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("beside", ["alone", "beside our files"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    ("begin", "name"),
    [*((search, name) for name in SEARCH), *((compare, name) for name in COMPARISON)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_others_put_in_the_way_is_refused_and_nothing_touched(
    tmp_path, examples, begin, name, kind, beside, overwrite
) -> None:
    if beside != "alone":
        shutil.copytree(examples[begin], tmp_path, dirs_exist_ok=True)
        (tmp_path / name).unlink(missing_ok=True)
        if name.startswith("study.db-"):
            (tmp_path / "study.db").unlink()
        if name.endswith("-journal"):
            (tmp_path / "trainings_0.1.db").unlink()
    kind(tmp_path / name)
    before = contents(tmp_path)
    with pytest.raises(ForeignFileError, match="it was left as it is: move it away") as error:
        begin(tmp_path, overwrite)
    assert f"Received: '{tmp_path / name}', which is " in str(error.value)
    assert "\n" not in str(error.value)
    assert contents(tmp_path) == before


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> dict[Callable, pathlib.Path]:
    """All that a search and a comparison write."""
    made = {begin: tmp_path_factory.mktemp(begin.__name__) for begin in (search, compare)}
    for begin, path in made.items():
        write_all(path, begin)
    return made


def write_all(path: pathlib.Path, begin: Callable) -> None:
    made = begin(path)
    if begin is search:
        made.begin_history()
        made.write_best_loss(result_of(OUTPUTS[1:]))
        made.write_best_loss(result_of([""]))
        for name in ("search.log", "search.flags"):
            write_owned(path / name, MARK)
    else:
        for name in ("comparison.log", "compare.flags"):
            write_owned(path / name, MARK)
        example_comparison.write(path)
    write_report(path, figures=False)


@pytest.mark.parametrize(
    ("begin", "kept"),
    [
        (search, {"study.db", "study.lock"}),
        (compare, {f"trainings{part}.{end}" for part in ("", "_0.1") for end in ("db", "lock")}),
    ],
)
def test_overwriting_removes_all_that_was_written_and_nothing_else(
    tmp_path, examples, begin, kept
) -> None:
    shutil.copytree(examples[begin], tmp_path, dirs_exist_ok=True)
    names = set(os.listdir(tmp_path))
    assert len(names - kept) >= 4
    own = {
        "notes.txt": b"mine",
        "best_loss_good.json": (b'{"format": "glo_tf.loss", "version": 1}'),
        "trainings_old.db": b"mine",
        "trainings_0.5.db": b"mine",
        "report.html.partial": b"mine",
        "comparison.json.partial": b"mine",
        "best_loss.json.partial": b"mine",
    }
    if begin is search:  # copies of what was found
        copy = (tmp_path / "best_loss.json").read_bytes()
        own |= {"best_loss_good.json": copy, "best_loss_0.json": copy}
        own["best_loss_é (copy).json"] = (tmp_path / "best_loss_é.json").read_bytes()
    for name, data in own.items():
        (tmp_path / name).write_bytes(data)
    begin(tmp_path)  # what is there is resumed
    begin(tmp_path, overwrite=True)
    assert set(os.listdir(tmp_path)) == kept | set(own)
    assert {name: (tmp_path / name).read_bytes() for name in own} == own


def test_copies_of_best_losses_are_not_read_as_losses_of_outputs(tmp_path, examples) -> None:
    shutil.copytree(examples[search], tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "best_loss.json", tmp_path / "best_loss_old.json")
    shutil.copy(tmp_path / "best_loss_é.json", tmp_path / "best_loss_e.json")
    (tmp_path / "best_loss_broken.json").write_text("{")
    assert sorted(best_loss_files(tmp_path)) == sorted(OUTPUTS)


@pytest.mark.parametrize("output", ["a/b", "..", "../up", "a\0b", "%2F", "a b", "é", "A:b", "\n"])
def test_no_name_of_an_output_leads_out_of_the_folder(tmp_path, output) -> None:
    name = best_loss_name(output)
    assert (tmp_path / name).parent == tmp_path
    assert name == pathlib.Path(name).name
    assert len({best_loss_name(other) for other in ("a/b", "a%2Fb", "a_b")}) == 3


@pytest.mark.parametrize(("mode", "names"), [("search", SEARCH), ("compare", COMPARISON)])
def test_an_empty_file_is_in_nobodys_way(tmp_path, mode, names) -> None:
    for name in names:
        (tmp_path / name).touch()
    (search if mode == "search" else compare)(tmp_path)


def test_a_protected_file_is_refused(tmp_path, examples) -> None:
    shutil.copytree(examples[search], tmp_path, dirs_exist_ok=True)
    (tmp_path / "best_loss.json").chmod(0o444)
    for overwrite in (False, True):
        with pytest.raises(ForeignFileError, match=r"best_loss\.json', which is protected against"):
            search(tmp_path, overwrite)


def test_results_of_ours_without_their_study_are_not_replaced_unasked(tmp_path) -> None:
    glo_tf.save_loss(Baikal(), tmp_path / "best_loss.json")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"with a best_loss\.json but no study\.db"):
        search(tmp_path, outputs=[""])
    example_comparison.write(tmp_path)
    with pytest.raises(ValueError, match=r"with a comparison\.json but no trainings\.db"):
        compare(tmp_path)
    (tmp_path / "comparison.json").unlink()
    assert contents(tmp_path) == before
    search(tmp_path, overwrite=True)
    assert not (tmp_path / "best_loss.json").exists()


def test_a_file_that_appears_while_a_search_runs_is_not_replaced(tmp_path) -> None:
    made = search(tmp_path, outputs=[""])
    made.begin_history()
    for name in ("history.csv", "best_loss.json"):
        (tmp_path / name).unlink(missing_ok=True)
        text(tmp_path / name)
    before = contents(tmp_path)
    for write in (
        made.begin_history,
        lambda: made.append_history([result_of([""]).best]),
        lambda: made.write_best_loss(result_of([""])),
    ):
        with pytest.raises(ForeignFileError, match="not written by glo_tf"):
            write()
    assert contents(tmp_path) == before


def test_all_that_a_report_writes_carries_its_mark_and_may_be_replaced(tmp_path) -> None:
    example_comparison.write(tmp_path)
    for _ in range(2):
        write_report(tmp_path)
        assert {foreign(path) for path in tmp_path.rglob("*.*")} == {""}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "name", ["report.html", "figures/comparison_curves.png", "figures/comparison_curves.svg"]
)
def test_a_report_replaces_neither_pages_nor_figures_of_others(tmp_path, name, kind) -> None:
    example_comparison.write(tmp_path)
    (tmp_path / "figures").mkdir()
    kind(tmp_path / name)
    before = contents(tmp_path)
    with pytest.raises(ForeignFileError, match=pathlib.Path(name).name):
        write_report(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        *(("search", name) for name in ("search.log", "search.flags")),
        *(("compare", name) for name in ("comparison.log", "compare.flags")),
    ],
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_logs_and_flags_of_others_are_refused_at_the_command_line(
    tmp_path, capsys, mode, name, kind
) -> None:
    kind(tmp_path / name)
    before = contents(tmp_path)
    for flag in ("--nooverwrite", "--overwrite"):
        arguments = [f"--mode={mode}", "--losses=baikal", f"--output_dir={tmp_path}", flag]
        assert command_line.main(["glo-tf", *arguments]) == 2
        error = capsys.readouterr().err
        assert f"'{tmp_path / name}', which is " in error
        assert error.count("\n") == 1
        assert contents(tmp_path) == before


def test_the_header_of_a_history_names_the_fields_of_its_records() -> None:
    fields = [field.name for field in dataclasses.fields(Record)]
    fields[fields.index("candidate")] = "loss"  # the rest of a candidate is nowhere searched yet
    fields.remove("values")
    assert list(HISTORY_HEADER) == fields
