"""The state of one partition: what all its accounts share and only broadcasts (ticks, market, policy) change."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from models.default_risk.drift import DriftState
from models.default_risk.risk import RiskState
from schemas.errors import UnsupportedVersion

SCHEMA: Final = 1


class MarketReading(msgspec.Struct, array_like=True):
    """The latest index of a sector or region."""

    value: float
    as_of: int


class GroupStanding(msgspec.Struct, array_like=True):
    """What is known of a corporate group, over all partitions: exposure and limit per currency.

    ``as_of``: the time (ms) of the oldest report in it; 0 = all of it is known as of now.
    """

    exposure: dict[str, Decimal] = {}
    limits: dict[str, Decimal] = {}
    as_of: int = 0


class GroupReport(msgspec.Struct, array_like=True):
    """What one partition has told of its members of each group, and when (ms); of our own also on which day last."""

    number: int = 0
    day: int = 0
    whole_day: int = 0
    exposure: dict[str, dict[str, Decimal]] = {}
    at: dict[str, int] = {}


class Checkpoint(msgspec.Struct, array_like=True):
    """The models as they stood after the broadcast at log ``offset``, by task, each as its encoded state."""

    offset: int
    day: int
    models: dict[str, bytes]


class BrakeWindow(msgspec.Struct, array_like=True):
    """The hour (since 1970) that the brake counts in, numbered; ``customers``: those rated when it began."""

    number: int = 0
    hour: int = 0
    customers: int = 0


class FeedState(msgspec.Struct, array_like=True):
    """The payments feed: how many payments were known at the start of ``day``, how many come per day as a rule.

    ``frozen``: the last day on which it was heard, while it is stale; 0 = it is not.
    """

    day: int = 0
    payments: int = 0
    per_day: float = 0.0
    frozen: int = 0


class PartitionState(msgspec.Struct, array_like=True):
    """``applied`` is the log offset of the last broadcast applied, ``sources`` the last source offset by
    ``topic/partition``, ``seen`` the newest ids of market and policy events; ``clock`` is the time of the last
    tick (ms), ``month`` the first day of the month whose notes are made; ``checkpoints`` are the newest, by name.
    ``shared`` holds the newest report of each other partition, with its number; ``report_number``, ``report_day`` and
    ``reported`` (outcomes by task) are of our own last one; ``groups`` the
    standing of corporate groups by id, as the sum of ``group_reports`` by partition.
    ``heard``: the newest number of each kind of report, by ``type/partition``."""

    schema: int
    policy_text: str
    applied: int = -1
    clock: int = 0
    risk: RiskState = msgspec.field(default_factory=RiskState)
    market: dict[str, MarketReading] = {}
    sources: dict[str, int] = {}
    seen: list[str] = []
    roll: RiskState = msgspec.field(default_factory=RiskState)
    drifts: dict[str, DriftState] = {}
    sequences: dict[str, int] = {}
    month: int = 0
    checkpoints: dict[str, Checkpoint] = {}
    shared: dict[int, tuple[int, bytes]] = {}
    report_number: int = 0
    report_day: int = 0
    reported: list[int] = []
    groups: dict[str, GroupStanding] = {}
    heard: dict[str, int] = {}
    brake: BrakeWindow = msgspec.field(default_factory=BrakeWindow)
    feed: FeedState = msgspec.field(default_factory=FeedState)
    group_reports: dict[int, GroupReport] = {}


class _Header(msgspec.Struct, array_like=True):
    schema: int


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(PartitionState)
_HEADER = msgspec.msgpack.Decoder(_Header)


def encode(state: PartitionState) -> bytes:
    """The state as msgpack."""
    return _ENCODER.encode(state)


def decode(data: bytes) -> PartitionState:
    """The state of ``encode``.

    Raises:
        UnsupportedVersion: a newer creditpulse wrote it.
    """
    schema = _HEADER.decode(data).schema
    if schema > SCHEMA:
        raise UnsupportedVersion(f"partition state has schema {schema}, this creditpulse knows up to {SCHEMA}")
    return _DECODER.decode(data)
