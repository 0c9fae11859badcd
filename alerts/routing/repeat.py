"""When a group is looked at, and when it is told again: repeats that slow with age."""

from __future__ import annotations

from alerts.routing.tree import Destination


def next_look(first: int, interval: int, clock: int) -> int:
    """When a group is looked at next after ``clock``: at ``first``, and then every ``interval`` (all ms)."""
    if clock < first:
        return first
    return first + ((clock - first) // interval + 1) * interval


def repeat_after(where: Destination, repeats: int) -> int:
    """How long after a notification it is told again (ms), when it was told again so many times already."""
    most = max(where.repeat_max, where.repeat_interval)
    slowed = where.repeat_interval * where.repeat_factor ** min(repeats, 64)
    return int(min(slowed, most))
