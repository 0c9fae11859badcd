"""Silences: people mute what matches, with a reason, until a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alerts.routing.matchers import Matcher, all_match, parse_matcher
from alerts.routing.state import Silence
from models.calendar import from_ms, to_ms
from schemas.errors import InvalidInput
from schemas.fields import UtcTime

KIND = "silence"
"""Kind of the record in the control topic."""


class SilenceRecord(BaseModel):
    """A silence as people set it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matchers: tuple[str, ...] = Field(min_length=1, max_length=20)
    author: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")
    reason: str = Field(min_length=3, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")
    starts: UtcTime
    ends: UtcTime

    @model_validator(mode="after")
    def _makes_sense(self) -> SilenceRecord:
        parsed = [parse_matcher(text) for text in self.matchers]
        if self.ends < self.starts:
            raise ValueError("ends must not lie before starts")
        if all(matcher.matches({}) for matcher in parsed):
            raise ValueError("at least one matcher must ask for something: this silence would mute everything")
        return self


def silence_record(value: Mapping[str, Any]) -> SilenceRecord:
    """The record, checked; raises InvalidInput, which names the field."""
    try:
        return SilenceRecord.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        told = f"{field}: {text}" if field else text
        raise InvalidInput("silence_invalid", f"silence: {told}", field or None) from error


def silence_of(silence_id: str, value: Mapping[str, Any]) -> Silence:
    """The silence of a record of the control topic; raises InvalidInput."""
    record = silence_record(value)
    matchers = [str(parse_matcher(text)) for text in record.matchers]
    return Silence(silence_id, matchers, record.author, record.reason, to_ms(record.starts), to_ms(record.ends))


def silenced_by(silences: Iterable[Silence], labels: Mapping[str, str], now: int) -> Silence | None:
    """The silence that mutes an alert with these labels now."""
    for silence in silences:
        if is_active(silence, now) and all_match(map(_parsed, silence.matchers), labels):
            return silence
    return None


def is_active(silence: Silence, now: int) -> bool:
    """Whether it mutes at ``now``."""
    return silence.starts <= now < silence.ends


def shown(silence: Silence, now: int) -> dict[str, Any]:
    """The silence for a person or a program."""
    return {
        "id": silence.id,
        "state": "active" if is_active(silence, now) else "expired" if now >= silence.ends else "planned",
        "matchers": silence.matchers,
        "author": silence.author,
        "reason": silence.reason,
        "starts": from_ms(silence.starts).isoformat(),
        "ends": from_ms(silence.ends).isoformat(),
    }


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> Matcher:
    return parse_matcher(text)
