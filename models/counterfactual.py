"""What would help: the mildest course of payments after which a customer deserves a better level, played on a copy.

The course is played with the same code that books real events, so its points are exact for the scorecard; what the
learner will have learned meanwhile nobody knows, and while it has a say the answer is marked as approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import expm1
from typing import Any

from models import ledger
from models.account import Account, decode, encode
from models.behaviour import record_invoice, record_outcome
from models.exposure import disputed_part, positions
from schemas.decisions import Counterfactual
from schemas.events import OrderInvoiced, PaymentReceived
from schemas.levels import LADDER, Level
from schemas.policy import Policy

_ON_TIME = (0, 1, 2, 3, 6)
"""Numbers of further invoices paid on time that are tried."""

Merit = Callable[[Account, int], Level]
"""The level that an account deserves by score and caps on a day."""


def counterfactuals(account: Account, day: int, policy: Policy, merit: Merit, *, exact: bool) -> list[Counterfactual]:
    """The mildest courses to the next better level, and to the best of those tried; the account is not changed.

    A course pays today what is overdue, all else by its due date, and so many further invoices of the usual amount and
    terms on their due dates. The level comes after dwell and probation, one step at a time.
    """
    level = Level(account.level)
    if level in (Level.PRIME, Level.UNRATED):
        return []
    found: list[Counterfactual] = []
    reached: Level = level
    for count in _ON_TIME:
        copy = decode(encode(account))
        pays = _pay_overdue(copy, day, policy)
        then = _pay_on_time(copy, day, count, policy)
        deserved = merit(copy, then)
        if not reached.worse_than(deserved):
            continue
        next_level = LADDER[level.rank - 1]
        if not found or deserved is not reached:
            eased = max(then + policy.ladder.probation_days, day + policy.ladder.dwell_days)
            found.append(
                Counterfactual(
                    pay=pays,
                    on_time=count,
                    to_level=next_level if not found else deserved,
                    not_before=datetime.combine(datetime.fromordinal(eased), time(0), UTC) if not found else None,
                    approximate=not exact,
                )
            )
        reached = deserved
    return [*found[:1], *found[1:][-1:]]


def _pay_overdue(account: Account, day: int, policy: Policy) -> dict[str, Decimal]:
    paid: dict[str, Decimal] = {}
    for currency, position in positions(account, day, policy).items():
        for _, amount, invoice_id in position.items:
            paid[currency] = paid.get(currency, Decimal(0)) + amount
            pay(account, invoice_id, amount, currency, day, policy)
    return paid


def _pay_on_time(account: Account, day: int, count: int, policy: Policy) -> int:
    """Let further invoices come and all that is open be paid when due; the day on which it is all known."""
    behaviour = account.behaviour
    late_days = policy.default_risk.late_days
    if not count or not behaviour.invoices:
        return day
    amount = Decimal(f"{max(0.01, expm1(behaviour.amount_log_sum / behaviour.invoices)):.2f}")
    currency = max(behaviour.cash, key=lambda name: (behaviour.cash[name].paid, name), default=None)
    if currency is None:
        return day
    due = day + behaviour.last_terms
    for number in range(count):
        invoice_id = f"counterfactual-{number}"
        values: dict[str, Any] = {
            "customer_id": account.customer_id, "invoice_id": invoice_id, "order_id": None, "amount": amount,
            "currency": currency, "issue_date": date.fromordinal(day), "due_date": date.fromordinal(due),
            "terms_days": behaviour.last_terms, "occurred_at": _noon(day),
        }  # fmt: skip
        event = OrderInvoiced.model_construct(**values)
        ledger.open_invoice(account, event, policy)
        record_invoice(behaviour, float(amount), behaviour.last_terms)
    for invoice_id, item in sorted(account.items.items(), key=lambda entry: (entry[1].due, entry[0])):
        amount = item.outstanding - disputed_part(account, invoice_id, item)
        if item.due <= due and amount:
            pay(account, invoice_id, amount, item.currency, max(day, item.due), policy)
    known = due + late_days + 1
    for _ in range(count):
        record_outcome(behaviour, False, known, policy.default_risk.half_life_days)
    return known


def pay(account: Account, invoice_id: str | None, amount: Decimal, currency: str, day: int, policy: Policy) -> None:
    """Let a payment come in for an invoice (None: applied to none) on a day."""
    values: dict[str, Any] = {
        "customer_id": account.customer_id, "payment_id": invoice_id or "deposit", "amount": amount,
        "currency": currency, "invoice_id": invoice_id, "paid_at": _noon(day), "occurred_at": _noon(day),
        "value_date": None,
    }  # fmt: skip
    event = PaymentReceived.model_construct(**values)
    ledger.receive_payment(account, event, policy)


def _noon(day: int) -> datetime:
    return datetime.combine(datetime.fromordinal(day), time(12), UTC)
