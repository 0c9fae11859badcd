"""Limits and terms that follow from level and capacity: the base limit times the level's factor, per currency."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from models.account import Account
from models.behaviour import usual_orders
from schemas.levels import Level
from schemas.policy import Policy


class LimitRules:
    """A policy's limits, made ready to be granted to accounts."""

    def __init__(self, policy: Policy) -> None:
        self._rules, self._behaviour = policy.limits, policy.behaviour
        self._rise = None if policy.limits.max_rise is None else Decimal(str(policy.limits.max_rise))
        self._base: dict[str, Decimal] = {str(currency): amount for currency, amount in policy.limits.base.items()}
        self._step = policy.limits.round_to
        self._factors = {level.value: Decimal(str(policy.measures.of(level).limit_factor)) for level in Level}

    def granted(self, account: Account, level: Level) -> dict[str, Decimal]:
        """Limit per currency, rounded down. A currency that is absent has no limit set: that is no limit of zero."""
        base, step, factor = self._base | account.master.base_limits, self._step, self._factors[level._value_]
        if self._rules.capacity.order_days:
            base = account.capacity | base
        return {
            currency: (amount * factor / step).to_integral_value(rounding=ROUND_FLOOR) * step
            for currency, amount in sorted(base.items())
        }

    def review_capacity(self, account: Account, day: int) -> None:
        """Set the base limits that follow from the customer's usual orders, if they are due to be looked at.

        They never fall by themselves: a customer that orders less has done nothing wrong, and cutting limits is the
        level's business. They rise by at most ``max_rise`` at once.
        """
        rules = self._rules.capacity
        if not rules.order_days or (account.capacity and day < account.capacity_day + rules.review_days):
            return
        fresh = dict(account.capacity)
        for currency, per_day in usual_orders(account.behaviour, day, self._behaviour).items():
            amount, before = Decimal(f"{per_day * rules.order_days:.2f}"), account.capacity.get(currency)
            if before is not None and self._rise is not None:
                amount = min(amount, before * (1 + self._rise))
            fresh[currency] = max(amount, before or amount)
        if fresh:
            account.capacity, account.capacity_day = fresh, day

    def stepped(
        self, account: Account, target: dict[str, Decimal], base: dict[str, Decimal], day: int
    ) -> tuple[dict[str, Decimal], int]:
        """Limits on their way to ``target``, and the day of the next step (0 = they are there).

        Cuts count at once. A rise is at most ``max_rise`` of the base limit, at least one rounding step, and the next
        one is not before ``rise_days`` later; what is set for the first time is no rise.
        """
        before = account.limits
        rising = [c for c, limit in target.items() if c in before and limit > before[c]] if self._rise else []
        if self._rise is None or not rising:
            return target, 0
        due = account.limit_raised + self._rules.rise_days
        reached = dict(target)
        for currency in rising:
            step = (base[currency] * self._rise / self._step).to_integral_value(rounding=ROUND_FLOOR) * self._step
            now = max(step, self._step) if day >= due else 0
            reached[currency] = min(target[currency], before[currency] + now)
        if day >= due:
            account.limit_raised = day
        return reached, account.limit_raised + self._rules.rise_days if reached != target else 0


def limits(account: Account, level: Level, policy: Policy) -> dict[str, Decimal]:
    """What ``LimitRules.granted`` gives, for a single account."""
    return LimitRules(policy).granted(account, level)


def terms_days(account: Account, level: Level, policy: Policy) -> int:
    """Payment terms in days: the level's, never longer than what was agreed with the customer."""
    terms = policy.measures.of(level).terms_days
    agreed = account.master.terms_days
    return terms if agreed is None else min(terms, agreed)
