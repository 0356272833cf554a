"""Runs the command line with a file system that fails at its k-th change, for every k.

The arguments are a folder, every how manyth k is tried, and series such as `search EIO once`; each
is answered with a line.

`faults.c`, preloaded, counts what the process asks the system to change below a folder, SQLite's
requests among them, and fails one of them or all from one on. Trainings are made up.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import errno
import io
import json
import pathlib
import shutil
import sqlite3
import sys
import types
import zlib

from glo_tf.cli import compare as command_compare
from glo_tf.cli import main as command_line
from glo_tf.cli import search as command_search
from glo_tf.cli import task as command_task
from glo_tf.data.split import Split
from glo_tf.report import page
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, nothing_to_check

SEARCH = (
    *("--population_size=6", "--elites=2", "--generations=2", "--train_steps=10"),
    *("--coefficient_generations=1", "--finalists=2", "--finalist_seeds=1", "--comparison_seeds=1"),
    *("--initial_expressions=-(x*log(y))", "--initial_expressions=-(log(y) - x/y)"),
    *(
        "--initial_expressions=-(x*y)",
        "--screening=none",
        "--jit_compile=false",
        "--strategy=local",
    ),
)
COMPARISON = (
    *("--mode=compare", "--losses=baikal,-(x*y)", "--seeds=2", "--train_fraction=1.0,0.5"),
    *("--train_steps=10", "--jit_compile=false", "--strategy=local"),
)
RESULTS = {"search": ("history.csv", "best_loss.json"), "compare": ("comparison.json",)}

PAGE = '<!doctype html><meta name="generator" content="glo_tf">'

WHOLE = 1197
"""Samples of the training data; a part of them has a study of its own."""

trained: list[str] = []


class Trainer:
    """Its values are a function of the request."""

    def __init__(self, task: TrainingTask):
        self.part = len(task.train_data[1]) < WHOLE

    def evaluate(self, request, check=nothing_to_check) -> Evaluation:
        own = json.dumps(request.candidate.hyperparameters.own)
        key = f"{self.part} {request.loss} {request.seed} {own}"
        trained.append(key)
        value = zlib.crc32(key.encode()) % 1000 / 1000
        steps = request.checkpoints
        values = {n: tuple(value for _ in steps) for n in ("accuracy", "nll", "ece")}
        measured = {Split.TEST: values, Split.VALIDATION: {"accuracy": values["accuracy"]}}
        return Evaluation(request.candidate, request.seed, value, "ok", 10, 0.0, measured=measured)


class Task(TrainingTask):
    """One whose trainings are made up."""

    def make_trainer(self) -> Trainer:
        return Trainer(self)


def kept(folder: pathlib.Path) -> set[str]:
    """The trainings that the studies of a folder hold."""
    found = set()
    for path in folder.glob("*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            query = "SELECT loss, seed, hyperparameters FROM evaluations WHERE trained"
            with contextlib.suppress(sqlite3.Error):
                rows = connection.execute(query)
                found |= {f"{'_' in path.name} {' '.join(map(str, row))}" for row in rows}
    return found


def run(arguments: tuple[str, ...], folder: pathlib.Path) -> tuple[int, str]:
    """Exit code, and what was printed to standard error."""
    trained.clear()
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        code = command_line.main(["glo-tf", *arguments, f"--output_dir={folder}"])
    return code, errors.getvalue()


def inject(mode: str, name: str, sticky: bool, every: int, root: pathlib.Path) -> dict:
    """Tries every k; what is wrong is told in `problems`."""
    faults = ctypes.CDLL(None)
    faults.fault_what.restype = ctypes.c_char_p
    arguments = SEARCH if mode == "search" else COMPARISON
    reference = root / "reference"
    code, errors = run(arguments, reference)
    assert code == 0, errors
    whole = [(reference / file).read_bytes() for file in RESULTS[mode]]
    problems, ends, k = [], {}, 0
    while True:
        k += 1 if k == 0 else every
        folder = root / "run"
        shutil.rmtree(folder, ignore_errors=True)
        faults.fault_arm(str(folder).encode(), k, getattr(errno, name), sticky)
        try:
            code, errors = run(arguments, folder)
        except BaseException as error:
            code, errors = -1, f"{type(error).__name__}: {error}"
        reached = faults.fault_count() >= k
        where = faults.fault_what().decode()
        faults.fault_arm(b"", -1, 0, 0)
        if not reached:
            break
        first, finished = list(trained), kept(folder)
        lost = [key for key in first[:-1] if key not in finished]
        again, later = run(arguments, folder) if code != 0 else (0, "")
        redone = finished & set(trained) if code != 0 else set()
        same = [(folder / f).read_bytes() if (folder / f).exists() else b"" for f in RESULTS[mode]]
        ends[code] = ends.get(code, 0) + 1
        wrong = [
            *(["no exit code"] if code not in (0, 1, 2) else []),
            *(["not one line"] if code and errors.count("glo-tf: error") != 1 else []),
            *(["a traceback"] if "Traceback" in errors else []),
            *([f"lost {len(lost)}"] if lost else []),
            *([f"trained again {len(redone)}"] if redone else []),
            *([f"cannot go on: {later}"] if again else []),
            *(["other results"] if same != whole else []),
        ]
        if wrong:
            problems.append(f"{k} {where}: {'; '.join(wrong)}: {code} {errors.strip()[:300]}")
    return {"points": k - 1, "ends": ends, "problems": problems}


def main(folder: pathlib.Path, every: int, *series: str) -> None:
    define = TrainingTask.of
    begun: list[int] = []
    tasks: dict[str, list[TrainingTask]] = collections.defaultdict(list)
    given: dict[str, tuple] = {}

    def begin(values):
        begun.clear()
        if values.mode not in given:
            given[values.mode] = command_task.training_arguments(values)
        data, settings = given[values.mode]
        there = command_task.output_dir(values)
        return data, {**settings, "overwrite": values.overwrite, "output_dir": there}

    def defined(*arguments, **settings):
        cached = tasks[mode]
        if len(begun) == len(cached):
            task = define(*arguments, **settings)
            object.__setattr__(task, "__class__", Task)  # also in the process of a suspect
            cached.append(task)
        begun.append(len(begun))
        return cached[begun[-1]]

    # What takes its time and writes no file: data, model, figures.
    TrainingTask.of = defined
    template = types.SimpleNamespace(render=lambda **_: PAGE)
    page._environment = lambda: types.SimpleNamespace(get_template=lambda _: template)
    for module in (command_search, command_compare):
        module.training_arguments = begin
    for line in series:
        mode, name, times = line.split()
        found = inject(mode, name, times == "sticky", every, folder / line.replace(" ", "-"))
        print(json.dumps({"series": line, **found}), flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
