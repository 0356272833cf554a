"""What machines with JAX, NumPy and wheels that are carried along can do."""

from __future__ import annotations

import ast
import importlib
import pathlib
import sys

import pytest
from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).parents[3]
BENCHMARKS = ROOT / "benchmarks"
OF_JAX = {"jax", "numpy", "scipy"}
"""What a machine with JAX has."""
TENSORFLOW = {"tensorflow", "tensorflow-datasets"}


def imported(name: str) -> set[str]:
    """Modules that a benchmark imports anywhere, with what it imports from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((BENCHMARKS / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            found |= {f"{node.module}:{alias.name}" for alias in node.names}
    siblings = {module for module in found if (BENCHMARKS / f"{_module(module)}.py").exists()}
    return found.difference(siblings).union(*map(imported, map(_module, siblings)))


def _module(imported: str) -> str:
    return imported.partition(":")[0]


@pytest.mark.parametrize("name", ["paper_scale", "lanes", "paper_search"])
def test_what_a_benchmark_of_gpus_imports_is_there_without_tensorflow(name: str) -> None:
    assert not {"tensorflow", "tensorflow_datasets"} & sys.modules.keys()
    needed = imported(name)
    assert {"glo_tf", "glo_tf:architectures", "absl:app", "numpy"} <= needed
    for module, _, member in (one.partition(":") for one in needed):
        loaded = importlib.import_module(module)
        if member and not hasattr(loaded, member):
            importlib.import_module(f"{module}.{member}")
    assert not {"tensorflow", "tensorflow_datasets"} & sys.modules.keys()


def test_the_wheels_that_are_carried_are_those_that_are_asked_for() -> None:
    lines = (BENCHMARKS / "carried.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.partition("==") for line in lines if not line.startswith("#")]
    carried = {name: version for name, _, version in pinned}
    (call,) = (
        node.value
        for node in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )
    (asked,) = (word.value for word in call.keywords if word.arg == "install_requires")
    for one in map(Requirement, ast.literal_eval(asked)):
        if one.name not in OF_JAX | TENSORFLOW:
            assert carried[one.name.replace("_", "-")] in one.specifier
    assert not carried.keys() & (OF_JAX | TENSORFLOW)
