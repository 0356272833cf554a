"""Processes that die in the midst of a training, and what the next ones do about it."""

import json
import logging
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.crash_guard import CrashGuard
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.started import StartedTrainings, Suspect
from glo_tf.execution.study import Study
from glo_tf.execution.study_file import StudyError
from glo_tf.expressions.tree import Expression
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.strategies.process import WorkerProcess
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

LOSSES = [*ordinary(2), scripted.DIE, *ordinary(4)[2:]]

PROGRAM = """
import ctypes, logging, os, pathlib, sys
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request
from glo_tf.strategies.devices import DevicesStrategy
from glo_tf.strategies.local import LocalStrategy
from glo_tf.execution.study import Study
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.scripted_task import ScriptedTask, ordinary

folder, crash, times, retries = sys.argv[1:]
crashes = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), 9),
}

class Crashing(ScriptedTask):
    def make_trainer(self):
        return self
    def evaluate(self, request, check=lambda: None):
        if request.loss == scripted.DIE:
            with open(os.path.join(self.folder, "crashes.txt"), "a") as file:
                file.write("worker\\n" if os.getppid() == DRIVER else "driver\\n")
            with open(os.path.join(self.folder, "crashes.txt")) as file:
                earlier = len(file.readlines()) - 1
            if earlier < int(times):
                crashes[crash]()
        return super().evaluate(request, check)

DRIVER = os.getpid()
logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
task = Crashing(folder, times=0)
study = Study.open(pathlib.Path(folder, "study.db"), task.description, {})
policy = FailurePolicy(candidate_retries=int(retries))
dispatcher = Dispatcher(task, LocalStrategy(), study, policy)
losses = [*ordinary(2), scripted.DIE, *ordinary(4)[2:]]
for evaluation in dispatcher.evaluate([Request(Candidate(loss), 0) for loss in losses]):
    print(evaluation.fitness, evaluation.status)
dispatcher.close()
"""


