"""One evolution step without any training, beside gplearn's own.

    python benchmarks/operators.py --rounds=7 --output=operators.json

Every contender makes the next generation of the same population with the same fitnesses: our
`next_generation` with the paper's operators and with gplearn's, and `_parallel_evolve` of gplearn,
less the time that its programs take to compute their fitness on the one sample that it is given.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags
from gplearn import genetic as gplearn
from gplearn.fitness import _fitness_map
from reporting import report, spread

from glo_tf import plugins
from glo_tf.expressions.tree import Expression
from glo_tf.gplearn_operators import GplearnOperators
from glo_tf.operators import GloOperators
from glo_tf.search.genetic import evolution

FLAGS = flags.FLAGS
flags.DEFINE_integer("population_size", 10_000, "Trees per generation.")
flags.DEFINE_integer("rounds", 7, "Rounds, after one that is not counted.")
flags.DEFINE_integer("max_initial_depth", 5, "Of the trees, in edges.")
flags.DEFINE_string("output", None, "JSON file for the figures.")


def gplearn_step(
    population: list[Expression], fitnesses: np.ndarray, operators: GplearnOperators
) -> Callable[[], float]:
    """Seconds of gplearn's evolution step, with its default probabilities and tournaments of 20."""
    params: dict[str, Any] = {
        **operators.program(population[0]).__dict__,
        "tournament_size": 20,
        "_metric": _fitness_map["mse"],
        "_transformer": None,
        "method_probs": np.cumsum([0.9, 0.01, 0.01, 0.01]),
        "max_samples": 1.0,
        "feature_names": None,
    }
    parents = [operators.program(tree) for tree in population]
    for parent, fitness in zip(parents, fitnesses, strict=True):
        parent.fitness_ = -fitness
    sample, target, seeds = np.full((1, 2), 0.5), np.ones(1), np.arange(len(population))

    def step() -> float:
        began = time.perf_counter()
        programs = gplearn._parallel_evolve(
            len(parents), parents, sample, target, None, seeds, params
        )
        evolved = time.perf_counter()
        for program in programs:
            program.raw_fitness(sample, target, np.ones(1))
        return (evolved - began) - (time.perf_counter() - evolved)

    return step


def our_step(
    population: list[Expression], fitnesses: np.ndarray, operators: evolution.Operators
) -> Callable[[], float]:
    rng = np.random.default_rng(1)

    def step() -> float:
        began = time.perf_counter()
        evolution.next_generation(population, fitnesses.tolist(), operators, elites=6, rng=rng)
        return time.perf_counter() - began

    return step


def main(_: list[str]) -> None:
    space = dataclasses.replace(
        plugins.load("glo_tf.search_spaces", "glo")(), max_initial_depth=FLAGS.max_initial_depth
    )
    glo, of_gplearn = GloOperators(space), GplearnOperators(space)
    rng = np.random.default_rng(0)
    drawn = evolution.initial_population(space, 10 * FLAGS.population_size, rng)
    population = [tree for tree in drawn if tree.size > 1][: FLAGS.population_size]
    fitnesses = rng.random(len(population))
    peer = "gplearn's evolution step"
    steps = {
        "GloOperators": our_step(population, fitnesses, glo),
        "GplearnOperators": our_step(population, fitnesses, of_gplearn),
        peer: gplearn_step(population, fitnesses, of_gplearn),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    with np.errstate(all="ignore"):
        for number in range(FLAGS.rounds + 1):
            for name, step in steps.items():
                taken = step()
                if number:
                    seconds[name].append(taken)
    rows = [
        {
            "contender": name,
            "seconds a generation": spread(values, 3),
            "faster than gplearn by": spread(
                [theirs / own for own, theirs in zip(values, seconds[peer], strict=True)]
            ),
        }
        for name, values in seconds.items()
    ]
    size = np.mean([tree.size for tree in population])
    report(f"{len(population)} trees of {size:.1f} nodes: median (range)", rows, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
