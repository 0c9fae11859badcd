"""The book as the engine holds it, in any other process: accounts and policies read from the engine's changelogs.

A reader of its own position: it answers while workers restart or move partitions, and always says as of when.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from models.account import NO_MARKS, Account, Marks, Master, decode, decode_marks
from models.brake import Brake
from models.calendar import from_ms
from models.group_book import ReportedGroups
from models.order_checks.facts import NO_GROUPS, Groups
from models.partition import SCHEMA as PARTITION_SCHEMA
from models.partition import PartitionState
from models.partition import decode as decode_partition
from models.policy import layered_policy
from models.policy_layers import Layer, LayeredPolicy
from models.rehearsal import Rehearsal
from schemas.errors import Unavailable
from schemas.policy import Policy
from streams.kafka_client import PacedConsumer, batches_to_end, start
from streams.partitioner import partition_of
from streams.policy_file import policy_text
from streams.settings import Settings
from streams.tasks import end_task

log = logging.getLogger(__name__)

_TRY_AGAIN_SECONDS = 1.0
_CACHED = 20_000
"""Decoded accounts that are kept; the others stay bytes until they are asked for."""


@dataclass(frozen=True, slots=True)
class Known:
    """An account (None: nobody of that id has been seen), the policy that holds for it, and as of when both stand."""

    account: Account | None
    policy: Policy
    as_of: datetime
    groups: Groups = NO_GROUPS
    aged_to: int = 0
    """The day (ordinal) to which open items are aged while the payments feed is stale; 0 = it is not."""


class LiveBook:
    """``async with LiveBook(settings) as book``: begins to read and returns; ``ready`` tells when all was read.

    A state or an account that a newer creditpulse wrote ends the reading: nothing is answered from then on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        app = f"{settings.app_id}-engine"
        self._accounts_topic, self._states_topic = f"{app}-accounts-changelog", f"{app}-risk-models-changelog"
        self._consumer = PacedConsumer(
            settings, auto_offset_reset="earliest", fetch_max_wait_ms=50, max_partition_fetch_bytes=8 * 1024 * 1024
        )
        self._accounts: dict[str, bytes] = {}
        self._decoded: dict[str, Account] = {}
        self._states: dict[int, PartitionState] = {}
        self._passed: dict[int, dict[str, Marks]] = {number: {} for number in range(settings.partitions)}
        self._brakes: dict[int, Brake] = {}
        self._first_policy = policy_text(settings.policy_file)
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.ready = asyncio.Event()
        self.listeners: list[Callable[[str], object]] = []
        """Called with the id of each customer whose account is another one now."""

    async def __aenter__(self) -> LiveBook:
        """Raises Unavailable when no broker answers."""
        await start(self._settings, self._consumer)
        self._task = asyncio.create_task(self._run(), name="live book")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await end_task(self._task)
        finally:
            await self._consumer.stop()

    def __len__(self) -> int:
        return len(self._accounts)

    def ids(self) -> Iterable[str]:
        """All customers."""
        return self._accounts.keys()

    def clock(self) -> datetime:
        """As of when the whole book stands: the oldest of the partitions' clocks; raises Unavailable before one."""
        self._need_ready()
        clocks = [state.clock for state in self._states.values()]
        if not clocks:
            raise Unavailable("the book is still being read")
        return from_ms(min(clocks))

    def ageing_stops(self) -> tuple[int, ...]:
        """By partition, the day (ordinal) to which open items are aged while payments are stale; 0 = they are not."""
        return tuple(state.feed.frozen for _, state in sorted(self._states.items()))

    def account(self, customer_id: str) -> Account | None:
        """The account as last read, or None. It is shared: copy it before changing it."""
        found = self._decoded.get(customer_id)
        if found is None and (data := self._accounts.get(customer_id)) is not None:
            found = self._decoded[customer_id] = decode(data)
            if len(self._decoded) > _CACHED:
                del self._decoded[next(iter(self._decoded))]
        return found

    def known(self, customer_id: str) -> Known:
        """What is known of a customer, and the policy that holds for it.

        Raises:
            Unavailable: the book has not been read yet, or no engine has ever run.
        """
        partition, account = self._found(customer_id)
        state = self.state(partition)
        layers, own = self._layers(customer_id, partition, account)
        policy = layers.policy_of(own)
        clock = max(state.clock if state else 0, account.clock if account else 0)
        if state is None:
            return Known(account, policy, from_ms(clock))
        return Known(account, policy, from_ms(clock), ReportedGroups(state.groups), state.feed.frozen)

    def rehearsal(self, customer_id: str) -> Rehearsal:
        """A stage for what-if questions about a customer; raises Unavailable as ``known``."""
        partition, account = self._found(customer_id)
        return Rehearsal(customer_id, account, self._state_or_first(partition), partition, self._settings.partitions)

    def brake(self, customer_id: str) -> Brake:
        """The brake of the customer's partition, with what has passed it by now; raises Unavailable as
        ``known``."""
        partition, _ = self._found(customer_id)
        found = self._brakes.get(partition)
        if found is None:
            rules = layered_policy(self.policy_text(partition)).base.brake
            brake = Brake(rules, self._state_or_first(partition), self._settings.partitions)
            for passed_id, marks in self._passed[partition].items():
                brake.remember(passed_id, marks)
            found = self._brakes[partition] = brake.for_questions()
        return found

    async def caught_up(self, customer_id: str, offset: int, seconds: float) -> bool:
        """Whether the customer's entry at this log offset is in the account that is shown; waits so long for it.

        A book that cannot be read has nothing and is not waited for.
        """
        if not self.ready.is_set():
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._has(customer_id, offset):
                    await self._news.wait()
        return self._has(customer_id, offset)

    def layers(self, customer_id: str) -> tuple[LayeredPolicy, tuple[Layer, ...]]:
        """The policy in force in the customer's partition, and the overrides that concern the customer, lowest first.

        Raises Unavailable as ``known``.
        """
        return self._layers(customer_id, *self._found(customer_id))

    def policy_text(self, partition: int = 0) -> str:
        """The policy in force: before its first tick an engine decides by the file that it was started with, which
        ours is too."""
        state = self.state(partition)
        return self._first_policy if state is None else state.policy_text

    def state(self, partition: int) -> PartitionState | None:
        """A partition's state as last read, or None."""
        return self._states.get(partition)

    def _state_or_first(self, partition: int) -> PartitionState:
        """What an engine begins with before its first broadcast, too."""
        return self.state(partition) or PartitionState(PARTITION_SCHEMA, self._first_policy)

    def _has(self, customer_id: str, offset: int) -> bool:
        account = self.account(customer_id)
        return account is not None and account.applied >= offset

    def _found(self, customer_id: str) -> tuple[int, Account | None]:
        """The customer's partition and account."""
        self._need_ready()
        return partition_of(customer_id.encode(), self._settings.partitions), self.account(customer_id)

    def _need_ready(self) -> None:
        if not self.ready.is_set():
            ended = self._task is not None and self._task.done()
            raise Unavailable("the book cannot be read: see the log" if ended else "the book is still being read")

    def _layers(
        self, customer_id: str, partition: int, account: Account | None
    ) -> tuple[LayeredPolicy, tuple[Layer, ...]]:
        layers = layered_policy(self.policy_text(partition))
        return layers, layers.layers_of(customer_id, account.master if account else Master())

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except KafkaError as error:
                log.warning("live book: %r", error)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            except Exception:  # written by a newer creditpulse: what we hold ages, and must answer no more
                self.ready.clear()
                log.exception("the book cannot be read any further")
                raise

    async def _read(self) -> None:
        places = await self._places()
        self._consumer.assign(places)
        await self._consumer.seek_to_beginning(*places)
        async for batches in batches_to_end(self._consumer, places, max_records=5_000):
            self._take(batches)
        self.ready.set()
        while True:
            self._take(await self._consumer.getmany(timeout_ms=1_000, max_records=2_000))
            await asyncio.sleep(0)  # a burst of updates must not keep requests waiting

    async def _places(self) -> list[TopicPartition]:
        """All partitions of both changelogs, waiting for the engine to make them."""
        names = (self._accounts_topic, self._states_topic)
        while not {*names} <= await self._consumer.topics():
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        return [TopicPartition(name, number) for name in names for number in range(self._settings.partitions)]

    def _take(self, batches: Mapping[TopicPartition, list[ConsumerRecord]]) -> None:
        for place, records in batches.items():
            if place.topic == self._states_topic:
                data = records[-1].value
                if data is not None:
                    self._take_state(place.partition, decode_partition(data))
                continue
            for record in records:
                customer_id = record.key.decode()
                self._decoded.pop(customer_id, None)
                if record.value is None:
                    self._accounts.pop(customer_id, None)
                else:
                    self._accounts[customer_id] = record.value
                self._note_passed(place.partition, customer_id, record.value)
                for listener in self.listeners:
                    listener(customer_id)
        if batches:
            self._news.set()
            self._news = asyncio.Event()

    def _take_state(self, partition: int, state: PartitionState) -> None:
        self._states[partition] = state
        self._brakes.pop(partition, None)
        window, passed = state.brake.number, self._passed[partition]
        self._passed[partition] = {name: marks for name, marks in passed.items() if _newest(marks) >= window}

    def _note_passed(self, partition: int, customer_id: str, data: bytes | None) -> None:
        """What the brake counts in a window is kept, so that it is known without decoding the whole book."""
        marks = NO_MARKS if data is None else decode_marks(data)
        state, passed = self.state(partition), self._passed[partition]
        if _newest(marks) < (0 if state is None else state.brake.number):
            marks = NO_MARKS
        if marks == passed.get(customer_id, NO_MARKS):
            return
        passed.pop(customer_id, None)
        if marks != NO_MARKS:
            passed[customer_id] = marks
        self._brakes.pop(partition, None)


def _newest(marks: Marks) -> int:
    """The number of the window of the newest mark; -1 = there is none."""
    return max((mark.window for mark in marks if mark is not None), default=-1)
