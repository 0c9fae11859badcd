"""The mildest measure of the policy that is enough for what an order did not pass."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Any

from models.account import OpenOrder
from models.order_checks.facts import Facts, Failed
from schemas.levels import Level
from schemas.order_measures import OrderMeasure
from schemas.policy import Policy

CENT = Decimal("0.01")


def mildest_measure(facts: Facts, failed: list[Failed]) -> OrderMeasure | None:
    """None when nothing failed. Measures are tried in the policy's order, each on what the milder ones leave over.

    The last one tried names the measure: a deposit on shorter terms is a deposit, with ``terms_days``.
    """
    order, rules = facts.order, facts.policy.order_checks
    if not failed:
        return None
    if any(item.outcome == "reject" for item in failed):
        return OrderMeasure(kind="refuse", currency=order.currency)
    found: dict[str, Any] = {}
    left = failed
    for kind in rules.soft_measures:
        if kind == "shorter_terms":
            numbers, cured = _shorter_terms(left)
        elif kind == "deposit":
            numbers, cured = _deposit(facts, left)
        else:
            numbers, cured = _partial(order, failed) if rules.partial else ({}, [])
        if not cured:
            continue
        found |= numbers
        left = [item for item in left if item not in cured]
        if not left:
            return OrderMeasure(kind=kind, currency=order.currency, **found)
    return OrderMeasure(kind="hold", currency=order.currency)


def short_of_cash(order: OpenOrder, failed: list[Failed]) -> Decimal:
    """How much cash lets the steps pass that look at exposure."""
    return max([order.amount - item.headroom for item in failed if item.by_cash and item.headroom is not None])


def deposit_share(facts: Facts, short: Decimal) -> Decimal:
    """The share of the order that brings ``short``, rounded up to the policy's step; at least the level's own."""
    step, policy = facts.policy.order_checks.deposit_step, facts.policy
    share = (short / facts.order.amount / step).to_integral_value(rounding=ROUND_CEILING) * step
    return max(share, _level_share(facts.account.level, policy))


def deposit_amount(order: OpenOrder, share: Decimal) -> Decimal:
    """That share of the order, rounded up to cents."""
    return (order.amount * share).quantize(CENT, rounding=ROUND_CEILING)


def _level_share(level: str, policy: Policy) -> Decimal:
    return Decimal(str(policy.measures.of(Level(level)).deposit_share))


def _shorter_terms(left: list[Failed]) -> tuple[dict[str, Any], list[Failed]]:
    cured = [item for item in left if item.terms_days is not None]
    return {"terms_days": cured[0].terms_days} if cured else {}, cured


def _deposit(facts: Facts, left: list[Failed]) -> tuple[dict[str, Any], list[Failed]]:
    cured = [item for item in left if item.by_cash]
    if not cured:
        return {}, []
    share = deposit_share(facts, short_of_cash(facts.order, cured))
    if share > facts.policy.order_checks.max_deposit:
        return {}, []
    return {"deposit_share": share, "deposit": deposit_amount(facts.order, share)}, cured


def _partial(order: OpenOrder, failed: list[Failed]) -> tuple[dict[str, Any], list[Failed]]:
    """The part that fits without any deposit."""
    rooms = [item.headroom for item in failed if item.headroom is not None]
    fits = min(rooms, default=Decimal(0)).quantize(CENT, rounding=ROUND_DOWN)
    if fits <= 0:
        return {}, []
    numbers = {"release_amount": fits, "deposit_share": None, "deposit": None}
    return numbers, [item for item in failed if item.headroom is not None]
