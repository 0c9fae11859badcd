"""A Faust table of raw bytes, read and written by partition, in Faust's memory or RocksDB store.

What breaks without it: Faust finds the partition of a key through the event in hand (`current_event`), so no
table can be written outside a stream; its memory store is one dictionary for all partitions and forgets, at a
rebalance, only keys that came from recovery (`_key_partition` in `memory.Store.on_recovery_completed`), so keys
written live linger on a worker that has lost them, and come back stale; its RocksDB store writes before the
changelog is acknowledged, and is ahead of it after a crash; and at each rebalance the memory store reads again
all that it wrote itself.

Recovery takes changelogs in chunks as well (record by record it reads about 10,000 a second), and only from the
table's own topic: `Recovery._slurp_changelogs` applies records of a partition just lost to whatever table it
served last.

Keys and values are never empty: the memory store of Faust takes an empty value for a deletion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import faust
import rocksdict
from faust.assignor.partition_assignor import PartitionAssignor
from faust.stores import memory, rocksdb
from faust.tables.manager import TableManager
from faust.types import TP, EventT

from streams.transport.chain import Chunk
from streams.transport.errors import Misdelivered, NotOwner

ROCKSDB_OPTIONS = {"block_cache_size": 64 << 20, "write_buffer_size": 16 << 20, "max_open_files": 256}
"""Per partition; Faust's defaults reserve 2 GiB of cache for each."""

RECOVERY_BUFFER = 4
"""Chunks held back before they are applied; 1 would make Faust leave the changelog partitions running."""


class BytesTable(faust.Table[bytes, bytes]):
    """Bytes by partition and key; written by `DurableWriter.write_table` alone, never as a mapping."""

    data: memory.Store[Any, Any] | rocksdb.Store

    def owns(self, partition: int) -> bool:
        """Whether this worker is assigned the partition."""
        tp = TP(self.changelog_topic_name, partition)
        return cast(PartitionAssignor, self.app.assignor).is_active(tp)

    def value(self, partition: int, key: bytes) -> bytes | None:
        """The value of ``key`` in an owned partition, or None; raises NotOwner."""
        self._check_owner(partition)
        if isinstance(self.data, rocksdb.Store):
            return cast("bytes | None", self.data._db_for_partition(partition).get(key))
        return self.data.data.get(key) if self.data._key_partition.get(key) == partition else None

    def items_of(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All items of an owned partition as of now, in no order; raises NotOwner."""
        self._check_owner(partition)
        if isinstance(self.data, rocksdb.Store):
            db = self.data._db_for_partition(partition)
            return cast(Iterator[tuple[bytes, bytes]], self.data._visible_items(db))
        data = self.data.data
        return iter([(key, data[key]) for key, owner in self.data._key_partition.items() if owner == partition])

    def check(self, partition: int, items: Mapping[bytes, bytes | None]) -> None:
        """Refuse what must not reach the changelog; raises NotOwner, Misdelivered or ValueError."""
        self._check_owner(partition)
        if b"" in items or b"" in items.values():
            raise ValueError(f"table {self.name}: keys and values must not be empty")
        if isinstance(self.data, memory.Store):
            for key in items:
                owner = self.data._key_partition.get(key, partition)
                if owner != partition and self.owns(owner):
                    raise Misdelivered(f"table {self.name}: {key!r} of partition {partition} is in {owner} too")

    def put(self, partition: int, items: Mapping[bytes, bytes | None], offset: int) -> None:
        """Set local data whose changelog records are acknowledged up to ``offset``; raises NotOwner."""
        self._check_owner(partition)
        self._apply(partition, items, offset)
        # A rebalance that leaves us the partition has nothing to recover.
        recovered = cast(TableManager, self.app.tables).recovery.active_offsets
        tp = TP(self.changelog_topic_name, partition)
        if tp in recovered:
            recovered[tp] = offset

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Apply what recovery has read: events whose value is a chunk of changelog records."""
        for event in batch:
            if event.message.topic == self.changelog_topic_name:
                chunk = cast(Chunk, event.message.value)
                items = {cast(bytes, record.key): record.value or None for record in chunk.records}
                self._apply(chunk.tp.partition, items, chunk.last)

    def _apply(self, partition: int, items: Mapping[bytes, bytes | None], offset: int) -> None:
        if isinstance(self.data, rocksdb.Store):
            # One batch for data and offset: after a kill -9 recovery starts exactly behind what is in the store.
            batch = rocksdict.WriteBatch(raw_mode=True)
            for key, value in items.items():
                batch.delete(key) if value is None else batch.put(key, value)
            batch.put(self.data.offset_key, str(offset).encode())
            self.data._db_for_partition(partition).write(batch)
            return
        for key, value in items.items():
            if value is None:
                self.data.data.pop(key, None)
                self.data._key_partition.pop(key, None)
            else:
                self.data.data[key] = value
                self.data._key_partition[key] = partition

    def _check_owner(self, partition: int) -> None:
        if not self.owns(partition):
            raise NotOwner(f"table {self.name}: partition {partition} is not assigned to this worker")


def bytes_table(app: faust.App, name: str, *, partitions: int) -> BytesTable:
    """Declare a table in the app's store, with a compacted changelog of ``partitions`` partitions."""
    scheme = app.conf.store.scheme
    if scheme not in ("memory", "rocksdb"):
        raise ValueError(f"table {name}: unknown store {scheme}://; use memory:// or rocksdb://")
    table = BytesTable(
        app,
        name=name,
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        recovery_buffer_size=RECOVERY_BUFFER,
        # The store takes its driver out of the dictionary that it is given: each table needs its own.
        options=dict(ROCKSDB_OPTIONS) if scheme == "rocksdb" else None,
        beacon=app.tables.beacon,
    )
    return cast(BytesTable, app.tables.add(table))
