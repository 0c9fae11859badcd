"""The gate and the engine as real processes on a real broker, and what the same events give in process."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from models.account import decode as decode_account
from models.partition import decode as decode_partition
from schemas.topics import ALERTS, LEVELS, MODEL_LOG, ORDER_DECISIONS
from streams.archive.rows import ARCHIVED
from streams.backlog import Backlog
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.in_process import InProcess
from streams.publisher import publish as publish
from streams.settings import Settings
from streams.sources.event_file import TimedEvent
from streams.supervisor import worker_command
from streams.topic_reader import read_to_end
from tests.integration.conftest import ALONE

Decisions = dict[str, dict[str, Any]]
OUT = (LEVELS, ALERTS, ORDER_DECISIONS, MODEL_LOG)


class Pipeline:
    """Worker processes by role; killed at the end of the test whatever happens."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.children: dict[str, Child] = {}

    def start(self, role: str, **overrides: str) -> Child:
        """Start a worker of this role, or the archive."""
        archive = [sys.executable, "-m", "streams.cli", "archive"]
        child = start_child(
            archive if role == "archive" else worker_command(role, free_port(), "INFO"),
            log=self.settings.data_dir / f"{role}.log",
            env=self.settings.environment() | overrides,
            name=role,
        )
        self.children[role] = child
        return child

    def kill(self, role: str) -> None:
        """SIGKILL, as a crash."""
        self.children[role].kill()

    def check(self) -> None:
        """Fail when a worker has ended by itself."""
        for role, child in self.children.items():
            assert child.poll() is None, f"{role} ended with {child.poll()}:\n{child.last_lines(40)}"

    async def drain(self, seconds: float = 60.0) -> None:
        """Wait until gate and engine have committed all that is in their topics."""
        async with Backlog(self.settings) as backlog:
            await self._wait(backlog.all_applied, seconds)

    async def archived(self, seconds: float = 60.0) -> None:
        """Wait until the archive has committed all that is in its topics."""
        async with Backlog(self.settings) as backlog:

            async def done() -> bool:
                return not await backlog.uncommitted(f"{self.settings.app_id}-archive", ARCHIVED)

            await self._wait(done, seconds)

    async def _wait(self, done: Callable[[], Awaitable[bool]], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not await done():
            self.check()
            assert time.monotonic() < deadline, self._stuck()
            await asyncio.sleep(0.2)

    def stop(self) -> dict[str, int]:
        """Stop all workers as an operator would; their exit codes."""
        return {role: child.stop(timeout=20.0) for role, child in self.children.items()}

    def _stuck(self) -> str:
        return "not done in time\n" + "\n".join(child.last_lines(25) for child in self.children.values())

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self.children.values():
            child.kill()


def content(out: dict[str, Any]) -> dict[str, Any]:
    """A decision without the wall-clock time of its reading, which differs between two runs."""
    return {name: value for name, value in out.items() if name != "recordedtime"}


async def decisions(settings: Settings) -> Decisions:
    """Decisions in the out topics by id; a decision that was sent twice must have the same content."""
    found: Decisions = {}
    for topic in OUT:
        async for record in read_to_end(settings, topic):
            out = content(json.loads(record.value or b"null"))
            assert found.setdefault(out["id"], out) == out, f"two contents for decision {out['id']}"
    return found


async def state(settings: Settings) -> dict[str, Any]:
    """Final accounts and partition states from the changelog, without log offsets (a gate's crash shifts them)."""
    found: dict[str, Any] = {}
    consumer = AIOKafkaConsumer(**settings.kafka_client_options(), enable_auto_commit=False)
    await consumer.start()
    try:
        for table in ("accounts", "risk-models"):
            name = f"{settings.app_id}-engine-{table}-changelog"
            places = [TopicPartition(name, number) for number in range(settings.partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends = await consumer.end_offsets(places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        found[record.key.decode()] = record.value
    finally:
        await consumer.stop()
    return {key: comparable(key, value) for key, value in found.items()}


def comparable(key: str, data: bytes) -> Any:
    """Decoded state with what depends on log offsets taken out."""
    stored: Any = decode_partition(data) if key.startswith("partition-") else decode_account(data)
    stored.applied = 0
    for checkpoint in getattr(stored, "checkpoints", {}).values():
        checkpoint.offset = 0
    marks = [getattr(stored, name, None) for name in ("tightened", "held")]
    for mark in (*filter(None, marks), *getattr(stored, "group_marks", ())):
        mark.offset = 0
    return stored


def in_process(events: Iterable[TimedEvent], partitions: int) -> tuple[Decisions, InProcess]:
    """What the same engine decides without a broker."""
    process = InProcess(partitions, ALONE, latest=datetime.now(UTC))
    found: Decisions = {}
    for effects in process.run(events):
        for out in effects.out:
            found[out.id] = content(json.loads(out.model_dump_json()))
    return found, process
