"""Send a person's act through the log and wait for what the engine makes of it; under a key of theirs, only once."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from desk.api.roles import Person
from desk.api.services import Services
from models.calendar import to_ms
from schemas.decisions import OutEvent
from schemas.errors import InvalidInput, Unavailable
from schemas.events import CustomerEvent
from schemas.log import Source
from schemas.topics import ASSESSMENTS, ORDERS
from streams.act_trail import Outcome, act_trail, published
from streams.archive.errors import NotFound
from streams.partitioner import partition_of
from streams.sources.event_file import TimedEvent

log = logging.getLogger(__name__)

WAIT_SECONDS = 3.0
"""How long is waited for the engine's answer, and until the book that is read here shows it."""
KIND = "act"
"""Of the records in the control topic: acts that came with a key."""
REMEMBERED = timedelta(hours=24)
_PREFIX = "act-"
_TOPICS = (ORDERS, ASSESSMENTS)
_CLOCKS_DIFFER_MS = 60_000
_MOST_FORGOTTEN = 5

IsLast = Callable[[OutEvent], bool]
_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Act:
    """An act to be sent: ``make`` gives its event from an id and a time; ``is_last`` as in ``ActTrail.outcome``."""

    topic: str
    customer_id: str
    make: Callable[[str, datetime], CustomerEvent]
    is_last: IsLast = lambda _: False


@dataclass(frozen=True, slots=True)
class Sent:
    """Where the act stands, and the decisions it led to; None: the engine has not answered yet.

    ``shown``: who reads the book here sees what the act has changed.
    """

    source: Source
    decisions: list[OutEvent] | None
    shown: bool = False

    @property
    def act_id(self) -> str:
        """For ``look_up``."""
        return f"{self.source.topic}.{self.source.partition}.{self.source.offset}"


async def send_act(services: Services, who: Person, act: Act, key: str | None) -> Sent:
    """Publish the act and wait for its outcome; with a ``key`` that this person used within a day, only the latter.

    Raises:
        InvalidInput: the key was used for something else.
        Unavailable: the broker does not answer, or (of a replay) the book has not been read.
    """
    at = _time(services, act.customer_id)
    if key is None:
        return await _publish(services, act, act.make(_PREFIX + secrets.token_hex(16), at))
    event = act.make(_PREFIX + hashlib.sha256(f"{who.name}\n{key}".encode()).hexdigest()[:40], at)
    async with _locks.setdefault(event.event_id, asyncio.Lock()):
        since_ms = await _remember(services, event)
        if since_ms is not None:
            partition = partition_of(act.customer_id.encode(), services.settings.partitions)
            async with act_trail(services.settings, partition, since_ms) as trail:
                outcome = await trail.outcome(event.event_id, 0, act.is_last)
            if outcome is not None:
                return await _shown(services, act.customer_id, outcome, WAIT_SECONDS)
        # The engine knows the event's id: if it has it after all, this copy changes nothing.
        return await _publish(services, act, event)


async def look_up(services: Services, act_id: str, is_last: Callable[[CustomerEvent], IsLast]) -> Sent:
    """An act that was sent before, and what it led to by now; raises NotFound, Unavailable."""
    source = _source(act_id, services.settings.partitions)
    found = None if source is None else await published(services.settings, source)
    if source is None or found is None or not found.event.event_id.startswith(_PREFIX):
        raise NotFound(f"there is no act {act_id[:80]!r}")
    since_ms = found.timestamp_ms - _CLOCKS_DIFFER_MS
    async with act_trail(services.settings, source.partition, since_ms) as trail:
        outcome = await trail.outcome(found.event.event_id, 0, is_last(found.event))
    if outcome is None:
        return Sent(source, None)
    return await _shown(services, found.event.customer_id, outcome, WAIT_SECONDS)


def _time(services: Services, customer_id: str) -> datetime:
    # What is done in a replay belongs to its past: by the wall clock it would age the customer by years.
    return services.book.known(customer_id).as_of if services.settings.clock == "events" else services.now()


async def _publish(services: Services, act: Act, event: CustomerEvent) -> Sent:
    record = TimedEvent(act.topic, act.customer_id, to_ms(event.occurred_at), event.model_dump_json().encode())
    partition = partition_of(act.customer_id.encode(), services.settings.partitions)
    clock = asyncio.get_running_loop().time
    async with act_trail(services.settings, partition) as trail:
        source = await services.publisher.place(record)
        until = clock() + WAIT_SECONDS
        try:
            outcome: Outcome | None = await trail.outcome(event.event_id, WAIT_SECONDS, act.is_last)
        except Unavailable as error:
            log.warning("%s is sent, its outcome is not known: %s", event.event_id, error)
            outcome = None
    if outcome is None:
        return Sent(source, None)
    return await _shown(services, act.customer_id, outcome, until - clock())


async def _shown(services: Services, customer_id: str, outcome: Outcome, seconds: float) -> Sent:
    """The engine tells its decisions before it writes the account: what is read here comes a moment later."""
    shown = await services.book.caught_up(customer_id, outcome.offset, seconds)
    if shown:
        services.customers.show_now(customer_id)
    return Sent(outcome.source, outcome.decisions, shown)


async def _remember(services: Services, event: CustomerEvent) -> int | None:
    """The time (ms) from which on an act of before is to be looked for; None: this is the first of its id."""
    control, now = services.control, services.now()
    asked = hashlib.sha256(event.model_dump_json(exclude={"occurred_at"}).encode()).hexdigest()
    known = control.get(KIND, event.event_id)
    if known is not None:
        if known["asked"] != asked:
            message = "this Idempotency-Key was used for another request: take a new key for each act"
            raise InvalidInput("idempotency_key_reused", message, "Idempotency-Key")
        return int(known["since_ms"])
    old = [name for name, value in control.all(KIND).items() if now - datetime.fromisoformat(value["at"]) > REMEMBERED]
    for name in old[:_MOST_FORGOTTEN]:
        await control.delete(KIND, name)
    value = {"asked": asked, "since_ms": to_ms(event.occurred_at), "at": now.isoformat()}
    await control.put(KIND, event.event_id, value)
    return None


def _source(act_id: str, partitions: int) -> Source | None:
    topic, *numbers = act_id.split(".")
    whole = len(numbers) == 2 and all(part.isascii() and part.isdigit() and len(part) <= 18 for part in numbers)
    if topic not in _TOPICS or not whole or int(numbers[0]) >= partitions:
        return None
    return Source(topic=topic, partition=int(numbers[0]), offset=int(numbers[1]))
