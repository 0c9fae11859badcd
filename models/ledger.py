"""Book orders, invoices, payments and notices on an account; amounts stay exact and within their currency.

Order of arrival does not matter: a payment before its invoice waits as unapplied cash, a notice for an unknown
invoice opens it, and what is known to be closed stays closed.
"""

from __future__ import annotations

from decimal import Decimal

from models.account import ZERO, Account, EarlyPayment, OpenItem, OpenOrder
from models.behaviour import record_order, record_payment
from models.calendar import day_of
from models.exposure import disputed_part
from models.memory import contains, forget, id_hash, remember
from schemas.events import (
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.order_acts import OrderChanged
from schemas.policy import Policy

_MAX_WAITING = 200
"""Invoices that payments may wait for, per account: keeps the state bounded where invoices never arrive."""
_MAX_OVERPAID = 20
"""Invoices of which it is known that they were overpaid, the newest, per account."""


def _add(amounts: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    total = amounts.get(currency, ZERO) + amount
    if total:
        amounts[currency] = total
    else:
        amounts.pop(currency, None)


def place_order(account: Account, event: OrderPlaced | OrderChanged, policy: Policy) -> bool:
    """Book an order; False when it is known already."""
    if event.order_id in account.orders:
        return False
    day = day_of(event.occurred_at)
    delivery = event.delivery_date.toordinal() if event.delivery_date else None
    order = OpenOrder(event.amount, event.currency, day, delivery, asked_terms=event.requested_terms_days)
    add_order(account, event.order_id, order, policy)
    return True


def add_order(account: Account, order_id: str, order: OpenOrder, policy: Policy) -> None:
    """Put a new order on the account; it counts as ordered, for the order velocity."""
    account.orders[order_id] = order
    record_order(account.behaviour, order.currency, order.amount, order.placed, policy.behaviour)


def change_order(account: Account, event: OrderPlaced | OrderChanged, policy: Policy) -> None:
    """Replace what an open order asks for; what it grows by counts as ordered, for the order velocity."""
    order = account.orders[event.order_id]
    same = order.currency == event.currency
    grown = event.amount - order.amount if same else event.amount
    if grown > 0:
        record_order(account.behaviour, event.currency, grown, day_of(event.occurred_at), policy.behaviour)
    order.amount, order.currency = event.amount, event.currency
    if not same:  # what a person let go was so much of the other one
        order.release, order.by_one = None, ZERO
    order.delivery = event.delivery_date.toordinal() if event.delivery_date else None
    order.asked_terms = event.requested_terms_days


def reduce_order(account: Account, order_id: str, amount: Decimal | None, currency: str | None) -> None:
    """Take an invoiced or cancelled part (None = all of it) off an open order; unknown orders are no error."""
    order = account.orders.get(order_id)
    if order is None or (currency is not None and currency != order.currency):
        return
    order.amount -= order.amount if amount is None else amount
    order.free = min(order.free, order.amount)
    if order.amount <= 0:
        del account.orders[order_id]


def _ship(account: Account, order_id: str, amount: Decimal, currency: str) -> None:
    """Of a held order the part that was free to go is what was shipped first; it comes off what a person let go."""
    order = account.orders.get(order_id)
    if order is None or order.currency != currency:
        return
    order.free = max(ZERO, order.free - amount)
    if order.release is not None:
        part = min(amount, order.release.up_to)
        order.release.up_to -= part
        if order.release.is_by_one:
            order.by_one += part
        if not order.release.up_to:
            order.release = None


def cancel_order(account: Account, event: OrderCancelled) -> None:
    """Take a cancelled order, or part of it, off the exposure."""
    reduce_order(account, event.order_id, event.amount, event.currency)


def open_invoice(account: Account, event: OrderInvoiced, policy: Policy) -> bool:
    """Book an invoice and what was already paid for it; False when the invoice is known already."""
    known = account.items.get(event.invoice_id)
    if known is not None and not known.from_notice:
        return False
    if known is None and contains(account.closed, id_hash(event.invoice_id)):
        return False
    if event.order_id is not None:
        _ship(account, event.order_id, event.amount, event.currency)
        reduce_order(account, event.order_id, event.amount, event.currency)
    else:
        day = event.issue_date.toordinal()
        record_order(account.behaviour, event.currency, event.amount, day, policy.behaviour)
    if known is not None:
        # A notice came first: it knows what is still open, the invoice knows the terms.
        known.from_notice = False
        known.amount = event.amount
        if known.currency == event.currency:
            known.due = event.due_date.toordinal()
        return True
    due = event.due_date.toordinal()
    issued = event.issue_date.toordinal()
    account.items[event.invoice_id] = OpenItem(event.amount, event.currency, due, event.amount, issued)
    _add(account.open_invoices, event.currency, event.amount)
    _apply_waiting(account, event.invoice_id, 0, policy)
    return True


def is_acted_on(account: Account, event: OrderInvoiced) -> bool:
    """Whether we held the order of this invoice, or granted shorter terms than were asked for.

    What becomes of such an invoice says less of the customer: our own hand was in it.
    """
    order = account.orders.get(event.order_id) if event.order_id is not None else None
    if order is None:
        return False
    return order.was_held or (order.asked_terms is not None and event.terms_days < order.asked_terms)


def mark_held(account: Account, order: OpenOrder) -> None:
    """Hold an order. Whoever waits for goods pays what is open: its pending outcomes are our doing too."""
    order.held = order.was_held = True
    for prediction in (*account.predictions.values(), *account.rolls.values()):
        prediction.acted = True


def _apply_waiting(account: Account, invoice_id: str, since: int, policy: Policy) -> None:
    """Apply the cash that waited for the invoice, if it was paid on day ``since`` or later; the rest waits on."""
    waiting = account.early.pop(invoice_id, [])
    earlier = [early for early in waiting if early.paid < since]
    if earlier:
        account.early[invoice_id] = earlier
    for early in waiting:
        if early.paid >= since:
            _add(account.unapplied, early.currency, -early.amount)
            _apply_cash(account, invoice_id, early, policy)


def receive_payment(account: Account, event: PaymentReceived, policy: Policy) -> None:
    """Apply cash to its invoice; what cannot be applied (yet) is unapplied cash and lowers the exposure."""
    cash = EarlyPayment(event.amount, event.currency, day_of(event.paid_at))
    if event.invoice_id is None:
        _add(account.unapplied, cash.currency, cash.amount)
    else:
        _apply_or_wait(account, event.invoice_id, cash, policy)


def credit_invoice(account: Account, invoice_id: str, amount: Decimal, currency: str, day: int, policy: Policy) -> None:
    """Book a credit note: it lowers what is open as cash does, but says nothing of how the customer pays."""
    _apply_or_wait(account, invoice_id, EarlyPayment(amount, currency, day, credit=True), policy)


def _apply_or_wait(account: Account, invoice_id: str, cash: EarlyPayment, policy: Policy) -> None:
    if invoice_id in account.items:
        _apply_cash(account, invoice_id, cash, policy)
        return
    if contains(account.closed, id_hash(invoice_id)):
        _overpay(account, invoice_id, cash, cash.amount)
        return
    account.early.setdefault(invoice_id, []).append(cash)
    if len(account.early) > _MAX_WAITING:
        del account.early[next(iter(account.early))]  # its cash stays unapplied
    _add(account.unapplied, cash.currency, cash.amount)


def _overpay(account: Account, invoice_id: str, cash: EarlyPayment, amount: Decimal) -> None:
    """Unapplied cash that names an invoice which does not owe so much: a payment that is taken back takes it first.

    The rest of a credit note as well: it is owed to the customer, whose invoice is the less open.
    """
    _add(account.unapplied, cash.currency, amount)
    rest = EarlyPayment(amount, cash.currency, cash.paid)
    account.overpaid.setdefault(invoice_id, []).append(rest)
    if len(account.overpaid) > _MAX_OVERPAID:
        del account.overpaid[next(iter(account.overpaid))]


def _apply_cash(account: Account, invoice_id: str, cash: EarlyPayment, policy: Policy) -> None:
    item, currency, paid = account.items.get(invoice_id), cash.currency, cash.paid
    if item is None or item.currency != currency:
        _overpay(account, invoice_id, cash, cash.amount)  # never converted, never mixed
        return
    applied = min(item.outstanding, cash.amount)
    # What is contested is paid last, and says nothing of the customer's habits.
    counted = min(applied, item.outstanding - disputed_part(account, invoice_id, item)) if account.disputes else applied
    item.outstanding -= applied
    item.changed = max(item.changed, paid)
    _add(account.open_invoices, currency, -applied)
    if cash.amount > applied:
        _overpay(account, invoice_id, cash, cash.amount - applied)
    if not cash.credit:
        item.reversed = False
        if counted:
            record_payment(account.behaviour, currency, counted, paid, item.due, policy.behaviour)
    _settle(account, invoice_id, item, paid, policy)


def _settle(account: Account, invoice_id: str, item: OpenItem, day: int, policy: Policy) -> None:
    """Note that an invoice is paid: up to rounding for its prediction, to the last cent for the book."""
    if item.outstanding <= policy.materiality.tolerance:
        for prediction in (account.predictions.get(invoice_id), account.rolls.get(invoice_id)):
            if prediction is not None and prediction.settled is None:
                prediction.settled = day
    if item.outstanding == 0:
        del account.items[invoice_id]
        remember(account.closed, id_hash(invoice_id), day)
        dispute = account.disputes.get(invoice_id)
        if dispute is not None and not dispute.open:
            del account.disputes[invoice_id]


def reverse_payment(account: Account, event: PaymentReversed) -> None:
    """Take a payment back: first what of it is unapplied cash, then what it had paid of the invoice, open again then.

    So an invoice that was paid twice stays paid when one of the payments is returned.
    """
    if event.invoice_id is None:
        _add(account.unapplied, event.currency, -event.amount)
        return
    amount = event.amount - _take_back(account, account.early, event.invoice_id, event.amount, event.currency)
    # What was refunded without naming the invoice is not there any more, and is forgotten.
    there = min(amount, max(account.unapplied.get(event.currency, ZERO), ZERO)) if account.overpaid else ZERO
    if there:
        amount -= _take_back(account, account.overpaid, event.invoice_id, there, event.currency)
    if not amount:
        return
    account.overpaid.pop(event.invoice_id, None)
    item = account.items.get(event.invoice_id)
    if item is not None and item.currency != event.currency:
        _add(account.unapplied, event.currency, -amount)
        return
    if item is None:
        due = event.due_date.toordinal() if event.due_date else day_of(event.occurred_at)
        # Of an invoice that never came here we know what is open, as from a notice; its terms may still come.
        unknown = not contains(account.closed, id_hash(event.invoice_id))
        item = OpenItem(ZERO, event.currency, due, amount, from_notice=unknown)
        account.items[event.invoice_id] = item
        forget(account.closed, id_hash(event.invoice_id))
    item.outstanding += amount
    item.changed = max(item.changed, day_of(event.occurred_at))
    item.reversed = True
    _add(account.open_invoices, event.currency, amount)
    for prediction in (account.predictions.get(event.invoice_id), account.rolls.get(event.invoice_id)):
        if prediction is not None:
            prediction.settled = None


def _take_back(
    account: Account, cash: dict[str, list[EarlyPayment]], invoice_id: str, amount: Decimal, currency: str
) -> Decimal:
    """Take back unapplied cash that names an invoice, first the payment of just this amount; how much was there."""
    found = cash.get(invoice_id, [])
    left = amount
    for payment in sorted(found, key=lambda payment: payment.amount != amount):
        if payment.currency == currency and not payment.credit:
            part = min(left, payment.amount)
            payment.amount -= part
            left -= part
    found[:] = [payment for payment in found if payment.amount]
    if not found:
        cash.pop(invoice_id, None)
    _add(account.unapplied, currency, left - amount)
    return amount - left


def notice_overdue(account: Account, event: OverdueNoticed, policy: Policy) -> None:
    """Take over what the ledger says is open, unless we know that the invoice is closed."""
    as_of = event.as_of.toordinal()
    item = account.items.get(event.invoice_id)
    if item is None:
        if event.outstanding_amount == 0 or contains(account.closed, id_hash(event.invoice_id)):
            return
        due, amount = event.due_date.toordinal(), event.outstanding_amount
        account.items[event.invoice_id] = OpenItem(amount, event.currency, due, amount, as_of, from_notice=True)
        _add(account.open_invoices, event.currency, amount)
        # Cash that came after the notice was made: the customer has paid, and is not to be held for it.
        _apply_waiting(account, event.invoice_id, as_of, policy)
        return
    # A notice made before (or on the day of) what we know last may only lower what is open.
    stale = as_of <= item.changed and event.outstanding_amount > item.outstanding
    if item.currency != event.currency or stale:
        return
    _add(account.open_invoices, event.currency, event.outstanding_amount - item.outstanding)
    item.outstanding = event.outstanding_amount
    item.changed = max(item.changed, as_of)
    _settle(account, event.invoice_id, item, as_of, policy)
