"""A comparison in short: who wins, in one line, and which losses train on some seeds only."""

from __future__ import annotations

import enum
import statistics
from collections.abc import Sequence

from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison import Comparison, LossTest
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.utils.statistics import CONFIDENCE

_FAR = 10.0  # typical spreads of the steadiest loss, and
_LARGE = 0.25  # the share of its best value, that a training of a loss lies off where it collapses


class ComparisonOutcome(enum.StrEnum):
    """What a test says of a loss.

    Attributes:
        WIN: It is better, significantly.
        TIE: It does not differ significantly, or it is the same training.
        LOSS: It is worse, significantly.
        UNKNOWN: No test was possible: a training failed, or there is one seed only.
    """

    WIN = "win"
    TIE = "tie"
    LOSS = "loss"
    UNKNOWN = "unknown"


def outcome(test: LossTest, mode: Mode) -> ComparisonOutcome:
    """What a test says, after the correction for several.

    Args:
        test: Of a loss against a baseline.
        mode: Direction of the metric.
    """
    if test.difference is None:
        return ComparisonOutcome.UNKNOWN
    if test.p_value_corrected is None:  # the same trainings differ by exactly nothing
        return ComparisonOutcome.TIE if test.difference == 0.0 else ComparisonOutcome.UNKNOWN
    if test.p_value_corrected >= 1.0 - CONFIDENCE:
        return ComparisonOutcome.TIE
    return ComparisonOutcome.WIN if mode.better(test.difference) else ComparisonOutcome.LOSS


def fair_tests(comparison: Comparison) -> list[LossTest]:
    """One test for each loss: on most data, each at its own learning rate where it has one.

    They are against the comparison's baseline, likewise at its own rate where it has one.
    """
    largest = comparison.train_fractions[-1] if comparison.losses else 1.0
    baseline = (largest, comparison.baseline, comparison.baseline_tuned)
    found: dict[str, LossTest] = {}
    for test in comparison.tests:
        about = (test.train_fraction, test.baseline, test.baseline_tuned)
        if about == baseline and test.loss != comparison.baseline:
            kept = found.get(test.loss)
            if kept is None or test.tuned:
                found[test.loss] = test
    return list(found.values())


def headline(comparison: Comparison) -> str:
    """One line that answers: does a loss beat the baseline, by how much, and is that sure?

    Returns:
        `""` where nothing was tested.
    """
    tests = fair_tests(comparison)
    if not tests:
        return ""
    name = comparison.baseline
    said = {test.loss: outcome(test, comparison.mode) for test in tests}
    rates = ", each at a learning rate of its own" if _all_tuned(comparison, tests) else ""
    if len(tests) == 1:
        rates = "" if _is_baseline(tests[0], comparison) else rates
        return headline_of(comparison, tests[0].loss)[:-1] + f"{rates}."
    better = sorted(
        (t for t in tests if said[t.loss] == ComparisonOutcome.WIN),
        key=lambda t: -abs(t.difference or 0.0),
    )
    counts = [
        (ComparisonOutcome.TIE, "tie with it", "ties with it"),
        (ComparisonOutcome.LOSS, "lose to it", "loses to it"),
        (ComparisonOutcome.UNKNOWN, "cannot be told from it", "cannot be told from it"),
    ]
    others = []
    for kind, many, one in counts:
        number = sum(found == kind for found in said.values())
        if number:
            others.append(f"{number} {one if number == 1 else many}")
    first = (
        f"Yes: {better[0].loss} beats {name}{_detail(better[0], comparison)}"
        if better
        else f"No: none of {len(tests)} losses beats {name}"
    )
    if len(better) > 1:
        first += f"; {_listed([test.loss for test in better[1:]])} too"
    return "; ".join([first, *others]) + f"{rates}."


