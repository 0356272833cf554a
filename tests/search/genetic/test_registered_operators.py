"""The registered genetic operators, and how they are chosen."""

import dataclasses

import fake_distribution
import pytest

from glo_tf import plugins
from glo_tf.cli import main as command_line
from glo_tf.cli.flags import define_flags
from glo_tf.cli.search import make_search
from glo_tf.search.config import SearchArguments
from glo_tf.search.genetic.gplearn_operators import GplearnOperators
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.settings import SearchSettings
from glo_tf.search.spaces.space import glo
from glo_tf.testing import OperatorsTestCase, registered

globals().update(registered(OperatorsTestCase, "glo_tf"))

PLUGIN = """
from __future__ import annotations
from glo_tf.operators import GloOperators

class Tame(GloOperators):
    pass

def tame(space, *, strength: float = 0.5, p_crossover: float = 0.3, max_size: int = 9):
    '''Few mutations.'''
    if not 0 <= strength <= 1:
        raise ValueError(f"Expected strength in [0, 1]. Received: strength={strength}")
    made = Tame(space, grow_probability=strength, crossover_probability=p_crossover,
                max_size=max_size)
    return made

def growing(space):
    '''Trees without bounds.'''
    class Growing:
        def breed(self, select, rng):
            nodes = ("+", *select().nodes, *select().nodes)
            return [type(select())(nodes)]
    return Growing()

def foreign(space):
    '''Nodes of other spaces.'''
    from glo_tf import Expression
    class Foreign:
        def breed(self, select, rng):
            return [Expression(("sin", select().nodes[0])) if select().size == 1 else select()]
    return Foreign()

def idle(space):
    '''Parents that live on.'''
    class Idle:
        def breed(self, select, rng):
            return [select()]
    return Idle()

def random_ones(space):
    '''What the global generator likes.'''
    import numpy as np
    from glo_tf import Expression
    class Random:
        def breed(self, select, rng):
            return [Expression(("*", "y", np.random.randint(100)))]
    return Random()
"""


@pytest.fixture
def tame(tmp_path, monkeypatch) -> None:
    names = ("tame", "growing", "foreign", "idle", "random_ones")
    entries = {"glo_tf.operators": [f"{name} = tame_operators:{name}" for name in names]}
    fake_distribution.register(tmp_path / "site", monkeypatch, "tame_operators", entries)
    (tmp_path / "site" / "tame_operators.py").write_text(PLUGIN)


def operators_of(tmp_path, *arguments: str):
    values = define_flags()
    given = ["--train_steps=2", "--population_size=4", "--elites=1", *arguments]
    values(["glo-tf", f"--output_dir={tmp_path / 'out'}", "--overwrite", *given])
    search = make_search(values)
    return search.settings.operators


def test_names_of_the_group_are_those_of_the_command_line() -> None:
    assert plugins.names("glo_tf.operators") == ["glo", "gplearn"]
    assert plugins.load("glo_tf.operators", "glo") is GloOperators
    assert plugins.load("glo_tf.operators", "gplearn") is GplearnOperators


def test_flags_and_options_reach_the_built_in_ones(tmp_path) -> None:
    found = operators_of(tmp_path, "--operators=glo", "--grow_probability=0.5", "--max_size=9")
    assert isinstance(found, GloOperators)
    assert (found.grow_probability, found.shrink_probability, found.max_size) == (0.5, 0.025, 9)
    given = ("--grow_probability=0.5", "--operators_options=grow_probability=0.25,max_size=7")
    found = operators_of(tmp_path, "--operators=glo", *given)
    assert (found.grow_probability, found.max_size) == (0.25, 7)
    options = "--operators_options=p_hoist_mutation=0.02"
    found = operators_of(tmp_path, "--operators=gplearn", "--p_crossover=0.5", options)
    assert isinstance(found, GplearnOperators)
    expected = {"p_crossover": 0.5, "p_hoist_mutation": 0.02, "p_point_replace": 0.05}
    assert {name: found.probabilities[name] for name in expected} == expected


def test_those_of_others_have_their_own_options_and_defaults(tmp_path, tame) -> None:
    found = operators_of(tmp_path, "--operators=tame")
    # `--p_crossover` is of gplearn; `--max_size` is of all.
    assert (found.grow_probability, found.crossover_probability, found.max_size) == (0.5, 0.3, 64)
    options = "--operators_options=strength=0.125,p_crossover=1,max_size=5"
    found = operators_of(tmp_path, "--operators=tame", "--max_size=8", options)
    assert (found.grow_probability, found.crossover_probability, found.max_size) == (0.125, 1.0, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operators=wild"], "gplearn, growing, idle, random_ones, tame (glo_tf.operators)"),
        (["--operators=tame", "--operators_options=strength=7"], "strength in [0, 1]. Received"),
        (["--operators=tame", "--operators_options=force=7"], "genetic operators 'tame'. Received"),
        (["--operators=glo", "--operators_options=p_crossover=1"], "genetic operators 'glo'"),
        (["--operators=gplearn", "--operators_options=p_crossover=2"], "p_crossover in [0, 1]"),
        (["--operators=glo", "--operators_options=max_size=many"], "max_size as int"),
        (["--operators_options=max_size=9"], "Received: no --operators"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    arguments, message, tmp_path, capsys, tame
) -> None:
    folder = tmp_path / "out"
    assert command_line.main(["glo-tf", f"--output_dir={folder}", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("glo-tf: error: Expected")
    assert message in said
    assert said.count("\n") == 1
    assert not folder.exists()


def test_they_are_listed(capsys) -> None:
    assert command_line.main(["glo-tf", "--mode=list"]) == 0
    listed = capsys.readouterr().out
    assert "glo_tf.operators" in listed
    assert "gplearn" in listed


def case_of(name: str) -> OperatorsTestCase:
    return type("Case", (OperatorsTestCase,), {"name": name})()


def test_the_conformance_tests_find_what_is_wrong(tame) -> None:
    with pytest.raises((AssertionError, ValueError), match=r"<=|at most"):
        case_of("growing").test_trees_do_not_grow_beyond_bounds(glo(), {})
    with pytest.raises(AssertionError):
        case_of("random_ones").test_a_seed_decides_all({})
    with pytest.raises(AssertionError, match="sin"):
        case_of("foreign").test_offspring_are_trees_of_the_space(glo(), {})
    with pytest.raises(AssertionError):
        case_of("idle").test_offspring_differ_from_their_parents({})


def test_a_search_takes_them_by_name_or_as_objects() -> None:
    arguments = SearchArguments(model=dict, train_data=(), validation_data=())

    def settings(operators) -> SearchSettings:
        return SearchSettings.of(dataclasses.replace(arguments, operators=operators))

    assert isinstance(settings("gplearn").operators, GplearnOperators)
    own = GloOperators(glo(), max_size=5)
    assert settings(own).operators is own
    assert isinstance(settings(None).operators, GloOperators)
    for wrong in ("wild", 7, GloOperators, ["glo"]):
        with pytest.raises(ValueError, match=r"Expected o.*Received: "):
            settings(wrong)
