"""What a policy would have meant in money: sales held and lost, bad debt avoided, by currency and never across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.decisions import Decision
from streams.backtesting.truth import Invoice, Truth

if TYPE_CHECKING:
    from streams.backtesting.holds import CheckedOrder

_DAYS_PER_YEAR = Decimal(365)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a ledger does not say and money needs. They belong to the question, never to the policy."""

    margin: Decimal = Decimal("0.20")
    """Share of a sale that is lost with it."""
    loss_given_default: Decimal = Decimal("0.50")
    """Share of a bad debt that is never recovered."""
    loss_after_days: int = 60
    """An invoice that was open so many days past due counts as a bad debt."""
    cost_of_capital: Decimal = Decimal("0.08")
    """Per year, for money that comes late."""
    sales_lost: Decimal = Decimal("0.30")
    """Share of held sales that the customer takes elsewhere; of rejected ones all are lost."""


@dataclass(slots=True)
class Money:
    """Sums in one currency. ``net`` = loss and late cost avoided - margin forgone: above 0 the policy has paid.

    ``expected_loss`` = P(late) x share of the late that went bad x loss given default x amount, over all orders.
    """

    orders: int = 0
    sales: Decimal = Decimal(0)
    holds: int = 0
    held_amount: Decimal = Decimal(0)
    rejections: int = 0
    rejected_amount: Decimal = Decimal(0)
    false_holds: int = 0
    false_hold_amount: Decimal = Decimal(0)
    sales_forgone: Decimal = Decimal(0)
    margin_forgone: Decimal = Decimal(0)
    bad_amount: Decimal = Decimal(0)
    bad_amount_held: Decimal = Decimal(0)
    loss_avoided: Decimal = Decimal(0)
    late_cost: Decimal = Decimal(0)
    late_cost_avoided: Decimal = Decimal(0)
    expected_loss: Decimal = Decimal(0)
    late_orders: int = 0
    bad_orders: int = 0

    @property
    def net(self) -> Decimal:
        """What the policy has brought, against letting every order go."""
        return self.loss_avoided + self.late_cost_avoided - self.margin_forgone

    def plain(self) -> dict[str, Any]:
        """For the report: amounts as texts, in cents."""
        found = {name: str(v.quantize(_CENT)) if isinstance(v, Decimal) else v for name, v in asdict(self).items()}
        stopped = self.holds + self.rejections
        found["false_hold_share"] = self.false_holds / stopped if stopped else None
        found["net"] = str(self.net.quantize(_CENT))
        return found


def money_report(
    orders: Iterable[CheckedOrder], truth: Truth, assumptions: Assumptions, late_days: int
) -> dict[str, Any]:
    """The section ``money`` of the report."""
    orders = list(orders)
    by_currency = money_by(orders, truth, assumptions, late_days, lambda order: order.currency)
    return {
        "assumptions": {name: str(value) for name, value in asdict(assumptions).items()} | {"late_days": late_days},
        "orders": len(orders),
        "currencies": {currency: money.plain() for currency, money in sorted(by_currency.items())},
    }


def money_by(
    orders: Sequence[CheckedOrder],
    truth: Truth,
    assumptions: Assumptions,
    late_days: int,
    key: Any,
) -> dict[Any, Money]:
    """Sums by whatever ``key`` makes of an order, which must keep currencies apart."""
    found: dict[Any, Money] = {}
    for order in orders:
        invoice = truth.invoices.get((order.customer_id, order.invoice)) if order.invoice is not None else None
        _count(found.setdefault(key(order), Money()), order, invoice, truth.last_day, assumptions, late_days)
    for money in found.values():
        # What is foretold is being late, and few of the late go bad: their share in this past brings it to a loss.
        money.expected_loss *= Decimal(money.bad_orders) / money.late_orders if money.late_orders else Decimal(0)
    return found


def _count(
    money: Money,
    order: CheckedOrder,
    invoice: Invoice | None,
    last_day: int,
    assumptions: Assumptions,
    late_days: int,
) -> None:
    amount = order.amount
    money.orders += 1
    money.sales += amount
    money.expected_loss += Decimal(repr(order.probability)) * assumptions.loss_given_default * amount
    money.late_orders += invoice is not None and invoice.passes(late_days, last_day) is not None
    bad = invoice is not None and invoice.passes(assumptions.loss_after_days, last_day) is not None
    late_cost = _late_cost(invoice, last_day, assumptions)
    money.bad_amount += amount if bad else 0
    money.bad_orders += bad
    money.late_cost += late_cost
    if order.decision is Decision.APPROVE:
        return
    rejected = order.decision is Decision.REJECT
    lost = Decimal(1) if rejected else assumptions.sales_lost
    if rejected:
        money.rejections, money.rejected_amount = money.rejections + 1, money.rejected_amount + amount
    else:
        money.holds, money.held_amount = money.holds + 1, money.held_amount + amount
    # False hold: the customer then paid within terms (and the days of grace of the bad event) and without loss.
    if invoice is not None and invoice.paid is not None and invoice.late() <= late_days:
        money.false_holds, money.false_hold_amount = money.false_holds + 1, money.false_hold_amount + amount
    money.sales_forgone += lost * amount
    money.margin_forgone += lost * assumptions.margin * amount
    # What is held is not shipped before what is overdue has been paid: none of it can go bad or be late.
    money.late_cost_avoided += late_cost
    if bad:
        money.bad_amount_held += amount
        money.loss_avoided += assumptions.loss_given_default * amount


def _late_cost(invoice: Invoice | None, last_day: int, assumptions: Assumptions) -> Decimal:
    if invoice is None:
        return Decimal(0)
    days = max(0, (invoice.paid if invoice.paid is not None else last_day) - invoice.due)
    return invoice.amount * days * assumptions.cost_of_capital / _DAYS_PER_YEAR
