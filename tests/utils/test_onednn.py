"""oneDNN: turned on before TensorFlow is imported, and part of what a training depends on."""

import functools
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from glo_tf.architectures import NamedArchitecture
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.search.loss_search import LossSearch
from glo_tf.strategies import TrainingError
from glo_tf.strategies.ray import RayStrategy
from glo_tf.testing.scripted_task import ordinary
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request
from glo_tf.utils import onednn

on_x86 = pytest.mark.skipif(
    not os.environ.get(onednn.VARIABLE), reason="TensorFlow's choice stays on this processor"
)


def run(code: str, setting: str | None, *arguments: str) -> str:
    """What a program writes, errors included, in a process that begins with this setting."""
    environment = {k: v for k, v in os.environ.items() if k != onednn.VARIABLE}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if setting is not None:
        environment[onednn.VARIABLE] = setting
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@on_x86
@pytest.mark.parametrize(
    ("setting", "then"), [(None, "1"), ("", "1"), ("0", "0"), ("1", "1"), ("-1", "-1")]
)
def test_it_is_turned_on_unless_the_user_has_decided(setting, then) -> None:
    code = (
        "import os, sys, glo_tf; print(os.environ['TF_ENABLE_ONEDNN_OPTS']); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert run(code, setting).strip() == then


@pytest.mark.slow
@on_x86
def test_tensorflow_heeds_it() -> None:
    assert "on: True" in run(
        "from glo_tf import Baikal; from glo_tf.utils import onednn; print('on:', onednn.is_on())",
        None,
    )


SEARCH_TWICE = """
import os
import sys
import keras
import numpy as np
import tensorflow

def build():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])

def search_twice():
    from glo_tf import LossSearch
    from glo_tf.utils import onednn

    data = np.ones((30, 2), np.float32), np.arange(30) % 3
    for _ in range(2):
        search = LossSearch(build, data, data, train_steps=5, batch_size=10)
        print("described:", search.task.description[onednn.VARIABLE])
    print("children:", os.environ[onednn.VARIABLE])

for before in sys.argv[1:]:
    print("BEFORE", before, flush=True)
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
    else:
        exec(before)
        search_twice()
        sys.stdout.flush()
        os._exit(0)
"""
BEFORE = {
    # As on a CPU on which TensorFlow leaves it off.
    "del os.environ['TF_ENABLE_ONEDNN_OPTS']": 1,
    "os.environ['TF_ENABLE_ONEDNN_OPTS'] = '1'": 1,
    "pass": 0,
}
"""What is done after TensorFlow's import without it, and how many warnings follow."""


@functools.cache
def searched_twice() -> dict[str, str]:
    """What is written after each, in processes that one import of TensorFlow serves."""
    output = run(SEARCH_TWICE, "0", *BEFORE)
    parts = (part.partition("\n") for part in output.split("BEFORE ")[1:])
    return {before: written for before, _, written in parts}


@pytest.mark.slow
@on_x86
@pytest.mark.parametrize("before", BEFORE)
def test_one_warning_where_tensorflow_was_imported_without_it(before) -> None:
    output = searched_twice()[before]
    assert output.count("described: 0") == 2
    assert "children: 0" in output
    assert output.count("leaves oneDNN off on this CPU") == BEFORE[before]


def build_model() -> keras.Model:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])


def search(model=build_model, **arguments) -> LossSearch:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(60, 2)).astype(np.float32), np.arange(60) % 3
    sizes = {"train_steps": 5, "batch_size": 10, "population_size": 6, "elites": 1}
    return LossSearch(model, data, data, **sizes, generations=1, **arguments)


@pytest.mark.slow
def test_a_search_is_not_continued_with_other_kernels(tmp_path, monkeypatch) -> None:
    search(output_dir=tmp_path).evaluate(["-(x*log(y))"])
    here = onednn.is_on()
    monkeypatch.setattr(onednn, "is_on", lambda: not here)
    received = f'task.{onednn.VARIABLE}="{int(not here)}" \\(there: "{int(here)}"\\)'
    with pytest.raises(ValueError, match=received):
        search(output_dir=tmp_path)
    monkeypatch.undo()
    assert search(output_dir=tmp_path).trained_before == 1


@pytest.mark.ray
def test_workers_on_ray_import_tensorflow_as_the_variable_here_says(
    monkeypatch, ray_cluster
) -> None:
    """The opposite of what this process does, so that the worker has to refuse."""
    monkeypatch.setenv(onednn.VARIABLE, "0" if onednn.is_on() else "1")
    task = search(NamedArchitecture("mlp", (2,), 3)).task
    strategy = RayStrategy(ray_cluster.address, num_workers=1, num_cpus=1)
    dispatcher = Dispatcher(task, strategy, Study.in_memory(task.description), FailurePolicy())
    with pytest.raises(TrainingError, match=f"Expected {onednn.VARIABLE} {int(onednn.is_on())}"):
        list(dispatcher.evaluate([Request(Candidate(ordinary(1)[0]), 0)]))
    dispatcher.close()
