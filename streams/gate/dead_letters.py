"""Build the dead letter of a record that cannot be accepted."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime

from models.calendar import from_ms
from schemas.decisions import DATASCHEMA, DEAD_LETTER, DeadLetter, DeadLetterOut
from schemas.envelope import Severity
from schemas.errors import InvalidInput
from schemas.log import Source
from streams.record import Record
from streams.transport.durable import Row

SOURCE = "/creditpulse/gate"
LARGEST_VALUE = 5 * 1024 * 1024
"""Bytes of key and value that still fit into a dead letter as base64 (streams.topic_admin.LARGEST_DEAD_LETTER)."""


def dead_letter(record: Record, error: InvalidInput, received_at: datetime) -> Row:
    """The dead letter, keyed by the record's coordinates: the same record gives the same id and key."""
    where = f"{record.topic}/{record.partition}/{record.offset}"
    # The timestamp of a record is free for its producer to choose, and may be nonsense as well.
    record_time = from_ms(min(max(record.timestamp, 0), 4_102_444_800_000))
    message = error.message[:2000]
    key, value = record.key, record.value
    if len(key or b"") + len(value or b"") > LARGEST_VALUE:
        key = key if key is not None and len(key) <= LARGEST_VALUE else None
        value, message = None, f"{message[:1900]} (too large to copy: read it where it stands)"
    letter = DeadLetterOut(
        id=f"{where}/dead-letter",
        source=SOURCE,
        type=DEAD_LETTER,
        subject=where,
        time=record_time,
        recordedtime=received_at,
        severity=Severity.WARNING,
        sequence=f"{1:010d}",
        dataschema=DATASCHEMA[DEAD_LETTER],
        data=DeadLetter(
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            reason_code=error.code,
            message=message,
            field=error.field,
            key_base64=None if key is None else b64encode(key).decode(),
            value_base64=None if value is None else b64encode(value).decode(),
            record_time=record_time,
        ),
    )
    return Row(where.encode(), letter.model_dump_json().encode())
