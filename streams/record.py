"""A record as it stands in a topic, whichever client read it: the gate's and the backtest's common input."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """``topic`` is the logical name (without prefix); ``timestamp`` is in ms since 1970, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
