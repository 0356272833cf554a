"""From the trainings of the contenders to the loss to use, and why, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from glo_tf.comparison.verdict import against
from glo_tf.metrics.mode import Mode
from glo_tf.metrics.ranges import range_of
from glo_tf.results.comparison import LossTest
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.outcomes import ComparisonOutcome, outcome
from glo_tf.utils.statistics import compare_pairs


def advise(
    rows: Sequence[LossTrainings], usual: str, mode: Mode
) -> tuple[str | None, list[LossTest], str]:
    """Which loss to use.

    A loss is recommended in place of the usual one if it is better, significantly, after the
    correction for all contenders; of several the one that validation data say is the best.

    Args:
        rows: The contenders, with the same seeds.
        usual: Name of the usual loss, which is among them.
        mode: Direction of the metric.

    Returns:
        Its name, None if all trainings failed; the tests; and a sentence.
    """
    (baseline,) = [row for row in rows if row.name == usual]
    others = [row for row in rows if row is not baseline]
    tests = against(others, baseline, compare_pairs)
    found = dict(zip([row.name for row in others], tests, strict=True))
    better = [row for row in others if outcome(found[row.name], mode) == ComparisonOutcome.WIN]
    sound = [row for row in others if not row.failed]
    if baseline.failed and sound:
        best = _best(sound)
        failed = f"with {usual} {baseline.failed} of {len(baseline.seeds)} trainings failed"
        return best.name, tests, f"Use {_at(best)}: {failed}."
    if baseline.failed:
        return None, tests, "Use none of these losses: trainings failed with each of them."
    if better:
        best = _best(better)
        rest = [row for row in others if row is not best]
        beside = against(rest, best, compare_pairs)
        equal = _equal(rest, beside, mode)
        lead = _lead(found[best.name], best)
        return best.name, tests + beside, f"Use {_at(best)}: {lead}{equal}."
    if len(baseline.seeds) < 2 and others:
        return usual, tests, f"Keep {_at(baseline)}: with one fresh seed no test is possible."
    if not others:
        return usual, tests, f"Keep {_at(baseline)}: no other loss came to its end."
    return usual, tests, f"Keep {_at(baseline)}: nothing is better{_equal(others, tests, mode)}."


def _best(rows: Sequence[LossTrainings]) -> LossTrainings:
    return max(rows, key=lambda row: row.mean_fitness)


def _at(row: LossTrainings) -> str:
    return f"{row.name} at {row.learning_rate:g}"


def _lead(test: LossTest, row: LossTrainings) -> str:
    assert test.difference is not None
    assert test.p_value_corrected is not None
    amount = f"{test.difference:+.4g} {row.metric}"
    if range_of(row.metric) == (0.0, 1.0):
        amount = f"{100 * test.difference:+.1f} points"
    p = _power(test.p_value_corrected)
    return f"{amount} over {test.baseline} at its own rate (p = {p})"


def _power(p_value: float) -> str:
    """As 4e-4, or 0.03."""
    if p_value == 0.0 or p_value >= 0.001:
        return f"{p_value:.1g}"
    exponent = math.floor(math.log10(p_value))
    digit = round(p_value / 10.0**exponent)
    return f"{digit}e{exponent}" if digit < 10 else f"1e{exponent + 1}"


def _equal(rows: Sequence[LossTrainings], tests: Sequence[LossTest], mode: Mode) -> str:
    """Those that do not differ from what they were tested against."""
    same = [
        _at(r)
        for r, t in zip(rows, tests, strict=True)
        if outcome(t, mode) == ComparisonOutcome.TIE
    ]
    return f"; equal within noise: {', '.join(same)}" if same else ""
