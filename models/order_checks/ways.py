"""What would let an order pass: each way is played on a copy of the account, and told only if the order then passes."""

from __future__ import annotations

from copy import copy
from decimal import Decimal
from typing import Any

from models.account import ZERO, Account, decode, encode
from models.counterfactual import pay
from models.exposure import disputed_part
from models.order_checks.facts import Facts, Failed, facts_of
from models.order_checks.ladder import deposit_amount, deposit_share, short_of_cash
from models.order_checks.steps import failed_steps
from models.partition import GroupStanding
from schemas.order_measures import WayToPass

_NAMED = 10
"""Invoices that a way names."""


def ways_to_pass(facts: Facts, failed: list[Failed]) -> list[WayToPass]:
    """Ways of which each one is enough: pay, a deposit, a smaller order, shorter terms. Where none is, a person.

    None where nothing has failed: the order passes as it is.
    """
    if not failed:
        return []
    order = facts.order
    person = [item.check.code for item in failed if not item.is_curable]
    found = [] if person else [way for way in _ways(facts, failed) if passes(facts, way)]
    if not found:
        needs = person or [item.check.code for item in failed]
        found = [WayToPass(kind="person", currency=order.currency, needs=needs)]
    return found


def _ways(facts: Facts, failed: list[Failed]) -> list[WayToPass]:
    order, policy = facts.order, facts.policy
    always: dict[str, Any] = {"currency": order.currency}
    terms = [item.terms_days for item in failed if item.terms_days is not None]
    if terms:
        always["terms_days"] = min(terms)
    overdue = _overdue(facts) if any(item.by_overdue for item in failed) else ZERO
    paying = always | _paying(facts, overdue) if overdue else always
    rooms = [item.headroom + (overdue if item.by_cash else ZERO) for item in failed if item.headroom is not None]
    cash = any(item.by_cash for item in failed)
    found = []
    if not rooms or min(rooms) >= order.amount:
        return [WayToPass(kind="pay" if overdue else "terms", **paying)]
    if cash and all(item.by_cash for item in failed if item.headroom is not None):
        short = short_of_cash(order, failed)
        if short <= sum((amount for _, amount in _open(facts)), ZERO):
            found.append(WayToPass(kind="pay", **always, **_paying(facts, max(short, overdue))))
        share = deposit_share(facts, short - overdue)
        if share <= policy.order_checks.max_deposit:
            deposit = {"deposit_share": share, "deposit": deposit_amount(order, share)}
            found.append(WayToPass(kind="deposit", **paying, **deposit))
    if min(rooms) > 0:
        found.append(WayToPass(kind="reduce", **paying, reduce_to=min(rooms)))
    return found


def _open(facts: Facts) -> list[tuple[str, Decimal]]:
    """What is open and not disputed of each invoice in the order's currency, the oldest due first."""
    account, found = facts.account, []
    for invoice, item in account.items.items():
        amount = item.outstanding - disputed_part(account, invoice, item)
        if item.currency == facts.order.currency and amount > 0:
            found.append((item.due, invoice, amount))
    return [(invoice, amount) for _, invoice, amount in sorted(found)]


def _overdue(facts: Facts) -> Decimal:
    """What is overdue of the items that are too old."""
    oldest = facts.policy.order_checks.oldest_item_dpd or 0
    return sum((amount for dpd, amount, _ in facts.position.items if dpd >= oldest), ZERO)


def _paying(facts: Facts, amount: Decimal) -> dict[str, Any]:
    named, left = [], amount
    for invoice, outstanding in _open(facts):
        if left <= 0:
            break
        named.append(invoice)
        left -= outstanding
    return {"pay": amount, "invoices": named[:_NAMED]}


def passes(facts: Facts, way: WayToPass) -> bool:
    """Whether the order passes once the way was gone."""
    account = decode(encode(facts.account))
    go(account, way, facts)
    order = account.orders.get(facts.order_id) if facts.order is facts.account.orders.get(facts.order_id) else None
    order = order or copy(facts.order)
    order.amount = order.amount if way.reduce_to is None else way.reduce_to
    order.asked_terms = order.asked_terms if way.terms_days is None else way.terms_days
    then = facts_of(account, facts.order_id, order, facts.day, facts.policy, aged_to=facts.aged_to)
    then.group = _relieved(facts.group, order.currency, (way.pay or ZERO) + (way.deposit or ZERO))
    return not failed_steps(then)


def go(account: Account, way: WayToPass, facts: Facts) -> None:
    """Let the payments of a way come in: the oldest invoices first, the deposit applied to none."""
    left, currency, policy, day = way.pay or ZERO, way.currency, facts.policy, facts.day
    for invoice, outstanding in _open(facts):
        part = min(left, outstanding)
        if part > 0:
            pay(account, invoice, part, currency, day, policy)
        left -= part
    if way.deposit:
        pay(account, None, way.deposit, currency, day, policy)


def _relieved(group: GroupStanding | None, currency: str, cash: Decimal) -> GroupStanding | None:
    if group is None or currency not in group.exposure:
        return group
    return GroupStanding({**group.exposure, currency: group.exposure[currency] - cash}, group.limits)
