"""The table of bytes by partition, in Faust's memory store and in a real RocksDB."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.stores import rocksdb
from faust.types import TP, EventT

from streams.transport.bytes_table import BytesTable, bytes_table
from streams.transport.chain import Chunk
from streams.transport.errors import Misdelivered, NotOwner
from tests.unit.streams.faust_parts import Raw

Items = dict[bytes, bytes | None]


class Worker:
    """An app that never starts, with a table; ``assign`` is what the group would decide."""

    def __init__(self, store: str, data_dir: Path) -> None:
        self.app = faust.App(
            "table-test", broker="kafka://127.0.0.1:1", store=store, datadir=str(data_dir), web_enabled=False
        )
        self.table = bytes_table(self.app, "accounts", partitions=4)

    def assign(self, *partitions: int) -> None:
        """Own these partitions, and no others."""
        tps = {TP(self.table.changelog_topic_name, number) for number in partitions}
        cast(Any, self.app.assignor)._active_tps = tps

    def recover(self, *records: Raw) -> None:
        """Apply records of one partition, as recovery reads them."""
        chunk = Chunk(TP(records[0].topic, records[0].partition), records[0].offset, records[-1].offset, records, 0)
        event = SimpleNamespace(message=SimpleNamespace(topic=chunk.tp.topic, value=chunk))
        self.table.apply_changelog_batch([cast("EventT[Any]", event)])

    def record(self, partition: int, offset: int, key: bytes, value: bytes | None) -> Raw:
        """A changelog record of the table."""
        return Raw(self.table.changelog_topic_name, partition, offset, 0, key, value)

    def close(self) -> None:
        """Release RocksDB's locks, as the end of the process does."""
        if isinstance(self.table.data, rocksdb.Store):
            self.table.data._dbs.clear()
            gc.collect()


