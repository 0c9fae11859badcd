"""What is known of a customer when an invoice is issued, as numbers for the learner; frozen with the prediction.

Values are rounded to 32 bits before use, so that what was predicted from is exactly what is learned from.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from math import erf, log, log1p, sqrt

from models.account import Account, Behaviour
from models.behaviour import usual_days_late

NAMES: tuple[str, ...] = (
    "rate_logit",
    "late_by_habit",
    "unusual_amount",
    "new_customer",
    "age_log",
    "due_at_month_end",
    "working_days",
    "oldest_dpd_log",
    "open_count_log",
    "since_payment_log",
    "due_at_once",
)

_DAYS_NOISE = 2.0
"""Standard deviation, in days, that even the steadiest payer is granted (weekends, bank days)."""
_UNKNOWN_SPREAD = 5.0
_NEVER_PAID = 365
_MONTH_END = 26
_SATURDAY = 5


def logit(probability: float) -> float:
    """Log-odds; the probability is kept away from 0 and 1."""
    p = 1e-6 if probability < 1e-6 else 0.999999 if probability > 0.999999 else probability
    return log(p / (1.0 - p))


@lru_cache(maxsize=4096)
def _calendar(due: int, late_days: int) -> tuple[float, float]:
    """Whether ``due`` lies at the end of a month, and the working days until an invoice is late."""
    # Invoices run at month's end, and money moves on working days: both shift payments by a few days.
    weekday = (due - 1) % 7
    working_days = sum((weekday + step) % 7 < _SATURDAY for step in range(1, late_days + 1))
    return (1.0 if date.fromordinal(due).day >= _MONTH_END else 0.0), float(working_days)


def features(
    account: Account, oldest_dpd: int, amount: float, due: int, rate: float, day: int, late_days: int
) -> bytes:
    """The features of an invoice over ``amount`` that falls due on ``due`` and would be bad ``late_days`` later.

    ``oldest_dpd`` is that of the account's open items, ``rate`` the customer's late rate; ``day`` and ``due`` are
    ordinals. Packed as 32-bit floats.
    """
    behaviour = account.behaviour
    amount_log = log1p(amount)
    usual_amount = behaviour.amount_log_sum / behaviour.invoices if behaviour.invoices else amount_log
    since = min(_NEVER_PAID, day - behaviour.last_payment) if behaviour.last_payment else _NEVER_PAID
    age = max(0, day - behaviour.first_order) if behaviour.first_order else 0
    month_end, working_days = _calendar(due, late_days)
    return array(
        "f",
        (
            logit(rate),
            logit(0.01 + 0.98 * late_by_habit(behaviour, late_days)),
            amount_log - usual_amount,
            0.0 if behaviour.payments else 1.0,
            log1p(age),
            month_end,
            working_days,
            log1p(oldest_dpd),
            log1p(len(account.items)),
            log1p(max(0, since)),
            1.0 if due - day <= 1 else 0.0,
        ),
    ).tobytes()


def late_by_habit(behaviour: Behaviour, late_days: int) -> float:
    """Probability of paying more than ``late_days`` late, were days late normal around the customer's own usual."""
    usual, spread = usual_days_late(behaviour) or (0.0, _UNKNOWN_SPREAD)
    deviation = sqrt(spread * spread + _DAYS_NOISE * _DAYS_NOISE)
    return 0.5 * (1.0 + erf((usual - late_days - 0.5) / deviation / sqrt(2.0)))


def values(packed: bytes) -> array[float]:
    """Packed features in the order of their names."""
    return array("f", packed)


def as_dict(names: Sequence[str], packed: bytes) -> dict[str, float]:
    """Packed features by name, as River takes them."""
    return dict(zip(names, values(packed), strict=True))
