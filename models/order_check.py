"""Decide orders: approve, hold or reject when they are placed, release when what held them is gone."""

from __future__ import annotations

from decimal import Decimal

from models.account import Account, OpenOrder
from models.exposure import Position, material
from models.memory import id_hash
from schemas.decisions import OrderCheck
from schemas.fields import Currency
from schemas.levels import Level
from schemas.policy import Policy


def order_checks(
    account: Account, order: OpenOrder, positions: dict[str, Position], policy: Policy
) -> list[OrderCheck]:
    """What stands in the way of an order whose amount is NOT part of ``positions``; empty = it may go.

    Only the position in the order's own currency is looked at for amounts.
    """
    found = []
    checks = policy.order_checks
    measure = policy.measures.of(Level(account.level))
    if checks.level and measure.orders != "approve":
        code = "LEVEL_BLOCKED" if measure.orders == "reject" else "LEVEL_HOLD"
        found.append(OrderCheck(code=code, detail={"level": account.level}))
    position = positions.get(order.currency, Position())
    limit = account.limits.get(order.currency)
    if checks.utilisation and limit is not None and position.exposure + order.amount > limit:
        found.append(OrderCheck(code="OVER_LIMIT", detail=_over(position.exposure, order, limit)))
    oldest = checks.oldest_item_dpd
    if oldest is not None and position.oldest_dpd >= oldest and material(position, oldest, policy, to_hold=True):
        found.append(OrderCheck(code="OLDEST_ITEM", detail={"days_past_due": str(position.oldest_dpd)}))
    return found


def is_held_out(customer_id: str, order_id: str, order: OpenOrder, policy: Policy) -> bool:
    """Whether an order that is to be held passes all the same, to learn what becomes of those we hold.

    A small random share, drawn by a hash of the ids: the same order is drawn in every replay, and nobody can choose it.
    """
    rules = policy.order_checks
    most = rules.holdout_most.get(Currency(order.currency)) if rules.holdout_share else None
    if most is None or order.amount > most:
        return False
    draw = int.from_bytes(id_hash(f"holdout/{customer_id}/{order_id}"), "big") / 2.0**64
    return draw < rules.holdout_share


def _over(exposure: Decimal, order: OpenOrder, limit: Decimal) -> dict[str, str]:
    return {
        "exposure": str(exposure),
        "order": str(order.amount),
        "limit": str(limit),
        "short_by": str(exposure + order.amount - limit),
        "currency": order.currency,
    }
