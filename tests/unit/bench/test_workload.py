"""The books of the bench: the same each time, in order, accepted by the gate, and causing what they promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.entries import entries_of, load, save
from bench.workload import MONEY, book, punctual, punctual_history, reversal
from models.policy import default_policy_text
from schemas.decisions import AlertKind, CreditAlert
from schemas.topics import PAYMENTS
from streams.in_process import InProcess
from streams.sources.event_file import timed


def test_a_book_is_the_same_each_time_and_in_order() -> None:
    """Two runs of the bench measure the same work."""
    events = book(20, 20)
    assert events == book(20, 20)
    times = [event.timestamp_ms for event in events]
    assert times == sorted(times)
    assert len(times) > 100


def test_entries_of_a_book_come_back_from_a_file(tmp_path: Path) -> None:
    """What is fed from memory is what stands in the log."""
    entries = save(entries_of(book(20, 20), 2), tmp_path / "entries")
    assert load(tmp_path / "entries") == entries
    for partition in (0, 1):
        offsets = [entry.offset for entry in entries if entry.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_a_bounced_payment_of_a_punctual_customer_causes_one_tightening() -> None:
    """The latency bench waits for exactly one alert per reversal."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    process = InProcess(2, default_policy_text(), latest=now + timedelta(days=1))
    before = [out for effects in process.run(punctual_history(5, now)) for out in effects.out]
    assert not [out for out in before if isinstance(out.data, CreditAlert)]
    live = []
    for number in range(5):
        customer = punctual(number)
        head: dict[str, object] = {"version": 1, "customer_id": customer}
        live.append(timed(PAYMENTS, now, reversal(head, f"{customer}-0", now, MONEY)))
    alerts = [
        (out.subject, out.data.kind)
        for effects in process.run(live)
        for out in effects.out
        if isinstance(out.data, CreditAlert)
    ]
    assert alerts == [(punctual(number), AlertKind.TIGHTENING) for number in range(5)]
    assert not process.refused
