"""Limits and terms that follow from a level: the agreed base limit times the level's factor, per currency."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from models.account import Account
from schemas.levels import Level
from schemas.policy import Policy


class LimitRules:
    """A policy's limits, made ready to be granted to accounts."""

    def __init__(self, policy: Policy) -> None:
        self._base: dict[str, Decimal] = {str(currency): amount for currency, amount in policy.limits.base.items()}
        self._step = policy.limits.round_to
        self._factors = {level.value: Decimal(str(policy.measures.of(level).limit_factor)) for level in Level}

    def granted(self, account: Account, level: Level) -> dict[str, Decimal]:
        """Limit per currency, rounded down. A currency that is absent has no limit set: that is no limit of zero."""
        base, step, factor = self._base | account.master.base_limits, self._step, self._factors[level._value_]
        return {
            currency: (amount * factor / step).to_integral_value(rounding=ROUND_FLOOR) * step
            for currency, amount in sorted(base.items())
        }


def limits(account: Account, level: Level, policy: Policy) -> dict[str, Decimal]:
    """What ``LimitRules.granted`` gives, for a single account."""
    return LimitRules(policy).granted(account, level)


def terms_days(account: Account, level: Level, policy: Policy) -> int:
    """Payment terms in days: the level's, never longer than what was agreed with the customer."""
    terms = policy.measures.of(level).terms_days
    agreed = account.master.terms_days
    return terms if agreed is None else min(terms, agreed)