def run(folder: pathlib.Path, crash: str, *, times: int, retries: int = 1) -> tuple[int, str]:
    """The exit code of a process that trains `LOSSES`, and what it printed."""
    arguments = [str(folder), crash, str(times), str(retries)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def crashes(folder: pathlib.Path) -> list[str]:
    return (folder / "crashes.txt").read_text().split()


def statuses(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line[0].isdigit()]


@pytest.mark.slow
@pytest.mark.parametrize("crash", ["segfault", "exit"])
@pytest.mark.parametrize("retries", [0, 2])
def test_a_candidate_that_crashes_crashes_one_run(tmp_path, crash, retries) -> None:
    code, output = run(tmp_path, crash, times=1_000, retries=retries)
    assert code == (3 if crash == "exit" else -signal.SIGSEGV)
    code, output = run(tmp_path, crash, times=1_000, retries=retries)
    assert code == 0
    assert statuses(output) == ["ok", "ok", "failed", "ok", "ok"]
    assert f"in the midst of a training: {scripted.DIE} (seed 0, once)" in output
    tried = max(1, retries)
    assert crashes(tmp_path) == ["driver", *["worker"] * tried]
    assert not (tmp_path / "study.db-running").exists()
    # It stays failed, and nothing is said of it any more.
    code, output = run(tmp_path, crash, times=1_000, retries=retries)
    assert (code, statuses(output)) == (0, ["ok", "ok", "failed", "ok", "ok"])
    assert "died" not in output
    assert len(crashes(tmp_path)) == 1 + tried


def test_a_process_that_was_killed_is_not_the_candidates_fault(tmp_path) -> None:
    assert run(tmp_path, "kill", times=1, retries=0)[0] == -signal.SIGKILL
    code, output = run(tmp_path, "kill", times=1, retries=0)
    assert code == 0
    assert [line for line in output.splitlines() if line[0].isdigit()] == [
        f"{fitness_of(loss)} ok" for loss in LOSSES
    ]
    assert crashes(tmp_path) == ["driver", "worker"]
    assert not (tmp_path / "study.db-running").exists()


def test_a_run_that_is_killed_while_it_tries_a_suspect_clears_it(tmp_path, monkeypatch) -> None:
    running = tmp_path / "study.db-running"
    (loss,) = ordinary(1)
    died_in_the_midst_of(running, loss)
    task = ScriptedTask(str(tmp_path))

    class Killed(BaseException):
        pass

    def killed(self) -> None:
        raise Killed

    monkeypatch.setattr(WorkerProcess, "start", killed)
    guard = CrashGuard(LocalStrategy(), StartedTrainings(running))
    guard.start(task)
    with pytest.raises(Killed):
        guard.submit(Request(Candidate(loss), 0), "local")
    assert suspects(running) == []
    guard = CrashGuard(LocalStrategy(), StartedTrainings(running))
    guard.start(task)
    guard.submit(Request(Candidate(loss), 0), "local")
    (result,) = guard.wait()
    assert result.outcome.fitness == fitness_of(loss)


def requests_of(losses) -> list[Request]:
    return [Request(Candidate(loss), 0) for loss in losses]


def died_in_the_midst_of(path: pathlib.Path, *losses: Expression) -> None:
    """What is left of a process that was killed while it trained."""
    started = StartedTrainings(path)
    for request in requests_of(losses):
        started.begin(request)


def suspects(path: pathlib.Path) -> list[Suspect]:
    return list(StartedTrainings(path).suspects.values())


def test_deaths_are_counted_until_a_training_ends(tmp_path) -> None:
    path = tmp_path / "running"
    one, other = ordinary(2)
    died_in_the_midst_of(path, one, other)
    assert suspects(path) == [Suspect(str(loss), 0, 1, False) for loss in (one, other)]
    assert not any(suspect.endangers for suspect in suspects(path))
    started = StartedTrainings(path)
    started.begin(Request(Candidate(one), 0))
    once = Suspect(str(other), 0, 1, False)
    assert suspects(path) == [Suspect(str(one), 0, 2, True), once]
    started.end(Request(Candidate(one), 0))
    assert suspects(path) == [once]
    started.begin(Request(Candidate(one), 1))
    started.close()  # in order: what runs is given up, and no suspect
    assert suspects(path) == [once]
    died_in_the_midst_of(path, one, other)
    assert all(suspect.endangers == (suspect.candidate == str(other)) for suspect in suspects(path))
    started = StartedTrainings(path)
    for request in requests_of([one, other]):
        started.end(request)
    started.close()
    assert not path.exists()


def test_looking_changes_nothing(tmp_path) -> None:
    path = tmp_path / "running"
    died_in_the_midst_of(path, *ordinary(1))
    before = path.read_bytes()
    for _ in range(3):
        looking = StartedTrainings(path)
        assert [suspect.deaths for suspect in looking.suspects.values()] == [1]
        looking.close()
    assert path.read_bytes() == before


@given(st.data())
def test_a_damaged_file_accuses_nobody_else(tmp_path_factory, data) -> None:
    path = tmp_path_factory.mktemp("damaged") / "running"
    died_in_the_midst_of(path, *ordinary(3))
    whole, known = path.read_bytes(), suspects(path)
    place = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "foreign"]))
    if kind == "flip":
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(spoilt)
    else:
        foreign = data.draw(st.binary(max_size=200)) if kind == "foreign" else b""
        path.write_bytes(whole[:place] + foreign)
    assert {suspect.candidate for suspect in suspects(path)} <= {
        suspect.candidate for suspect in known
    }
    assert all(suspect.deaths == 1 for suspect in suspects(path))


def test_no_room_for_the_names_ends_the_search(tmp_path) -> None:
    with pytest.raises(StudyError, match="room and permission to write"):
        StartedTrainings(tmp_path / "gone" / "running").begin(Request(Candidate(ordinary(1)[0]), 0))


