"""Several workers of one role in one consumer group: who has which partitions, who leaves, who is started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

from schemas.log import LOG_ENTRY, LogEntry, Source
from schemas.topics import LOG
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.in_process import InProcess
from streams.settings import Settings
from streams.sources.event_file import TimedEvent
from streams.supervisor import worker_command
from streams.topic_admin import ensure_topics
from streams.topic_reader import read_to_end
from tests.integration.conftest import ALONE
from tests.integration.pipeline import Decisions, Pipeline, content

Places = dict[str, set[int]]


class Workers(Pipeline):
    """Worker processes by name; each name is an instance of its own, with a directory of its own."""

    def __init__(self, settings: Settings, *, supervised: bool = False) -> None:
        super().__init__(settings)
        self.restarts = 0
        self._supervised = supervised
        self._roles: dict[str, str] = {}
        self._ports: dict[str, int] = {}

    def start_as(self, name: str, role: str, **overrides: str) -> Child:
        """Start a worker of this role under this name, which it keeps when it is started again."""
        self._roles[name], port = role, free_port()
        self._ports[name] = port
        child = start_child(
            worker_command(role, port, "INFO"),
            log=self.settings.data_dir / f"{name}.log",
            env=self.settings.environment() | {"CREDITPULSE_INSTANCE_ID": name} | overrides,
            name=name,
        )
        self.children[name] = child
        return child

    async def leave(self, name: str) -> int:
        """Stop a worker for good: it ends by itself, and its place in the group is given up. Its exit code.

        A static member says nothing when it stops, so that its partitions wait for it; Kafka gives them to others
        after the session timeout, the embedded broker never does. An operator who will not wait removes it.
        """
        child = self.children.pop(name)
        code = await asyncio.to_thread(child.stop, 25.0)
        await remove_member(self.settings, self._roles[name], name)
        return code

    def check(self) -> None:
        """Fail when a worker has ended by itself; if supervised, start it again, as long as it asked for that."""
        if not self._supervised:
            super().check()
            return
        for name, child in list(self.children.items()):
            code = child.poll()
            if code is None:
                continue
            assert code in (1, 70), f"{name} ended with {code}:\n{child.last_lines(40)}"
            self.restarts += 1
            assert self.restarts <= 10, f"{name} keeps ending:\n{child.last_lines(40)}"
            self.start_as(name, self._roles[name])

    async def assigned(self, name: str) -> Places:
        """Partitions by topic that the worker says it has; none while it is not settled."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.get(f"http://127.0.0.1:{self._ports[name]}/health") as response,
            ):
                health: dict[str, Any] = await response.json()
        except (aiohttp.ClientError, TimeoutError):
            return {}
        if health["recovering"]:
            return {}
        found: Places = {}
        for place in health["lag"]:
            topic, partition = place.rsplit("/", 1)
            found.setdefault(topic.removeprefix(self.settings.topic_prefix), set()).add(int(partition))
        return found

    def _stuck(self) -> str:
        said = []
        for name, port in self._ports.items():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
                    said.append(f"{name} says: {response.read().decode()}")
            except OSError as error:
                said.append(f"{name} does not answer: {error}")
        return "\n".join([super()._stuck(), *said])

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The worker stands still within, as a machine that swaps; it must be shorter than the session timeout."""
        pid = self.children[name].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def asks_to_join(self, name: str, members: int) -> None:
        """Wait until so many members are in the group of this worker, settled or not."""
        group = f"{self.settings.app_id}-{self._roles[name]}"
        admin = AIOKafkaAdminClient(**self.settings.kafka_client_options())
        await admin.start()
        try:

            async def joining() -> bool:
                described = (await admin.describe_consumer_groups([group]))[0].to_object()["groups"][0]
                return len(described["members"]) == members

            await self._wait(joining, 30.0)
        finally:
            await admin.close()

    async def settled(self, names: Iterable[str], seconds: float = 30.0) -> Mapping[str, Places]:
        """Wait until these workers have all partitions among them, and none two; who has which."""
        found: dict[str, Places] = {}

        async def shared() -> bool:
            found.update({name: await self.assigned(name) for name in names})
            topics = {topic for places in found.values() for topic in places}
            every = sorted(range(self.settings.partitions))
            return all(found.values()) and all(
                sorted(number for places in found.values() for number in places.get(topic, ())) == every
                for topic in topics
            )

        await self._wait(shared, seconds)
        return found

    async def until(self, done: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
        """Wait until ``done``; fails when a worker ends, or when it takes too long."""
        await self._wait(done, seconds)


async def committed(settings: Settings, role: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Committed offsets of a role by topic (logical name) and partition; 0 where there is none."""
    places = {
        TopicPartition(settings.topic(name), number): (name, number)
        for name in topics
        for number in range(settings.partitions)
    }
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(f"{settings.app_id}-{role}", partitions=list(places))
    except GroupCoordinatorNotAvailableError:
        found = {}  # a new Kafka makes its topic of offsets when the first group asks for it
    finally:
        await admin.close()
    return {place: max(0, found[tp].offset) if tp in found else 0 for tp, place in places.items()}


