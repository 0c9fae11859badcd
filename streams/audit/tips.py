"""Where sealing goes on after a restart: from the archive's last entry and the last checkpoint on the topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from pydantic import ValidationError

from models.calendar import to_ms
from models.merkle import Frontier
from schemas.audit import AuditCheckpoint, CheckpointOut
from schemas.errors import Unavailable
from schemas.topics import AUDIT_CHECKPOINTS
from streams.audit.sealer import Chain, check_known
from streams.kafka_client import open_consumer
from streams.settings import Settings

_PAGE = 50_000
_ANSWER_MS = 5_000


class Database(Protocol):
    """What this needs of ``ClickHouse``."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT."""
        ...


async def load_chain(database: Database, partition: int, known: AuditCheckpoint | None) -> Chain:
    """The chain as it stands in the archive; ``known``: the partition's last published checkpoint.

    Raises:
        Unavailable: ClickHouse does not answer, or entries are missing in it.
        Broken: the archive holds other entries than the checkpoint has seen.
    """
    rows = await database.query(
        "SELECT sequence, hash, log_offset, entry_index, out_offset FROM audit_entries "
        "WHERE partition = {partition:UInt32} ORDER BY sequence DESC LIMIT 1",
        {"partition": partition},
    )
    if not rows:
        return Chain(partition, known=known)
    tip = rows[0]
    size = tip["sequence"] + 1
    covered = known if known is not None and known.tree_size <= size else None
    frontier = Frontier(covered.tree_size, [bytes.fromhex(peak) for peak in covered.peaks]) if covered else Frontier()
    await _grow(database, partition, frontier, size)
    chain = Chain(
        partition, frontier, bytes.fromhex(tip["hash"]), (tip["log_offset"], tip["entry_index"]),
        tip["out_offset"] + 1, known,
    )  # fmt: skip
    if covered is not None and covered.tree_size == size:
        check_known(covered, chain.checkpoint())
    return chain


async def _grow(database: Database, partition: int, frontier: Frontier, size: int) -> None:
    while frontier.size < size:
        rows = await database.query(
            "SELECT sequence, leaf FROM audit_entries WHERE partition = {partition:UInt32} "
            "AND sequence >= {first:UInt64} ORDER BY sequence LIMIT 1 BY sequence LIMIT {page:UInt32}",
            {"partition": partition, "first": frontier.size, "page": _PAGE},
        )
        for row in rows:
            if row["sequence"] != frontier.size:
                break
            frontier.append(bytes.fromhex(row["leaf"]))
        if not rows or row["sequence"] != frontier.size - 1:
            where = f"partition {partition} has no sequence {frontier.size}"
            raise Unavailable(f"audit_entries: {where}; docs/audit.md says how to heal it")


class CheckpointTopic:
    """The topic of checkpoints: what was published last, and what is published next."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings, self._producer = settings, producer
        self._name = settings.topic(AUDIT_CHECKPOINTS)

    async def send(self, out: CheckpointOut) -> None:
        """Publish; when this returns the broker has it. Raises ``KafkaError``."""
        await self._producer.send_and_wait(
            self._name, out.model_dump_json().encode(), out.subject.encode(), partition=out.data.partition,
            timestamp_ms=to_ms(out.time),
        )  # fmt: skip

    async def last(self) -> dict[int, CheckpointOut]:
        """The last checkpoint of each partition that has one; raises ``Unavailable``."""
        return await _last_records(self._settings, self._name)


async def _last_records(settings: Settings, name: str) -> dict[int, CheckpointOut]:
    async with open_consumer(settings) as consumer:
        places = [TopicPartition(name, number) for number in range(settings.partitions)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        wanted = {place: end - 1 for place, end in ends.items() if end}
        found: dict[int, CheckpointOut] = {}
        if wanted:
            consumer.assign(list(wanted))
            for place, offset in wanted.items():
                consumer.seek(place, offset)
        while len(found) < len(wanted):
            batches = await consumer.getmany(timeout_ms=_ANSWER_MS)
            if not batches:
                raise Unavailable(f"the broker does not give the last records of {name}")
            for place, records in batches.items():
                try:
                    found[place.partition] = CheckpointOut.model_validate_json(records[-1].value or b"")
                except ValidationError as error:
                    why = error.errors()[0]["msg"]
                    raise Unavailable(f"the last record of {name} is no checkpoint: {why}") from error
    return found
