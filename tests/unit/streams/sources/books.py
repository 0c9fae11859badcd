"""Small ledgers on disk for the tests of this folder."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

HEADER = "invoice_id,customer_id,issue_date,due_date,paid_date,amount,currency"
ROWS = (
    "I1,C1,2024-01-02,2024-02-01,2024-02-05,100.50,USD",
    "I2,C2,2024-01-02,2024-01-16,2024-01-10,20,EUR",
    "I3,C1,2024-01-10,2024-02-09,,300,USD",
)


def write_ledger(path: Path, rows: Sequence[str] = ROWS, header: str = HEADER) -> Path:
    """A CSV ledger at the path, packed when it is named so."""
    data = "\n".join((header, *rows, "")).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def long_ledger(path: Path, customers: int = 6, invoices: int = 40) -> Path:
    """A ledger of two years, in which every third customer always pays 20 days late and the others in time."""
    rows = []
    for customer in range(customers):
        for number in range(invoices):
            issued = date(2022, 1, 3) + timedelta(days=number * 18 + customer)
            due = issued + timedelta(days=30)
            paid = due + timedelta(days=20 if customer % 3 == 0 else -1)
            rows.append(f"I{customer}-{number},C{customer},{issued},{due},{paid},{100 + number},USD")
    return write_ledger(path, rows)
