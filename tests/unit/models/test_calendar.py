"""Laws of models.calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from models import calendar


def test_epoch_is_zero() -> None:
    """Milliseconds are counted from 1970-01-01 UTC."""
    assert calendar.to_ms(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert calendar.to_ms(datetime(1970, 1, 2, 0, 0, 1, 5000, tzinfo=UTC)) == 86_401_005


def test_to_ms_is_exact_for_far_times() -> None:
    """A time whose float seconds cannot hold the millisecond is still counted exactly."""
    time = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert calendar.to_ms(time) == 253_402_300_799_999


def test_to_ms_drops_what_is_below_a_millisecond() -> None:
    """Microseconds below a millisecond are cut off, before 1970 too."""
    assert calendar.to_ms(datetime(1970, 1, 1, 0, 0, 0, 1999, tzinfo=UTC)) == 1
    assert calendar.to_ms(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_to_ms_respects_the_offset() -> None:
    """A time with an offset is the same moment as its UTC time."""
    shanghai = timezone(timedelta(hours=8))
    assert calendar.to_ms(datetime(1970, 1, 1, 8, 0, 2, tzinfo=shanghai)) == 2000


def test_naive_time_is_refused() -> None:
    """A time without an offset has no milliseconds."""
    with pytest.raises(TypeError):
        calendar.to_ms(datetime(2020, 1, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("ms", [0, 1, 999, 86_399_999, 1_582_934_400_000, -1, -86_400_001])
def test_from_ms_undoes_to_ms(ms: int) -> None:
    """from_ms gives the aware UTC time whose to_ms is the same number."""
    time = calendar.from_ms(ms)
    assert time.tzinfo is UTC
    assert calendar.to_ms(time) == ms


def test_days_change_at_utc_midnight() -> None:
    """The ordinal of a moment is that of its UTC date: the last millisecond of a day still belongs to it."""
    first = date(1970, 1, 1).toordinal()
    assert calendar.day_of_ms(0) == first
    assert calendar.day_of_ms(86_399_999) == first
    assert calendar.day_of_ms(86_400_000) == first + 1
    assert calendar.day_of_ms(-1) == first - 1


def test_leap_day_has_its_own_ordinal() -> None:
    """29 February 2020 (18321 days after the epoch) lies between the 28th and the 1st of March."""
    leap = calendar.to_ms(datetime(2020, 2, 29, 12, tzinfo=UTC))
    assert calendar.day_of_ms(leap) == date(2020, 2, 29).toordinal()
    assert calendar.ms_of_day(date(2020, 2, 29).toordinal()) == 18_321 * 86_400_000


def test_ms_of_day_is_the_first_of_the_day() -> None:
    """A day begins with ms_of_day; one millisecond earlier is the day before."""
    day = date(2024, 3, 10).toordinal()
    assert calendar.day_of_ms(calendar.ms_of_day(day)) == day
    assert calendar.day_of_ms(calendar.ms_of_day(day) - 1) == day - 1


def test_day_of_converts_to_utc_first() -> None:
    """One in the morning in Shanghai is still the day before in UTC."""
    time = datetime(2020, 1, 2, 1, 0, tzinfo=timezone(timedelta(hours=8)))
    assert calendar.day_of(time) == date(2020, 1, 1).toordinal()
    assert calendar.day_of(time) == calendar.day_of_ms(calendar.to_ms(time))