def test_the_file_names_what_runs_while_it_runs(tmp_path) -> None:
    path = tmp_path / "running"
    started = StartedTrainings(path)
    guard = CrashGuard(LocalStrategy(), started)
    guard.start(ScriptedTask(str(tmp_path)))
    (loss,) = ordinary(1)
    guard.submit(Request(Candidate(loss), 7), "local")
    line = path.read_text().splitlines()[0]
    noted = json.loads(line.partition(" ")[2])
    assert (noted["candidate"], noted["seed"], noted["running"]) == (str(loss), 7, True)
    guard.wait()
    assert path.read_text() == ""
    guard.submit(Request(Candidate(loss), 8), "local")
    guard.close()
    started.close()
    assert not path.exists()


def test_a_training_that_ctrl_c_ends_is_no_suspect(tmp_path) -> None:
    class Interrupted(ScriptedTask):
        def make_trainer(self):
            return self

        def evaluate(self, request, check=lambda: None):
            raise KeyboardInterrupt

    path = tmp_path / "running"
    guard = CrashGuard(LocalStrategy(), StartedTrainings(path))
    guard.start(Interrupted(str(tmp_path)))
    guard.submit(Request(Candidate(ordinary(1)[0]), 0), "local")
    with pytest.raises(KeyboardInterrupt):
        guard.wait()
    assert suspects(path) == []


def test_of_several_that_ran_each_gets_another_chance(tmp_path, caplog) -> None:
    path = tmp_path / "study.db"
    running = tmp_path / "study.db-running"
    losses = ordinary(2)
    task = ScriptedTask(str(tmp_path))

    def places() -> list[str]:
        study = Study.open(path, task.description, {})
        dispatcher = Dispatcher(task, DevicesStrategy(["CPU:0", "CPU"]), study)
        evaluations = list(dispatcher.evaluate(requests_of(losses)))
        assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
        query = "SELECT worker FROM evaluations ORDER BY loss"
        found = [where for (where,) in study._connection.execute(query)]
        study.forget(requests_of(losses))
        dispatcher.close()
        return found

    assert not any("process" in where for where in places())
    died_in_the_midst_of(running, *losses)
    with caplog.at_level(logging.WARNING, "glo_tf"):
        assert not any("process" in where for where in places())
    assert sum("died in the midst" in message for message in caplog.messages) == 2
    assert not running.exists()
    for _ in range(2):
        died_in_the_midst_of(running, *losses)
    assert all("process" in where for where in places())


@pytest.mark.parametrize("deaths", [1, 2, 3])
def test_what_cannot_be_tried_apart_fails_after_three_deaths(tmp_path, deaths) -> None:
    path = tmp_path / "study.db"
    lock = threading.Lock()  # what cannot be sent

    class Held(ScriptedTask):
        def make_trainer(self):
            assert lock is not None
            return self

    (loss,) = ordinary(1)
    for _ in range(deaths):
        died_in_the_midst_of(tmp_path / "study.db-running", loss)
    task = Held(str(tmp_path))
    study = Study.open(path, task.description, {})
    policy = FailurePolicy(candidate_retries=0)
    dispatcher = Dispatcher(task, LocalStrategy(), study, policy)
    (evaluation,) = dispatcher.evaluate(requests_of([loss]))
    dispatcher.close()
    assert evaluation.status == ("failed" if deaths == 3 else "ok")


def test_a_run_with_a_convict_trains_the_rest_apart(tmp_path) -> None:
    assert run(tmp_path, "exit", times=1_000)[0] == 3
    assert run(tmp_path, "exit", times=1_000)[0] == 0
    study = Study.open(tmp_path / "study.db", {"times": 0}, {})
    query = "SELECT loss, worker LIKE '%process%' FROM evaluations ORDER BY id"
    apart = dict(study._connection.execute(query).fetchall())
    study.close()
    assert apart == {str(loss): number > 1 for number, loss in enumerate(LOSSES)}


@pytest.mark.parametrize("silenced", [False, True])
def test_a_native_crash_prints_the_python_stack(silenced) -> None:
    code = (
        "import ctypes, os\n"
        "from glo_tf.utils.interruption import stack_of_crashes\n"
        "def model(): ctypes.string_at(0)\n"
        "with stack_of_crashes():\n"
        f"    {silenced} and os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"
        "    model()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert 'File "<string>", line 3 in model' in done.stderr
