"""The sink: nothing is forgotten before ClickHouse has it, and nothing that can never go in holds up the rest."""

from __future__ import annotations

import pytest

from schemas.errors import Unavailable
from schemas.topics import ALERTS, LOG
from streams.archive.errors import RowsRefused
from streams.archive.rows import REJECTS
from streams.archive.sink import Sink
from tests.unit.streams.archive.parts import FakeStore, Insert, broken, payment


def _sink(store: FakeStore, offsets: range) -> Sink:
    sink = Sink(store)
    for offset in offsets:
        sink.add(payment(offset))
    return sink


async def test_one_insert_per_table_and_the_offsets_behind_it() -> None:
    """A flush writes one batch per table and tells the next offset of each partition."""
    store = FakeStore()
    sink = Sink(store)
    for record in (payment(4), payment(5), payment(9, partition=1), broken(ALERTS, 7)):
        sink.add(record)
    assert sink.rows == 4
    assert await sink.flush() == {(LOG, 0): 6, (LOG, 1): 10, (ALERTS, 0): 8}
    assert sorted((insert.table, len(insert.rows)) for insert in store.kept) == [(REJECTS, 1), ("raw_log", 3)]
    assert sink.rows == 0
    assert await sink.flush() == {}


async def test_a_failed_flush_is_repeated_with_the_same_rows_and_token() -> None:
    """While ClickHouse is away the rows wait, and the repetition is one that ClickHouse can recognise."""
    store = FakeStore(errors=[Unavailable("away")])
    sink = _sink(store, range(3))
    with pytest.raises(Unavailable):
        await sink.flush()
    assert sink.rows == 3
    assert sink.positions == {(LOG, 0): 3}
    assert await sink.flush() == {(LOG, 0): 3}
    first, second = store.tried
    assert first == second
    assert sink.written == {"raw_log": 3}


async def test_a_table_that_went_in_is_not_written_again() -> None:
    """When the second table fails, the retry writes only that one; offsets are told when all is in."""
    store = FakeStore(refuses=lambda insert: Unavailable("away") if insert.table == REJECTS else None)
    sink = _sink(store, range(2))
    sink.add(broken(LOG, 2))
    with pytest.raises(Unavailable):
        await sink.flush()
    store.refuses = lambda insert: None
    assert await sink.flush() == {(LOG, 0): 3}
    assert [insert.table for insert in store.kept] == ["raw_log", REJECTS]


async def test_another_batch_has_another_token() -> None:
    """Batches of other contents are never taken for a repetition, though offsets may be the same."""
    store = FakeStore()
    sink = Sink(store)
    for customer in ("C1", "C2"):
        sink.add(payment(0, customer=customer))
        await sink.flush()
    first, second = store.kept
    assert first.token != second.token


async def test_the_one_refused_row_is_found_and_kept_raw() -> None:
    """Halving finds the row that ClickHouse cannot take: all others go in, it goes raw into the rejects."""
    bad = "e0-5"
    store = FakeStore(refuses=lambda insert: RowsRefused("no") if _has(insert, bad) else None)
    sink = _sink(store, range(8))
    assert await sink.flush() == {(LOG, 0): 8}
    assert sorted(store.column("raw_log", "event_id")) == [f"e0-{n}" for n in range(8) if n != 5]
    assert store.column(REJECTS, "offset") == [5]
    assert store.column(REJECTS, "reason_code") == ["refused_by_clickhouse"]
    assert store.column(REJECTS, "value") == [payment(5).value]
    assert sink.rejected == 1


async def test_refusing_everything_is_not_the_fault_of_the_rows() -> None:
    """When no row of a table goes in, something else is wrong: nothing is rejected, all rows wait."""
    store = FakeStore(refuses=lambda insert: RowsRefused("no such column"))
    sink = _sink(store, range(300))
    with pytest.raises(Unavailable, match="every row"):
        await sink.flush()
    assert sink.rows == 300
    assert sink.rejected == 0
    store.refuses = lambda insert: None
    assert await sink.flush() == {(LOG, 0): 300}
    assert len(store.column("raw_log", "event_id")) == 300


async def test_rejects_that_cannot_be_kept_raw_wait() -> None:
    """A record is never dropped because its raw copy is refused too."""
    store = FakeStore(refuses=lambda insert: RowsRefused("no"))
    sink = Sink(store)
    sink.add(broken())
    with pytest.raises(Unavailable):
        await sink.flush()
    assert sink.rows == 1


async def test_discard_forgets() -> None:
    """Rows of partitions that were taken away are neither written nor committed."""
    store = FakeStore()
    sink = _sink(store, range(3))
    sink.discard()
    assert await sink.flush() == {}
    assert store.tried == []


@pytest.mark.parametrize("limits", [{"max_rows": 2}, {"max_bytes": 600}])
def test_full_by_rows_or_bytes(limits: dict[str, int]) -> None:
    """A flush is due by number of rows and by size."""
    sink = Sink(FakeStore(), **limits)
    sink.add(payment(0))
    assert not sink.full
    sink.add(payment(1))
    assert sink.full


def _has(insert: Insert, event_id: str) -> bool:
    return insert.table == "raw_log" and any(row[1] == event_id for row in insert.rows)
