"""From the trainings of a comparison to its tests, and to what they mean in words."""

from __future__ import annotations

from collections.abc import Sequence

from glo_tf.metrics.mode import Mode
from glo_tf.results.comparison import TUNED, LossTest, LossTrainings
from glo_tf.utils.statistics import CONFIDENCE, compare_means, correct_by_holm


def against_baseline(
    entries: Sequence[LossTrainings], metric: str, baseline: str
) -> list[LossTest]:
    """Each loss against the baseline, part by part of the training data.

    Where learning rates were tuned, all others stand against the tuned baseline, and those at the
    given rate also against the baseline at the given rate.

    Args:
        entries: The trainings.
        metric: What they are compared by.
        baseline: Name of the loss, without a remark on its learning rate.
    """
    tests: list[LossTest] = []
    for fraction in dict.fromkeys(entry.train_fraction for entry in entries):
        here = {entry.name: entry for entry in entries if entry.train_fraction == fraction}
        tuned = baseline + TUNED
        if tuned in here:
            tests += _against([e for e in here.values() if e.name != tuned], here[tuned], metric)
        given = [e for e in here.values() if not e.name.endswith(TUNED) and e.name != baseline]
        tests += _against(given, here[baseline], metric)
    return tests


def verdict(
    entries: Sequence[LossTrainings],
    tests: Sequence[LossTest],
    *,
    metric: str,
    mode: Mode,
    baseline: str,
    at_edge: Sequence[str] = (),
) -> str:
    """What the tests say of each loss, one sentence and line each.

    Args:
        entries: The trainings.
        tests: See `against_baseline`.
        metric: What the losses are compared by.
        mode: Its direction.
        baseline: Name of the loss, without a remark on its learning rate.
        at_edge: Names of losses whose tuning ended at its last learning rate.
    """
    sentences: list[str] = []
    fractions = list(dict.fromkeys(entry.train_fraction for entry in entries))
    for fraction in fractions:
        here = {entry.name: entry for entry in entries if entry.train_fraction == fraction}
        found = {(t.loss, t.baseline): t for t in tests if t.train_fraction == fraction}
        prefix = f"With {100 * fraction:.3g}% of the training data: " if len(fractions) > 1 else ""
        for name in here:
            if name != baseline and not name.endswith(TUNED):
                given = _said(here[name], here[baseline], found[name, baseline], metric, mode)
                line = f"{name} {given} at the given learning rate"
                if name + TUNED in here:
                    own, other = here[name + TUNED], here[baseline + TUNED]
                    test = found[own.name, other.name]
                    fair = _said(own, other, test, metric, mode)
                    ending = _ending(found[name, baseline], test, mode)
                    line += (
                        f"; with a learning rate of its own for each ({own.learning_rate:g}, "
                        f"{baseline} {other.learning_rate:g}) it {fair}: {ending}"
                    )
                sentences.append(prefix + line + ".")
        failed = [f"{e.name} ({e.failed} of {len(e.seeds)})" for e in here.values() if e.failed]
        if failed:
            sentences.append(f"{prefix}Trainings failed: {', '.join(failed)}.")
    if at_edge:
        sentences.append(
            "The best learning rate was the last that was tried, and a better one may lie beyond: "
            f"{', '.join(at_edge)}."
        )
    return "\n".join(sentences)


def _against(
    entries: Sequence[LossTrainings], baseline: LossTrainings, metric: str
) -> list[LossTest]:
    found = [
        None
        if entry.failed or baseline.failed
        else compare_means(entry.last(metric), baseline.last(metric))
        for entry in entries
    ]
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


def _ending(given: LossTest, fair: LossTest, mode: Mode) -> str:
    if fair.p_value is None:
        return "whether a lead survives cannot be said"
    if _leads(given, mode):
        return f"the lead {'survives' if _leads(fair, mode) else 'does not survive'}"
    return "it leads with its own only" if _leads(fair, mode) else "there is no lead"


def _leads(test: LossTest, mode: Mode) -> bool:
    """Whether the loss is better, and significantly so."""
    if test.difference is None or test.p_value_corrected is None:
        return False
    better = test.difference > 0 if mode == Mode.MAX else test.difference < 0
    return better and test.p_value_corrected < 1.0 - CONFIDENCE


def _said(
    loss: LossTrainings, baseline: LossTrainings, test: LossTest, metric: str, mode: Mode
) -> str:
    against = baseline.name.removesuffix(TUNED)
    if test.difference is None:
        return f"cannot be compared with {against}, as trainings failed,"
    amount = f"{test.difference:+.4f} {metric}"
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
