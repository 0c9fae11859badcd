"""What the composition root decides about chunked delivery, and the settings that it refuses because they lose data."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import faust
from faust.types import TP
from faust.types.enums import ProcessingGuarantee

from streams.transport.errors import UnsafeSetting


def _never_paused(_: TP) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How topics are delivered in chunks.

    ``is_paused`` is asked before each fetch: a paused partition stays where it is and holds up no other.
    ``max_ahead`` bounds, per partition, the offsets fetched but not yet acknowledged (one fetch may
    overshoot it).
    ``sparse`` names topics whose offsets may have holes: compacted, or written in transactions by others.
    ``stall_seconds`` without progress in recovery end the process; ``commit_stall_seconds`` make /health
    fail.
    ``hard_exit_seconds`` after a fatal error the process is ended even if it hangs in its shutdown (None:
    never).
    """

    topics: frozenset[str]
    is_paused: Callable[[TP], bool] = _never_paused
    max_ahead: int = 10_000
    sparse: frozenset[str] = frozenset()
    fetch_max_wait_ms: int = 100
    empty_fetch_pause_ms: float = 5.0
    stall_seconds: float = 120.0
    commit_stall_seconds: float = 60.0
    hard_exit_seconds: float | None = 30.0


def check_settings(app: faust.App) -> None:
    """Refuse settings that are known to lose or double events; raises UnsafeSetting with the way out."""
    conf = app.conf
    faults = {
        "NO_CYTHON is set: the pure Python stream acknowledges what it skips": bool(os.environ.get("NO_CYTHON")),
        "producer_threaded=True: its futures never resolve, and commits do not wait for it": conf.producer_threaded,
        "processing_guarantee=exactly_once: outputs to other topics go outside the transaction": (
            cast(object, conf.processing_guarantee) is ProcessingGuarantee.EXACTLY_ONCE
        ),
        "stream_wait_empty=False: work in hand is not finished and committed before a rebalance": (
            not conf.stream_wait_empty
        ),
        "consumer_auto_offset_reset must be 'earliest': what has no commit yet is unread": (
            conf.consumer_auto_offset_reset != "earliest"
        ),
        "producer_acks must be -1: a record counts when all replicas have it": conf.producer_acks not in (-1, "all"),
        "table_standby_replicas must be 0 with tables: standby updates are dropped at each recovery": (
            bool(app.tables.data) and conf.table_standby_replicas > 0
        ),
        "the broker must be kafka:// (aiokafka); other drivers lose data": any(
            url.scheme not in ("kafka", "aiokafka") for url in conf.broker_consumer
        ),
    }
    found = [reason for reason, present in faults.items() if present]
    if found:
        raise UnsafeSetting("unsafe for chunked delivery: " + "; ".join(found))
