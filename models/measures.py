"""Limits that follow from level, size and cover: base limit times the level's factor, plus cover, per currency."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from models.account import ZERO, Account, Statement
from models.behaviour import usual_orders
from models.cover import Covered, capped, covered
from models.opinions import DAYS_PER_MONTH
from schemas.levels import Level
from schemas.policy import Policy

_ONE = Decimal(1)


class LimitRules:
    """A policy's limits, made ready to be granted to accounts."""

    def __init__(self, policy: Policy) -> None:
        self._rules, self._behaviour = policy.limits, policy.behaviour
        self._rise = None if policy.limits.max_rise is None else Decimal(str(policy.limits.max_rise))
        self._base: dict[str, Decimal] = {str(currency): amount for currency, amount in policy.limits.base.items()}
        self._step = policy.limits.round_to
        self._factors = {level.value: Decimal(str(policy.measures.of(level).limit_factor)) for level in Level}
        self._statement_days = policy.statements.max_age_months * DAYS_PER_MONTH

    def granted(self, account: Account, level: Level, day: int) -> dict[str, Decimal]:
        """Limit per currency, rounded down. A currency that is absent has no limit set: that is no limit of zero.

        Cover adds to it on ``day`` (ordinal); a good level does not multiply cover, a bad one cuts it as well.
        """
        base, step, factor = self.base(account), self._step, self._factors[level._value_]
        added = self.cover(account, base, day)
        found = {}
        for currency, amount in sorted(base.items()):
            limit = amount * factor
            if currency in added:
                limit += added[currency][0] * min(factor, _ONE)
            found[currency] = (limit / step).to_integral_value(rounding=ROUND_FLOOR) * step
        return found

    def factor(self, level: Level) -> Decimal:
        """The level's factor on base limits."""
        return self._factors[level._value_]

    @property
    def order_days(self) -> int:
        """So many days of usual orders are a capacity; 0 = off."""
        return self._rules.capacity.order_days

    def is_set(self, currency: str) -> bool:
        """Whether the policy itself sets a base limit in this currency."""
        return currency in self._base

    def base(self, account: Account) -> dict[str, Decimal]:
        """Base limit per currency: agreed, else the policy's, else by what is known of the customer's size.

        Usual orders tell what it needs, the statement what it can bear: where both are known the lower counts.
        """
        base = self._base | account.master.base_limits
        own = dict(account.capacity) if self.order_days else {}
        for currency, amount in self.by_statement(account).items():
            own[currency] = min(amount, own.get(currency, amount))
        return own | base if own else base

    def by_statement(self, account: Account) -> dict[str, Decimal]:
        """The base limit that the newest statement's size bears, in its currency; empty without a usable one.

        It must have been fresh enough when it was filed. That it grows old afterwards changes nothing: a limit never
        falls because nothing new was said.
        """
        statement, rules = account.external.statement, self._rules.statement
        if statement is None or statement.currency is None or not (rules.equity_share or rules.sales_share):
            return {}
        if statement.filed - statement.as_of >= self._statement_days:
            return {}
        parts = [amount * share for _, amount, share in self.statement_parts(statement)]
        return {statement.currency: max(min(parts), ZERO)} if parts else {}

    def statement_parts(self, statement: Statement) -> list[tuple[str, Decimal, Decimal]]:
        """The figures of a statement that bear a limit: name, amount, and the policy's share of it."""
        rules = self._rules.statement
        found = []
        for name, amount, share in (
            ("equity", statement.equity, rules.equity_share),
            ("sales", statement.sales, rules.sales_share),
        ):
            if share and amount is not None:
                found.append((name, amount, Decimal(str(share))))
        return found

    def cover(self, account: Account, base: dict[str, Decimal], day: int) -> Covered:
        """The cover that adds to the base limits on a day, and until when."""
        rules = self._rules.cover
        if not rules.share or not account.external.covers:
            return {}
        return capped(covered(account.external, day, rules), base, rules)

    def note_cover(self, account: Account, day: int) -> tuple[bool, bool]:
        """Keep what cover counts now; whether any of it has ended, and whether its end is to be announced now.

        An end is announced once, ``notice_days`` before it.
        """
        if not self._rules.cover.share or not (account.external.covers or account.covered):
            return False, False
        found = self.cover(account, self.base(account), day)
        now = {currency: amount for currency, (amount, _) in found.items()}
        ended = any(now.get(currency, ZERO) < amount for currency, amount in account.covered.items())
        account.covered = now
        until = min((until for _, until in found.values()), default=0)
        tell = bool(until) and until - day <= self._rules.cover.notice_days and until != account.cover_told
        if tell:
            account.cover_told = until
        return ended, tell

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


def limits(account: Account, level: Level, policy: Policy, day: int) -> dict[str, Decimal]:
    """What ``LimitRules.granted`` gives, for a single account."""
    return LimitRules(policy).granted(account, level, day)


def terms_days(account: Account, level: Level, policy: Policy) -> int:
    """Payment terms in days: the level's, never longer than what was agreed with the customer."""
    terms = policy.measures.of(level).terms_days
    agreed = account.master.terms_days
    return terms if agreed is None else min(terms, agreed)
