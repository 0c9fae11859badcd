"""The bootstrap: paired, by customer, repeatable."""

from __future__ import annotations

from models.default_risk.risk import Outcome
from streams.backtesting.intervals import intervals


def outcomes(customers: int) -> list[Outcome]:
    """200 invoices shared among so many customers, customers alike in themselves."""
    return [
        Outcome(f"C{n % customers}", f"I{n}", 1, 60, 0.1 + (n % customers % 5) / 10, 0.2, n % customers % 3 == 0)
        for n in range(200)
    ]


def test_fewer_customers_make_wider_intervals() -> None:
    """The same number of invoices says less when few customers wrote them."""
    few, many = (intervals(outcomes(n), 200)["model"]["log_loss"] for n in (10, 200))
    assert few is not None
    assert many is not None
    assert few[1] - few[0] > 2 * (many[1] - many[0])


def test_the_difference_is_paired_and_repeatable() -> None:
    """The same predictions differ by nothing in any draw; the same outcomes give the same interval."""
    same = [Outcome(o.customer_id, o.invoice_id, 1, 60, o.model, o.model, o.bad) for o in outcomes(50)]
    assert intervals(same, 50)["difference"] == {"auc": [0.0, 0.0], "log_loss": [0.0, 0.0]}
    assert intervals(outcomes(50), 50) == intervals(outcomes(50), 50)
