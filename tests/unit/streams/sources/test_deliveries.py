"""Tables of deliveries and prices become events of suppliers; what is wrong is named by line and field."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.calendar import from_ms
from schemas.errors import InvalidInput
from schemas.supply import DeliveryReceived, PriceQuoted
from schemas.topics import ASSESSMENTS, BY_NAME, SUPPLY
from streams.cli import main
from streams.sources.deliveries import delivery_events
from streams.sources.event_file import TimedEvent, read_events, write_events
from streams.sources.table import LedgerFormat
from tests.unit.streams.sources.books import write_ledger

HEADER = "customer_id,purchase_order_id,promised_date,delivered_date,quantity_ordered,quantity_delivered"
FORM = LedgerFormat(kind="deliveries")


def told(path: Path, form: LedgerFormat = FORM) -> list[DeliveryReceived | PriceQuoted]:
    """The events on the topic of suppliers."""
    return [
        BY_NAME[SUPPLY].contract.validate_json(event.raw)
        for event in delivery_events(path, form)
        if event.topic == SUPPLY
    ]


def refused(path: Path) -> InvalidInput:
    """Why a table cannot be read."""
    with pytest.raises(InvalidInput) as caught:
        delivery_events(path, FORM)
    return caught.value


def test_a_row_is_a_delivery_known_on_its_day(tmp_path: Path) -> None:
    """In order of time; two lines of one purchase order are two deliveries; what is not said is not rejected."""
    rows = [
        "S1,PO1,2024-03-01,2024-03-04,100,90",
        "S1,PO1,2024-03-01,2024-03-02,50,50",
        "S2,PO1,2024-03-01,2024-03-01,1,1",
    ]
    path = write_ledger(tmp_path / "receipts.csv.gz", rows, HEADER)
    events: list[TimedEvent] = delivery_events(path, FORM)
    assert [(event.topic, event.key, from_ms(event.timestamp_ms).isoformat()) for event in events] == [
        (SUPPLY, "S2", "2024-03-01T17:00:00+00:00"),
        (SUPPLY, "S1", "2024-03-02T17:00:00+00:00"),
        (SUPPLY, "S1", "2024-03-04T17:00:00+00:00"),
    ]
    assert [event.event_id for event in told(path)] == ["dlv:PO1:1", "dlv:PO1:2", "dlv:PO1:1"]
    late = told(path)[-1]
    assert isinstance(late, DeliveryReceived)
    assert (late.quantity_delivered, late.quantity_rejected) == (90, 0)
    assert (late.delivered_date - late.promised_date).days == 3


def test_prices_are_compared_with_the_reference_or_the_price_before(tmp_path: Path) -> None:
    """A given reference counts; else the row before of the same supplier, item and currency; of the first, nothing."""
    rows = [
        "S1,PO1,2024-03-01,2024-03-01,10,10,coil,2.00,,EUR",
        "S1,PO2,2024-03-02,2024-03-02,20,20,coil,2.10,,EUR",
        "S1,PO3,2024-03-03,2024-03-03,10,10,coil,9,,USD",
        "S2,PO4,2024-03-04,2024-03-04,10,10,coil,9,,EUR",
        "S1,PO5,2024-03-05,2024-03-05,10,10,coil,2.20,1.90,EUR",
        "S1,PO6,2024-03-06,2024-03-06,10,10,,,,",
    ]
    path = write_ledger(tmp_path / "receipts.csv", rows, f"{HEADER},item,unit_price,reference_price,currency")
    prices = [event for event in told(path) if isinstance(event, PriceQuoted)]
    assert [(price.event_id, price.unit_price, price.reference_price, price.quantity) for price in prices] == [
        ("prc:PO2:1", Decimal("2.10"), Decimal("2.00"), 20),
        ("prc:PO5:1", Decimal("2.20"), Decimal("1.90"), 10),
    ]


def test_master_data_comes_with_the_first_row(tmp_path: Path) -> None:
    """Once per supplier, before its deliveries."""
    rows = [f"S1,PO{number},2024-03-01,2024-03-0{number},1,1,Steel Ltd" for number in (1, 2)]
    events = delivery_events(write_ledger(tmp_path / "receipts.csv", rows, f"{HEADER},name"), FORM)
    assert [event.topic for event in events] == [ASSESSMENTS, SUPPLY, SUPPLY]
    assert json.loads(events[0].raw)["name"] == "Steel Ltd"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("S1,PO1,2024-03-01,2024-03-04,0,0,,", "quantity_ordered"),
        ("S1,PO1,2024-03-01,2024-03-04,5,-1,,", "quantity_delivered"),
        ("S1,PO1,2024-03-01,,5,5,,", "delivered_date"),
        ("S1,PO1,01.03.2024,2024-03-04,5,5,,", "promised_date"),
        (f"S1,{'x' * 62},2024-03-01,2024-03-04,5,5,,", "purchase_order_id"),
        (",PO1,2024-03-01,2024-03-04,5,5,,", "customer_id"),
        ("S1,PO1,2024-03-01,2024-03-04,5,5,,3", "item"),
        ("S1,PO1,2024-03-01,2024-03-04,5,5,coil,3", "currency"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, row: str, field: str) -> None:
    """Line and field of what cannot be used."""
    path = write_ledger(
        tmp_path / "receipts.csv", ["S1,PO9,2024-03-01,2024-03-01,5,5,,", row], f"{HEADER},item,unit_price"
    )
    error = refused(path)
    assert error.field == field
    assert f"{path}: line 3: {field}: " in str(error)


def test_columns_of_another_kind_are_refused(tmp_path: Path) -> None:
    """A ledger of invoices is no table of deliveries, nor can its columns be mapped to ours."""
    path = write_ledger(tmp_path / "ledger.csv")
    assert refused(path).field == "purchase_order_id"
    with pytest.raises(InvalidInput, match="invoice_id"):
        LedgerFormat({"doc": "invoice_id"}, kind="deliveries")


def test_the_command_writes_what_suppliers_did(tmp_path: Path) -> None:
    """``creditpulse import --deliveries`` with columns of other names, and the file can be read back."""
    path = write_ledger(
        tmp_path / "receipts.csv", ["S1,PO1,2024-03-01,2024-03-04,100,90"], HEADER.replace("customer_id", "vendor")
    )
    out = tmp_path / "supply.jsonl.gz"
    arguments = ["import", str(path), "--deliveries", "--map", "vendor=customer_id", "--out", str(out), "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["by_topic"] == {"supply": 1}
    assert list(read_events(out)) == delivery_events(path, LedgerFormat({"vendor": "customer_id"}, kind="deliveries"))


def test_suppliers_alone_can_be_backtested(tmp_path: Path) -> None:
    """A past of deliveries without any invoice: the one that fails is tightened, and the report tells the months."""
    rows = []
    for week in range(40):
        due = date(2024, 1, 1) + timedelta(days=7 * week)
        rows.append(f"GOOD,G{week},{due},{due},100,100")
        late = due + timedelta(days=12 if week > 20 else 0)
        rows.append(f"BAD,B{week},{due},{late},100,{60 if week > 20 else 100}")
    supply, policy = tmp_path / "supply.jsonl.gz", tmp_path / "policy.yaml"
    write_events(supply, delivery_events(write_ledger(tmp_path / "receipts.csv", rows, HEADER), FORM))
    policy.write_text("pack: supplier\n", encoding="utf-8")
    done = CliRunner().invoke(
        main, ["backtest", str(supply), "--policy", str(policy), "--out", str(tmp_path / "out"), "--json"]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["levels_over_time"][-1]["month"] == "2024-10"
    lines = (tmp_path / "out" / "decisions.jsonl").read_text(encoding="utf-8").splitlines()
    last = {line["subject"]: line["data"]["level"] for line in map(json.loads, lines) if "credit-level" in line["type"]}
    assert last == {"GOOD": "PRIME", "BAD": "HIGH_RISK"}
