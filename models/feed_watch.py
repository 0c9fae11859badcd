"""Whether the payments feed is stale, by event time: then open items are aged no further than to its last day.

What was paid cannot be known while the feed is silent; days past due that grow by the clock alone say nothing of the
customer. Asked at every tick, so the answer follows from the log.
"""

from __future__ import annotations

from models.book_index import BookIndex
from models.calendar import MS_PER_DAY, MS_PER_HOUR, day_of_ms
from models.out_events import Cause, book_note_out
from models.partition import FeedState, PartitionState
from schemas.brake_policy import Freshness
from schemas.decisions import ModelNoteKind, OutEvent

_HALF_LIFE_DAYS = 14
"""Of the usual number of payments per day."""


class FeedWatch:
    """One partition's watch over its part of the payments feed; its memory is the partition's state."""

    def __init__(self, rules: Freshness, state: PartitionState, partition: int, policy_version: str) -> None:
        self._rules, self._state, self._partition, self._version = rules, state, partition, policy_version

    @property
    def frozen(self) -> int:
        """The day (ordinal) to which open items are aged while the feed is stale; 0 = it is not."""
        return self._state.feed.frozen

    def tick(self, now: int, index: BookIndex, cause: Cause) -> list[OutEvent]:
        """Look at the feed at ``now`` (ms); a note when it has become stale, and when it is back."""
        feed, day = self._state.feed, day_of_ms(now)
        if day > feed.day and index.payments > feed.payments:
            self._learn(feed, day, index)
        # Where nothing at all is told (a night, the end of a past) time alone makes no feed stale.
        silent = index.told - index.heard
        missed = feed.per_day * silent / MS_PER_DAY
        bound = self._rules.stale_hours
        stale = bound is not None and index.heard > 0 and silent > bound * MS_PER_HOUR
        stale = stale and missed >= self._rules.missed_payments
        if stale == bool(feed.frozen):
            return []
        feed.frozen = day_of_ms(index.heard) if stale else 0
        kind: ModelNoteKind = "payments_stale" if stale else "payments_back"
        hours, allowed = silent / MS_PER_HOUR, bound or 0.0
        figures = {"missed": round(missed, 1), "per_day": round(feed.per_day, 1)}
        note = book_note_out(
            self._state, kind, cause, partition=self._partition, statistic=hours, threshold=allowed,
            policy_version=self._version, figures=figures,
        )  # fmt: skip
        return [note]

    @staticmethod
    def _learn(feed: FeedState, day: int, index: BookIndex) -> None:
        """Bring the usual number up to date; days without any payment count when the next one has come."""
        if feed.day:
            days = day - feed.day
            old = 0.5 ** (days / _HALF_LIFE_DAYS)
            feed.per_day = feed.per_day * old + (index.payments - feed.payments) / days * (1 - old)
        feed.day, feed.payments = day, index.payments
