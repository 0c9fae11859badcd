"""What a subscription has in hand: deliveries in lanes, one per customer, of which only the first may be under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, eq=False)
class Pending:
    """An event on its way to a subscription. ``lane``: those of one lane go one after the other."""

    topic: str
    partition: int
    offset: int
    event_id: str
    event_type: str
    subject: str
    sequence: str
    body: str
    lane: str
    due: datetime
    attempts: int = 0
    under_way: bool = False


class Window:
    """Events that have been read and have not been settled."""

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Pending]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Pending]:
        """All of them, each lane in its order."""
        for lane in self._lanes.values():
            yield from lane

    def add(self, item: Pending) -> None:
        """Put it behind the others of its lane."""
        self._lanes.setdefault(item.lane, deque()).append(item)
        self._count += 1

    def take(self, now: datetime) -> Pending | None:
        """The one that has been due for longest and is the first of its lane; it is under way from now on."""
        heads = [lane[0] for lane in self._lanes.values() if not lane[0].under_way and lane[0].due <= now]
        if not heads:
            return None
        found = min(heads, key=lambda item: item.due)
        found.under_way = True
        return found

    def next_due(self) -> datetime | None:
        """When the next one can be taken; None: when something changes."""
        return min((lane[0].due for lane in self._lanes.values() if not lane[0].under_way), default=None)

    def settle(self, item: Pending) -> None:
        """It is done with, delivered or dead: the next of its lane may go."""
        lane = self._lanes[item.lane]
        lane.remove(item)
        if not lane:
            del self._lanes[item.lane]
        self._count -= 1

    def again(self, item: Pending, due: datetime) -> None:
        """It is tried again at ``due``, before the others of its lane."""
        item.due = due
        item.under_way = False

    def hasten(self, now: datetime) -> None:
        """The endpoint answers again: nothing has to wait any longer."""
        for item in self:
            item.due = min(item.due, now)
