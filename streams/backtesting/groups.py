"""Groups of customers by which the report looks at its figures: master data, currency, size, age of the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from models.account import Master
from streams.backtesting.truth import Invoice

_MASTER = ("segment", "sector", "region")
_AGES = ((90, "0-89"), (366, "90-365"))
_OLDEST = "366+"


def customer_groups(
    customers: Mapping[str, Sequence[Invoice]], masters: Mapping[str, Master], last_day: int
) -> dict[str, dict[str, str]]:
    """For each dimension the group of each customer; a dimension that tells nobody apart is empty.

    ``size``: quarter by sales within the currency in which the customer buys most. ``age``: from first invoice to end.
    """
    found: dict[str, dict[str, str]] = {}
    for name in _MASTER:
        found[name] = {c: value for c in customers if c in masters and (value := getattr(masters[c], name))}
    sales = {customer: _sales(invoices) for customer, invoices in customers.items()}
    found["currency"] = {customer: currency for customer, (currency, _) in sales.items()}
    found["size"] = _sizes(sales)
    found["age"] = {c: _age(last_day - min(i.issued for i in invoices)) for c, invoices in customers.items()}
    return {name: members for name, members in found.items() if len(set(members.values())) > 1}


def _sales(invoices: Sequence[Invoice]) -> tuple[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for invoice in invoices:
        totals[invoice.currency] = totals.get(invoice.currency, Decimal(0)) + invoice.amount
    # By number of invoices, not by amount: amounts of two currencies cannot be compared.
    counts = {currency: sum(i.currency == currency for i in invoices) for currency in totals}
    main = max(counts, key=lambda currency: (counts[currency], currency))
    return main, totals[main]


def _sizes(sales: Mapping[str, tuple[str, Decimal]]) -> dict[str, str]:
    found = {}
    for currency in {currency for currency, _ in sales.values()}:
        ranked = sorted((amount, c) for c, (own, amount) in sales.items() if own == currency)
        for rank, (_, customer) in enumerate(ranked):
            found[customer] = f"{currency} Q{rank * 4 // len(ranked) + 1}"
    return found


def _age(days: int) -> str:
    return next((name for limit, name in _AGES if days < limit), _OLDEST)
