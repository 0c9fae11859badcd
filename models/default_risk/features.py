"""What is known of a customer when an invoice is issued, as numbers for the learner; frozen with the prediction.

Values are rounded to 32 bits before use, so that what was predicted from is exactly what is learned from.
"""

from __future__ import annotations

from array import array
from math import log, log1p

from models.account import Account
from models.behaviour import days_beyond_terms, order_velocity, usual_days_late
from models.exposure import Position
from schemas.policy import Policy

NAMES: tuple[str, ...] = (
    "rate_logit",
    "outcomes_log",
    "recent_rate",
    "usual_days_late",
    "days_late_spread",
    "days_beyond_terms",
    "terms",
    "amount_log",
    "overdue_share",
    "oldest_dpd_log",
    "mean_dpd",
    "open_count_log",
    "since_payment_log",
    "velocity_log",
)


def logit(probability: float) -> float:
    """Log-odds; the probability is kept away from 0 and 1."""
    p = 1e-6 if probability < 1e-6 else 0.999999 if probability > 0.999999 else probability
    return log(p / (1.0 - p))


def features(
    account: Account, positions: dict[str, Position], amount: float, terms: int, rate: float, day: int, policy: Policy
) -> bytes:
    """The features of an invoice over ``amount`` with ``terms`` days, packed; ``rate`` = the customer's late rate."""
    behaviour = account.behaviour
    usual, spread = usual_days_late(behaviour) or (0.0, 0.0)
    open_total = overdue = mean_dpd = 0.0
    oldest = 0
    for position in positions.values():
        open_total += float(position.open_invoices)
        if position.oldest_dpd:
            overdue += float(position.overdue)
            mean_dpd = max(mean_dpd, position.mean_days_past_due)
            oldest = max(oldest, position.oldest_dpd)
    velocity = order_velocity(behaviour, day, policy.behaviour) or 1.0
    since = day - behaviour.last_payment if behaviour.last_payment else 90
    recent = behaviour.weighted_late / behaviour.weighted_outcomes if behaviour.weighted_outcomes else rate
    return array(
        "f",
        (
            logit(rate),
            log1p(behaviour.outcomes),
            recent,
            max(-30.0, min(90.0, usual)),
            min(60.0, spread),
            min(90.0, days_beyond_terms(behaviour) or 0.0),
            min(terms, 180),
            log1p(amount),
            overdue / open_total if open_total > 0 else 0.0,
            log1p(oldest),
            min(60.0, mean_dpd),
            log1p(len(account.items)),
            log1p(max(0, min(since, 365))),
            log(velocity),
        ),
    ).tobytes()


def values(packed: bytes) -> array[float]:
    """Packed features in the order of ``NAMES``."""
    return array("f", packed)


def as_dict(packed: bytes) -> dict[str, float]:
    """Packed features by name, as River takes them."""
    return dict(zip(NAMES, values(packed), strict=True))