def headline_of(comparison: Comparison, loss: str) -> str:
    """One line that answers for one loss, against each baseline that it was tested against.

    Args:
        comparison: Such as a search ends with.
        loss: Name of the loss.

    Returns:
        `""` where it was not tested.
    """
    fair: dict[str, LossTest] = {}
    for test in comparison.tests:
        if test.loss == loss:
            kept = fair.get(test.baseline)
            if kept is None or (test.baseline_tuned, test.tuned) >= (
                kept.baseline_tuned,
                kept.tuned,
            ):
                fair[test.baseline] = test
    if not fair:
        return ""
    said = [_answer(test, comparison) for test in fair.values()]
    wins = [outcome(test, comparison.mode) == ComparisonOutcome.WIN for test in fair.values()]
    answer = "Yes" if all(wins) else "In part" if any(wins) else "No"
    if not any(wins) and all(
        test.p_value_corrected is None and not _is_baseline(test, comparison)
        for test in fair.values()
    ):
        answer = "Nobody can say"
    return f"{answer}: {loss} {', and '.join(said)}."


def _answer(test: LossTest, comparison: Comparison) -> str:
    if _is_baseline(test, comparison):
        return f"is {test.baseline} itself"
    said = _ANSWERS[outcome(test, comparison.mode)].format(name=test.baseline)
    return said + _detail(test, comparison)


def _is_baseline(test: LossTest, comparison: Comparison) -> bool:
    """Whether both are the same loss at the same learning rate."""
    settings = {(e.name, e.tuned): e.setting for e in comparison.at(test.train_fraction)}
    loss = settings.get((test.loss, test.tuned))
    return loss is not None and loss == settings.get((test.baseline, test.baseline_tuned))


_ANSWERS = {
    ComparisonOutcome.WIN: "beats {name}",
    ComparisonOutcome.TIE: "does not differ significantly from {name}",
    ComparisonOutcome.LOSS: "is worse than {name}",
    ComparisonOutcome.UNKNOWN: "cannot be tested against {name}",
}


def collapses(entries: Sequence[LossTrainings], mode: Mode) -> dict[int, list[float]]:
    """The values of trainings that collapsed, by the place of their entry.

    A training collapses where it ends far off the best one with the same loss: by more than ten
    times what the steadiest loss varies by, and by a quarter of that best value. A loss that is
    weak with all seeds does not collapse.

    Args:
        entries: Of one comparison.
        mode: Direction of the metric.

    Returns:
        Only entries with such trainings.
    """
    ends = [entry.last() for entry in entries]
    spreads = [_spread(values) for values in ends if len(values) > 1]
    least = _FAR * min(spreads, default=0.0)
    found = {}
    for place, values in enumerate(ends):
        if not values:
            continue
        best = max(values) if mode == Mode.MAX else min(values)
        far = [value for value in values if abs(value - best) > max(least, _LARGE * abs(best))]
        if far:
            found[place] = far
    return found


def collapse_sentence(entries: Sequence[LossTrainings], mode: Mode) -> str:
    """Which losses collapse, on how many seeds; `""` where none does."""
    found = [
        f"{entries[place].label} (on {len(values)} of {len(entries[place].seeds)} seeds, "
        f"to {statistics.median(values):.4f})"
        for place, values in collapses(entries, mode).items()
    ]
    return f"Collapses on some seeds: {', '.join(found)}." if found else ""


def _spread(values: Sequence[float]) -> float:
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


def _all_tuned(comparison: Comparison, tests: Sequence[LossTest]) -> bool:
    return comparison.baseline_tuned and all(test.tuned for test in tests)


def _detail(test: LossTest, comparison: Comparison) -> str:
    if test.difference is None:
        return ", as trainings failed"
    of_loss = [
        f", n = {len(entry.seeds)}"
        for entry in comparison.at(test.train_fraction)
        if (entry.name, entry.tuned) == (test.loss, test.tuned)
    ]
    seeds = "".join(of_loss[:1])
    amount = f"{test.difference:+.4f} {comparison.split} {comparison.metric}"
    if test.interval is None:
        return f" ({amount}{seeds})"
    low, high = test.interval
    return f" ({amount}, 95% interval {low:+.4f} to {high:+.4f}{seeds})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
