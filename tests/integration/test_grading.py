"""Tightenings graded in the archive, against a book graded by hand and against the backtest's judge."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest
from click.testing import CliRunner

from schemas.decisions import AlertOut, OrderOut
from schemas.levels import Level
from schemas.topics import ALERTS, ORDER_DECISIONS, ORDERS, TICKS
from streams.archive.client import ClickHouse
from streams.backtesting.early_warning import severe_days
from streams.backtesting.truth import Truth
from streams.cli import main
from streams.clock import tick
from streams.record import Record
from streams.sources.event_file import TimedEvent, timed
from streams.sources.simulate import Portfolio, simulate
from tests.integration.archive_parts import (
    Engine,
    Shelf,
    alert_record,
    archive,
    at,
    emptied,
    invoiced,
    log_of,
    paid,
    parts,
    until,
)

pytestmark = pytest.mark.embedded_only
_WORSE = (Level.WATCH, Level.HIGH_RISK, Level.BLOCKED)


@pytest.fixture(scope="module")
def archive_dsn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the archive of the module is."""
    return f"chdb://{tmp_path_factory.mktemp('chdb')}?database=grades"


@pytest.fixture(scope="module")
def database(archive_dsn: str) -> Iterator[ClickHouse]:
    with archive(archive_dsn) as made:
        yield made


@pytest.fixture
async def shelf(database: ClickHouse) -> Shelf:
    """The module's archive, emptied."""
    return await emptied(database)


def _habit(customer: str, payments: int = 5) -> list[TimedEvent]:
    """Invoices of 100, paid on the day they are due."""
    found = []
    for number in range(payments):
        due = f"2024-10-{10 + number}"
        found.append(invoiced(customer, f"{customer}{number}", "100", "2024-09-10", due))
        found.append(paid(customer, f"{customer}p{number}", "100", due, f"{customer}{number}"))
    return found


async def test_a_book_graded_by_hand(shelf: Shelf) -> None:
    """Right: 61 days past due within 120 days. Wrong: paid meanwhile. Not judged: 4 payments. Open: not over yet."""
    tightened = {"right": "2025-02-01", "wrong": "2025-02-01", "new": "2025-02-01", "early": "2025-05-01"}
    events = [event for customer in ("right", "wrong", "early") for event in _habit(customer)]
    for customer, due in {
        "right": "2025-01-10",
        "wrong": "2025-01-30",
        "new": "2025-01-10",
        "early": "2025-04-20",
    }.items():
        events.append(invoiced(customer, f"{customer}-big", "1000", "2025-01-02", due))
    events += [*_habit("new", payments=3), paid("new", "late", "1000", "2025-02-10", "new-big")]
    events += [
        paid("wrong", "late", "700", "2025-02-05", "wrong-big"),
        paid("wrong", "rest", "300", "2025-02-10", "wrong-big"),
    ]
    alerts = [
        alert_record(customer, 1, at(day), "tightening", offset=offset)
        for offset, (customer, day) in enumerate(tightened.items())
    ]
    await shelf.put([*log_of(*events, until("2025-06-10")), *alerts])
    rows = await shelf.rows("graded_tightenings")
    columns = ("grade", "matured", "severe_day", "lead_days", "exposure_at", "exposure_reduced")
    assert {row["customer_id"]: parts(row, *columns) for row in rows} == {
        # Due on 10 January: the 61st day past due is 12 March, 39 days after the tightening.
        "right": ("true", True, "2025-03-12", 39, {"USD": "1000.0000"}, {"USD": "0.0000"}),
        "wrong": ("false", True, None, None, {"USD": "1000.0000"}, {"USD": "1000.0000"}),
        "new": ("thin", True, None, None, {"USD": "1000.0000"}, {"USD": "1000.0000"}),
        "early": ("open", False, None, None, {"USD": "1000.0000"}, {"USD": "0.0000"}),
    }
    (summary,) = await shelf.rows("tightening_grades")
    counts = (
        "tightenings",
        "true_alerts",
        "false_alerts",
        "open_alerts",
        "thin_alerts",
        "precision",
        "median_lead_days",
        "p10_lead_days",
    )
    assert parts(summary, *counts) == (4, 1, 1, 1, 1, 0.5, 39, 39)
    assert await shelf.rows("tightening_grades", options={"policy_version": "another"}) == []
    (later,) = await shelf.rows("tightening_grades", options={"from_day": "2025-03-01"})
    assert parts(later, "tightenings", "open_alerts", "precision") == (1, 1, None)


