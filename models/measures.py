"""Limits and terms that follow from a level: the agreed base limit times the level's factor, per currency."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from models.account import Account
from schemas.levels import Level
from schemas.policy import Policy


def limits(account: Account, level: Level, policy: Policy) -> dict[str, Decimal]:
    """Limit per currency, rounded down. A currency that is absent has no limit set, which is not a limit of zero."""
    base: dict[str, Decimal] = {str(currency): amount for currency, amount in policy.limits.base.items()}
    base |= account.master.base_limits
    factor = Decimal(str(policy.measures.of(level).limit_factor))
    step = policy.limits.round_to
    return {
        currency: (amount * factor / step).to_integral_value(rounding=ROUND_FLOOR) * step
        for currency, amount in sorted(base.items())
    }


def terms_days(account: Account, level: Level, policy: Policy) -> int:
    """Payment terms in days: the level's, never longer than what was agreed with the customer."""
    terms = policy.measures.of(level).terms_days
    agreed = account.master.terms_days
    return terms if agreed is None else min(terms, agreed)
