"""One customer as lists show it: worked out from its account as the engine holds it, by the engine's own functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from models.account import ZERO, Account
from models.behaviour import days_beyond_terms, mean_payment_index
from models.calendar import from_ms
from models.exposure import BUCKETS, Position, ageing, positions
from schemas.levels import BY_VALUE, Level
from schemas.policy import Policy

AGEING: tuple[str, ...] = ("current", *(name for name, _ in BUCKETS))
"""DPD buckets, as in the view ``dpd_ageing``; what is disputed is in none of them."""
_ESCALATE_DAYS, _RENEW_DAYS = 60, 30
TREND_POINTS = 12


class NextAction(StrEnum):
    """What a person should do next about a customer, the most urgent first."""

    DECIDE_HOLDS = "decide_holds"
    ESCALATE = "escalate"
    REMIND = "remind"
    REVIEW_LIMIT = "review_limit"
    RENEW_LIMIT = "renew_limit"
    ASSESS = "assess"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class InCurrency:
    """Exposure, limit (None: none is set), overdue and open invoices by age in one currency, in its unit."""

    exposure: Decimal
    limit: Decimal | None
    open_invoices: Decimal
    overdue: Decimal
    ageing: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """``currency`` is the one with the largest exposure, or the first limit; ``exposure``, ``credit_limit``,
    ``headroom`` and ``overdue`` are in it, ``currencies`` has all. ``utilisation`` (share of the limit) and
    ``oldest_days_past_due`` are the worst of all currencies. ``dbt`` in days, ``payment_index`` 0 to 100, None before
    there is enough. ``score_change``: against the last score 30 days before, None when that is not known; ``trend``:
    the last scores, oldest first. ``probability`` of the bad event of the policy."""

    customer_id: str
    name: str | None
    segment: str | None
    sector: str | None
    region: str | None
    group_parent: str | None
    owner: str | None
    level: Level
    since: date | None
    score: int | None
    score_change: int | None
    trend: tuple[int, ...]
    probability: float | None
    currency: str | None
    exposure: Decimal
    credit_limit: Decimal | None
    headroom: Decimal | None
    utilisation: float | None
    overdue: Decimal
    oldest_days_past_due: int
    dbt: float | None
    payment_index: float | None
    holds: int
    held_since: datetime | None
    next_action: NextAction
    updated_at: datetime
    currencies: dict[str, InCurrency]


def customer_row(
    account: Account, policy: Policy, day: int, history: tuple[tuple[int, int], ...] = (), aged_to: int = 0
) -> CustomerRow:
    """The row as of a day (ordinal); ``history``: (day, score), oldest first. ``aged_to``: the day to which open items
    are aged while payments are stale, as the engine's are; 0 = they are not."""
    where = positions(account, aged_to or day, policy)
    buckets = ageing(account, aged_to or day)
    currencies = {
        currency: _in_currency(where.get(currency, Position()), account.limits.get(currency), buckets.get(currency, {}))
        for currency in sorted({*where, *account.limits})
    }
    main = max(currencies, key=lambda name: (currencies[name].exposure, name in account.limits), default=None)
    here = currencies[main] if main is not None else InCurrency(ZERO, None, ZERO, ZERO)
    shares = [float(found.exposure / found.limit) for found in currencies.values() if found.limit]
    held = [order.held_since for order in account.orders.values() if order.held]
    first_held = min(held, default=0)
    dpd = max((position.oldest_dpd for position in where.values()), default=0)
    score = account.score if account.points else None
    row_level = BY_VALUE[account.level]
    utilisation = max(shares, default=None)
    return CustomerRow(
        customer_id=account.customer_id,
        name=account.master.name,
        segment=account.master.segment,
        sector=account.master.sector,
        region=account.master.region,
        group_parent=account.master.group_parent,
        owner=account.master.owner,
        level=row_level,
        since=date.fromordinal(account.level_since) if account.level_since else None,
        score=score,
        score_change=_change(score, history, day),
        trend=tuple(point for _, point in history[-TREND_POINTS:]),
        probability=account.probability if account.points else None,
        currency=main,
        exposure=here.exposure,
        credit_limit=here.limit,
        headroom=None if here.limit is None else here.limit - here.exposure,
        utilisation=utilisation,
        overdue=here.overdue,
        oldest_days_past_due=dpd,
        dbt=days_beyond_terms(account.behaviour),
        payment_index=mean_payment_index(account.behaviour),
        holds=len(held),
        held_since=from_ms(first_held) if first_held else None,
        next_action=_next_action(account, row_level, len(held), dpd, utilisation, here.exposure, day),
        updated_at=from_ms(account.clock),
        currencies=currencies,
    )


def _in_currency(position: Position, limit: Decimal | None, buckets: dict[str, Decimal]) -> InCurrency:
    return InCurrency(
        position.exposure, limit, position.open_invoices, position.overdue,
        tuple(buckets.get(name, ZERO) for name in AGEING),
    )  # fmt: skip


def _change(score: int | None, history: tuple[tuple[int, int], ...], day: int) -> int | None:
    before = [point for at, point in history if at <= day - 30]
    return None if score is None or not before else score - before[-1]


def _next_action(
    account: Account, level: Level, holds: int, dpd: int, utilisation: float | None, exposure: Decimal, day: int
) -> NextAction:
    until = account.master.limit_valid_until
    if holds:
        return NextAction.DECIDE_HOLDS
    if dpd > _ESCALATE_DAYS:
        return NextAction.ESCALATE
    if dpd > 0:
        return NextAction.REMIND
    if utilisation is not None and utilisation > 1:
        return NextAction.REVIEW_LIMIT
    if until is not None and until <= day + _RENEW_DAYS:
        return NextAction.RENEW_LIMIT
    if level is Level.UNRATED and exposure > 0:
        return NextAction.ASSESS
    return NextAction.NONE
