"""Quality of predictions against certain outcomes: running sums for live metrics, exact figures for reports.

Formulas (domain.md): Gini = 2 AUC - 1; KS = max over s of abs(F_bad(s) - F_good(s)); log-loss and Brier as usual.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import fsum, log

import msgspec

_EPS = 1e-6


def log_loss_one(probability: float, bad: bool) -> float:
    """-ln of the probability given to what happened."""
    p = min(max(probability, _EPS), 1.0 - _EPS)
    return -log(p) if bad else -log(1.0 - p)


def gini(auc: float) -> float:
    """2 AUC - 1: 1 ranks perfectly, 0 by chance, -1 the wrong way round."""
    return 2.0 * auc - 1.0


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


_MOST_HEAVY = 8
BIN_EDGES = (
    0.005,
    0.01,
    0.015,
    0.02,
    0.03,
    0.04,
    0.05,
    0.07,
    0.09,
    0.11,
    0.14,
    0.17,
    0.22,
    0.27,
    0.35,
    0.42,
    0.52,
    0.62,
    0.8,
)
"""Borders of the bins by which live figures rank."""


class Period(msgspec.Struct, array_like=True):
    """Live figures of one stretch of time: sums, scores in bins by outcome, and the customers with most outcomes.

    ``foretold``: sum of the probabilities in each bin. Of the customers a few are kept, and the one with fewest
    outcomes gives way to a newcomer: whoever has a part of the outcomes that is worth leaving out stays.
    """

    all: RunningQuality = msgspec.field(default_factory=RunningQuality)
    good: list[int] = []
    bad: list[int] = []
    heavy: dict[str, RunningQuality] = {}
    foretold: list[float] = []

    def add(self, customer_id: str, model: float, naive: float, bad: bool) -> None:
        """Count one outcome."""
        self.all.add(model, naive, bad)
        if not self.good:
            self.good, self.bad = [0] * (len(BIN_EDGES) + 1), [0] * (len(BIN_EDGES) + 1)
        if not self.foretold:  # it may come from a state that was kept before there were sums
            self.foretold = [0.0] * (len(BIN_EDGES) + 1)
        place = bisect_right(BIN_EDGES, model)
        (self.bad if bad else self.good)[place] += 1
        self.foretold[place] += model
        if customer_id not in self.heavy and len(self.heavy) >= _MOST_HEAVY:
            del self.heavy[min(self.heavy, key=lambda customer: (self.heavy[customer].n, customer))]
        self.heavy.setdefault(customer_id, RunningQuality()).add(model, naive, bad)

    def without_largest(self) -> RunningQuality:
        """The sums without the customer that has most outcomes."""
        if not self.heavy:
            return RunningQuality()
        largest = self.heavy[max(self.heavy, key=lambda customer: (self.heavy[customer].n, customer))]
        fields = RunningQuality.__struct_fields__
        return RunningQuality(*(getattr(self.all, name) - getattr(largest, name) for name in fields))

    def calibration(self) -> dict[str, float]:
        """What was foretold and what happened in each bin with outcomes: ``bin_NN_n``, ``_bad``, ``_probability``."""
        found = {}
        for place, total in enumerate(self.foretold):
            n = self.bad[place] + self.good[place]
            if n:
                found[f"bin_{place:02d}_n"] = float(n)
                found[f"bin_{place:02d}_bad"] = float(self.bad[place])
                found[f"bin_{place:02d}_probability"] = total / n
        return found

    def ranks(self) -> tuple[float | None, float | None]:
        """AUC and KS as exact as the bins; None unless both classes occur."""
        bad, good = sum(self.bad), sum(self.good)
        if not bad or not good:
            return None, None
        area = ks = 0.0
        bad_below = good_below = 0
        for bad_here, good_here in zip(self.bad, self.good, strict=True):
            area += bad_here * (good_below + good_here / 2.0)
            bad_below, good_below = bad_below + bad_here, good_below + good_here
            ks = max(ks, abs(bad_below / bad - good_below / good))
        return area / (bad * good), ks


def prediction_quality(probabilities: Sequence[float], outcomes: Sequence[bool]) -> dict[str, float | int | None]:
    """n, positives, their rate, mean_probability, auc, gini, average_precision, ks, log_loss and brier.

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
        "gini": None,
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
    auc = area / (positives * negatives)
    return {"auc": auc, "gini": gini(auc), "average_precision": precision, "ks": ks}
