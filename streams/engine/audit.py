"""What the engine records of a log entry on the topic ``audit``: each decision, and each person's action."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, cast

import msgspec
from pydantic import BaseModel

from models.calendar import to_ms
from models.engine import CreditEngine, Effects
from schemas.decisions import ModelNote, OutEvent
from schemas.events import CustomerEvent
from schemas.log import LogEntry
from streams.transport.durable import Row

_SALT_BYTES = 16
ENGINE = "engine"


class _Record(msgspec.Struct):
    """``schemas.audit.AuditRecord``, written without parsing again what is JSON already."""

    v: int
    partition: int
    offset: int
    index: int
    kind: str
    type: str
    customer: str | None
    id: str
    by: str
    time: datetime
    recorded: datetime
    policy_version: str
    model_version: str
    entry_sha256: str
    entry: msgspec.Raw | None
    out: msgspec.Raw | None
    salt: str


_encode = msgspec.json.Encoder().encode


def actor_of(event: Any) -> str | None:
    """The person who acted by this event of the log; None for what systems tell us."""
    kind: Any = type(event)
    name = _first_field(kind, "by", "reviewer")
    return getattr(event, name) if name else None


@cache
def _first_field(kind: Any, *names: str) -> str | None:
    # Asked once per type: to find that a pydantic model has no such attribute takes longer than to write the record.
    fields = cast(type[BaseModel], kind).model_fields
    return next((name for name in names if name in fields), None)


class AuditTrail:
    """Makes the records of one partition.

    The salt is random, so a record that is written again after a crash differs from the first: what counts is the
    one that stands first on the topic, and (offset, index) tells the others.
    """

    def __init__(self, partition: int, engine: CreditEngine) -> None:
        self._partition, self._engine = partition, engine

    def rows(self, offset: int, entry: LogEntry, raw: bytes, effects: Effects, outs: Sequence[bytes]) -> list[Row]:
        """Rows for an entry that was just applied: the action first, if it is one, then its decisions.

        ``raw``: the entry's bytes; ``outs``: the JSON of ``effects.out``.
        """
        event: Any = entry.event
        who = actor_of(event) if effects.applied else None
        if who is None and not outs:
            return []
        common = {
            "v": 1,
            "partition": self._partition,
            "offset": offset,
            "entry_sha256": sha256(raw).hexdigest(),
        }
        whole = msgspec.Raw(raw)
        rows = []
        if who is not None:
            rows.append(self._action(common, entry, who, whole))
        inputs = None if effects.broadcast else whole
        for index, (out, out_json) in enumerate(zip(effects.out, outs, strict=True), start=len(rows)):
            rows.append(self._decision(common | {"index": index}, out, inputs, msgspec.Raw(out_json)))
        return rows

    def _action(self, common: dict[str, Any], entry: LogEntry, who: str, whole: msgspec.Raw) -> Row:
        event: Any = entry.event
        customer: str | None = event.customer_id if isinstance(event, CustomerEvent) else None
        record = _Record(
            **common, index=0, kind="action", type=event.type, customer=customer, id=event.event_id, by=who,
            time=entry.time, recorded=entry.received_at, policy_version=self._engine.policy.version,
            model_version=self._engine.risk.model_version, entry=whole, out=None, salt=secrets.token_hex(_SALT_BYTES),
        )  # fmt: skip
        return Row((customer or f"partition-{self._partition}").encode(), _encode(record), to_ms(entry.time))

    def _decision(self, common: dict[str, Any], out: OutEvent, inputs: msgspec.Raw | None, raw: msgspec.Raw) -> Row:
        data: Any = out.data
        kind: Any = type(data)
        names_model = _first_field(kind, "model_version") is not None
        record = _Record(
            **common, kind="decision", type=out.type, id=out.id, by=ENGINE,
            customer=None if isinstance(data, ModelNote) else out.subject, time=out.time, recorded=out.recordedtime,
            policy_version=data.policy_version, entry=inputs, out=raw,
            model_version=(data.model_version if names_model else None) or self._engine.risk.model_version,
            salt=secrets.token_hex(_SALT_BYTES),
        )  # fmt: skip
        return Row(out.subject.encode(), _encode(record), to_ms(out.time))
