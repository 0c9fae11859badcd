"""The truth of a backtest: what became of invoices, without those that were disputed."""

from __future__ import annotations

from schemas.topics import ORDERS, PAYMENTS, SUPPLY
from streams.backtesting.truth import Truth
from tests.unit.streams.gate.parts import DAY_MS, NOW_MS
from tests.unit.streams.test_in_process import event

INVOICE = {
    "type": "order.invoiced",
    "issue_date": "2025-03-01",
    "due_date": "2025-03-31",
    "terms_days": 30,
    "order_id": None,
}


def test_a_disputed_invoice_tells_nothing_of_the_payer() -> None:
    """It is no severe event, whatever becomes of it; the one beside it is."""
    truth = Truth()
    for invoice in ("I1", "I2"):
        truth.add(event(ORDERS, event_id=invoice, invoice_id=invoice, **INVOICE))
    truth.add(event(ORDERS, type="invoice.disputed", event_id="d", order_id=None, invoice_id="I1", reason="price"))
    truth.add(event(PAYMENTS, NOW_MS + 200 * DAY_MS, event_id="p", invoice_id="I1"))
    assert [invoice for _, invoice in truth.invoices] == ["I2"]
    assert truth.invoices["C1", "I2"].passes(60, truth.last_day) is not None


def test_news_of_suppliers_is_part_of_the_time() -> None:
    """A past of deliveries alone has an end too."""
    truth = Truth()
    truth.add(event(SUPPLY, NOW_MS + DAY_MS))
    assert truth.last_day == NOW_MS // DAY_MS + 719_163 + 1
    assert truth.by_customer() == {}
