"""Field types shared by every contract: ids, money, currencies, dates and times, with their bounds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, ValidationInfo
from pydantic_extra_types.currency_code import Currency as _Currency

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2099, 12, 31, tzinfo=UTC)

# No control characters, no blank at either end: ids end up in keys, URLs, logs and screens.
_ID_PATTERN = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,62}[^\s\x00-\x1f\x7f])?$"


_NUMBER = (int, float)  # a tuple made once: these checks run several times for every event


def _not_a_number(value: object) -> object:
    if isinstance(value, _NUMBER):
        raise ValueError("must be ISO 8601 text with a time zone, such as 2026-03-31T09:00:00Z")
    return value


def _sane_time(value: datetime) -> datetime:
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies at the end of the calendar") from None
    if not EARLIEST <= value <= LATEST:
        raise ValueError(f"must lie between {EARLIEST.date()} and {LATEST.date()}, is {value.isoformat()}")
    return value


def _not_a_number_date(value: object) -> object:
    if isinstance(value, _NUMBER):
        raise ValueError("must be an ISO 8601 date such as 2026-03-31")
    return value


def _sane_date(value: date) -> date:
    if not EARLIEST.date() <= value <= LATEST.date():
        raise ValueError(f"must lie between {EARLIEST.date()} and {LATEST.date()}, is {value}")
    return value


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_ID_PATTERN)]
"""1 to 64 characters, no control characters, no blank at either end."""

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
LongText = Annotated[str, StringConstraints(max_length=2000)]

Currency = _Currency
"""ISO 4217 code of a currency in use."""

PositiveAmount = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=4, allow_inf_nan=False)]
"""Money greater than zero, in the unit of its currency, at most 4 decimals."""

Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4, allow_inf_nan=False)]
SignedAmount = Annotated[Decimal, Field(max_digits=18, decimal_places=4, allow_inf_nan=False)]

UtcTime = Annotated[AwareDatetime, BeforeValidator(_not_a_number), AfterValidator(_sane_time)]
"""Timezone-aware time, converted to UTC, between the years 2000 and 2099."""

SaneDate = Annotated[date, BeforeValidator(_not_a_number_date), AfterValidator(_sane_date)]
"""Calendar date between the years 2000 and 2099."""

_CLOCKS_DIFFER = timedelta(days=1)


def _known_by_then(value: date, info: ValidationInfo) -> date:
    # A slip of the pen (2052 for 2025) would make a payment decades late, or outlive every truth that comes after it.
    occurred: datetime | None = info.data.get("occurred_at")
    if occurred is not None:
        latest = occurred + _CLOCKS_DIFFER
        if value > (latest if isinstance(value, datetime) else latest.date()):
            raise ValueError(f"lies after the event itself: is {value.isoformat()}, occurred_at {occurred.isoformat()}")
    return value


PastTime = Annotated[UtcTime, AfterValidator(_known_by_then)]
"""Time that an event reports: at most a day after its ``occurred_at``."""

PastDate = Annotated[SaneDate, AfterValidator(_known_by_then)]
"""Date that an event reports: at most a day after its ``occurred_at``."""


def _rising(value: list[int]) -> list[int]:
    if any(later <= earlier for earlier, later in pairwise(value)):
        raise ValueError("days must rise")
    return value


EscalationDays = Annotated[list[Annotated[int, Field(ge=1, le=365)]], Field(max_length=10), AfterValidator(_rising)]
"""Days after which what waits for a person is told again; they rise."""

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
