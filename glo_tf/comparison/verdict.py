"""From the trainings of a comparison to its tests, and to what they mean in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glo_tf.data.split import Split
from glo_tf.metrics.mode import Mode
from glo_tf.metrics.ranges import range_of
from glo_tf.results.comparison import Comparison, LossTest
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.outcomes import ComparisonOutcome, collapse_sentence, outcome
from glo_tf.results.rate_curve import RateCurve
from glo_tf.utils.statistics import CONFIDENCE, Difference, compare_means, correct_by_holm


def conclude(
    entries: Sequence[LossTrainings],
    *,
    metric: str,
    mode: Mode,
    split: Split,
    steps: tuple[int, ...],
    baseline: str,
    at_edge: Sequence[str] = (),
    rate_curves: Sequence[RateCurve] = (),
) -> Comparison:
    """The comparison that trainings make: with tests, and what they say.

    Args:
        entries: The trainings; none where nothing was compared.
        metric: What they are compared by.
        mode: Its direction.
        split: Data that they are compared on.
        steps: Where each was measured.
        baseline: Name of the loss that the others are compared with.
        at_edge: Names of losses whose tuning ended at its last learning rate.
        rate_curves: Of the losses whose learning rates were tuned.
    """
    tests = against_baseline(entries, baseline)
    return Comparison(
        metric=metric,
        mode=mode,
        steps=steps,
        baseline=baseline,
        baseline_tuned=any(entry.tuned and entry.name == baseline for entry in entries),
        losses=tuple(entries),
        tests=tuple(tests),
        verdict=verdict(entries, tests, mode=mode, baseline=baseline, at_edge=at_edge),
        split=split,
        rate_curves=tuple(rate_curves),
    )


def against_baseline(entries: Sequence[LossTrainings], baseline: str) -> list[LossTest]:
    """Each loss against the baseline, part by part of the training data.

    Where the baseline has a learning rate of its own, all others stand against it at that, and
    those at the given rate also against the baseline at the given rate.

    Args:
        entries: The trainings.
        baseline: Name of the loss.
    """
    tests: list[LossTest] = []
    for here in _by_fraction(entries).values():
        if (baseline, True) in here:
            best = here[baseline, True]
            tests += against([entry for entry in here.values() if entry is not best], best)
        given = [e for e in here.values() if not e.tuned and e.name != baseline]
        tests += against(given, here[baseline, False])
    return tests


def verdict(
    entries: Sequence[LossTrainings],
    tests: Sequence[LossTest],
    *,
    mode: Mode,
    baseline: str,
    at_edge: Sequence[str] = (),
) -> str:
    """What the tests say of each loss, one sentence and line each.

    Args:
        entries: The trainings.
        tests: See `against_baseline`.
        mode: Direction of what they are compared by.
        baseline: Name of the loss.
        at_edge: Names of losses whose tuning ended at its last learning rate.
    """
    sentences: list[str] = []
    fractions = _by_fraction(entries)
    for fraction, here in fractions.items():
        found = {
            (t.loss, t.tuned, t.baseline_tuned): t for t in tests if t.train_fraction == fraction
        }
        prefix = f"With {100 * fraction:.3g}% of the training data: " if len(fractions) > 1 else ""
        for name, tuned in here:
            if name == baseline or tuned:
                continue
            entry, usual = here[name, False], here[baseline, False]
            given = found[name, False, False]
            line = f"{name} {said(entry, usual, given, mode)} at the given learning rate"
            if (baseline, True) in here:
                own, other = here.get((name, True), entry), here[baseline, True]
                test = found[name, own.tuned, True]
                rates = (
                    f"of its own for each ({own.learning_rate:g}, {baseline} "
                    if own.tuned
                    else f"tuned for {baseline} alone ("
                )
                line += (
                    f"; with a learning rate {rates}{other.learning_rate:g}) it "
                    f"{said(own, other, test, mode)}: {_ending(given, test, mode, own, other)}"
                )
            sentences.append(prefix + line + ".")
        if any(entry.failed for entry in here.values()):
            sentences.append(prefix + failed_sentence([*here.values()]))
        collapsed = collapse_sentence([*here.values()], mode)
        sentences += [prefix + collapsed] if collapsed else []
    if at_edge:
        sentences.append(edge_sentence(at_edge))
    return "\n".join(sentences)


def failed_sentence(entries: Sequence[LossTrainings]) -> str:
    """Of which losses trainings failed, and how many."""
    failed = [f"{e.label} ({e.failed} of {len(e.seeds)})" for e in entries if e.failed]
    return f"Trainings failed: {', '.join(failed)}."


def edge_sentence(names: Sequence[str]) -> str:
    """Of which losses the learning rate may not be the best."""
    return (
        "The best learning rate was the last that was tried, and a better one may lie beyond: "
        f"{', '.join(names)}."
    )


def _by_fraction(
    entries: Sequence[LossTrainings],
) -> dict[float, dict[tuple[str, bool], LossTrainings]]:
    """The entries by their part of the training data, and by name and whether they are tuned."""
    parts: dict[float, dict[tuple[str, bool], LossTrainings]] = {}
    for entry in entries:
        parts.setdefault(entry.train_fraction, {})[entry.name, entry.tuned] = entry
    return parts


def against(
    entries: Sequence[LossTrainings],
    baseline: LossTrainings,
    test: Callable[..., Difference] = compare_means,
) -> list[LossTest]:
    """Each loss against one, with p-values corrected for all of these.

    Args:
        entries: The losses.
        baseline: What they are tested against.
        test: `compare_means`, or `compare_pairs` of the same seeds.
    """
    found = [_difference(entry, baseline, test) for entry in entries]
    # A tuned rate that is the given one makes two entries of the same trainings: one hypothesis.
    p_values = {
        entry.setting: None if f is None else f.p_value
        for entry, f in zip(entries, found, strict=True)
    }
    corrected = dict(zip(p_values, correct_by_holm(list(p_values.values())), strict=True))
    return [
        LossTest.of(entry, baseline, f, corrected[entry.setting])
        for entry, f in zip(entries, found, strict=True)
    ]


def _difference(
    entry: LossTrainings, baseline: LossTrainings, test: Callable[..., Difference]
) -> Difference | None:
    if entry.failed or baseline.failed:
        return None
    if entry.setting == baseline.setting:  # the same trainings: no hypothesis
        return Difference(0.0, None, None, None)
    return test(entry.last(), baseline.last(), range_of(entry.metric))


def _ending(
    given: LossTest, fair: LossTest, mode: Mode, own: LossTrainings, other: LossTrainings
) -> str:
    if own.setting == other.setting:
        return "there is no lead"
    if fair.p_value is None:
        return "whether a lead survives cannot be said"
    if _leads(given, mode):
        return f"the lead {'survives' if _leads(fair, mode) else 'does not survive'}"
    if not _leads(fair, mode):
        return "there is no lead"
    return "it leads with its own only" if own.tuned else "it leads there only"


def _leads(test: LossTest, mode: Mode) -> bool:
    """Whether the loss is better, and significantly so."""
    return outcome(test, mode) == ComparisonOutcome.WIN


def said(loss: LossTrainings, baseline: LossTrainings, test: LossTest, mode: Mode) -> str:
    """What a test says, in words that follow the name of the loss."""
    against = baseline.name
    if test.difference is None:
        return f"cannot be compared with {against}, as trainings failed,"
    if loss.setting == baseline.setting:
        return f"is {against} itself"
    amount = f"{test.difference:+.4f} {loss.metric}"
    if test.interval is None or test.p_value_corrected is None:
        return f"differs from {against} by {amount} (no test is possible, n = {len(loss.seeds)})"
    low, high = test.interval
    detail = (
        f"{amount}, 95% CI {low:+.4f} to {high:+.4f}, corrected p = "
        f"{test.p_value_corrected:.2g}, n = {len(loss.seeds)}"
    )
    if test.p_value_corrected >= 1.0 - CONFIDENCE:
        return f"does not differ significantly from {against} ({detail})"
    return f"{'beats' if _leads(test, mode) else 'is worse than'} {against} ({detail})"
