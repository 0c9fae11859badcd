"""What the demo shows, folded from the feed of out-events: customers by level, latest alerts and orders, latency."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from math import ceil
from typing import NamedTuple

from alerts.feed import FeedItem
from schemas.decisions import (
    CreditAlert,
    CreditLevelChanged,
    DeadLetter,
    Decision,
    ModelNote,
    OrderDecision,
)
from schemas.levels import Level

CHANGE_DAYS = 7
"""Over how many days of book time the change of a level's customers is shown."""
_KEPT = 50
_AGED = "HOLD_AGED"


class Latencies:
    """Samples of a latency in seconds, for quantiles over all or the newest of them."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=200_000)

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, seconds: float) -> None:
        """Keep a sample."""
        self._samples.append(seconds)

    def clear(self) -> None:
        """Forget all samples."""
        self._samples.clear()

    def quantile_ms(self, share: float, newest: int | None = None) -> float | None:
        """The sample at this share (nearest rank) in milliseconds, or None without samples."""
        samples = list(self._samples) if newest is None else list(islice(reversed(self._samples), newest))
        if not samples:
            return None
        ranked = sorted(samples)
        return round(ranked[max(0, ceil(share * len(ranked)) - 1)] * 1000, 1)


class AlertLine(NamedTuple):
    """An alert, its customer and its event time."""

    customer: str
    at: datetime
    alert: CreditAlert


class OrderLine(NamedTuple):
    """An order decision, its customer and its event time."""

    customer: str
    at: datetime
    order: OrderDecision


@dataclass(slots=True)
class Board:
    """Everything on the screen that comes from decisions."""

    level_of: dict[str, Level] = field(default_factory=dict)
    alerts: deque[AlertLine] = field(default_factory=lambda: deque(maxlen=_KEPT))
    orders: deque[OrderLine] = field(default_factory=lambda: deque(maxlen=_KEPT))
    dead: deque[DeadLetter] = field(default_factory=lambda: deque(maxlen=_KEPT))
    notes: deque[ModelNote] = field(default_factory=lambda: deque(maxlen=_KEPT))
    decisions: Counter[str] = field(default_factory=Counter)
    alert_kinds: Counter[str] = field(default_factory=Counter)
    order_kinds: Counter[str] = field(default_factory=Counter)
    dead_letters: int = 0
    since_publish: Latencies = field(default_factory=Latencies)
    since_gate: Latencies = field(default_factory=Latencies)
    book_time: datetime | None = None
    _levels: Counter[Level] = field(default_factory=Counter)
    _waiting: dict[tuple[str, str], tuple[Decision, bool]] = field(default_factory=dict)
    _by_day: deque[tuple[date, Counter[Level]]] = field(default_factory=deque)

    def apply(self, item: FeedItem) -> bool:
        """Take in an out-event; whether it is news for a person: an order that is still held, for one, is not."""
        event = item.event
        data = event.data
        if isinstance(data, DeadLetter):
            self.dead_letters += 1
            self.dead.appendleft(data)
            return True
        if isinstance(data, ModelNote):
            self.notes.appendleft(data)
            return True
        self.decisions[item.topic] += 1
        self._to_day(event.time)
        if isinstance(data, CreditLevelChanged):
            self._moved(event.subject, data.level)
        elif isinstance(data, CreditAlert):
            self.alert_kinds[data.kind.value] += 1
            self.alerts.appendleft(AlertLine(event.subject, event.time, data))
            return True
        elif isinstance(data, OrderDecision):
            return self._order(event.subject, event.time, data)
        return False

    def levels(self) -> dict[Level, int]:
        """Customers by level, best level first, all levels."""
        return {level: self._levels[level] for level in Level}

    def changes(self) -> dict[Level, int]:
        """Change of customers by level over the last ``CHANGE_DAYS`` of book time."""
        before = self._by_day[0][1] if self._by_day else self._levels
        return {level: self._levels[level] - before[level] for level in Level}

    @property
    def total_decisions(self) -> int:
        """Level changes, alerts and order decisions together."""
        return sum(self.decisions.values())

    def _moved(self, customer: str, level: Level) -> None:
        before = self.level_of.get(customer)
        if before is not None:
            self._levels[before] -= 1
        self.level_of[customer] = level
        self._levels[level] += 1

    def _order(self, customer: str, at: datetime, order: OrderDecision) -> bool:
        self.order_kinds[order.decision.value] += 1
        place = (customer, order.order_id)
        if order.decision is Decision.APPROVE:
            self._waiting.pop(place, None)
            return False
        stands = (order.decision, any(check.code == _AGED for check in order.checks))
        if self._waiting.get(place) == stands:
            return False
        self._waiting[place] = stands
        if order.decision is not Decision.HOLD:
            del self._waiting[place]
        self.orders.appendleft(OrderLine(customer, at, order))
        return True

    def _to_day(self, at: datetime) -> None:
        if self.book_time is not None and at <= self.book_time:
            return
        if self.book_time is None or at.date() > self.book_time.date():
            self._by_day.append((at.date(), Counter(self._levels)))
            while len(self._by_day) > 1 and self._by_day[1][0] <= at.date() - timedelta(days=CHANGE_DAYS):
                self._by_day.popleft()
        self.book_time = at
