"""Memory of one engine worker with many customers: restored from a changelog, then each of them touched by an event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.entries import Entry
from bench.parts import PARTITIONS, Worker, fill_log, settings_for, watch, write
from bench.workload import MONEY
from models.account import decode, encode
from models.calendar import to_ms
from schemas.errors import Unavailable
from schemas.events import OrderPlaced
from schemas.log import LOG_ENTRY, LogEntry, Source
from schemas.topics import ORDERS
from streams.partitioner import partition_of
from streams.settings import Settings

_RESTORE_SECONDS = 120.0
_LATER = datetime(2026, 1, 1, tzinfo=UTC)
"""After everything in the accounts."""


def memory(
    broker: str, data_dir: Path, states: list[bytes], customers: int, step: Callable[[str], None]
) -> dict[str, Any]:
    """Resident memory of the worker, in MB, with ``customers`` accounts like ``states``."""
    settings = settings_for(broker, data_dir, "memory.", "memory")
    step(f"memory: {customers} accounts into the changelog")
    asyncio.run(_prepare(settings, states, customers))
    with Worker(settings, "engine") as worker:
        step("memory: restore")
        started = time.monotonic()
        _wait_restored(worker, customers)
        restored = {"seconds": time.monotonic() - started, **worker.memory_mb()}
        step("memory: an event for each account")
        watch(worker, "creditpulse_events_applied", customers, most_seconds=240.0, every=0.5)
        touched = worker.memory_mb()
    return {
        "customers": customers,
        "changelog_mb": sum(map(len, states)) / len(states) * customers / 1e6,
        "restored_mb": {name: restored[name] for name in ("now", "peak")},
        "restored_after_s": restored["seconds"],
        "touched_mb": touched,
    }


async def _prepare(settings: Settings, states: list[bytes], customers: int) -> None:
    names = [f"M{number:07d}" for number in range(customers)]
    await fill_log(settings, _orders(names))
    changelog = f"{settings.app_id}-engine-accounts-changelog"
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(changelog, PARTITIONS, 1, topic_configs={"cleanup.policy": "compact"})])
    finally:
        await admin.close()
    await write(settings, changelog, _accounts(names, states))


def _accounts(names: Iterable[str], states: list[bytes]) -> Iterator[tuple[int, bytes, bytes, None]]:
    """Changelog records of accounts that are like ``states``, taken in turn."""
    for number, name in enumerate(names):
        account = decode(states[number % len(states)])
        account.customer_id, account.applied, account.sources = name, -1, {}
        key = name.encode()
        yield partition_of(key, PARTITIONS), key, encode(account), None


def _orders(names: Iterable[str]) -> Iterator[Entry]:
    """A log with one order of each customer, later than everything in the accounts."""
    at = _LATER
    offsets = [0] * PARTITIONS
    for name in names:
        partition = partition_of(name.encode(), PARTITIONS)
        order = OrderPlaced(
            version=1, event_id=f"{name}-live", occurred_at=at, customer_id=name, order_id=f"{name}-live", **MONEY
        )
        source = Source(topic=ORDERS, partition=partition, offset=offsets[partition])
        raw = LOG_ENTRY.dump_json(LogEntry(time=at, received_at=at, source=source, event=order))
        yield Entry(partition, offsets[partition], to_ms(at), name.encode(), raw)
        offsets[partition] += 1


def _wait_restored(worker: Worker, customers: int) -> None:
    """Until the first event is applied: accounts are restored then. The engine goes on meanwhile."""
    deadline = time.monotonic() + _RESTORE_SECONDS
    while time.monotonic() < deadline:
        if worker.counter("creditpulse_events_applied"):
            return
        time.sleep(0.05)
    raise Unavailable(f"{customers} accounts not restored in {_RESTORE_SECONDS:.0f} s:\n{worker.child.last_lines()}")


def state_bytes(file: Path) -> list[bytes]:
    """Accounts as the bare loop left them."""
    return msgspec.msgpack.decode(file.read_bytes(), type=list[bytes])
