"""Ledgers become events: each row once, in order of time, and what is wrong is named by file, line and field."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.calendar import from_ms
from schemas.errors import InvalidInput
from schemas.topics import ASSESSMENTS, BY_NAME, ORDERS, PAYMENTS
from streams.sources.event_file import TimedEvent
from streams.sources.ledger import BadRow, LedgerFormat, ledger_events
from tests.unit.streams.sources.books import HEADER, ROWS, write_ledger


def _ids(events: list[TimedEvent]) -> list[str]:
    return [json.loads(event.raw)["event_id"] for event in events]


def _refused(path: Path, form: LedgerFormat | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        ledger_events(path, form)
    return caught.value


def test_an_invoice_is_known_at_nine_and_its_payment_at_seventeen(tmp_path: Path) -> None:
    """Each row gives its invoice at 09:00 UTC of the issue date and, when paid, the whole amount at 17:00 UTC."""
    events = ledger_events(write_ledger(tmp_path / "ledger.csv"))
    told = [(event.topic, event.key, from_ms(event.timestamp_ms).isoformat()) for event in events]
    assert told == [
        (ORDERS, "C1", "2024-01-02T09:00:00+00:00"),
        (ORDERS, "C2", "2024-01-02T09:00:00+00:00"),
        (ORDERS, "C1", "2024-01-10T09:00:00+00:00"),
        (PAYMENTS, "C2", "2024-01-10T17:00:00+00:00"),
        (PAYMENTS, "C1", "2024-02-05T17:00:00+00:00"),
    ]
    assert _ids(events) == ["inv:I1", "inv:I2", "inv:I3", "pay:I2", "pay:I1"]
    payment = BY_NAME[PAYMENTS].contract.validate_json(events[-1].raw)
    assert (payment.invoice_id, payment.amount, payment.currency) == ("I1", Decimal("100.50"), "USD")
    invoice = BY_NAME[ORDERS].contract.validate_json(events[0].raw)
    assert (invoice.due_date, invoice.terms_days) == (date(2024, 2, 1), 30)


def test_packed_csv_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    """The same ledger gives the same events from CSV, CSV.gz and Parquet with dates and numbers of its own types."""
    plain = ledger_events(write_ledger(tmp_path / "ledger.csv"))
    assert ledger_events(write_ledger(tmp_path / "ledger.csv.gz")) == plain
    rows = [row.split(",") for row in ROWS]
    columns = dict(zip(HEADER.split(","), zip(*rows, strict=True), strict=True))
    table = {name: pa.array(values) for name, values in columns.items()}
    table["issue_date"] = pa.array([date.fromisoformat(text) for text in columns["issue_date"]])
    table["due_date"] = pa.array([datetime.fromisoformat(text) for text in columns["due_date"]])
    table["amount"] = pa.array([Decimal(text) for text in columns["amount"]], pa.decimal128(12, 2))
    pq.write_table(pa.table(table), tmp_path / "ledger.parquet")
    packed = ledger_events(tmp_path / "ledger.parquet")
    assert [event[:3] for event in packed] == [event[:3] for event in plain]
    assert _ids(packed) == _ids(plain)


def test_rows_of_equal_time_keep_the_order_of_the_file(tmp_path: Path) -> None:
    """Events of the same moment stand in the order of their rows, so the same ledger gives the same bytes."""
    rows = [f"I{n},C{n},2024-01-02,2024-02-01,,5,USD" for n in (3, 1, 2)]
    path = write_ledger(tmp_path / "ledger.csv", rows)
    assert _ids(ledger_events(path)) == ["inv:I3", "inv:I1", "inv:I2"]
    assert ledger_events(path) == ledger_events(path)


def test_columns_are_mapped_and_others_ignored(tmp_path: Path) -> None:
    """Their names become ours; columns that nobody knows change nothing."""
    theirs = "doc,cust,issued,due,paid,sum,cur,colour"
    path = write_ledger(tmp_path / "ledger.csv", [f"{row},blue" for row in ROWS], theirs)
    mapping = dict(zip(theirs.split(","), HEADER.split(","), strict=False))
    assert ledger_events(path, LedgerFormat(mapping)) == ledger_events(write_ledger(tmp_path / "ours.csv"))


def test_an_unknown_target_of_a_mapping_is_refused() -> None:
    """A column of ours that does not exist cannot be mapped to."""
    with pytest.raises(InvalidInput, match="'customer' is none of customer_id"):
        LedgerFormat({"kunde": "customer"})


def test_what_describes_the_customer_becomes_master_data_once(tmp_path: Path) -> None:
    """Sector, region and the like are told once, an hour before the customer's first invoice."""
    rows = [f"I{n},C1,2024-01-0{n},2024-02-01,,5,USD,food" for n in (2, 3)]
    path = write_ledger(tmp_path / "ledger.csv", rows, f"{HEADER},sector")
    events = ledger_events(path)
    assert Counter(event.topic for event in events) == {ASSESSMENTS: 1, ORDERS: 2}
    master = BY_NAME[ASSESSMENTS].contract.validate_json(events[0].raw)
    assert (master.sector, events[0].timestamp_ms) == ("food", events[1].timestamp_ms - 3_600_000)


