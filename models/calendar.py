"""Days and times as the engine counts them: ordinals and milliseconds, always UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
MS_PER_DAY = 86_400_000
MS_PER_HOUR = 3_600_000


def to_ms(time: datetime) -> int:
    """Milliseconds since 1970 of an aware time (exact: no float in between)."""
    delta = time - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def from_ms(ms: int) -> datetime:
    """The aware UTC time of ``to_ms``."""
    return _EPOCH + timedelta(milliseconds=ms)


def day_of_ms(ms: int) -> int:
    """The ordinal of the UTC day."""
    return ms // MS_PER_DAY + _EPOCH_DAY


def ms_of_day(day: int) -> int:
    """Milliseconds at the start of the UTC day."""
    return (day - _EPOCH_DAY) * MS_PER_DAY


def day_of(time: datetime) -> int:
    """The ordinal of the UTC day of an aware time."""
    return time.astimezone(UTC).toordinal()
