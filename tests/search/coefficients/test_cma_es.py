"""The coefficient search, on fitness functions whose best coefficients are known."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from told import evaluated

from glo_tf.expressions.tree import Expression
from glo_tf.search.ask_tell import tree_of
from glo_tf.search.coefficients.cma_es import CoefficientSearch
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.training.candidate import Candidate

BAIKAL = Expression.parse("log(y) - x/y")
OF_BAIKAL = Parameterization.of_coefficients(BAIKAL)
TARGET = np.array([-2.7, 0.98, 1.5, 1.8, 0.3, -1.1])


Fitness = Callable[[Expression], float | None]


def ask(search: CoefficientSearch) -> list[Expression]:
    """The trees f, of which the candidates' losses are -f."""
    return [tree_of(candidate.loss) for candidate in search.ask()]


def tell(search: CoefficientSearch, fitness: Fitness) -> None:
    evaluations = evaluated(search.ask(), lambda loss: fitness(tree_of(loss)))
    search.tell(evaluations)


def closeness(tree: Expression) -> float:
    return -float(np.sum(np.square(np.subtract(tree.coefficients, TARGET))))


def climb(search: CoefficientSearch, fitness: Fitness, generations: int) -> list[Expression]:
    """The last generation, its best tree first."""
    for _ in range(generations):
        trees = ask(search)
        tell(search, fitness)
    return sorted(trees, key=closeness, reverse=True)


def asked(seed: int, disturb=lambda: None) -> list[Expression]:
    """All trees of three generations."""
    search, trees = CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=seed), []
    for _ in range(3):
        trees += ask(search)
        tell(search, closeness)
        disturb()
    return trees


def test_candidates_are_the_tree_with_other_coefficients() -> None:
    candidates = ask(CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=3))
    assert len(candidates) == 4 + math.floor(3 * math.log(6))
    assert {candidate.nodes for candidate in candidates} == {BAIKAL.nodes}
    assert len({*candidates, BAIKAL}) == len(candidates) + 1


def test_the_search_starts_around_ones_whatever_the_trees_coefficients() -> None:
    tree = BAIKAL.with_coefficients([100.0] * 6)
    start = Parameterization.of_coefficients(tree)
    candidates = ask(CoefficientSearch(start, sigma0=1e-3, population_size=7, seed=0))
    assert len(candidates) == 7
    for candidate in candidates:
        np.testing.assert_allclose(candidate.coefficients, 1, atol=0.01)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**63])
def test_the_seed_fixes_the_candidates(seed: int) -> None:
    assert asked(seed) == asked(seed)


def test_seeds_differ() -> None:
    assert len({*asked(0), *asked(1), *asked(2)}) == 3 * len(asked(0))


def test_numpys_global_generator_is_neither_used_nor_changed() -> None:
    np.random.seed(0)
    before = np.random.random()
    np.random.seed(0)
    undisturbed = asked(5)
    assert np.random.random() == before
    assert asked(5, disturb=lambda: np.random.seed(0)) == undisturbed


def test_the_search_finds_known_coefficients_and_then_stops() -> None:
    search = CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=0)
    np.testing.assert_allclose(climb(search, closeness, 150)[0].coefficients, TARGET, atol=1e-3)
    assert not search.stopped
    for _ in range(500):
        if search.stopped:
            break
        climb(search, closeness, 1)
    assert search.stopped


@pytest.mark.parametrize("failure", [None, math.nan, math.inf, -math.inf])
def test_the_search_keeps_away_from_where_trainings_fail(failure: float | None) -> None:
    """The target lies behind the border, so only the failures hold the search back."""

    def fitness(tree: Expression) -> float | None:
        return failure if tree.coefficients[3] > 1.2 else closeness(tree)

    candidates = climb(CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=0), fitness, 150)
    best = next(candidate for candidate in candidates if candidate.coefficients[3] <= 1.2)
    expected = [*TARGET[:3], 1.2, *TARGET[4:]]
    np.testing.assert_allclose(best.coefficients, expected, atol=0.05)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e20])
