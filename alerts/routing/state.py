"""What the engine knows, as records that are stored one by one: encode, decode, and what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from schemas.errors import UnsupportedVersion

VERSION = 1


class Stage(StrEnum):
    """Where an alert stands; the last two are its ends."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


OPEN: frozenset[str] = frozenset({Stage.FIRING, Stage.ACKNOWLEDGED})
ENDED: frozenset[str] = frozenset({Stage.RESOLVED, Stage.RETRACTED})


class Alert(msgspec.Struct):
    """One thing to know about one customer (or sector, or topic); times in ms since 1970.

    ``version`` counts how often it became worse, or was corrected; ``worsened`` is the event of the last version, and
    what an acknowledgement is for. ``told``: the version that each receiver knows. ``event``: the last alert event,
    as JSON; ``facts`` stand in its place where there is none, and tell the level at its end. ``because``: the event
    that ended or corrected it. ``closed``: it has ended and all were told who had to be; it stays visible a while.
    """

    key: str
    customer: str
    labels: dict[str, str]
    stage: str
    since: int
    worsened: str
    events: list[str]
    version: int = 1
    change: str = "new"
    at_stake: dict[str, str] = {}
    event: str = ""
    facts: dict[str, str] = {}
    pending_until: int = 0
    acked_by: str = ""
    ack_reason: str = ""
    because: str = ""
    ended: int = 0
    told: dict[str, int] = {}
    closed: bool = False


class Group(msgspec.Struct):
    """Alerts that one receiver is told of together; looked at at ``first`` and then every group_interval."""

    key: str
    path: str
    receiver: str
    labels: dict[str, str]
    first: int
    members: list[str] = []
    urgent: bool = False
    notified: int = 0
    repeats: int = 0


class Silence(msgspec.Struct, frozen=True):
    """People mute what matches; ``noticed``: its end has been announced."""

    id: str
    matchers: list[str]
    author: str
    reason: str
    starts: int
    ends: int
    noticed: bool = False


class Hold(msgspec.Struct):
    """An order that is held, since when."""

    customer: str
    order_id: str
    amount: str
    currency: str
    since: int


class Seen(msgspec.Struct):
    """The sequence of the last alert event of a customer: what is not newer is a repeat."""

    sequence: int


class RoutingUsed(msgspec.Struct):
    """The routing that the dispatcher works by, as JSON: whoever reads the state need not have the file."""

    json: str


class Head(msgspec.Struct):
    """``clock``: the last time at which groups were looked at. ``positions``: next offsets by topic/partition."""

    clock: int = 0
    notifications: int = 0
    digests: dict[str, int] = {}
    positions: dict[str, int] = {}
    version: int = VERSION


_TYPES: dict[str, type[msgspec.Struct]] = {
    "alert": Alert, "group": Group, "silence": Silence, "hold": Hold, "seen": Seen,
    "routing": RoutingUsed, "head": Head,
}  # fmt: skip
_HEAD = "head"


class State:
    """All records by kind and id. Whoever changes one says so with ``touch``."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.groups: dict[str, Group] = {}
        self.silences: dict[str, Silence] = {}
        self.holds: dict[str, Hold] = {}
        self.seen: dict[str, Seen] = {}
        self.routing: dict[str, RoutingUsed] = {}
        """At most one, under the id ``routing``."""
        self._head: dict[str, Head] = {_HEAD: Head()}
        self._tables: dict[str, dict[str, Any]] = {
            "alert": self.alerts, "group": self.groups, "silence": self.silences, "hold": self.holds,
            "seen": self.seen, "routing": self.routing, "head": self._head,
        }  # fmt: skip
        self._changed: dict[tuple[str, str], None] = {}

    @property
    def head(self) -> Head:
        """What there is one of."""
        return self._head[_HEAD]

    def touch(self, kind: str, record_id: str = _HEAD) -> None:
        """The record was changed, added or removed."""
        self._changed[kind, record_id] = None

    def take_changes(self) -> dict[str, bytes | None]:
        """The records changed since the last call, by ``kind/id``; None = removed. Empty when nothing was."""
        if not self._changed:
            return {}
        self._changed["head", _HEAD] = None
        found = {f"{kind}/{record_id}": self._encoded(kind, record_id) for kind, record_id in self._changed}
        self._changed = {}
        return found

    def records(self) -> dict[str, bytes]:
        """Everything, by ``kind/id``."""
        return {
            f"{kind}/{record_id}": msgspec.json.encode(record)
            for kind, table in self._tables.items()
            for record_id, record in table.items()
        }

    def apply(self, key: str, value: bytes | None) -> None:
        """Take in a stored record (None: it was removed); kinds that are not ours are left alone.

        Raises UnsupportedVersion.
        """
        kind, _, record_id = key.partition("/")
        if kind not in _TYPES:
            return
        if value is None:
            self._tables[kind].pop(record_id, None)
            return
        record = msgspec.json.decode(value, type=_TYPES[kind])
        if isinstance(record, Head) and record.version > VERSION:
            raise UnsupportedVersion(f"alert states of version {record.version}: a newer creditpulse wrote them")
        self._tables[kind][record_id] = record

    @classmethod
    def of(cls, records: Mapping[str, bytes]) -> State:
        """The state of stored records. Raises UnsupportedVersion."""
        state = cls()
        for key in sorted(records, key=lambda key: not key.startswith("head/")):  # the version first
            state.apply(key, records[key])
        return state

    def _encoded(self, kind: str, record_id: str) -> bytes | None:
        record = self._tables[kind].get(record_id)
        return None if record is None else msgspec.json.encode(record)
