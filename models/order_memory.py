"""What is remembered of orders by their ids beyond their end: holds by persons, and what was let go lately."""

from __future__ import annotations

from decimal import Decimal

from models.account import ZERO, Account, ForcedHold, OpenOrder, OrderMemory, Passed
from models.calendar import day_of_ms
from models.exposure import shippable
from models.ledger import cancel_order
from schemas.decisions import ORDER_DECISION
from schemas.events import OrderCancelled
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


def let_go(account: Account, order_id: str, order: OpenOrder, policy: Policy) -> None:
    """Remember what of an order is free to go, where the policy sums orders."""
    if policy.order_checks.max_order:
        memory_of(account).passed[order_id] = Passed(shippable(order), order.currency, order.placed)


def set_apart(account: Account, order_id: str, still_open: Decimal) -> None:
    """An order id is about to be decided anew: what was invoiced of it already stays in the sum, under another key."""
    memory = account.order_memory
    passed = None if memory is None else memory.passed.pop(order_id, None)
    if memory is not None and passed is not None and passed.amount > still_open:
        passed.amount -= still_open
        # No id holds a line break, and every decision has a number of its own.
        memory.passed[f"\n{order_id}/{account.sequences.get(ORDER_DECISION, 0)}"] = passed


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
