"""Laws of models.default_risk.quality; scikit-learn is the oracle."""

from __future__ import annotations

from math import log
from random import Random

import numpy as np
import pytest
from sklearn import metrics

from models.default_risk.quality import RunningQuality, log_loss_one, prediction_quality


def _sample(count: int, seed: int, digits: int) -> tuple[list[float], list[bool]]:
    """Probabilities rounded to so many digits (few digits = many ties) and outcomes that partly follow them."""
    dice = Random(seed)
    probabilities = [min(0.99, max(0.01, round(dice.random(), digits))) for _ in range(count)]
    return probabilities, [dice.random() < p for p in probabilities]


def test_figures_of_four_by_hand() -> None:
    """.9 bad, .8 bad, .8 good, .1 good: AUC 3.5/4, Gini 3/4, AP 1/2 + 2/3/2, KS 1/2, Brier .7/4."""
    found = prediction_quality([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    assert found["n"] == 4
    assert found["positives"] == 2
    assert found["rate"] == 0.5
    assert found["mean_probability"] == pytest.approx(0.65)
    assert found["auc"] == pytest.approx(0.875)
    assert found["gini"] == pytest.approx(0.75)
    assert found["average_precision"] == pytest.approx(5 / 6)
    assert found["ks"] == pytest.approx(0.5)
    assert found["brier"] == pytest.approx(0.175)
    assert found["log_loss"] == pytest.approx(-(2 * log(0.9) + log(0.8) + log(0.2)) / 4)


@pytest.mark.parametrize("digits", [1, 2, 15])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_are_those_of_scikit_learn(seed: int, digits: int) -> None:
    """AUC, average precision, KS, log-loss and Brier agree with scikit-learn, ties or none."""
    probabilities, outcomes = _sample(500, seed, digits)
    found = prediction_quality(probabilities, outcomes)
    false_rate, true_rate, _ = metrics.roc_curve(outcomes, probabilities, drop_intermediate=False)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(outcomes, probabilities), rel=1e-12)
    expected = metrics.average_precision_score(outcomes, probabilities)
    assert found["average_precision"] == pytest.approx(expected, rel=1e-12)
    assert found["ks"] == pytest.approx(np.max(np.abs(true_rate - false_rate)), rel=1e-12)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(outcomes, probabilities), rel=1e-12)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(outcomes, probabilities), rel=1e-12)


def test_order_of_outcomes_does_not_matter() -> None:
    """Ranks and sums are the same in any order, ties included."""
    probabilities, outcomes = _sample(200, 4, 1)
    backwards = prediction_quality(probabilities[::-1], outcomes[::-1])
    assert backwards == pytest.approx(prediction_quality(probabilities, outcomes), rel=1e-12)


def test_perfect_reversed_and_blind_ranks() -> None:
    """A perfect order has AUC 1, its reverse 0, equal probabilities one half; Gini is 1, -1, 0 and KS 1, 1, 0."""
    outcomes = [True, True, False, False, False]
    ranks = [0.9, 0.8, 0.3, 0.2, 0.1]
    found = [prediction_quality(p, outcomes) for p in (ranks, [1 - p for p in ranks], [0.4] * 5)]
    assert [each["auc"] for each in found] == [1.0, 0.0, 0.5]
    assert [each["gini"] for each in found] == [1.0, -1.0, 0.0]
    assert [each["ks"] for each in found] == [1.0, 1.0, 0.0]
    assert found[2]["average_precision"] == pytest.approx(0.4)


@pytest.mark.parametrize("outcome", [True, False])
def test_ranks_need_both_classes(outcome: bool) -> None:
    """With one class only there are no ranks, yet log-loss and Brier."""
    found = prediction_quality([0.25, 0.25], [outcome, outcome])
    assert [found[name] for name in ("auc", "gini", "average_precision", "ks")] == [None] * 4
    assert found["log_loss"] == pytest.approx(-log(0.25 if outcome else 0.75))
    assert found["brier"] == pytest.approx(0.75**2 if outcome else 0.25**2)


def test_nothing_has_no_figures() -> None:
    """Without outcomes there are counts of zero and no figure at all."""
    found = prediction_quality([], [])
    assert {name: value for name, value in found.items() if value is not None} == {"n": 0, "positives": 0}


def test_lengths_must_agree() -> None:
    """A probability without its outcome is an error, not left out."""
    with pytest.raises(ValueError, match="zip"):
        prediction_quality([0.5, 0.5, 0.5], [True, False])


@pytest.mark.parametrize(("probability", "bad"), [(0.0, True), (1.0, False)])
def test_log_loss_of_certain_error_is_finite(probability: float, bad: bool) -> None:
    """A certainty that was wrong costs what one in a million costs: ln(1e6)."""
    assert log_loss_one(probability, bad) == pytest.approx(6 * log(10), rel=1e-9)


def test_running_sums_are_the_exact_figures() -> None:
    """Outcomes added one by one give the same means, for the model and for the naive rate beside it."""
    model, outcomes = _sample(300, 5, 3)
    naive = [0.3] * 300
    running = RunningQuality()
    for p, q, bad in zip(model, naive, outcomes, strict=True):
        running.add(p, q, bad)
    assert (running.n, running.positives) == (300, sum(outcomes))
    assert running.model_sum == pytest.approx(sum(model), rel=1e-12)
    assert running.model_log_loss / 300 == pytest.approx(metrics.log_loss(outcomes, model), rel=1e-10)
    assert running.naive_log_loss / 300 == pytest.approx(metrics.log_loss(outcomes, naive), rel=1e-10)
    assert running.model_brier / 300 == pytest.approx(metrics.brier_score_loss(outcomes, model), rel=1e-10)
    assert running.naive_brier / 300 == pytest.approx(metrics.brier_score_loss(outcomes, naive), rel=1e-10)