def test_a_currency_stands_in_where_none_is_named(tmp_path: Path) -> None:
    """A given currency fills empty values, question marks and a missing column, and leaves named ones alone."""
    rows = [f"I{n},C1,2024-01-02,2024-02-01,,5,{code}" for n, code in enumerate(("", "?", "EUR"))]
    events = ledger_events(write_ledger(tmp_path / "a.csv", rows), LedgerFormat(currency="GBP"))
    assert [json.loads(event.raw)["currency"] for event in events] == ["GBP", "GBP", "EUR"]
    bare = write_ledger(tmp_path / "b.csv", ["I1,C1,2024-01-02,2024-02-01,,5"], HEADER.removesuffix(",currency"))
    (event,) = ledger_events(bare, LedgerFormat(currency="GBP"))
    assert json.loads(event.raw)["currency"] == "GBP"
    assert "currency" in _refused(bare).message


def test_missing_columns_are_all_named_at_once(tmp_path: Path) -> None:
    """One error names the file, every column that is missing, and those that are there."""
    path = write_ledger(tmp_path / "ledger.csv", ["1,2"], "invoice_id,buyer")
    error = _refused(path)
    assert error.code == "missing_columns"
    missing = "customer_id, issue_date, due_date, amount, currency"
    assert error.message.startswith(f"{path}: columns are missing: {missing};")
    assert "the file has invoice_id, buyer" in error.message


