"""A client of the out topics for other systems: every event once, in order per customer, with resume and gap detection.

async with AlertClient(Settings(), group="collections") as client:
    async for received in client:
        handle(received.event)      # coming back for the next one says that this one is done
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from aiokafka import ConsumerRebalanceListener, TopicPartition

from alerts.feed import FeedDecoder, FeedItem
from schemas.decisions import DeadLetterOut, OutEvent
from schemas.errors import CreditPulseError, InvalidInput, Unavailable
from schemas.topics import ALERTS, BY_NAME
from streams.kafka_client import PacedConsumer, broker_errors, opening
from streams.settings import Settings
from streams.topic_admin import LARGEST_DEAD_LETTER

log = logging.getLogger(__name__)

LOOK_BACK = 1_000
"""Records of each partition that are read again at the start, to know ids and sequences from before it."""
_COMMIT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of one type and customer are missing, or begin anew: ``found`` came where ``expected`` should have."""

    type: str
    subject: str
    expected: int
    found: int
    event_id: str

    def __str__(self) -> str:
        return f"{self.type} of {self.subject!r}: expected sequence {self.expected}, found {self.found}"


class GapFound(CreditPulseError):
    """A gap in the sequence of a customer. Ask for the next event to go on all the same."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap


OnGap = Literal["raise", "log"] | Callable[[Gap], None]


class SequenceCheck:
    """Knows the last sequence per type and subject. The first event of each is taken as it is."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}

    def gap(self, event: OutEvent | DeadLetterOut) -> Gap | None:
        """What is missing before this event; remembers its sequence."""
        key, found = (event.type, event.subject), int(event.sequence)
        last = self._last.get(key)
        self._last[key] = found
        if last is None or found == last + 1:
            return None
        return Gap(event.type, event.subject, last + 1, found, event.id)


