"""Whether a hold of an order passes the brake, and what becomes of one that it stopped: a person decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.account import Account, StoppedTightening
from models.brake import Brake
from models.exposure import Position
from schemas.levels import Level

_TIGHTENED = (Level.HIGH_RISK.value, Level.BLOCKED.value)
_MOST_ORDERS = 20


def stops_hold(
    brake: Brake, account: Account, order_id: str, where: Mapping[str, Position], codes: Sequence[str], day: int
) -> bool:
    """Whether the order goes although it is to be held; ``codes``: of the customer's knock-outs and the checks.

    Who has a held order already is no more held by another one, and who is at high risk has passed the brake before.
    The first hold that is stopped begins a review; what follows goes under it, until a person decides or nothing is
    left that would be held.
    """
    rules, review = brake.rules, account.review
    has_held = any(order.held for order in account.orders.values())
    if not rules.brakes_holds or account.level in _TIGHTENED or has_held or rules.is_named(codes):
        return False
    reviewed = review if review is not None and review.orders else None
    if reviewed is None or (reviewed.until and day > reviewed.until):
        if brake.lets_hold(account, {currency: p.exposure for currency, p in where.items() if p.exposure > 0}):
            return False
        if review is not None and not review.orders:
            return True  # a tightening waits already: who decides on it sees the customer's orders
        reviewed = account.review = StoppedTightening(account.level, account.clock, 0)
    reviewed.orders = [*(other for other in reviewed.orders if other != order_id), order_id][-_MOST_ORDERS:]
    return True
