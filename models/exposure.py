"""Exposure, headroom and ageing of an account, per currency, from its open items as of a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from models.account import ZERO, Account, OpenItem, OpenOrder
from schemas.policy import Policy

BUCKETS: tuple[tuple[str, int], ...] = (("1-30", 1), ("31-60", 31), ("61-90", 61), ("91+", 91))
_MIN_OPEN = 3


@dataclass(slots=True)
class Position:
    """Where the customer stands in one currency on a day.

    What is disputed is owed, but never overdue; cash received but not yet applied covers what is overdue, the oldest
    items first, then what was reopened. ``overdue_amount_days`` = sum(outstanding x days past due) over what is left of
    overdue items, above the rounding tolerance. ``oldest_dpd`` is the oldest of those items.
    """

    open_orders: Decimal = ZERO
    open_invoices: Decimal = ZERO
    unapplied: Decimal = ZERO
    overdue: Decimal = ZERO
    overdue_amount_days: float = 0.0
    oldest_dpd: int = 0
    items: list[tuple[int, Decimal, str]] = field(default_factory=list)
    """Overdue items: (days past due, what is overdue of it, invoice id)."""
    disputed: Decimal = ZERO
    reopened: list[tuple[Decimal, str]] = field(default_factory=list)
    """Invoices that a reversal has opened again, due or not: (what cash leaves of it, invoice id)."""

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


def disputed_part(account: Account, invoice_id: str, item: OpenItem) -> Decimal:
    """How much of an open invoice is contested: at most what is open of it (the rest is paid first)."""
    dispute = account.disputes.get(invoice_id)
    if dispute is None or not dispute.open:
        return ZERO
    if dispute.amount is None:
        return item.outstanding
    return min(dispute.amount, item.outstanding) if dispute.currency == item.currency else ZERO


def positions(account: Account, day: int, policy: Policy) -> dict[str, Position]:
    """The position in each currency that the account has anything open in."""
    found = {currency: Position(open_invoices=amount) for currency, amount in account.open_invoices.items()}
    for currency, amount in account.unapplied.items():
        found.setdefault(currency, Position()).unapplied = amount
    for order in account.orders.values():
        if is_exposure(order, day, policy):
            found.setdefault(order.currency, Position()).open_orders += shippable(order)
    tolerance, disputes = policy.materiality.tolerance, account.disputes
    for invoice_id, item in account.items.items():
        if item.due >= day and not item.reversed:
            continue
        outstanding = item.outstanding
        if disputes:
            outstanding -= disputed_part(account, invoice_id, item)
        if outstanding <= tolerance:
            continue
        dpd = day - item.due
        position = found[item.currency]
        if item.reversed:
            position.reopened.append((outstanding, invoice_id))
            if dpd <= 0:
                continue
        position.overdue += outstanding
        position.overdue_amount_days += float(outstanding) * dpd
        if dpd > position.oldest_dpd:
            position.oldest_dpd = dpd
        position.items.append((dpd, outstanding, invoice_id))
    for invoice_id in disputes:
        disputed = account.items.get(invoice_id)
        if disputed is not None:
            found[disputed.currency].disputed += disputed_part(account, invoice_id, disputed)
    for currency in account.unapplied:
        position = found[currency]
        if position.unapplied > 0 and (position.items or position.reopened):
            _cover_by_cash(position, tolerance)
    return found


def _cover_by_cash(position: Position, tolerance: Decimal) -> None:
    """Take cash that is not applied yet off the overdue items, the oldest first: whoever has paid is not held.

    What is left of it then covers what a reversal has opened again and is not due yet.
    """
    cash = position.unapplied
    overdue = sorted(position.items, key=lambda item: (-item[0], item[2]))
    rests: dict[str, Decimal] = {}
    position.items, position.overdue, position.overdue_amount_days = [], ZERO, 0.0
    for dpd, outstanding, invoice_id in overdue:
        covered = min(cash, outstanding)
        cash -= covered
        rest = rests[invoice_id] = outstanding - covered
        if rest > tolerance:
            position.items.append((dpd, rest, invoice_id))
            position.overdue += rest
            position.overdue_amount_days += float(rest) * dpd
    position.oldest_dpd = position.items[0][0] if position.items else 0
    reopened, position.reopened = position.reopened, []
    for outstanding, invoice_id in reopened:
        if invoice_id not in rests:
            covered = min(cash, outstanding)
            cash -= covered
            rests[invoice_id] = outstanding - covered
        if rests[invoice_id] > tolerance:
            position.reopened.append((rests[invoice_id], invoice_id))


def oldest_dpd(account: Account, day: int, policy: Policy) -> int:
    """Days past due of the oldest overdue item of ``positions``, in any currency; 0 = none is overdue."""
    if account.unapplied or account.disputes:
        return max((position.oldest_dpd for position in positions(account, day, policy).values()), default=0)
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


def concentration(account: Account, where: dict[str, Position], day: int, policy: Policy) -> float | None:
    """Largest open invoice or order / open invoices and orders, of the currency in which that is most.

    The concentration ratio CR1 of industrial economics. None where fewer than 3 are open: one of one tells nothing.
    """
    largest: dict[str, Decimal] = {}
    counts: dict[str, int] = {}
    amounts = [(item.currency, item.outstanding) for item in account.items.values()]
    amounts += [(o.currency, shippable(o)) for o in account.orders.values() if is_exposure(o, day, policy)]
    for currency, amount in amounts:
        counts[currency] = counts.get(currency, 0) + 1
        largest[currency] = max(largest.get(currency, ZERO), amount)
    shares = [
        float(largest[currency] / (where[currency].open_orders + where[currency].open_invoices))
        for currency, count in counts.items()
        if count >= _MIN_OPEN
    ]
    return max(shares, default=None)


def ageing(account: Account, day: int) -> dict[str, dict[str, Decimal]]:
    """Undisputed amounts per currency and DPD bucket (``current``, ``1-30``, ``31-60``, ``61-90``, ``91+``)."""
    table: dict[str, dict[str, Decimal]] = {}
    for invoice_id, item in account.items.items():
        row = table.setdefault(item.currency, {"current": ZERO, **{name: ZERO for name, _ in BUCKETS}})
        name = next((name for name, first in reversed(BUCKETS) if day - item.due >= first), "current")
        row[name] += item.outstanding - disputed_part(account, invoice_id, item)
    return table
