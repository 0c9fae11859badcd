"""Exposure, headroom and ageing of an account, per currency, from its open items as of a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from models.account import ZERO, Account, OpenOrder
from schemas.policy import Policy

BUCKETS: tuple[tuple[str, int], ...] = (("1-30", 1), ("31-60", 31), ("61-90", 61), ("91+", 91))


@dataclass(slots=True)
class Position:
    """Where the customer stands in one currency on a day.

    ``overdue_amount_days`` = sum(outstanding x days past due) over overdue items above the rounding tolerance.
    ``oldest_dpd`` is the oldest of those items.
    """

    open_orders: Decimal = ZERO
    open_invoices: Decimal = ZERO
    unapplied: Decimal = ZERO
    overdue: Decimal = ZERO
    overdue_amount_days: float = 0.0
    oldest_dpd: int = 0
    items: list[tuple[int, Decimal, str]] = field(default_factory=list)
    """Overdue items: (days past due, outstanding, invoice id)."""

    @property
    def exposure(self) -> Decimal:
        """Open orders + open invoices - cash received but not yet applied."""
        return self.open_orders + self.open_invoices - self.unapplied

    @property
    def mean_days_past_due(self) -> float:
        """sum(amount x days past due) / sum(amount) over all open invoices, in days."""
        total = float(self.open_invoices)
        return self.overdue_amount_days / total if total > 0 else 0.0


def is_exposure(order: OpenOrder, day: int, policy: Policy) -> bool:
    """Whether an order counts: what is held is not going to be shipped, what is beyond the credit horizon not yet."""
    if order.held and not order.free:
        return False
    return order.delivery is None or order.delivery <= day + policy.limits.credit_horizon_days


def shippable(order: OpenOrder) -> Decimal:
    """The part of an order that is free to go: all of it, unless it is held."""
    return order.free if order.held else order.amount


def positions(account: Account, day: int, policy: Policy) -> dict[str, Position]:
    """The position in each currency that the account has anything open in."""
    found = {currency: Position(open_invoices=amount) for currency, amount in account.open_invoices.items()}
    for currency, amount in account.unapplied.items():
        found.setdefault(currency, Position()).unapplied = amount
    for order in account.orders.values():
        if is_exposure(order, day, policy):
            found.setdefault(order.currency, Position()).open_orders += shippable(order)
    tolerance = policy.materiality.tolerance
    for invoice_id, item in account.items.items():
        if item.due >= day:
            continue
        outstanding = item.outstanding
        if outstanding <= tolerance:
            continue
        dpd = day - item.due
        position = found[item.currency]
        position.overdue += outstanding
        position.overdue_amount_days += float(outstanding) * dpd
        if dpd > position.oldest_dpd:
            position.oldest_dpd = dpd
        position.items.append((dpd, outstanding, invoice_id))
    return found


def oldest_dpd(account: Account, day: int, policy: Policy) -> int:
    """Days past due of the oldest open item above the rounding tolerance, in any currency; 0 = none is overdue."""
    tolerance = policy.materiality.tolerance
    oldest = day
    for item in account.items.values():
        if item.due < oldest and item.outstanding > tolerance:
            oldest = item.due
    return day - oldest


def material(position: Position, dpd_floor: int, policy: Policy, *, to_hold: bool = False) -> bool:
    """Whether what is at least ``dpd_floor`` days past due matters: amount x days, never a count of invoices.

    ``to_hold``: enough to hold orders. A small part of a large exposure is worth watching when it grows old, but no
    reason to stop a customer that pays the rest.
    """
    if position.oldest_dpd < dpd_floor or not position.items:
        return False
    amount, amount_days = position.overdue, position.overdue_amount_days
    if dpd_floor > 1:  # else all items count, and their sums are known
        amount, amount_days = ZERO, 0.0
        for dpd, outstanding, _ in position.items:
            if dpd >= dpd_floor:
                amount += outstanding
                amount_days += float(outstanding) * dpd
    if amount == 0:
        return False
    rules = policy.materiality
    base = max(float(position.exposure), float(amount))
    share = float(amount) / base
    if share >= rules.share_of_exposure:
        return True
    return amount_days >= rules.amount_days and (not to_hold or share >= rules.share_to_hold)


def ageing(account: Account, day: int) -> dict[str, dict[str, Decimal]]:
    """Outstanding per currency and DPD bucket (``current``, ``1-30``, ``31-60``, ``61-90``, ``91+``)."""
    table: dict[str, dict[str, Decimal]] = {}
    for item in account.items.values():
        row = table.setdefault(item.currency, {"current": ZERO, **{name: ZERO for name, _ in BUCKETS}})
        name = next((name for name, first in reversed(BUCKETS) if day - item.due >= first), "current")
        row[name] += item.outstanding
    return table