def test_a_mapping_of_an_absent_column_is_named(tmp_path: Path) -> None:
    """A typing error in a mapping is told, not taken for an optional column."""
    error = _refused(write_ledger(tmp_path / "ledger.csv"), LedgerFormat({"bezahlt": "paid_date"}))
    assert "bezahlt (named by --map)" in error.message


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("I9,C1,03/01/2024,2024-02-01,,5,USD", "issue_date"),
        ("I9,C1,2024-01-02,2024-02-30,,5,USD", "due_date"),
        ("I9,C1,2024-01-02,2024-02-01,yesterday,5,USD", "paid_date"),
        ("I9,C1,2024-01-02,2023-12-31,,5,USD", "due_date"),
        ("I9,C1,1970-01-02,1970-02-01,,5,USD", "issue_date"),
        ("I9,C1,2024-01-02,2124-02-01,,5,USD", "due_date"),
        ("I9,C1,2098-12-31,2100-01-05,,5,USD", "due_date"),
        ("I9,C1,2024-01-02,2024-02-01,2100-01-01,5,USD", "paid_date"),
        ("I9,C1,2024-01-02,2024-02-01,,-5,USD", "amount"),
        ("I9,C1,2024-01-02,2024-02-01,,0,USD", "amount"),
        ('I9,C1,2024-01-02,2024-02-01,,"1,000",USD', "amount"),
        ("I9,C1,2024-01-02,2024-02-01,,5,XQZ", "currency"),
        ("I9,C1,2024-01-02,2024-02-01,,5,?", "currency"),
        ("I9,,2024-01-02,2024-02-01,,5,USD", "customer_id"),
        (f"I9,{'C' * 65},2024-01-02,2024-02-01,,5,USD", "customer_id"),
        ("I1,C1,2024-01-02,2024-02-01,,5,USD", "invoice_id"),
        ("I9,C1,2024-01-02,2024-02-01,,5,USD,more", "row"),
        ("I9,C1,2024-01-02", "due_date"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field(tmp_path: Path, row: str, field: str) -> None:
    """One row that cannot be used stops the import; the message has file, line and the field to blame."""
    path = write_ledger(tmp_path / "ledger.csv", [*ROWS, row])
    error = _refused(path)
    assert error.code == "bad_rows"
    assert f"{path}: line 5: " in error.message
    assert field in error.message.partition("line 5: ")[2]


def test_mixed_date_formats_are_not_guessed(tmp_path: Path) -> None:
    """One format holds for the whole file: with a given one, dates in another, even ISO, are bad rows."""
    rows = ["I1,C1,02/01/2024,01/02/2024,,5,USD", "I2,C1,2024-01-02,01/02/2024,,5,USD"]
    path = write_ledger(tmp_path / "ledger.csv", rows)
    error = _refused(path, LedgerFormat(date_format="%d/%m/%Y"))
    assert "line 3: issue_date: '2024-01-02' is not %d/%m/%Y" in error.message
    assert error.message.startswith("1 row cannot be used")


def test_the_first_twenty_bad_rows_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    """A ledger that is wrong throughout gives a readable list."""
    rows = [f"I{n},C1,2024-01-02,2024-02-01,,-1,USD" for n in range(25)]
    message = _refused(write_ledger(tmp_path / "ledger.csv", rows)).message
    assert message.count(": line ") == 20
    assert message.startswith("25 rows")
    assert message.endswith("and 5 more")


def test_skipped_rows_are_handed_over_whole_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """With a taker for bad rows the good ones remain, and every bad one is given with its line and values."""
    rows = [ROWS[0], "I8,C1,2024-01-02,2024-02-01,,-5,USD", *ROWS[1:]]
    path = write_ledger(tmp_path / "ledger.csv", rows)
    skipped: list[BadRow] = []
    assert ledger_events(path, skip=skipped.append) == ledger_events(write_ledger(tmp_path / "good.csv"))
    (bad,) = skipped
    assert (bad.line, bad.field, bad.row["invoice_id"], bad.row["amount"]) == (3, "amount", "I8", "-5")


def test_an_invoice_refused_once_may_come_again_corrected(tmp_path: Path) -> None:
    """A bad row does not take its invoice's id: the corrected row further down counts."""
    rows = ["I1,C1,2024-01-02,2024-02-01,,-5,USD", "I1,C1,2024-01-02,2024-02-01,,5,USD"]
    skipped: list[BadRow] = []
    events = ledger_events(write_ledger(tmp_path / "ledger.csv", rows), skip=skipped.append)
    assert (_ids(events), len(skipped)) == (["inv:I1"], 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("not_packed.csv.gz", HEADER.encode()),
        ("cut_off.csv.gz", b"\x1f\x8b\x08\x00"),
        ("not.parquet", b"PAR0 no"),
        ("latin1.csv", HEADER.encode() + b"\nI1,Caf\xe9,2024-01-02,2024-02-01,,5,USD\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    """Broken files are wrong input, not a crash."""
    path = tmp_path / name
    path.write_bytes(content)
    error = _refused(path)
    assert error.code == "file_unreadable"
    assert str(path) in error.message


def test_an_empty_file_lacks_its_columns(tmp_path: Path) -> None:
    """A file without even a header says so."""
    path = tmp_path / "ledger.csv"
    path.write_bytes(b"")
    assert "the file has none" in _refused(path).message


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    """CSV as spreadsheets write it."""
    path = write_ledger(tmp_path / "ledger.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(ledger_events(path)) == 5


@pytest.mark.skipif("CREDITPULSE_LEDGER" not in os.environ, reason="CREDITPULSE_LEDGER names no real ledger")
def test_the_real_ledger_gives_two_events_for_each_paid_invoice() -> None:
    """Nothing of a real ledger is lost or doubled, and all of it is in order."""
    events = ledger_events(Path(os.environ["CREDITPULSE_LEDGER"]))
    ids = _ids(events)
    assert len(ids) == len(set(ids)) == 62_954
    times = [event.timestamp_ms for event in events]
    assert times == sorted(times)


PARTLY = """customer_id,issue_date,due_date,amount,settled,currency,paid_date
V1,2024-01-02,2024-02-01,100.00,60.00,EUR,2024-02-03
V1,2024-01-03,2024-02-02,50.00,0,EUR,2024-02-03
V2,2024-01-04,2024-02-03,70.00,,EUR,2024-02-04
"""


def test_what_was_settled_is_paid_and_the_rest_stays_open(tmp_path: Path) -> None:
    """60 of 100 paid; of the second nothing, of the third, which does not say, all. Rows get numbers for ids."""
    path = tmp_path / "payables.csv"
    path.write_text(PARTLY, encoding="utf-8")
    events = [json.loads(event.raw) for event in ledger_events(path, LedgerFormat(number_rows=True))]
    paid = {event["invoice_id"]: event["amount"] for event in events if event["type"] == "payment.received"}
    assert {name: Decimal(amount) for name, amount in paid.items()} == {"row-1": Decimal(60), "row-3": Decimal(70)}
    assert [event["invoice_id"] for event in events if event["type"] == "order.invoiced"] == ["row-1", "row-2", "row-3"]


@pytest.mark.parametrize("settled", ["100.01", "-1", "much"])
def test_more_than_the_amount_cannot_be_settled(tmp_path: Path, settled: str) -> None:
    """Nor less than nothing; the row and the field are named."""
    path = tmp_path / "payables.csv"
    path.write_text(PARTLY.replace("60.00", settled), encoding="utf-8")
    error = _refused(path, LedgerFormat(number_rows=True))
    assert error.field == "settled"
    assert "line 2: settled" in str(error)


def test_without_ids_the_option_is_named(tmp_path: Path) -> None:
    """A file without invoice ids is refused until its rows may be numbered."""
    path = tmp_path / "payables.csv"
    path.write_text(PARTLY, encoding="utf-8")
    assert "--number-rows" in str(_refused(path))
