"""How Hypothesis draws, what tests share, and what they leave out to be quick."""

import functools
import gc
import json
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import blank_figure
import examined_once
import filelock
import forked_workers
import installed_plugins
import pytest
import quick_process
import ray_clusters
import side_programs
from hypothesis import HealthCheck, settings
from side_programs import Ended, Program

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

# XLA compiles in half the time. Trained is too little, here, for its code to be worth polishing.
# It reads this when it first compiles; processes that tests start inherit it.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false",
)

# What is imported while tests are collected is no garbage; to look for some takes a second.
gc.disable()

PLUGINS = pathlib.Path(__file__).parents[1] / "plugins"

# The same examples each time, wherever and however the tests are run; `make explore` draws others,
# and ten times as many. No profile has a limit of time: that is a matter of the machine.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile(
    "explore", settings.get_profile("repeatable"), derandomize=False, max_examples=1000
)
settings.load_profile("repeatable")

pytest_plugins = ["chosen_tests"]


def pytest_collection_finish() -> None:
    gc.enable()
    quick_process.begin()


@pytest.fixture(scope="session", autouse=True)
def _programs_beside(request, tmp_path_factory) -> Iterator[pathlib.Path]:
    """The folder of the programs that run beside the tests, for all workers."""
    base = tmp_path_factory.getbasetemp()
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    folder = (base.parent if worker else base) / "beside"
    marks = (item.get_closest_marker("beside") for item in request.session.items)
    programs = {mark.args[0].name: mark.args[0] for mark in marks if mark is not None}
    begins = bool(programs) and worker in (None, "gw0")
    if begins:
        side_programs.begin([*programs.values()], folder)
    yield folder
    session = request.session
    if begins and not session.shouldfail and session.exitstatus != pytest.ExitCode.INTERRUPTED:
        side_programs.wait(folder)  # others may need them


@pytest.fixture(scope="session")
def beside(_programs_beside) -> Callable[[Program], Ended]:
    """What became of a program that runs beside the tests; waits for its end."""
    return functools.partial(side_programs.result, folder=_programs_beside)


@pytest.fixture(scope="session", autouse=True)
def _blank_figures() -> Iterator[None]:
    with blank_figure.blank():
        yield


@pytest.fixture(scope="session", autouse=True)
def _models_examined_once() -> Iterator[None]:
    with examined_once.examined_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def _forked_workers() -> Iterator[None]:
    with forked_workers.forked():
        yield


@pytest.fixture
def started_workers() -> Iterator[None]:
    """Worker processes start as those of users do, as children: for a test that looks at that."""
    with forked_workers.started():
        yield


@pytest.fixture
def made_figures() -> Iterator[None]:
    """Reports make their figures, and don't draw them: for tests of what they are made of."""
    with blank_figure.made():
        yield


@pytest.fixture
def drawn_figures() -> Iterator[None]:
    """Something is on the figures of reports: for a test that looks at them."""
    with blank_figure.drawn():
        yield


@pytest.fixture(scope="session")
def ray_cluster() -> "Iterator[Cluster]":
    """One of two nodes, with one CPU each, which no test takes from it."""
    with ray_clusters.cluster_of(2) as cluster:
        yield cluster


_trainers: dict[str, object] = {}


@pytest.fixture
def shared_trainers(monkeypatch) -> None:
    """Tasks that are alike have one trainer, compiled once: what it did before changes nothing."""
    from glo_tf.training.task import TrainingTask

    make = TrainingTask.make_trainer

    def shared(task: TrainingTask) -> object:
        key = json.dumps(task.description, sort_keys=True)
        if key not in _trainers:
            _trainers[key] = make(task)
        return _trainers[key]

    monkeypatch.setattr(TrainingTask, "make_trainer", shared)


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Callable[..., dict[str, str]]:
    """Installs plugins of this repository by name; returns the environment that finds them.

    Each is installed once, in a folder of its own, for all workers of a run of tests.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def install(*names: str) -> dict[str, str]:
        folders = [shared / "plugins" / name for name in names]
        for folder in folders:
            folder.parent.mkdir(exist_ok=True)
            with filelock.FileLock(f"{folder}.lock"):
                if not (folder / "done").exists():
                    installed_plugins.install(PLUGINS / folder.name, folder)
                    (folder / "done").touch()
        return installed_plugins.environment(*folders)

    return install
