"""Both phases through the interface that they share."""

import itertools
import zlib

import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from told import evaluated

from glo_tf.data.outputs import Outputs
from glo_tf.expressions.tree import Expression
from glo_tf.screening.screen import Screen
from glo_tf.search.ask_tell import AskTell, loss_of, tree_of
from glo_tf.search.coefficients.cma_es import CoefficientSearch
from glo_tf.search.coefficients.parameterization import Parameterization
from glo_tf.search.genetic.evolution import Discovery, initial_population, next_generation
from glo_tf.search.genetic.first_generation import first_generation
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.ranking import Ranking
from glo_tf.search.spaces.space import glo
from glo_tf.training.candidate import Candidate, Hyperparameters

BAIKAL = Expression.parse("log(y) - x/y")
RATE = Hyperparameters(learning_rate=0.3)


def discovery(parsimony: float = 0.0, seed: int = 0) -> Discovery:
    rng = np.random.default_rng(seed)
    return Discovery(
        first_generation(glo(), 12, rng, screen=Screen(Outputs.of_classes(10))),
        GloOperators(glo()),
        elites=2,
        ranking=Ranking(parsimony),
        rng=rng,
    )


def coefficients() -> CoefficientSearch:
    return CoefficientSearch(
        Parameterization.of_coefficients(BAIKAL), sigma0=1.5, seed=0, hyperparameters=RATE
    )


each_phase = pytest.mark.parametrize("make", [discovery, coefficients])


def fitness(loss: Expression) -> float | None:
    """Of no meaning, but the same each time; some fail."""
    value = zlib.crc32(str(loss).encode()) % 11
    return None if value == 0 else value / 11


@each_phase
def test_asked_again_it_gives_the_same_until_it_is_told(make) -> None:
    search: AskTell = make()
    generations = []
    for _ in range(4):
        candidates = search.ask()
        assert list(search.ask()) == list(candidates)
        assert all(isinstance(candidate, Candidate) for candidate in candidates)
        search.tell(evaluated(candidates, fitness))
        generations.append(list(candidates))
    assert not search.stopped
    assert len({len(generation) for generation in generations}) == 1
    assert all(one != other for one, other in itertools.pairwise(generations))
    again: AskTell = make()
    for generation in generations:
        assert list(again.ask()) == generation
        again.tell(evaluated(again.ask(), fitness))


@each_phase
@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda told: [], "0 evaluations for"),
        (lambda told: told[:-1], "evaluations for"),
        (lambda told: [*told, told[0]], "evaluations for"),
        (lambda told: [told[-1], *told[1:-1], told[0]], "evaluations for"),
        (lambda told: evaluated([Candidate(Expression.parse("x/y"))] * len(told), fitness), "for"),
    ],
    ids=["none", "fewer", "more", "another order", "others"],
)
def test_evaluations_of_anything_else_are_refused(make, change, received) -> None:
    search: AskTell = make()
    told = evaluated(search.ask(), fitness)
    message = "Expected one evaluation for each candidate that was asked for, in their order"
    with pytest.raises(ValueError, match=f"{message}. Received: .*{received}"):
        search.tell(change(told))
    search.tell(told)  # the refused ones left no trace
    with pytest.raises(ValueError, match=r"evaluations for no candidates; ask first"):
        search.tell(told)


@each_phase
def test_before_it_is_asked_there_is_nothing_to_tell(make) -> None:
    with pytest.raises(ValueError, match="0 evaluations for no candidates; ask first"):
        make().tell([])


def test_losses_are_whole_ones() -> None:
    """-f of the paper's f: of the random trees in the one phase, around -Baikal in the other."""
    trees = first_generation(
        glo(), 12, np.random.default_rng(0), screen=Screen(Outputs.of_classes(10))
    )
    losses = [candidate.loss for candidate in discovery().ask()]
    assert losses == [tree.canonical().negated() for tree in trees]
    assert {loss.coefficients[0] for loss in losses} == {-1.0}
    search = CoefficientSearch(Parameterization.of_coefficients(BAIKAL), sigma0=1e-4, seed=0)
    for candidate in search.ask():
        assert candidate.loss.nodes == BAIKAL.nodes
        expected = BAIKAL.negated().coefficients
        np.testing.assert_allclose(candidate.loss.coefficients, expected, atol=1e-3)


def test_hyperparameters_are_those_given() -> None:
    assert {candidate.hyperparameters for candidate in coefficients().ask()} == {RATE}
    assert {one.hyperparameters for one in discovery().ask()} == {Hyperparameters()}


@given(expressions(unit=False, coefficients=st.floats(-3, 3)))
def test_a_loss_has_one_tree_and_a_tree_one_loss(tree: Expression) -> None:
    assert tree_of(loss_of(tree)) == tree
    assert loss_of(tree_of(tree)) == tree


@pytest.mark.parametrize("parsimony", [0.0, 0.02])
def test_discovery_breeds_by_penalised_fitness_and_no_sooner_than_it_is_asked(parsimony) -> None:
    search, rng = discovery(parsimony, seed=3), np.random.default_rng(3)
    trees = first_generation(glo(), 12, rng, screen=Screen(Outputs.of_classes(10)))
    for _ in range(3):
        assert [one.loss for one in search.ask()] == [loss_of(tree.canonical()) for tree in trees]
        search.tell(evaluated(search.ask(), fitness))
        state = search._rng.bit_generator.state
        assert state == rng.bit_generator.state
        scores = [
            max(0.0, (fitness(loss_of(tree.canonical())) or 0.0) - parsimony * tree.size)
            for tree in trees
        ]
        trees = next_generation(trees, scores, GloOperators(glo()), elites=2, rng=rng)


def test_operand_order_is_kept_for_breeding_and_told_alike() -> None:
    one, other = Expression.parse("x*y"), Expression.parse("y*x")
    search = Discovery(
        [one, other, *initial_population(glo(), 4, np.random.default_rng(0))],
        GloOperators(glo()),
        elites=1,
        ranking=Ranking(),
        rng=np.random.default_rng(0),
    )
    asked = search.ask()
    assert asked[0] == asked[1]
    search.tell(evaluated(asked, lambda loss: float(loss == asked[0].loss)))
    assert search.ask()[0] == asked[0]