@pytest.fixture(params=["memory://", "rocksdb://"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Worker:
    """A worker with partitions 0 and 1."""
    made = Worker(request.param, tmp_path)
    made.assign(0, 1)
    return made


def items_of(table: BytesTable, partition: int) -> dict[bytes, bytes]:
    """All that a partition holds."""
    return dict(table.items_of(partition))


def test_what_is_put_is_there_in_its_partition_only(worker: Worker) -> None:
    """Keys belong to the partition they were written to, and are found in no other."""
    worker.table.put(0, {b"C1": b"one"}, 0)
    worker.table.put(1, {b"C2": b"two"}, 0)
    assert worker.table.value(0, b"C1") == b"one"
    assert worker.table.value(1, b"C1") is None
    assert (items_of(worker.table, 0), items_of(worker.table, 1)) == ({b"C1": b"one"}, {b"C2": b"two"})


def test_none_deletes(worker: Worker) -> None:
    """A deleted key is gone, as is one that never was there; a later value counts again."""
    worker.table.put(0, {b"C1": b"one", b"C2": b"two"}, 1)
    worker.table.put(0, {b"C1": None, b"C3": None}, 3)
    assert items_of(worker.table, 0) == {b"C2": b"two"}
    worker.table.put(0, {b"C1": b"again"}, 4)
    assert worker.table.value(0, b"C1") == b"again"


def test_recovery_gives_what_was_written(worker: Worker) -> None:
    """Changelog records, in order: the last value of a key counts, an empty one deletes."""
    record = worker.record
    worker.recover(record(0, 0, b"C1", b"old"), record(0, 1, b"C2", b"two"), record(0, 2, b"C1", b"new"))
    worker.recover(record(0, 3, b"C2", None), record(0, 4, b"C3", b"three"))
    assert items_of(worker.table, 0) == {b"C1": b"new", b"C3": b"three"}


def test_a_value_set_again_in_one_batch_is_not_deleted(worker: Worker) -> None:
    """Deleted and written again within one batch of recovery, a key is there."""
    record = worker.record
    worker.recover(record(0, 0, b"C1", b"one"), record(0, 1, b"C1", None), record(0, 2, b"C1", b"again"))
    assert worker.table.value(0, b"C1") == b"again"


def test_records_of_another_table_are_left_alone(worker: Worker) -> None:
    """Recovery hands over what it read of a partition just lost to whatever table it served last."""
    worker.recover(worker.record(0, 0, b"C1", b"one")._replace(topic="other-changelog"))
    assert items_of(worker.table, 0) == {}


def test_a_partition_of_another_worker_is_neither_read_nor_written(worker: Worker) -> None:
    """Reading, listing, checking and writing what is not assigned stop the worker."""
    table = worker.table
    for act in (
        lambda: table.value(2, b"C1"),
        lambda: table.items_of(2),
        lambda: table.check(2, {b"C1": b"one"}),
        lambda: table.put(2, {b"C1": b"one"}, 0),
    ):
        with pytest.raises(NotOwner, match="partition 2"):
            act()


@pytest.mark.parametrize("items", [{b"": b"value"}, {b"C1": b""}])
def test_empty_keys_and_values_are_refused(worker: Worker, items: Items) -> None:
    """Faust's memory store would take an empty value for a deletion."""
    with pytest.raises(ValueError, match="must not be empty"):
        worker.table.check(0, items)


def test_a_put_moves_the_recovery_position(worker: Worker) -> None:
    """What this worker wrote itself, it need not read again at the next rebalance."""
    tp = TP(worker.table.changelog_topic_name, 0)
    offsets = cast(Any, worker.app.tables).recovery.active_offsets
    worker.table.put(0, {b"C1": b"one"}, 7)
    assert tp not in offsets, "recovery has not begun with it"
    offsets[tp] = 3
    worker.table.put(0, {b"C1": b"two"}, 9)
    assert offsets[tp] == 9


def test_memory_refuses_a_key_of_two_partitions(tmp_path: Path) -> None:
    """The memory store is one dictionary for all partitions: one of the two would be lost without a word."""
    worker = Worker("memory://", tmp_path)
    worker.assign(0, 1)
    worker.table.put(0, {b"state": b"zero"}, 0)
    with pytest.raises(Misdelivered, match="partition 1 is in 0 too"):
        worker.table.check(1, {b"state": b"one"})


async def test_memory_forgets_a_lost_partition(tmp_path: Path) -> None:
    """What was written live in a partition that went to another worker does not come back stale with it."""
    worker = Worker("memory://", tmp_path)
    worker.assign(0, 1)
    worker.table.put(0, {b"C0": b"zero"}, 0)
    worker.table.put(1, {b"C1": b"stale"}, 0)
    worker.assign(0)
    await worker.table.data.on_recovery_completed({TP(worker.table.changelog_topic_name, 0)}, set())
    worker.assign(0, 1)
    assert items_of(worker.table, 0) == {b"C0": b"zero"}
    assert items_of(worker.table, 1) == {}


def test_rocksdb_keeps_data_and_offset_together(tmp_path: Path) -> None:
    """A new process finds the data and, with it, the offset behind which it has to read on, by partition."""
    first = Worker("rocksdb://", tmp_path)
    first.assign(0, 1)
    first.table.put(0, {b"C1": b"one"}, 7)
    first.recover(first.record(1, 3, b"C2", b"two"), first.record(1, 4, b"C3", b"three"))
    first.close()
    second = Worker("rocksdb://", tmp_path)
    second.assign(0, 1)
    topic = second.table.changelog_topic_name
    assert [second.table.data.persisted_offset(TP(topic, number)) for number in (0, 1, 2)] == [7, 4, None]
    assert items_of(second.table, 0) == {b"C1": b"one"}
    assert items_of(second.table, 1) == {b"C2": b"two", b"C3": b"three"}
    second.close()


def test_the_offset_is_no_item_of_the_table(tmp_path: Path) -> None:
    """What RocksDB keeps for itself is not among the accounts."""
    worker = Worker("rocksdb://", tmp_path)
    worker.assign(0)
    worker.table.put(0, {}, 7)
    assert items_of(worker.table, 0) == {}
    worker.close()


def test_each_table_has_options_of_its_own(tmp_path: Path) -> None:
    """The store takes its driver out of the dictionary it is given: a second table must not miss it."""
    worker = Worker("rocksdb://", tmp_path)
    other = bytes_table(worker.app, "risk-models", partitions=4)
    worker.assign(0)
    cast(Any, worker.app.assignor)._active_tps.add(TP(other.changelog_topic_name, 0))
    worker.table.put(0, {b"k": b"accounts"}, 0)
    other.put(0, {b"k": b"models"}, 0)
    assert (worker.table.value(0, b"k"), other.value(0, b"k")) == (b"accounts", b"models")


def test_other_stores_are_refused(tmp_path: Path) -> None:
    """A store that the table was not written for is named before anything is lost in it."""
    app = faust.App("table-test", broker="kafka://127.0.0.1:1", store="aerospike://", datadir=str(tmp_path))
    with pytest.raises(ValueError, match="aerospike"):
        bytes_table(app, "accounts", partitions=4)
