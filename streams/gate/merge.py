"""Merge the topics of one partition by time, as Kafka Streams does: always the earliest buffered record.

Pure: the caller says what time it is and which topics have been read to their end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

STALLED_MS = 30_000
"""A topic that delivers nothing for so long counts as idle even if it should have more: its leader is away.

Longer than an election takes, and than a busy worker takes to come round to each of its partitions."""


@dataclass(slots=True)
class _Lane(Generic[Item]):
    """What is buffered of one topic; ``busy_at`` is when it last held something (ms)."""

    busy_at: float = 0.0
    items: deque[tuple[int, Item]] = field(default_factory=deque)


class MergeBuffer(Generic[Item]):
    """Buffers the records of one partition of several topics and gives them out in order of time.

    A record may go when every other topic has a later one buffered, or is idle: read to its end and empty
    for ``max_idle_ms``. Equal times go in the order of ``topics``; within a topic the order never changes.
    The idle time of all begins with the first record of any: before it, nothing was fetched at all.
    """

    def __init__(self, topics: Sequence[str], max_idle_ms: float) -> None:
        self._lanes: dict[str, _Lane[Item]] = {topic: _Lane() for topic in topics}
        self._max_idle_ms = max_idle_ms
        self._begun = False

    def add(self, topic: str, timestamp: int, item: Item) -> None:
        """Buffer a record of a topic, behind those already there."""
        self._lanes[topic].items.append((timestamp, item))

    def buffered(self, topic: str) -> int:
        """How many records of the topic wait."""
        return len(self._lanes[topic].items)

    def release(self, now_ms: float, at_end: Callable[[str], bool], most: int) -> list[Item]:
        """Take out, in order, what may go now; at most ``most`` records."""
        lanes = self._lanes
        if not any(lane.items for lane in lanes.values()):
            return []
        begins, self._begun = not self._begun, True
        for lane in lanes.values():
            if lane.items or begins:
                lane.busy_at = now_ms
        released: list[Item] = []
        waiting = self._waiting_for(now_ms, at_end)
        while len(released) < most and not waiting:
            filled = [lane for lane in lanes.values() if lane.items]
            if not filled:
                break
            lane = min(filled, key=lambda lane: lane.items[0][0])
            released.append(lane.items.popleft()[1])
            if not lane.items:
                waiting = self._waiting_for(now_ms, at_end)
        return released

    def _waiting_for(self, now_ms: float, at_end: Callable[[str], bool]) -> bool:
        for topic, lane in self._lanes.items():
            if lane.items:
                continue
            idle_for = now_ms - lane.busy_at
            if idle_for >= STALLED_MS or (idle_for >= self._max_idle_ms and at_end(topic)):
                continue
            return True
        return False

    def wait_ms(self, now_ms: float) -> float | None:
        """How long until an empty topic may count as idle; None when nothing is buffered."""
        if not any(lane.items for lane in self._lanes.values()):
            return None
        deadlines = [lane.busy_at + self._max_idle_ms - now_ms for lane in self._lanes.values() if not lane.items]
        return max([1.0, *deadlines])
