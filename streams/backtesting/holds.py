"""What the orders behind past invoices would have got, asked of the engine just before each invoice is booked.

A ledger of the past holds invoices and seldom orders. Each invoice that names no open order is taken as an order of
that moment; orders that stand in the data count by the engine's own decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from models.calendar import day_of
from models.engine import CreditEngine, Effects
from schemas.decisions import Decision, OrderDecision
from schemas.events import OrderInvoiced
from schemas.log import LogEntry
from streams.backtesting.money import Assumptions, money_report
from streams.backtesting.run import Tally


@dataclass(slots=True)
class CheckedOrder:
    """An order and its decision; ``invoice`` is None for one that was never invoiced. ``day`` is an ordinal."""

    customer_id: str
    day: int
    amount: Decimal
    currency: str
    decision: Decision
    codes: list[str]
    probability: float
    invoice: str | None = None


@dataclass(slots=True)
class Holds:
    """The observer of a run: asks, and keeps the answers."""

    assumptions: Assumptions
    orders: list[CheckedOrder] = field(default_factory=list)
    late_days: int = 0
    _placed: dict[tuple[str, str], CheckedOrder] = field(default_factory=dict)

    def before(self, engine: CreditEngine, entry: LogEntry) -> None:
        """Ask for the order behind an invoice."""
        event = entry.event
        if type(event) is not OrderInvoiced:
            return
        self.late_days = engine.policy.default_risk.late_days
        known = self._placed.get((event.customer_id, event.order_id or ""))
        if known is not None:
            known.invoice = known.invoice or event.invoice_id
            return
        day = day_of(entry.time)
        decision, checks = engine.check_order(event.customer_id, event.amount, event.currency, day)
        probability = engine.probability(event.customer_id)
        codes = [check.code for check in checks]
        self.orders.append(
            CheckedOrder(
                event.customer_id, day, event.amount, event.currency, decision, codes, probability, event.invoice_id
            )
        )

    def after(self, entry: LogEntry, effects: Effects) -> None:
        """Take the decisions on orders that stand in the data."""
        for out in effects.out:
            data = out.data
            # The first word on an order counts; what is told of it later is a reminder, or a person's.
            if isinstance(data, OrderDecision) and data.amount and (out.subject, data.order_id) not in self._placed:
                checked = CheckedOrder(
                    out.subject, day_of(out.time), data.amount, data.currency, data.decision,
                    [check.code for check in data.checks], 0.0,
                )  # fmt: skip
                self._placed[out.subject, data.order_id] = checked
                self.orders.append(checked)

    def sections(self, tally: Tally) -> dict[str, Any]:
        """The report's money."""
        return {"money": money_report(self.orders, tally.truth, self.assumptions, self.late_days)}
