"""The log of a book, as the gate would write it, in a file: what engines are fed with from memory and from Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.calendar import to_ms
from models.policy import default_policy_text
from schemas.log import LOG_ENTRY
from streams.in_process import InProcess
from streams.sources.event_file import TimedEvent


class Entry(NamedTuple):
    """A log entry as it stands in Kafka."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    raw: bytes


def entries_of(events: Iterable[TimedEvent], partitions: int) -> Iterator[Entry]:
    """The log of events that come in order of time."""
    process = InProcess(partitions, default_policy_text(), latest=datetime.now(UTC))
    for partition, offset, entry in process.log(events):
        customer = getattr(entry.event, "customer_id", None)
        key = customer.encode() if customer is not None else None
        yield Entry(partition, offset, to_ms(entry.time), key, LOG_ENTRY.dump_json(entry))
    if process.refused:
        record, error = process.refused[0]
        raise ValueError(f"{len(process.refused)} events refused; first: {error} {record.value!r:.200}")


def save(entries: Iterable[Entry], path: Path) -> list[Entry]:
    """Write entries to a file and return them."""
    kept = list(entries)
    path.write_bytes(msgspec.msgpack.encode(kept))
    return kept


def load(path: Path) -> list[Entry]:
    """The entries of ``save``."""
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Entry])
