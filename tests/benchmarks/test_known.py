"""The suite's losses and metrics are those of the library and of scikit-learn."""

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

from benchmarks.suite import known, measures
from benchmarks.suite.frozen import FROZEN
from glo_tf import losses
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.value import value_of
from glo_tf.losses.all_classes import AllClassesLoss
from glo_tf.losses.named import NAMED_LOSSES
from glo_tf.losses.rare_classes import FrequencyLoss

_RNG = np.random.default_rng(0)
LOGITS = _RNG.normal(0.0, 2.0, (200, 4))
LABELS = _RNG.integers(0, 4, 200)
SHARES = np.array([0.6, 0.25, 0.1, 0.05])
SEEN = Surroundings(frequencies=SHARES, progress=0.25, classes=4)
FIXED = {"sce": {"beta": 1.0}, "nce_rce": {"beta": 1.0}, "ldam": {"scale": 1.0}}
NAMED = [
    rival
    for rival in (
        *known.OF_CLASSES,
        *known.OF_WRONG_LABELS,
        *known.OF_RARE_CLASSES,
        *known.OF_NUMBERS,
    )
    if rival.decide is measures.as_they_are
]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("rival", NAMED, ids=lambda rival: rival.name)
def test_a_loss_is_that_of_the_library(rival, share) -> None:
    parameters = {each.name: each.value(share) for each in rival.ranges}
    if rival.name == "taylor_cross_entropy":
        parameters["order"] = int(parameters["order"])
    kind = NAMED_LOSSES[rival.name]
    options = {"frequencies": SHARES} if issubclass(kind, FrequencyLoss) else {}
    loss = kind(**options, **parameters, **FIXED.get(rival.name, {}))
    if rival in known.OF_NUMBERS:
        x, seen = _RNG.normal(size=(200, 1)), 2.0 * _RNG.normal(size=(200, 1))
        expected = value_of(loss.tree, x, seen, ops=np).sum(-1)
    else:
        x, seen = np.eye(4)[LABELS], special.log_softmax(LOGITS, axis=1)
        if isinstance(loss, AllClassesLoss):
            expected = loss.formula(np, x, np.exp(seen), seen)
        else:
            labels = x
            if loss.label_smoothing:
                labels = x * (1.0 - loss.label_smoothing) + loss.label_smoothing / 4
            terms = value_of(loss.tree, labels, np.exp(seen), ops=np, log_y_pred=seen)
            expected = terms.mean(-1) if loss.class_reduction == "mean" else terms.sum(-1)
    given = np.array([*parameters.values(), 0.0])
    found = rival.formula(np, x, seen, SEEN, given)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_all_losses_of_the_library_take_part() -> None:
    theirs = {name for name, kind in NAMED_LOSSES.items() if kind.__module__.startswith("glo_tf.")}
    ours = {one.name for one in FROZEN}
    others = {"asymmetric"}  # it is of labels
    assert theirs - ours - others == {rival.name for rival in NAMED}


def test_a_found_loss_is_its_expression() -> None:
    x, log_y = np.eye(4)[LABELS], special.log_softmax(LOGITS, axis=1)
    found = known.found("found", "-(2*log(y) - x/y)").formula(np, x, log_y, SEEN, None)
    np.testing.assert_allclose(found, (x / np.exp(log_y) - 2 * log_y).sum(-1))
    annealed = known.found("found", "-(x*log(y) + t*y)").formula(np, x, log_y, SEEN, None)
    np.testing.assert_allclose(annealed, -(x * log_y + 0.25 * np.exp(log_y)).sum(-1))
    numbers = known.found_of_numbers("found", "abs(x - y)").formula(np, x, log_y, SEEN, None)
    np.testing.assert_allclose(numbers, np.abs(x - log_y).sum(-1))
    adjusted = known.found("found", "-(x*log(y*n/total(y*n)))")
    np.testing.assert_allclose(
        adjusted.formula(np, x, log_y, SEEN, None),
        losses.LogitAdjusted(SHARES).formula(np, x, np.exp(log_y), log_y),
    )


def test_metrics_are_those_of_scikit_learn() -> None:
    predicted = LOGITS.argmax(axis=1)
    assert measures.accuracy(LOGITS, LABELS) == metrics.accuracy_score(LABELS, predicted)
    balanced = metrics.balanced_accuracy_score(LABELS, predicted)
    assert measures.balanced_accuracy(LOGITS, LABELS) == pytest.approx(balanced)
    f1 = metrics.f1_score(LABELS, predicted, average="macro")
    assert measures.macro_f1(LOGITS, LABELS) == pytest.approx(f1)
    scores, truth = LOGITS[:, :2], LABELS % 2
    decided = scores.argmax(axis=1)
    f2 = metrics.fbeta_score(truth, decided, beta=2.0)
    assert measures.f_beta(2.0)(scores, truth) == pytest.approx(f2)
    auc = metrics.roc_auc_score(truth, scores[:, 1] - scores[:, 0])
    assert measures.auc(scores, truth) == pytest.approx(auc)
    nll = metrics.log_loss(truth, special.softmax(scores, axis=1))
    assert measures.nll(scores, truth) == pytest.approx(nll)
    pinball = metrics.mean_pinball_loss(truth, scores[:, 0], alpha=0.9)
    assert measures.pinball(0.9)(scores, truth) == pytest.approx(pinball)
    wrong = (decided != truth) * np.where(truth == 1, 5.0, 1.0)
    assert measures.cost(5.0, 1.0)(scores, truth) == pytest.approx(wrong.mean())


def test_what_is_decided_by_is_no_worse_on_the_data_it_is_fitted_on() -> None:
    truth = (LABELS == 3).astype(int)
    scores = LOGITS[:, :2] + np.stack([0.0 * truth, truth - 2.0], axis=1)
    f2 = measures.Measure("F2", measures.f_beta(2.0))
    shares = np.array([0.9, 0.1])
    for fit in (measures.adjusted, measures.thresholded):
        decided = fit(scores, truth, f2, shares)(scores)
        assert f2.of(decided, truth) > f2.of(scores, truth)
    nll = measures.Measure("NLL", measures.nll, largest=False)
    sharp = measures.tempered(20 * scores, truth, nll, shares)(20 * scores)
    assert nll.of(sharp, truth) < nll.of(20 * scores, truth)
    np.testing.assert_allclose(sharp.argmax(axis=1), scores.argmax(axis=1))
