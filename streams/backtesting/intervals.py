"""Bootstrap intervals of a report's figures, drawn by customer since invoices and alerts of one are not independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from models.default_risk.quality import log_loss_one
from models.default_risk.risk import Outcome

DRAWS = 500
SEED = 20_150_613
_Z95 = 1.959963984540054

Intervals = dict[str, dict[str, list[float] | None]]


def intervals(outcomes: Sequence[Outcome], draws: int = DRAWS) -> Intervals:
    """95 % percentile intervals of AUC and log-loss: model, naive, and model - naive on the same draws.

    None where no draw has both classes. Customers are drawn with replacement (cluster bootstrap).
    """
    bad = np.array([o.bad for o in outcomes], dtype=float)
    _, customer = np.unique(np.array([o.customer_id for o in outcomes], dtype=str), return_inverse=True)
    count = int(customer.max()) + 1 if len(outcomes) else 0
    found: dict[str, dict[str, list[float]]] = {
        name: {"auc": [], "log_loss": []} for name in ("model", "naive", "difference")
    }
    scores = {"model": [o.model for o in outcomes], "naive": [o.naive for o in outcomes]}
    ranks = {name: np.unique(np.array(p), return_inverse=True)[1] for name, p in scores.items()}
    losses = {
        name: np.array([log_loss_one(p, o.bad) for p, o in zip(values, outcomes, strict=True)])
        for name, values in scores.items()
    }
    for drawn_weight in drawn_customers(count, draws):
        weight = drawn_weight[customer].astype(float)
        positive, negative = weight * bad, weight * (1.0 - bad)
        if not positive.sum() or not negative.sum():
            continue
        drawn = {
            name: (_auc(ranks[name], positive, negative), float((weight * losses[name]).sum() / weight.sum()))
            for name in scores
        }
        model, naive = drawn["model"], drawn["naive"]
        drawn["difference"] = (model[0] - naive[0], model[1] - naive[1])
        for name, (auc, loss) in drawn.items():
            found[name]["auc"].append(auc)
            found[name]["log_loss"].append(loss)
    return {
        name: {key: percentile_interval(values) for key, values in figures.items()} for name, figures in found.items()
    }


def drawn_customers(count: int, draws: int = DRAWS) -> Iterator[NDArray[np.int64]]:
    """How often each of ``count`` customers is drawn, for each draw with replacement; the same draws at every call."""
    random = np.random.default_rng(SEED)
    for _ in range(draws if count else 0):
        yield np.bincount(random.integers(0, count, count), minlength=count)


def percentile_interval(values: Sequence[float]) -> list[float] | None:
    """The middle 95 % of what was drawn; None without any."""
    return [float(q) for q in np.quantile(values, (0.025, 0.975))] if values else None


def _auc(rank: NDArray[np.intp], positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    p, n = np.bincount(rank, positive), np.bincount(rank, negative)
    return float((p * (np.cumsum(n) - n / 2.0)).sum() / (p.sum() * n.sum()))


def wilson(positives: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share."""
    z2 = _Z95 * _Z95
    share = positives / n
    middle, half = share + z2 / (2 * n), _Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # rounding must not put the share outside
