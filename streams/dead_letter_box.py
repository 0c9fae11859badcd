"""Read dead letters, and make events again of what they hold."""

from __future__ import annotations

import base64

import msgspec
from pydantic import ValidationError

from models.calendar import to_ms
from schemas.decisions import DeadLetter, DeadLetterOut
from schemas.errors import InvalidInput
from schemas.topics import CUSTOMER_TOPICS, DEAD_LETTERS
from streams.settings import Settings
from streams.sources.event_file import TimedEvent
from streams.topic_reader import read_to_end


async def read_dead_letters(settings: Settings) -> list[DeadLetterOut]:
    """All dead letters, each once, by time of refusal; raises Unavailable."""
    letters: dict[str, DeadLetterOut] = {}
    async for record in read_to_end(settings, DEAD_LETTERS):
        try:
            letter = DeadLetterOut.model_validate_json(record.value or b"")
        except ValidationError:
            continue  # not written by us; `creditpulse topics list` counts it, and the archive keeps it
        letters.setdefault(letter.id, letter)
    return sorted(letters.values(), key=lambda letter: (letter.recordedtime, letter.id))


def readable_value(letter: DeadLetter, most: int = 2_000) -> str:
    """The refused value as text, cut to ``most`` characters; bytes that are no UTF-8 are shown as escapes."""
    if letter.value_base64 is None:
        return ""
    text = base64.b64decode(letter.value_base64).decode("utf-8", "backslashreplace")
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def as_event(letter: DeadLetter, *, value: bytes | None = None) -> TimedEvent:
    """The refused record as an event to publish again, with its first time.

    ``value`` replaces what was refused. A customer's event is keyed by the customer that it names, which mends
    wrong keys and partitions. Raises InvalidInput when there is nothing to publish.
    """
    raw = value if value is not None else base64.b64decode(letter.value_base64 or "")
    if not raw:
        where = f"{letter.source.topic}/{letter.source.partition}/{letter.source.offset}"
        raise InvalidInput("nothing_to_submit", f"{where}: the dead letter holds no value; give one with --value")
    key = base64.b64decode(letter.key_base64).decode("utf-8", "replace") if letter.key_base64 else None
    if letter.source.topic in CUSTOMER_TOPICS:
        key = _customer_of(raw) or key
    return TimedEvent(letter.source.topic, key, to_ms(letter.record_time), raw)


def _customer_of(raw: bytes) -> str | None:
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    customer = found.get("customer_id") if isinstance(found, dict) else None
    return customer if isinstance(customer, str) and customer else None
