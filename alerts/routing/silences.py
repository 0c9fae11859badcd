"""Silences: people mute what matches, with a reason, until a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from alerts.routing.matchers import Matcher, all_match, parse_matcher
from alerts.routing.set_by_people import Person, SetByPeople, Words, checked
from alerts.routing.state import Silence
from models.calendar import to_ms
from schemas.fields import UtcTime

KIND = "silence"
"""Kind of the record in the control topic."""


class SilenceRecord(SetByPeople):
    """A silence as people set it; ``ended_by``: who ended it before its time."""

    matchers: tuple[str, ...] = Field(min_length=1, max_length=20)
    author: Person
    reason: Annotated[Words, Field(min_length=3)]
    starts: UtcTime
    ends: UtcTime
    ended_by: Person | None = None

    @field_validator("matchers")
    @classmethod
    def _can_be_read(cls, matchers: tuple[str, ...]) -> tuple[str, ...]:
        parsed = [parse_matcher(text) for text in matchers]
        if all(matcher.matches({}) for matcher in parsed):
            raise ValueError("at least one must ask for something: this silence would mute everything")
        return tuple(str(matcher) for matcher in parsed)

    @field_validator("ends")
    @classmethod
    def _ends_after_it_starts(cls, ends: datetime, info: ValidationInfo) -> datetime:
        starts = info.data.get("starts")
        if starts is not None and ends < starts:
            raise ValueError("must not lie before starts")
        return ends


def silence_record(value: Mapping[str, Any]) -> SilenceRecord:
    """The record, checked; raises InvalidInput, which names the field."""
    return checked(SilenceRecord, KIND, value)


def silence_of(silence_id: str, value: Mapping[str, Any]) -> Silence:
    """The silence of a record of the control topic; raises InvalidInput."""
    record = silence_record(value)
    starts, ends = to_ms(record.starts), to_ms(record.ends)
    return Silence(silence_id, list(record.matchers), record.author, record.reason, starts, ends)


def silenced_by(silences: Iterable[Silence], labels: Mapping[str, str], now: int) -> Silence | None:
    """The silence that mutes an alert with these labels now."""
    for silence in silences:
        if is_active(silence, now) and all_match(map(_parsed, silence.matchers), labels):
            return silence
    return None


def is_active(silence: Silence, now: int) -> bool:
    """Whether it mutes at ``now``."""
    return silence.starts <= now < silence.ends


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> Matcher:
    return parse_matcher(text)
