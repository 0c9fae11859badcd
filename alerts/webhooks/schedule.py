"""When a failed delivery is tried again, and when not any more."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

RETRY_SECONDS: tuple[float, ...] = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After the first attempt, the second, ...: about three days in all, as Standard Webhooks recommends."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """``jitter``: each delay is longer by up to this share of it, so that receivers are not met by waves."""

    delays: tuple[float, ...] = RETRY_SECONDS
    jitter: float = 0.1
    disable_after: timedelta = timedelta(days=5)
    """A subscription to which nothing has been delivered for so long is disabled."""
    longest_wait: float = 86_400.0
    """Seconds that a receiver may ask for by Retry-After."""
    random: random.Random = field(default_factory=random.Random)

    def next_attempt(self, attempts: int, now: datetime, retry_after: float | None = None) -> datetime | None:
        """When to try again after so many failed attempts; None: never."""
        if attempts > len(self.delays):
            return None
        delay = self.delays[attempts - 1] * (1 + self.jitter * self.random.random())
        return now + timedelta(seconds=max(delay, min(retry_after or 0.0, self.longest_wait)))
