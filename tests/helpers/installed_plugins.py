"""Plugins installed in a folder of their own, and processes that look for them there."""

import os
import pathlib
import shutil
import subprocess
import sys

import processes


def install(source: pathlib.Path, folder: pathlib.Path) -> dict[str, str]:
    """Installs a plugin into `folder`, and returns the environment of processes that find it."""
    copy = folder / "source" / source.name  # building in the checkout would leave build/ behind
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    run = [*pip, f"--target={folder / 'site'}", str(copy)]
    subprocess.run(run, check=True)
    return environment(folder)


def environment(*folders: pathlib.Path) -> dict[str, str]:
    """Of processes that find what is installed in `folders`."""
    path = os.pathsep.join(str(folder / "site") for folder in folders)
    return {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_tests(tests: pathlib.Path, environment: dict[str, str], *chosen: str) -> str:
    """Runs a plugin's own tests, with warnings as errors; returns what pytest wrote."""
    # Not from the plugin's folder: its modules are to come from where they are installed.
    options = ["-q", *chosen, "-W", "error", "-p", "no:cacheprovider", f"--rootdir={tests}"]
    done = processes.python("-m", "pytest", *options, str(tests), env=environment, cwd=tests)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def glo_tf(*arguments: str, environment: dict[str, str]) -> str:
    """Runs the command line, and returns what it printed."""
    done = processes.python("-m", "glo_tf.main", *arguments, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


QUICK = (
    *("--train_steps=20", "--batch_size=10", "--population_size=10", "--elites=2"),
    *("--generations=2", "--coefficient_expressions=0", "--finalists=0", "--comparison_seeds=0"),
)
"""A search of a few seconds."""