def test_failures_rank_last_whatever_the_scale(
    monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    search, told = CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=0), []
    monkeypatch.setattr(search._strategy, "tell", lambda _, costs: told.extend(costs))
    failures = [None, math.nan, math.inf, -math.inf]
    fitnesses = [*failures, *(-scale * value for value in range(len(search.ask()) - 4))]
    given = iter(fitnesses)
    tell(search, lambda _: next(given))
    assert len(set(told[:4])) == 1
    assert math.isfinite(told[0])
    assert told[0] > max(told[4:])
    assert told[4:] == [-fitness for fitness in fitnesses[4:]]


@pytest.mark.parametrize("fitness", [0.0, 0.97, None])
def test_ties_do_not_stop_the_search(fitness: float | None) -> None:
    search = CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=0)
    for _ in range(20):
        tell(search, lambda _: fitness)
        assert not search.stopped
    best = climb(search, closeness, 200)[0]
    np.testing.assert_allclose(best.coefficients, TARGET, atol=0.05)


@pytest.mark.parametrize("sigma0", [0.0, -1.5, math.nan])
def test_a_sigma0_that_is_not_positive_is_refused(sigma0: float) -> None:
    with pytest.raises(ValueError, match=f"Expected a positive sigma0. Received: sigma0={sigma0}"):
        CoefficientSearch(OF_BAIKAL, sigma0=sigma0, seed=0)


@pytest.mark.parametrize("text", ["x", "y", "3"])
def test_a_single_node_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"tree with an operation. Received: expression='{text}'"):
        Parameterization.of_coefficients(Expression.parse(text))


def test_the_search_starts_where_the_parameterization_does() -> None:
    def line(parameters: Sequence[float]) -> Expression:
        slope, intercept = parameters
        return Expression(("+", "y", 1), (1.0, slope, intercept))

    search = CoefficientSearch(
        Parameterization(line, (3.0, -2.0)), sigma0=1e-3, population_size=5, seed=0
    )
    for candidate in ask(search):
        np.testing.assert_allclose(candidate.coefficients, [1, 3, -2], atol=0.01)


def test_steps_from_known_coefficients_are_in_proportion_to_them() -> None:
    known = [-1.0, 0.01, 100.0, 1.0, 0.0, 5.0]
    start = Parameterization.of_coefficients(BAIKAL, known)
    trees = ask(CoefficientSearch(start, sigma0=0.1, population_size=400, seed=0))
    found = np.array([tree.coefficients for tree in trees])
    np.testing.assert_allclose(found.std(axis=0), 0.1 * np.abs([*known[:4], 1.0, 5.0]), rtol=0.2)


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_what_would_be_rejected_is_drawn_anew(share: float) -> None:
    draw, looked_at = np.random.default_rng(0), []

    def passing(candidates: Sequence[Candidate]) -> list[bool]:
        looked_at.extend(candidates)
        verdicts.update({one: bool(draw.random() < share) for one in candidates})
        return [verdicts[one] for one in candidates]

    verdicts: dict[Candidate, bool] = {}
    search = CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=0, passing=passing)
    for _ in range(5):
        looked_at.clear()
        asked_for = search.ask()
        left_out = [one for one in asked_for if not verdicts[one]]
        assert len(looked_at) <= 20 * len(asked_for)
        # Whoever is not replaced has been looked for as often as is worth it.
        assert not left_out or len(looked_at) + len(left_out) > 20 * len(asked_for)
        tell(search, closeness)


def test_the_best_is_found_where_few_candidates_are_trained() -> None:
    """The target lies in a corner of what is trained, which is one vector of sixteen at first."""

    def fine(tree: Expression) -> bool:
        return all(value > 0.9 for value in tree.coefficients[2:])

    def passing(candidates: Sequence[Candidate]) -> list[bool]:
        return [fine(tree_of(one.loss)) for one in candidates]

    def fitness(tree: Expression) -> float | None:
        return closeness(tree) if fine(tree) else None

    target = np.maximum(TARGET, [-np.inf, -np.inf, 0.9, 0.9, 0.9, 0.9])
    search = CoefficientSearch(OF_BAIKAL, sigma0=1.5, seed=0, passing=passing)
    best = climb(search, fitness, 150)[0]
    np.testing.assert_allclose(best.coefficients, target, atol=0.05)
