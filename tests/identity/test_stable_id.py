"""Names that stay when the package's code moves, in what tells searches apart."""

import contextlib
import functools
import importlib.util
import inspect
import pkgutil
import types
from collections.abc import Iterator

import pytest

import glo_tf
from glo_tf import gplearn_operators, operators, search_spaces
from glo_tf.cli import fields
from glo_tf.execution import study_settings
from glo_tf.expressions import tree
from glo_tf.identity.code_identity import code_of
from glo_tf.identity.stable_id import is_ours, stable_id, stable_name
from glo_tf.results import comparison_file, record
from glo_tf.search.coefficients import parameterization
from glo_tf.search.config import SearchArguments
from glo_tf.search.genetic import operators as genetic
from glo_tf.search.settings import SearchSettings
from glo_tf.search.spaces import taylor
from glo_tf.training import candidate, trial

MOVED = (
    *(operators.GloOperators, gplearn_operators.GplearnOperators, glo_tf.SearchSpace),
    *(parameterization.Parameterization, taylor.polynomial, taylor.lifts_the_label),
    *(tree.Expression, candidate.Candidate, record.Phase, trial.Status, genetic.within_limits),
)
WITH_ID = MOVED[:6]


@contextlib.contextmanager
def moved(place: str, *things: types.FunctionType | type, prefix: str = "") -> Iterator[None]:
    """As if the things were in another module, and had names that begin otherwise."""
    before = [(thing, thing.__module__, thing.__qualname__) for thing in things]
    try:
        for thing, _, name in before:
            thing.__module__, thing.__qualname__ = place, prefix + name
        yield
    finally:
        for thing, module, name in before:
            thing.__module__, thing.__qualname__ = module, name


class OwnOperators(operators.GloOperators):
    """A user's, which refer to much of the package."""

    def breed(self, select, rng):
        parent = select()
        if trial.Status.OK == record.Phase.DISCOVERY:
            return [tree.Expression.parse("x*y")]
        return [genetic.within_limits(parent.nodes, parent, self.max_size)]


def own_invariant(loss, num_classes, also=(taylor.lifts_the_label, genetic.within_limits)):
    return isinstance(loss, tree.Expression) and also[0](loss, num_classes)


def small_model() -> None:
    """Is not called."""


def description(case: str) -> object:
    """What tells a search of that kind from others, as a study holds it."""
    space = {
        "taylor": taylor.taylor,
        "glo": search_spaces.glo,
        "gplearn": search_spaces.glo_extended,
        "own": lambda: glo_tf.SearchSpace(
            "own", "own", search_spaces.glo().weights, invariant=own_invariant
        ),
    }[case]()
    breeding = {"gplearn": gplearn_operators.GplearnOperators, "own": OwnOperators}.get(case)
    given = SearchArguments(
        small_model, (), (), search_space=space, operators=breeding and breeding(space)
    )
    return study_settings.flat(SearchSettings.of(given).description())


@pytest.mark.parametrize("case", ["taylor", "glo", "gplearn", "own"])
def test_code_that_moves_within_the_package_changes_no_description(case) -> None:
    before = description(case)
    with moved("glo_tf.elsewhere.entirely", *MOVED):
        assert description(case) == before


@pytest.mark.parametrize("case", ["taylor", "glo", "gplearn", "own"])
def test_what_has_an_id_may_be_called_as_it_likes(case) -> None:
    before = description(case)
    with moved("another_package.module", *WITH_ID, prefix="New"):
        assert description(case) == before


def test_a_description_names_no_module_of_the_package() -> None:
    for case in ("taylor", "glo", "gplearn"):
        assert "glo_tf." not in str(description(case))
    assert description("glo")["operators.class"] == '"glo_tf:GloOperators"'
    assert description("taylor")["search_space.invariant"] == '"glo_tf:taylor_invariant"'


def test_code_of_users_is_told_by_where_it_stands_and_what_it_does() -> None:
    own = description("own")
    assert own["operators.class"] == f'"{__name__}.OwnOperators"'
    assert own["search_space.invariant"] == f'"{__name__}.own_invariant"'
    assert {"operators.code", "search_space.code"} <= own.keys()
    with moved("another_module", OwnOperators):
        assert description("own")["operators.class"] == '"another_module.OwnOperators"'


def test_other_classes_and_functions_are_other_ones() -> None:
    one, other, third = (
        code_of(lambda thing=thing: thing)
        for thing in (operators.GloOperators, gplearn_operators.GplearnOperators, OwnOperators)
    )
    assert len({one, other, third}) == 3
    # Of one name, in two modules.
    assert comparison_file._value.__qualname__ == fields._value.__qualname__
    one, other = (
        code_of(lambda thing=thing: thing) for thing in (comparison_file._value, fields._value)
    )
    assert one != other


@pytest.mark.installed
def test_no_two_classes_of_the_package_have_one_name() -> None:
    found: dict[str, object] = {}
    absent = () if importlib.util.find_spec("jax") else ("glo_tf.training.jax",)
    for module in pkgutil.walk_packages(glo_tf.__path__, "glo_tf."):
        if ".templates" in module.name or module.name.startswith(absent):
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(thing) and is_ours(thing):
                assert found.setdefault(stable_name(thing), thing) is thing, stable_name(thing)
    assert len(found) > 100


def test_an_id_is_given_once() -> None:
    with pytest.raises(ValueError, match=r"^Expected an id of its own. Received: GloOperators, "):
        stable_id("GloOperators")(OwnOperators)
    assert stable_id("GloOperators")(operators.GloOperators) is operators.GloOperators


def test_neither_a_subclass_nor_a_wrapper_of_the_users_has_the_id() -> None:
    @functools.wraps(taylor.lifts_the_label)
    def wrapper(loss, num_classes):
        return not taylor.lifts_the_label(loss, num_classes)

    assert stable_name(OwnOperators) == f"{__name__}.OwnOperators"
    assert stable_name(taylor.lifts_the_label) == "glo_tf:taylor_invariant"
    assert stable_name(wrapper) != stable_name(taylor.lifts_the_label)


def test_whatever_users_have_is_not_the_packages() -> None:
    class Meta(type):
        __hash__ = None

        def __eq__(cls, other):
            return True

    class Odd(metaclass=Meta):
        pass

    def nowhere():
        return 1

    nowhere.__module__ = None
    assert not is_ours(Odd)
    assert not is_ours(nowhere)
    assert code_of(Odd) == code_of(Odd) is not None
    assert code_of(nowhere) is not None
