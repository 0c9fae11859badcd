"""Levels through time, from the decisions: how many customers stood on each, and who moved where."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import date, timedelta
from typing import Any

from schemas.levels import Level

History = dict[str, list[tuple[int, str]]]
"""By customer: (day, level) of each decision, in order."""


def levels_over_time(history: History, last_day: int) -> list[dict[str, Any]]:
    """Customers per level at the end of each month (the last one: of the data)."""
    if not history:
        return []
    first = min(steps[0][0] for steps in history.values())
    found = []
    for day in _month_ends(first, last_day):
        counts = Counter(level for steps in history.values() if (level := level_on(steps, day)) is not None)
        found.append(
            {"month": date.fromordinal(day).isoformat()[:7], **{level.value: counts[level] for level in Level}}
        )
    return found


def migration(history: History, last_day: int) -> dict[str, Any] | None:
    """From the middle of the time to its end: customers that stood on a level, by the level they have reached."""
    if not history:
        return None
    first = min(steps[0][0] for steps in history.values())
    middle = (first + last_day) // 2
    names = [level.value for level in Level]
    matrix: dict[str, dict[str, int]] = {name: dict.fromkeys(names, 0) for name in names}
    for steps in history.values():
        before, after = level_on(steps, middle), level_on(steps, last_day)
        if before is not None and after is not None:
            matrix[before][after] += 1
    start, end = date.fromordinal(middle).isoformat(), date.fromordinal(last_day).isoformat()
    return {"from": start, "to": end, "levels": names, "matrix": matrix}


def level_on(steps: list[tuple[int, str]], day: int) -> str | None:
    """The level that stood at the end of a day; None before the first decision."""
    at = bisect_right(steps, day, key=lambda step: step[0])
    return steps[at - 1][1] if at else None


def _month_ends(first: int, last: int) -> list[int]:
    found: list[int] = []
    day = date.fromordinal(first)
    while True:
        after = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        end = after.toordinal() - 1
        if end >= last:
            return [*found, last]
        found.append(end)
        day = after
