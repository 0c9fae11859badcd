"""What is remembered of orders by their ids beyond their end: holds by persons, and what was let go lately."""

from __future__ import annotations

from models.account import ZERO, Account, ForcedHold, OrderMemory, Passed
from models.calendar import day_of_ms
from models.exposure import shippable
from models.ledger import cancel_order, open_invoice
from schemas.decisions import ORDER_DECISION
from schemas.events import OrderCancelled, OrderInvoiced
from schemas.policy import Policy


def memory_of(account: Account) -> OrderMemory:
    """The account's memory, made when it is first needed."""
    if account.order_memory is None:
        account.order_memory = OrderMemory()
    return account.order_memory


def force(account: Account, order_id: str, forced: ForcedHold) -> None:
    """Keep a person's hold on an order id."""
    memory_of(account).forced[order_id] = forced


def lift(account: Account, order_id: str) -> None:
    """Forget a person's hold on an order id."""
    if account.order_memory is not None:
        account.order_memory.forced.pop(order_id, None)


def note_free(account: Account, order_id: str, policy: Policy) -> None:
    """Remember what of an order is free to go after a decision, where the policy sums orders; nothing of one that is
    held or gone."""
    order = account.orders.get(order_id)
    free = ZERO if order is None else shippable(order)
    if order is not None and free and policy.order_checks.max_order:
        memory_of(account).passed[order_id] = Passed(free, order.currency, order.placed)
    elif account.order_memory is not None:
        account.order_memory.passed.pop(order_id, None)


def invoice(account: Account, event: OrderInvoiced, policy: Policy) -> bool:
    """Book an invoice; False when it is known already. What it bills of an order stays in the sum, under another key,
    whatever becomes of the rest, or of the id."""
    booked = open_invoice(account, event, policy)
    memory, order_id = account.order_memory, event.order_id
    passed = memory.passed.get(order_id) if memory is not None and order_id is not None else None
    if memory is None or order_id is None or passed is None:
        return booked
    order = account.orders.get(order_id)
    free = ZERO if order is None else shippable(order)
    if passed.amount > free:
        # No id holds a line break, and an order that is placed again has a decision with another number.
        key = f"\n{order_id}/{account.sequences.get(ORDER_DECISION, 0)}"
        before = memory.passed[key].amount if key in memory.passed else ZERO
        memory.passed[key] = Passed(before + passed.amount - free, passed.currency, passed.placed)
        passed.amount = free
    if not free:
        del memory.passed[order_id]
    return booked


def cancel(account: Account, event: OrderCancelled) -> None:
    """Take a cancelled order, or part of it, off the exposure and off the sum of what was let go."""
    order, memory = account.orders.get(event.order_id), account.order_memory
    before = ZERO if order is None else shippable(order)
    cancel_order(account, event)
    passed = None if memory is None else memory.passed.get(event.order_id)
    if memory is None or passed is None or order is None:
        return
    after = shippable(order) if event.order_id in account.orders else ZERO
    passed.amount -= before - after
    if passed.amount <= 0:
        del memory.passed[event.order_id]


def tidy(account: Account, policy: Policy) -> None:
    """Holds of orders that have ended run out after the policy's days; sums are kept as long as a check may ask."""
    memory, day, rules = account.order_memory, day_of_ms(account.clock), policy.order_checks
    if memory is None:
        return
    for order_id, forced in list(memory.forced.items()):
        if order_id in account.orders:
            forced.until = 0
        elif not forced.until:
            forced.until = day + rules.forced_hold_days
        elif forced.until < day:
            del memory.forced[order_id]
    days = [day, *(order.placed for order in account.orders.values() if order.held)] if rules.max_order else []
    memory.passed = {
        order_id: passed
        for order_id, passed in memory.passed.items()
        if any(passed.placed > other - rules.split_window_days for other in days)
    }
    if not memory.forced and not memory.passed:
        account.order_memory = None
