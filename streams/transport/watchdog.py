"""Watches what a running process cannot tell of itself: a recovery that stands still, a commit that does not advance.

Recovery: an exception of kind CancelledError, or a timed-out wait, ends Faust's recovery task with one line
of log and the worker then waits for ever; changelogs emptied by retention and aborted transactions never
complete either (faust-streaming issues 597, 155, 651, 176). Commit: workers that are alive but stuck are
the most reported fault of all (issues 175, 523, 532, 629); that the process answers HTTP says nothing.

Pure bookkeeping: time is an argument, the consumer supplies it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from faust.types import TP


class Progress(NamedTuple):
    """A partition as seen by the group: the committed offset, and the end of the log (None: not known yet)."""

    committed: int
    end: int | None


@dataclass(slots=True)
class StallTimer:
    """How long ``signature`` has not changed while something was ``busy``; seconds of the caller's clock."""

    _signature: Hashable = None
    _since: float | None = None

    def observe(self, now: float, *, busy: bool, signature: Hashable) -> float:
        """Note the state at ``now``; returns the seconds without progress, 0 when idle or just moved."""
        if not busy or self._since is None or signature != self._signature:
            self._signature, self._since = signature, now if busy else None
            return 0.0
        return now - self._since


@dataclass(slots=True)
class CommitProgress:
    """Per partition: since when the committed offset has stood still although records wait behind it."""

    _timers: dict[TP, StallTimer] = field(default_factory=dict)
    _stalled: dict[TP, float] = field(default_factory=dict)

    def observe(self, now: float, partitions: Mapping[TP, Progress]) -> None:
        """Note the state of all assigned partitions; one that is not named any more is forgotten."""
        self._timers = {tp: timer for tp, timer in self._timers.items() if tp in partitions}
        self._stalled = {}
        for tp, (committed, end) in partitions.items():
            timer = self._timers.setdefault(tp, StallTimer())
            self._stalled[tp] = timer.observe(now, busy=end is not None and end > committed, signature=committed)

    def stalled(self, limit: float) -> dict[TP, float]:
        """Partitions that have had lag, but no commit, for more than ``limit`` seconds."""
        return {tp: seconds for tp, seconds in self._stalled.items() if seconds > limit}


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """What /health says of delivery: ``ok`` unless a commit or the recovery has stood still beyond its limit."""

    ok: bool
    recovering: bool
    recovery_stalled_seconds: float
    stalled_commits: Mapping[TP, float]
    lag: Mapping[TP, int]