class AlertClient:
    """Reads out topics as an async iterator of ``FeedItem`` (topic, partition, offset, event).

    Two ways to resume:

    - ``group="name"``: Kafka remembers where you are. At least once: after a kill, events since the last commit (at
      most 100) come again with the same id. ``member`` tells apart several clients that share the work.
    - ``cursor=text`` (no group): you store ``client.cursor`` together with what you made of the event, in one
      transaction of your own, and give it back at the next start: nothing is missed and nothing doubled.

    Repeats by id are left out. ``sequence`` has no gaps per type and customer: when one is found, ``on_gap`` decides:
    ``"raise"`` (GapFound, before the event that came too early), ``"log"``, or a function that is called with the
    ``Gap``. On the compacted ``credit-levels``, older levels may be gone, so there gaps are not looked for.

    Raises Unavailable when the broker does not answer, InvalidInput for a cursor that is not one.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str] = (ALERTS,),
        *,
        group: str | None = None,
        member: str = "0",
        cursor: str | None = None,
        from_beginning: bool = True,
        on_gap: OnGap = "raise",
    ) -> None:
        if group is not None and cursor is not None:
            raise InvalidInput("group_and_cursor", "give a group or a cursor, not both", "cursor")
        self._settings, self._group, self._from_beginning, self._on_gap = settings, group, from_beginning, on_gap
        self._names = {settings.topic(name): name for name in topics}
        self._given = _read_cursor(cursor, settings, topics) if cursor else {}
        membership = {"group_id": group, "group_instance_id": f"{group}-{member}"} if group else {}
        self._consumer = PacedConsumer(
            settings,
            **membership,
            auto_offset_reset="earliest" if from_beginning else "latest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=LARGEST_DEAD_LETTER,
        )
        self._decoder = FeedDecoder(settings, topics)
        self._sequences = SequenceCheck()
        self._ready: deque[tuple[FeedItem, Gap | None]] = deque()
        self._start: dict[TopicPartition, int] = {}
        """Where new events begin; what lies before is read to know it."""
        self._fetched: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        """The next offsets behind what was handed out."""
        self._in_hand: FeedItem | None = None
        self._uncommitted = 0

    @property
    def cursor(self) -> str:
        """Where to go on after the event handed out last, as text for ``cursor=``."""
        at = {f"{self._names[tp.topic]}/{tp.partition}": offset for tp, offset in self._positions.items()}
        return json.dumps(at, sort_keys=True)

    async def __aenter__(self) -> AlertClient:
        async with opening(self._settings, self._consumer):
            missing = self._names.keys() - await self._consumer.topics()
            if missing:
                raise Unavailable(f"no such topics at {self._settings.broker}: {', '.join(sorted(missing))}")
            if self._group is not None:
                self._consumer.subscribe(list(self._names), listener=_Assigned(self))
            else:
                places = [
                    TopicPartition(name, number) for name in self._names for number in range(self._settings.partitions)
                ]
                self._consumer.assign(places)
                find = self._consumer.beginning_offsets if self._from_beginning else self._consumer.end_offsets
                await self._begin(await find(places) | self._given)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Left in order, the event in hand counts as done; left by an error, it comes again (with a group)."""
        try:
            if error is None:
                self._in_hand = None
            await self._commit()
        finally:
            await self._consumer.stop()

    def __aiter__(self) -> AlertClient:
        return self

    async def __anext__(self) -> FeedItem:
        self._in_hand = None
        if self._uncommitted >= _COMMIT_EVERY or not self._ready:
            await self._commit()
        while not self._ready:
            await self._fetch()
        item, gap = self._ready[0]
        if gap is not None:
            self._ready[0] = (item, None)
            self._tell(gap)
        self._ready.popleft()
        self._positions[TopicPartition(self._settings.topic(item.topic), item.partition)] = item.offset + 1
        self._in_hand = item
        self._uncommitted += 1
        return item

    def _tell(self, gap: Gap) -> None:
        if self._on_gap == "raise":
            raise GapFound(gap)
        if self._on_gap == "log":
            log.warning("%s", gap)
        else:
            self._on_gap(gap)

    async def _fetch(self) -> None:
        self._positions.update(self._fetched)  # all of it was handed out: repeats and tombstones are done as well
        self._fetched = {}
        with broker_errors(self._settings):
            batches = await self._consumer.getmany(timeout_ms=500, max_records=500)
        for tp, records in batches.items():
            if tp not in self._start:
                continue  # taken from us meanwhile
            for item in self._decoder.items(records):
                gap = None if BY_NAME[item.topic].compacted else self._sequences.gap(item.event)
                if item.offset >= self._start[tp]:
                    self._ready.append((item, gap))
            self._fetched[tp] = max(records[-1].offset + 1, self._start[tp])

    async def _begin(self, starts: Mapping[TopicPartition, int]) -> None:
        """Stand a little before the start of each partition, to know what came before."""
        first = await self._consumer.beginning_offsets(list(starts))
        for tp, start in starts.items():
            self._start[tp] = self._positions[tp] = start
            self._consumer.seek(tp, max(first[tp], start - LOOK_BACK))

    async def _commit(self) -> None:
        if self._group is None or not self._uncommitted:
            return
        done = dict(self._positions)
        if self._in_hand is not None:
            tp = TopicPartition(self._settings.topic(self._in_hand.topic), self._in_hand.partition)
            done[tp] = self._in_hand.offset
        with broker_errors(self._settings, f"the broker at {self._settings.broker} did not take our place"):
            await self._consumer.commit(done)
        self._uncommitted = 0

    async def _taken(self) -> None:
        """Partitions may go to another member: say what is done, forget the rest."""
        try:
            await self._commit()
        except Unavailable as error:  # what is done and was not told comes again, with its id
            log.warning("%s", error)
        self._ready.clear()
        for known in (self._start, self._fetched, self._positions):
            known.clear()
        self._in_hand, self._uncommitted = None, 0

    async def _given_to_us(self, places: set[TopicPartition]) -> None:
        find = self._consumer.beginning_offsets if self._from_beginning else self._consumer.end_offsets
        starts: dict[TopicPartition, int] = await find(list(places)) if places else {}
        for tp in places:
            committed = await self._consumer.committed(tp)
            starts[tp] = starts[tp] if committed is None else committed
        await self._begin(starts)


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, client: AlertClient) -> None:
        self._client = client

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._client._taken()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._client._given_to_us(assigned)


def _read_cursor(text: str, settings: Settings, topics: Sequence[str]) -> dict[TopicPartition, int]:
    wrong = InvalidInput("cursor", f"{text[:60]!r} is not a cursor of these topics", "cursor")
    found = {}
    try:
        for place, offset in json.loads(text).items():
            name, _, number = place.rpartition("/")
            if name not in topics or not 0 <= int(number) < settings.partitions or not isinstance(offset, int):
                raise wrong
            found[TopicPartition(settings.topic(name), int(number))] = max(0, offset)
    except (ValueError, AttributeError) as error:
        raise wrong from error
    return found
