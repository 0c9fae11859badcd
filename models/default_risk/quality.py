"""Quality of predictions against certain outcomes: running sums for live metrics, exact figures for reports.

Formulas: Gini = 2 AUC - 1; KS = max over s of abs(F_bad(s) - F_good(s)); log-loss and Brier as usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, log

import msgspec

_EPS = 1e-6


def log_loss_one(probability: float, bad: bool) -> float:
    """-ln of the probability given to what happened."""
    p = min(max(probability, _EPS), 1.0 - _EPS)
    return -log(p) if bad else -log(1.0 - p)


class RunningQuality(msgspec.Struct, array_like=True):
    """Sums over the outcomes known so far, for the model and for the naive customer rate."""

    n: int = 0
    positives: int = 0
    model_log_loss: float = 0.0
    naive_log_loss: float = 0.0
    model_brier: float = 0.0
    naive_brier: float = 0.0
    model_sum: float = 0.0

    def add(self, model: float, naive: float, bad: bool) -> None:
        """Count one outcome with what was predicted for it."""
        self.n += 1
        self.positives += bad
        self.model_log_loss += log_loss_one(model, bad)
        self.naive_log_loss += log_loss_one(naive, bad)
        self.model_brier += (model - bad) ** 2
        self.naive_brier += (naive - bad) ** 2
        self.model_sum += model


def prediction_quality(probabilities: Sequence[float], outcomes: Sequence[bool]) -> dict[str, float | int | None]:
    """n, positives, their rate, mean_probability, auc, average_precision, ks, log_loss and brier.

    Ranks are None unless both classes occur.

    Ties share their rank (AUC) and enter the curve together (average precision, KS), as in scikit-learn.
    """
    n, positives = len(outcomes), sum(outcomes)
    mean = 1.0 / n if n else 0.0
    result: dict[str, float | int | None] = {
        "n": n,
        "positives": positives,
        "rate": positives * mean if n else None,
        "mean_probability": fsum(probabilities) * mean if n else None,
        "auc": None,
        "average_precision": None,
        "ks": None,
        "log_loss": fsum(map(log_loss_one, probabilities, outcomes)) * mean if n else None,
        "brier": fsum((p - y) ** 2 for p, y in zip(probabilities, outcomes, strict=True)) * mean if n else None,
    }
    if 0 < positives < n:
        result |= _ranks(probabilities, outcomes, positives)
    return result


def _ranks(probabilities: Sequence[float], outcomes: Sequence[bool], positives: int) -> dict[str, float]:
    negatives = len(outcomes) - positives
    pairs = sorted(zip(probabilities, outcomes, strict=True), key=lambda pair: -pair[0])
    bad = good = 0
    area = precision = ks = 0.0
    at = 0
    while at < len(pairs):
        score = pairs[at][0]
        bad_here = good_here = 0
        while at < len(pairs) and pairs[at][0] == score:
            bad_here += pairs[at][1]
            good_here += not pairs[at][1]
            at += 1
        area += good_here * (bad + bad_here / 2.0)
        bad, good = bad + bad_here, good + good_here
        precision += bad_here / positives * bad / (bad + good)
        ks = max(ks, abs(bad / positives - good / negatives))
    return {"auc": area / (positives * negatives), "average_precision": precision, "ks": ks}
