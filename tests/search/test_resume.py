"""Searches that are killed, interrupted or out of disk, and continue as if nothing had happened."""

import contextlib
import ipaddress
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import time

import psutil
import pytest
from processes import needs_ray, results, run, start, trainings, wait_for
from psutil import CONN_LISTEN as LISTEN

from glo_tf.execution.started import StartedTrainings
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

KILLS = int(os.environ.get("GLO_TF_KILLS", "12"))


pytestmark = pytest.mark.slow
FLAGS = {"process": ["--strategy=local", "--strategy_options=process=true"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> pathlib.Path:
    """An uninterrupted search."""
    folder = tmp_path_factory.mktemp("whole") / "search"
    assert run(folder) == 0
    return folder


@pytest.mark.timeout(900 + 60 * KILLS)
def test_a_search_killed_at_random_moments_ends_like_an_uninterrupted_one(tmp_path, whole) -> None:
    total = len(trainings(whole))
    draw = random.Random(0)
    kills = kept = searches = 0
    while kills < KILLS:
        folder = tmp_path / str(searches)
        searches += 1
        finished: dict[int, sqlite3.Row] = {}
        goal = 0  # trainings: the first time, it is killed while it starts
        while True:
            process = start(folder)
            while process.is_alive() and len(trainings(folder)) < goal:
                time.sleep(0.05)
            process.join(draw.random() if goal == 0 else draw.uniform(0.0, 0.2))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            kills += 1
            now = trainings(folder)
            # Not one row is lost, or was written anew: nothing finished is trained again.
            assert finished.items() <= now.items()
            finished = now
            goal = len(finished) + draw.randint(1, total // 4)
        assert process.exitcode == 0, folder.with_name(folder.name + ".err").read_text()
        assert finished.items() <= trainings(folder).items()
        assert results(folder) == results(whole)
        kept += len(finished)
    assert kept > 0
    print(f"{kills} kills, {searches} searches, {kept} trainings taken over")


def test_a_finished_search_is_repeated_from_its_study_alone(tmp_path, whole) -> None:
    before = trainings(whole)
    assert run(whole) == 0
    assert trainings(whole) == before
    output = whole.with_name("search.out").read_text()
    assert f"Resuming in {whole}: {len(before)} trainings are done." in output


def test_a_run_names_what_an_earlier_one_died_of(tmp_path, whole) -> None:
    folder = shutil.copytree(whole, tmp_path / "search")
    loss = next(row["loss"] for row in trainings(folder).values() if row["seed"] == 3)
    StartedTrainings(folder / "study.db-running").begin(
        Request(Candidate(Expression.parse(loss)), 3)
    )
    named = f"An earlier run died in the midst of training {loss} (seed 3, once)."
    for expected in (True, False):  # it is in the study, so it did not die of it
        assert run(folder) == 0
        assert (named in (tmp_path / "search.out").read_text()) == expected
    assert results(folder) == results(whole)


# What a signal does is decided before strategies differ; each is let go of after one of them.
@pytest.mark.parametrize(
    ("strategy", "devices", "number"),
    [
        ("local", 0, signal.SIGINT),
        ("local", 0, signal.SIGTERM),
        ("process", 0, signal.SIGINT),
        ("devices", 2, signal.SIGTERM),
        pytest.param("ray", 0, signal.SIGINT, marks=pytest.mark.ray),
    ],
    ids=str,
)
def test_a_signal_ends_a_search_in_order(tmp_path, whole, strategy, devices, number) -> None:
    if strategy == "ray":
        needs_ray()
    folder = tmp_path / "search"
    flags = FLAGS.get(strategy, [f"--strategy={strategy}"])
    process = start(folder, *flags, devices=devices, own_workers=True)
    wait_for(lambda: len(trainings(folder)) >= 3, process)
    own = psutil.Process(process.pid)
    children = own.children(recursive=True)
    assert bool(children) == (strategy in ("process", "ray"))
    listening = [
        c.laddr.ip for child in children for c in _connections(child) if c.status == LISTEN
    ]
    assert all(ipaddress.ip_address(ip.removeprefix("::ffff:")).is_loopback for ip in listening)
    assert bool(listening) == (strategy == "ray")
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode == 128 + number
    assert "Ended before its time" in (tmp_path / "search.out").read_text()
    assert (tmp_path / "search.err").read_text() == ""
    assert (folder / "history.csv").exists()
    wait_for(lambda: not any(map(_lives, children)))
    finished = trainings(folder)
    assert run(folder) == 0
    assert finished.items() <= trainings(folder).items()
    assert results(folder) == results(whole)


@pytest.mark.ray
def test_the_workers_of_a_killed_search_end_with_it(tmp_path, whole) -> None:
    needs_ray()
    folder = tmp_path / "search"
    process = start(folder, "--strategy=ray")
    wait_for(lambda: len(trainings(folder)) >= 3, process)
    children = psutil.Process(process.pid).children(recursive=True)
    # Two agents of Ray's own try to report the death for a minute before they follow.
    children = [child for child in children if not child.name().endswith("Agent")]
    process.kill()
    process.join()
    assert children
    wait_for(lambda: not any(map(_lives, children)))
    assert run(folder) == 0
    assert results(folder) == results(whole)


def test_a_full_disk_ends_a_search_that_continues_with_room(tmp_path, whole) -> None:
    folder = tmp_path / "search"
    assert run(folder, file_size=20_000) == 2  # not even the empty study has room
    assert "Expected room and permission to write" in (tmp_path / "search.err").read_text()
    assert run(folder, file_size=200_000) == 1
    error = (tmp_path / "search.err").read_text()
    assert error.startswith("glo-tf: error: Expected room and permission to write. Received: '")
    assert error.count("\n") == 1
    finished = trainings(folder)
    assert finished
    assert run(folder) == 0
    assert finished.items() <= trainings(folder).items()
    assert results(folder) == results(whole)


def _delete_study(folder: pathlib.Path) -> None:
    (folder / "study.db").unlink()


def _replace_study(folder: pathlib.Path) -> None:
    _delete_study(folder)
    (folder / "study.db").write_text("mine")


@pytest.mark.parametrize(
    "vanish", [_delete_study, _replace_study, shutil.rmtree], ids=["study", "another", "folder"]
)
def test_a_study_that_vanishes_is_saved_and_continues_elsewhere(tmp_path, whole, vanish) -> None:
    folder = tmp_path / "search"
    process = start(folder)
    wait_for(lambda: len(trainings(folder)) >= 3, process)
    finished = trainings(folder)
    vanish(folder)
    process.join()
    assert process.exitcode == 1
    error = (tmp_path / "search.err").read_text()
    assert error.startswith(f"glo-tf: error: Expected '{folder / 'study.db'}' to stay as it is ")
    assert error.count("\n") == 1
    assert "same command" not in error + (tmp_path / "search.out").read_text()
    rescued = pathlib.Path(re.search(r"--output_dir=(.*?)\)", error)[1])
    assert rescued.parent == tmp_path
    assert finished.items() <= trainings(rescued).items()
    if vanish is _replace_study:
        assert (folder / "study.db").read_text() == "mine"
    assert run(rescued) == 0
    assert results(rescued) == results(whole)


def test_a_corrupt_study_is_bad_input_and_left_alone(tmp_path, whole) -> None:
    folder = tmp_path / "search"
    folder.mkdir()
    spoilt = (whole / "study.db").read_bytes()[:3000]
    (folder / "study.db").write_bytes(spoilt)
    assert run(folder) == 2
    assert "which is corrupt" in (tmp_path / "search.err").read_text()
    assert (folder / "study.db").read_bytes() == spoilt


@pytest.mark.parametrize("devices", [1, 4])
def test_devices_give_the_history_of_local(tmp_path, whole, devices) -> None:
    folder = tmp_path / "search"
    assert run(folder, "--strategy=devices", devices=devices) == 0
    assert results(folder) == results(whole)
    where = {row["worker"] for row in trainings(folder).values()}
    assert len(where) == devices


def _connections(process: psutil.Process) -> list:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.net_connections(kind="tcp")
    return []


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