async def test_grades_of_a_simulated_ledger_are_those_of_the_backtest(shelf: Shelf, archive_dsn: str) -> None:
    """What the engine tightened in a simulated book: each grade, lead and hold as worked out from the raw events."""
    portfolio = Portfolio(customers=36, days=260, seed=7)
    days = (portfolio.start + timedelta(days=day) for day in range(portfolio.days_with_aftermath))
    events = sorted(
        [*simulate(portfolio), *(timed(TICKS, day, tick(day)) for day in days)], key=lambda event: event.timestamp_ms
    )
    records = Engine(partitions=2).records(events)
    await shelf.put(records)

    truth = Truth()
    for event in events:
        if event.topic != TICKS:
            truth.add(event)
    (book,) = await shelf.rows("book_day")
    truth.last_day = date.fromisoformat(book["as_of"]).toordinal()
    expected = _grades(records, truth)
    rows = await shelf.rows("graded_tightenings", limit=10_000)
    assert {row["alert_id"]: parts(row, "grade", "lead_days") for row in rows} == expected
    grades = Counter(grade for grade, _ in expected.values())
    assert min(grades["true"], grades["false"], grades["open"]) > 0
    assert _holds(records, events, truth) == {
        row["alert_id"]: parts(row, "held_orders", "judged_holds", "false_holds") for row in rows if row["held_orders"]
    }

    arguments = ["alerts", "grade", "--policy", "default-1", "--json"]
    told = await asyncio.to_thread(CliRunner().invoke, main, arguments, env={"CREDITPULSE_CLICKHOUSE_DSN": archive_dsn})
    assert told.exit_code == 0, told.output
    (summary,) = json.loads(told.stdout)
    matured = [row for row in rows if row["matured"]]
    right = [row["lead_days"] for row in matured if row["grade"] == "true"]
    wrong = sum(row["grade"] == "false" for row in matured)
    assert parts(summary, "tightenings", "true_alerts", "false_alerts") == (len(rows), len(right), wrong)
    assert summary["precision"] == pytest.approx(len(right) / (len(right) + wrong))
    assert summary["median_lead_days"] == median(right)
    assert summary["p10_lead_days"] == pytest.approx(quantiles(right, n=10, method="inclusive")[0])
    told = await asyncio.to_thread(
        CliRunner().invoke, main, arguments[:-1], env={"CREDITPULSE_CLICKHOUSE_DSN": archive_dsn}
    )
    shown = f"median {summary['median_lead_days']:.3g}, P10 {summary['p10_lead_days']:.3g}"
    assert shown in told.stdout


def _tightenings(records: list[Record]) -> Iterator[AlertOut]:
    for record in records:
        if record.topic == ALERTS:
            alert = AlertOut.model_validate_json(record.value or b"")
            if (
                alert.data.kind == "tightening"
                and alert.data.level in _WORSE
                and alert.data.level != alert.data.level_before
            ):
                yield alert


def _grades(records: list[Record], truth: Truth) -> dict[str, tuple[str, int | None]]:
    """Grade and lead of each tightening, from the events alone."""
    found = {}
    for alert in _tightenings(records):
        invoices = truth.by_customer().get(alert.subject, [])
        day = alert.time.date().toordinal()
        leads = [severe - day for severe in severe_days(invoices, truth.last_day) if 0 <= severe - day <= 120]
        judged = sum(invoice.paid is not None for invoice in invoices) >= 5
        if leads and judged:
            found[alert.id] = ("true", min(leads))
        elif truth.last_day - day < 120:
            found[alert.id] = ("open", None)
        else:
            found[alert.id] = ("false" if judged else "thin", None)
    return found


def _holds(records: list[Record], events: list[TimedEvent], truth: Truth) -> dict[str, tuple[int, int, int]]:
    """Orders held, those whose outcome is known, and the false holds of each tightening."""
    raised: dict[str, list[tuple[datetime, str]]] = {}
    for alert in _tightenings(records):
        raised.setdefault(alert.subject, []).append((alert.time, alert.id))
    invoices: dict[tuple[str, str], str] = {}
    for event in events:
        data: dict[str, Any] = json.loads(event.raw)
        if event.topic == ORDERS and data["type"] == "order.invoiced" and data.get("order_id"):
            invoices[data["customer_id"], data["order_id"]] = data["invoice_id"]
    found: dict[str, tuple[int, int, int]] = {}
    seen = set()
    for record in records:
        if record.topic != ORDER_DECISIONS:
            continue
        out = OrderOut.model_validate_json(record.value or b"")
        key = (out.subject, out.data.order_id)
        if key in seen or out.data.decision not in ("hold", "reject"):
            continue
        seen.add(key)
        before = [alert for time, alert in raised.get(out.subject, []) if time <= out.time]
        if out.data.level not in _WORSE or not before:
            continue
        invoice = truth.invoices.get((out.subject, invoices.get(key, "")))
        late = None if invoice is None else (invoice.paid or truth.last_day) - invoice.due
        judged = invoice is not None and late is not None and (invoice.paid is not None or late > 5)
        false = judged and late is not None and late <= 5
        held, known, wrong = found.get(before[-1], (0, 0, 0))
        found[before[-1]] = (held + 1, known + judged, wrong + false)
    return found


def test_the_command_says_what_it_prints(tmp_path: Path) -> None:
    """Help has an example; without an archive one line says what to start."""
    shown = CliRunner().invoke(main, ["alerts", "grade", "--help"])
    assert "creditpulse alerts grade --policy default-1" in shown.stdout
    env = {"CREDITPULSE_CLICKHOUSE_DSN": f"chdb://{tmp_path / 'none'}"}
    told = CliRunner().invoke(main, ["alerts", "grade"], env=env)
    assert told.exit_code == 1
    assert "creditpulse archive" in told.output
