"""The report's figures of predictions: model, naive rate and batch model on the same rows, calibration, segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from models.default_risk.quality import prediction_quality
from models.default_risk.risk import Outcome
from streams.backtesting.batch_model import batch_probabilities
from streams.backtesting.intervals import intervals, wilson

TASKS = ("A", "B")
TEST_SHARE = 0.3
"""The last part of the time, on which predictions are scored (all of them are made before their outcome)."""
_BINS = 10


def prediction_report(outcomes: Sequence[Outcome], *, batch: bool = False) -> dict[str, Any]:
    """Task A: at issue, will the invoice be paid more than K days late? Task B: on the first day past due, will it
    be open for long? Predictions made in the last 30 % of the time in which invoices were issued."""
    cut = _cut(outcomes)
    return {task: _task_report([o for o in outcomes if o.task == task], cut, batch) for task in TASKS}


def tested_outcomes(outcomes: Sequence[Outcome], task: str) -> list[Outcome]:
    """Those that are scored: what our own actions may have changed says nothing of a model."""
    cut = _cut(outcomes)
    return [o for o in outcomes if o.task == task and o.issued >= cut and not o.acted]


def _cut(outcomes: Sequence[Outcome]) -> float:
    issued = [o.issued for o in outcomes if o.task == "A"]
    return min(issued) + (max(issued) - min(issued)) * (1.0 - TEST_SHARE) if issued else 0.0


def _task_report(outcomes: list[Outcome], cut: float, batch: bool) -> dict[str, Any]:
    tested = [o for o in outcomes if o.issued >= cut and not o.acted]
    bad = [o.bad for o in tested]
    model, naive = [o.model for o in tested], [o.naive for o in tested]
    fitted = batch_probabilities(outcomes, tested) if batch and tested else None
    return {
        "model": prediction_quality(model, bad),
        "naive": prediction_quality(naive, bad),
        "batch": None if fitted is None else prediction_quality(fitted, bad),
        "intervals": intervals(tested),
        "calibration": {"model": calibration(model, bad), "naive": calibration(naive, bad)},
        "without_largest": _without_largest(tested),
        "acted_on": sum(o.acted for o in outcomes if o.issued >= cut),
        "from": date.fromordinal(-int(-cut // 1)).isoformat() if tested else None,
    }


def _without_largest(tested: Sequence[Outcome]) -> dict[str, Any] | None:
    """The same figures without the customer that has most rows: one giant can carry a whole report."""
    if not tested:
        return None
    largest, rows = max(Counter(o.customer_id for o in tested).items(), key=lambda item: (item[1], item[0]))
    rest = [o for o in tested if o.customer_id != largest]
    bad = [o.bad for o in rest]
    return {
        "customer_id": largest,
        "share_of_rows": rows / len(tested),
        "model": prediction_quality([o.model for o in rest], bad),
        "naive": prediction_quality([o.naive for o in rest], bad),
    }


def calibration(probabilities: Sequence[float], bad: Sequence[bool]) -> list[dict[str, float | int]]:
    """Bins of equal counts by probability: what was foretold beside what happened, with a 95 % Wilson interval."""
    pairs = sorted(zip(probabilities, bad, strict=True))
    found = []
    for number in range(_BINS):
        part = pairs[number * len(pairs) // _BINS : (number + 1) * len(pairs) // _BINS]
        if not part:
            continue
        n, positives = len(part), sum(outcome for _, outcome in part)
        low, high = wilson(positives, n)
        found.append(
            {
                "from": part[0][0], "to": part[-1][0], "n": n,
                "mean_probability": sum(p for p, _ in part) / n,
                "rate": positives / n, "low": low, "high": high,
            }
        )  # fmt: skip
    return found


def segments_report(
    outcomes: Sequence[Outcome],
    groups: Mapping[str, Mapping[str, str]],
    warnings: Mapping[str, Sequence[int]],
) -> dict[str, list[dict[str, Any]]]:
    """Task A by group of customers: ``groups`` gives for each dimension the group of each customer."""
    tested = tested_outcomes(outcomes, "A")
    return {dimension: _segments(tested, members, warnings) for dimension, members in groups.items() if members}


def _segments(
    tested: Sequence[Outcome], members: Mapping[str, str], warnings: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    found = []
    for name in sorted(set(members.values())):
        rows = [o for o in tested if members.get(o.customer_id) == name]
        bad = [o.bad for o in rows]
        model, naive = (
            prediction_quality([o.model for o in rows], bad),
            prediction_quality([o.naive for o in rows], bad),
        )
        customers = [customer for customer, group in members.items() if group == name]
        found.append(
            {
                "name": name, "customers": len(customers), "n": model["n"], "positives": model["positives"],
                "mean_probability": model["mean_probability"], "rate": model["rate"],
                "auc": model["auc"], "log_loss": model["log_loss"],
                "naive_auc": naive["auc"], "naive_log_loss": naive["log_loss"],
                "tightenings": sum(len(warnings.get(customer, ())) for customer in customers),
            }
        )  # fmt: skip
    return found