async def ends(settings: Settings, topics: Iterable[str]) -> dict[str, int]:
    """How many records each topic (full name) has, over all its partitions."""
    consumer = AIOKafkaConsumer(**settings.kafka_client_options(), enable_auto_commit=False)
    await consumer.start()
    try:
        found = {}
        for name in topics:
            places = [TopicPartition(name, number) for number in range(settings.partitions)]
            found[name] = sum((await consumer.end_offsets(places)).values())
        return found
    finally:
        await consumer.stop()


class _LeaveResponse(Response):
    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "members",
            Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")), ("error_code", Int16)),
        ),
    )


class _LeaveStruct(RequestStruct):
    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = _LeaveResponse
    SCHEMA = Schema(
        ("group_id", String("utf-8")),
        ("members", Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")))),
    )


class _Leave(Request[_LeaveStruct]):
    """LeaveGroup for a static member; aiokafka knows it only for the member itself."""

    API_KEY = 13

    def __init__(self, group: str, instance: str) -> None:
        self._group, self._instance = group, instance

    def build(self, request_struct_class: type[_LeaveStruct]) -> _LeaveStruct:
        return request_struct_class(self._group, [("", self._instance)])


async def remove_member(settings: Settings, role: str, instance_id: str) -> None:
    """Remove a static member from its group, as Kafka's ``removeMembersFromConsumerGroup`` does."""
    group = f"{settings.app_id}-{role}"
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    await admin.start()
    try:
        node = await admin.find_coordinator(group)
        response: Any = await admin._send_request_to_node(node, _Leave(group, f"{group}-{instance_id}"))
    finally:
        await admin.close()
    codes = [response.error_code, *(code for _, _, code in response.members)]
    assert not any(codes), f"the broker did not remove {instance_id} from {group}: {codes}"


async def seconds_pass(seconds: float, workers: Pipeline) -> None:
    """Let time pass while the workers are watched."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        workers.check()
        await asyncio.sleep(0.1)


class LogFlow:
    """Writes the log that a gate would write for these events, at a pace, in the background; context manager.

    The log is the order, so that nothing depends on when which entry arrives. The last tenth is written when
    ``finish`` is called: there is always something to come.
    """

    PIECE, PAUSE_SECONDS = 40, 0.02

    def __init__(self, settings: Settings, events: Iterable[TimedEvent]) -> None:
        self._settings = settings
        process = InProcess(settings.partitions, ALONE, latest=datetime.now(UTC))
        self.entries = list(process.log(events))
        self.written = 0
        self._go_on = asyncio.Event()
        self._producer = AIOKafkaProducer(**settings.kafka_client_options(), acks="all")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> LogFlow:
        await ensure_topics(self._settings)
        await self._producer.start()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._producer.stop()

    async def finish(self) -> None:
        """Write the last tenth; returns when all is written."""
        assert self._task is not None
        self._go_on.set()
        await self._task

    async def _run(self) -> None:
        topic = self._settings.topic(LOG)
        held_back = len(self.entries) * 9 // 10
        while self.written < len(self.entries):
            if self.written >= held_back:
                await self._go_on.wait()
            piece = self.entries[self.written : self.written + self.PIECE]
            acks = [
                await self._producer.send(topic, LOG_ENTRY.dump_json(entry), partition=partition)
                for partition, _, entry in piece
            ]
            await asyncio.gather(*acks)
            self.written += len(piece)
            await asyncio.sleep(self.PAUSE_SECONDS)


async def log_entries(settings: Settings) -> dict[int, list[LogEntry]]:
    """The log by partition, without what a gate wrote again after it had come back."""
    found: dict[int, list[LogEntry]] = {number: [] for number in range(settings.partitions)}
    seen: set[tuple[int, Source]] = set()
    async for record in read_to_end(settings, LOG):
        entry = LOG_ENTRY.validate_json(record.value or b"")
        if (record.partition, entry.source) not in seen:
            seen.add((record.partition, entry.source))
            found[record.partition].append(entry)
    return found


async def folded(settings: Settings) -> tuple[Decisions, InProcess]:
    """What the engine makes of the log as it stands, in process."""
    process = InProcess(settings.partitions, ALONE, latest=datetime.now(UTC))
    found: Decisions = {}
    async for record in read_to_end(settings, LOG):
        entry = LOG_ENTRY.validate_json(record.value or b"")
        for out in process.engines[record.partition].apply(record.offset, entry).out:
            found[out.id] = content(json.loads(out.model_dump_json()))
    return found, process
