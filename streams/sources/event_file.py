"""Files of events, one JSON object a line: what imports and simulations write, and replays and backtests read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
from pydantic import BaseModel

from models.calendar import from_ms, to_ms
from schemas.errors import CreditPulseError, InvalidInput
from schemas.fields import EARLIEST, LATEST
from schemas.topics import CUSTOMER_TOPICS, PUBLIC_BROADCASTS, TICKS

TOPICS = frozenset({*CUSTOMER_TOPICS, *PUBLIC_BROADCASTS, TICKS})
"""Topics that a file may hold events for."""


class TimedEvent(NamedTuple):
    """An event and when it became known.

    ``topic`` is the logical name (no prefix), ``key`` the customer's id (None for ticks, market and policy),
    ``timestamp_ms`` the record's timestamp (ms since 1970, UTC); ``raw`` is the event's JSON, not validated: the
    gate does that.
    """

    topic: str
    key: str | None
    timestamp_ms: int
    raw: bytes


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the file."""

    topic: str
    timestamp: datetime
    value: msgspec.Raw
    key: str | None = None


_DECODER = msgspec.json.Decoder(_Line)


def timed(topic: str, at: datetime, event: BaseModel) -> TimedEvent:
    """An event of a contract, known at ``at`` (timezone-aware)."""
    key = getattr(event, "customer_id", None)
    return TimedEvent(topic, key, to_ms(at), event.model_dump_json(exclude_none=True).encode())


def event_line(event: TimedEvent) -> str:
    """The event as a line of a file, with its end of line."""
    # Whoever sent it may have laid it out over several lines; JSON has line ends between its parts only.
    value = event.raw.replace(b"\r", b" ").replace(b"\n", b" ")
    line = {"topic": event.topic, "timestamp": from_ms(event.timestamp_ms), "value": msgspec.Raw(value)}
    if event.key is not None:
        line["key"] = event.key
    return msgspec.json.encode(line).decode() + "\n"


def write_events(path: Path, events: Iterable[TimedEvent]) -> int:
    """Write a file (packed when it is named ``.gz``) and return how many events it holds.

    Equal events give equal bytes. The file appears when it is whole: until then it is ``path`` + ``.part``, which
    no error leaves behind. Raises CreditPulseError when it cannot be written.
    """
    part, count = path.with_name(f"{path.name}.part"), 0
    try:
        with _opened(part, packed=path.suffix == ".gz") as file:
            for event in events:
                file.write(event_line(event).encode())
                count += 1
        part.replace(path)
    except OSError as error:
        raise CreditPulseError(f"{path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return count


@contextmanager
def _opened(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if not packed:
            yield raw
            return
        # No time and no name in the header of the packed file: they would differ from run to run.
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            yield file  # type: ignore[misc]


def read_events(path: Path) -> Iterator[TimedEvent]:
    """The events of a file (``.gz`` is unpacked), which must be in order of time.

    Only the frame is checked here. Raises InvalidInput, with file, line and field, at the first line that is
    no frame or goes back in time.
    """
    latest = 0
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.isspace():
                    continue
                event = _parse(line, f"{path}:{number}")
                if event.timestamp_ms < latest:
                    message = f"{path}:{number}: timestamp: earlier than the line before; sort the file by time"
                    raise InvalidInput("not_in_order", message, "timestamp")
                latest = event.timestamp_ms
                yield event
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput("file_unreadable", f"{path}: after line {number}: {error}") from error


def _parse(line: bytes, where: str) -> TimedEvent:
    try:
        found = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("not_an_event_line", f"{where}: {error}") from error
    if found.timestamp.tzinfo is None:
        raise InvalidInput(
            "naive_time", f"{where}: timestamp: has no time zone; write e.g. 2025-01-31T09:00:00Z", "timestamp"
        )
    if not EARLIEST <= found.timestamp < LATEST:
        span = f"must lie between {EARLIEST.date()} and {LATEST.date()}"
        raise InvalidInput("wrong_time", f"{where}: timestamp: {span}, is {found.timestamp.isoformat()}", "timestamp")
    if found.topic not in TOPICS:
        message = f"{where}: topic: {found.topic[:80]!r} is unknown; there are {', '.join(sorted(TOPICS))}"
        raise InvalidInput("unknown_topic", message, "topic")
    return TimedEvent(found.topic, found.key, to_ms(found.timestamp), bytes(found.value))
