"""One seed of `search_cost.py --rates`: what two searches found, judged on fresh seeds.

Both searches and the comparison train 300 steps (an MLP of 64 units, SGD at a constant rate). All
losses that are compared have the learning rate that is best for them on the validation data, with
two seeds. The best reference is that with the best fitness there, among the known losses below.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from collections.abc import Iterator
from typing import Any

from equal_steps import GIVEN, searched_twice
from noisy_digits import noisy_digits

NOISES = {"40 % noise": 0.4, "clean": 0.0}
REFERENCES = {
    "cross-entropy": "-(x*log(y))",
    "x*sqrt(y)": "-(x*sqrt(y))",
    "x*y": "-(x*y)",
    "squared error": "square(x - y)",
}
USUAL, BEST, OWN, AT_GIVEN = (
    "cross-entropy",
    "best reference",
    "found at own rates",
    "found at the given rate",
)
TRAIN_STEPS = 300
SETTINGS = {
    "train_steps": TRAIN_STEPS,
    "population_size": 30,
    "elites": 4,
    "generations": 5,
    "coefficient_generations": 4,
    "finalists": 4,
    "finalist_seeds": 2,
    "reference_losses": [],
}


def draws(seeds: int) -> list[list[Any]]:
    """Noise and seed of each, those with noise first."""
    return [[noise, seed] for noise in NOISES for seed in range(seeds)]


def done(draw: list[Any], work_dir: str) -> dict[str, Any]:
    """Figures of one draw."""
    import keras

    import glo_tf

    began = time.perf_counter()
    seed, noise = draw[1], NOISES[draw[0]]
    folder = pathlib.Path(work_dir) / f"draw{seed}_{noise:g}"
    data = noisy_digits(seed, noise, units=64, held_out=450, tested=450)
    own, given = searched_twice(data, {**SETTINGS, "seed": seed}, folder)
    names = {str(glo_tf.Expression.parse(text)): name for name, text in REFERENCES.items()}
    found = {OWN: own, AT_GIVEN: given}
    compared_as = {name: names.setdefault(of["loss"], name) for name, of in found.items()}
    comparison = glo_tf.compare(
        **data,
        losses={name: text for text, name in names.items()},
        optimizer=keras.optimizers.SGD(GIVEN),
        train_steps=TRAIN_STEPS,
        seeds=4,
        seed=1000,
        tune_learning_rate=True,
        tuning_seeds=2,
        output_dir=folder / "tuned",
    )
    entries = {entry.name: entry for entry in comparison.losses if entry.tuned}
    tuned = {curve.name: max(curve.fitnesses) for curve in comparison.rate_curves}
    best = max(REFERENCES, key=lambda name: tuned[name])
    judged = {}
    for name in (*REFERENCES, *found):
        entry = entries[compared_as.get(name, name)]
        judged[name] = {
            "learning_rate": entry.learning_rate,
            "validation": entry.mean_fitness,
            "test": entry.mean or 0.0,
        }
    figures = {"own": own, "given": given, "best reference": best, "judged": judged}
    return {"draw": draw, **figures, "seconds": time.perf_counter() - began}


def summarised(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the seeds, and leads on test data, paired; p values corrected by Holm."""
    from glo_tf.utils.statistics import correct_by_holm

    rows = [
        row
        for noise in NOISES
        for row in _rows([draw for draw in made if draw["draw"][0] == noise], noise)
    ]
    tested = [row for row in rows if row["p"] is not None]
    for row, corrected in zip(tested, correct_by_holm([row["p"] for row in tested]), strict=True):
        row["corrected p"] = corrected
    return rows


def _rows(made: list[dict[str, Any]], noise: str) -> Iterator[dict[str, Any]]:
    from scipy.stats import ttest_rel

    accuracies: dict[str, list[dict[str, float]]] = {}
    for draw in made:
        judged, best = draw["judged"], draw["best reference"]
        for name in (USUAL, BEST, OWN, AT_GIVEN):
            accuracies.setdefault(name, []).append(judged[best if name == BEST else name])
    for name, of_loss in accuracies.items():
        row = {
            "labels": noise,
            "loss": name,
            "seeds": len(made),
            **{
                data: statistics.fmean(each[data] for each in of_loss)
                for data in ("validation", "test")
            },
        }
        others = [other for other in accuracies if other != name and name in (OWN, AT_GIVEN)]
        if not others:
            yield row | {"against": "", "lead on test data": None, "p": None, "corrected p": None}
        for other in others:
            mine, its = [[each["test"] for each in accuracies[one]] for one in (name, other)]
            lead = statistics.fmean(mine) - statistics.fmean(its)
            if other == OWN:
                continue
            same = len(made) < 2 or mine == its
            yield row | {
                "against": other,
                "lead on test data": lead,
                "p": None if same else float(ttest_rel(mine, its).pvalue),
                "corrected p": None,
            }
