"""An archive in memory that can fail, a topic with records and rebalances, and the topic of checkpoints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from models.audit_chain import columns_of, read_head
from schemas.audit import AuditCheckpoint, CheckpointOut
from schemas.errors import Unavailable
from streams.audit.sealer import COLUMNS, TABLE, Chain
from streams.audit.sealing import Sealing
from streams.settings import Settings

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Row = dict[str, Any]


@dataclass
class FakeArchive:
    """``ClickHouse`` for sealing, and ``Reader`` for checks; ``fails`` says per insert whether before or after it."""

    rows: dict[tuple[int, int], Row] = field(default_factory=dict)
    rejects: list[Sequence[Any]] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)
    page: int = 5

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], token: str) -> None:
        """As ``ClickHouse.insert``."""
        how = self.fails.pop(0) if self.fails else ""
        if how == "before":
            raise Unavailable("away")
        if table == TABLE:
            for row in (dict(zip(COLUMNS, values, strict=True)) for values in rows):
                place = (row["partition"], row["sequence"])
                assert self.rows.setdefault(place, row) == row, f"{place} was sealed in two ways"
        else:
            self.rejects += rows
        if how == "after":
            raise Unavailable("away")

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The two questions of ``load_chain``."""
        asked = dict(parameters or {})
        ours = [row for place, row in sorted(self.rows.items()) if place[0] == asked["partition"]]
        if "first" not in asked:
            return ours[-1:]
        return [row for row in ours if row["sequence"] >= asked["first"]][: self.page]

    async def audit(self, kind: str, **given: str) -> list[Row]:
        """As ``Reader.audit``, without times."""
        rows = [self._told(row) for _, row in sorted(self.rows.items())]
        if kind == "spans":
            found: dict[int, Row] = {}
            for row in rows:
                number = row["partition"]
                found.setdefault(number, {"partition": number, "first": row["sequence"]})["last"] = row["sequence"]
            return list(found.values())
        place = (int(given["partition"]), int(given["first"]))
        if kind == "customer":
            ours = [row for row in rows if row["customer_id"] == given["customer_id"]]
            return [row for row in ours if (row["partition"], row["sequence"]) >= place][: self.page]
        return [row for row in rows if row["partition"] == place[0] and row["sequence"] >= place[1]][: self.page]

    def _told(self, row: Row) -> Row:
        told = {name: value for name, value in row.items() if name != "out_offset"}
        return {**told, **{name: columns_of(read_head(row["record"].encode()))[name] for name in _TIMES}}


_TIMES = ("time", "recorded_time")


@dataclass
class FakeTopic:
    """``AIOKafkaConsumer`` on the topic audit; what is in ``assigned`` is ours."""

    records: dict[TopicPartition, list[bytes]]
    assigned: list[TopicPartition]
    most: int = 3
    at: dict[TopicPartition, int] = field(default_factory=dict)

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]:
        """The next records of each of our partitions."""
        found = {}
        for place in self.assigned:
            begin = self.at.get(place, 0)
            values = self.records[place][begin : begin + self.most]
            self.at[place] = begin + len(values)
            if values:
                found[place] = [
                    SimpleNamespace(partition=place.partition, offset=offset, timestamp=0, key=None, value=value)
                    for offset, value in enumerate(values, start=begin)
                ]
        return found

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """How many records there are."""
        return {place: len(self.records[place]) for place in partitions}

    def assignment(self) -> Collection[TopicPartition]:
        """What is ours now."""
        return set(self.assigned)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self.at[partition] = offset


@dataclass
class FakeCheckpoints:
    """``CheckpointTopic``."""

    sent: list[CheckpointOut] = field(default_factory=list)

    async def send(self, out: CheckpointOut) -> None:
        """Keep it."""
        self.sent.append(out)

    async def last(self) -> Mapping[int, CheckpointOut]:
        """The last of each partition."""
        return {out.data.partition: out for out in self.sent}

    @property
    def data(self) -> list[AuditCheckpoint]:
        """What they say."""
        return [out.data for out in self.sent]


def sealing(archive: FakeArchive, checkpoints: FakeCheckpoints, **options: Any) -> Sealing:
    """A sealing of two partitions that publishes every four entries."""
    values = {"partitions": 2, "audit_checkpoint_entries": 4, "audit_checkpoint_seconds": 1e9, **options}
    return Sealing(Settings(_env_file=None, **values), archive, checkpoints, lambda: NOW)


def place(partition: int) -> TopicPartition:
    """A partition of the topic audit."""
    return TopicPartition("audit", partition)


async def sealed(records: Mapping[int, list[bytes]], **options: Any) -> tuple[FakeArchive, FakeCheckpoints]:
    """All of these records, sealed in one go, with checkpoints up to the end."""
    archive, checkpoints = FakeArchive(), FakeCheckpoints()
    topic = FakeTopic({place(p): list(values) for p, values in records.items()}, [place(p) for p in records])
    task = sealing(archive, checkpoints, **options)
    for _ in range(max(map(len, records.values())) + 1):
        await task.step(topic)
    await task.finish()
    return archive, checkpoints


def fold(partition: int, records: Sequence[bytes]) -> list[tuple[Any, ...]]:
    """Rows of one chain over records."""
    chain = Chain(partition)
    return [row for offset, raw in enumerate(records) if (row := chain.seal(offset, raw)) is not None]
