"""A record as it stands in a topic, whichever client read it: the gate's and the backtest's common input."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """``topic`` is the logical name (without prefix); ``timestamp`` is in ms since 1970, UTC.

    ``relayed_from`` says where the gate's relay read it: topic, partition and offset.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    relayed_from: tuple[str, int, int] | None = None
