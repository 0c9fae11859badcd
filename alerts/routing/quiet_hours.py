"""Quiet hours delay what people are told, and never what is found out; plus the times of day of a digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.routing.config import DAYS, DigestRules, QuietHours
from models.calendar import from_ms, to_ms

_LOOK_BACK_DAYS = 8


def quiet_until(hours: Sequence[QuietHours], now: int) -> int | None:
    """When the quiet time in which ``now`` lies ends (ms, through adjoining ones); None when it is not quiet."""
    end, found = now, None
    for _ in range(_LOOK_BACK_DAYS * 2):
        ends = [until for one in hours if (until := _one_until(one, end)) is not None]
        if not ends:
            break
        end = found = max(ends)
    return found


def _one_until(hours: QuietHours, now: int) -> int | None:
    zone = ZoneInfo(hours.time_zone)
    today = from_ms(now).astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        if DAYS[day.weekday()] not in hours.days:
            continue
        end_day = day if hours.end > hours.begin else day + timedelta(days=1)
        begin = to_ms(datetime.combine(day, hours.begin, zone).astimezone(UTC))
        end = to_ms(datetime.combine(end_day, hours.end, zone).astimezone(UTC))
        if begin <= now < end:
            return end
    return None


def last_digest(rules: DigestRules, now: int) -> int | None:
    """The last time at or before ``now`` at which a digest was due (ms); None when no day has one."""
    zone = ZoneInfo(rules.time_zone)
    today = from_ms(now).astimezone(zone).date()
    for back in range(_LOOK_BACK_DAYS):
        day = today - timedelta(days=back)
        due = to_ms(datetime.combine(day, rules.at, zone).astimezone(UTC))
        if DAYS[day.weekday()] in rules.days and due <= now:
            return due
    return None
