"""The routing file: receivers, the tree of routes, and the rules that mute, hold back and grade alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    model_validator,
)

from alerts.routing.durations import duration_ms, duration_text
from alerts.routing.matchers import LABELS, Matcher, parse_matcher
from schemas.envelope import Severity
from schemas.errors import InvalidInput
from schemas.fields import Currency
from schemas.levels import Level

Duration = Annotated[int, BeforeValidator(duration_ms), PlainSerializer(duration_text)]
"""Milliseconds; written as 30s, 5m, 4h, 1d12h."""
Matchers = tuple[Annotated[Matcher, PlainValidator(parse_matcher), PlainSerializer(str)], ...]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {value!r}: name one such as Europe/Berlin or Asia/Shanghai") from error
    return value


def _of_the_day(value: object) -> object:
    # YAML reads an unquoted 22:00 as 1320, minutes in base 60.
    if isinstance(value, int) and 0 <= value < 24 * 60:
        return time(*divmod(value, 60))
    if not isinstance(value, time) and not (isinstance(value, str) and re.fullmatch(r"\d\d:\d\d", value)):
        raise ValueError("must be a time of day such as 07:30")
    return value


def _reference(value: str) -> str:
    if not re.fullmatch(r"\$\{[A-Z][A-Z0-9_]*\}", value):
        raise ValueError(
            "must name a variable of the environment that holds the channel's URL, such as ${CREDIT_DESK_MAIL}: "
            "URLs hold passwords and do not belong into this file"
        )
    return value


def _label(value: str) -> str:
    if value not in (*LABELS, "..."):
        raise ValueError(f"there is no label {value!r} (there are: {', '.join(LABELS)}; ... for all)")
    return value


TimeZone = Annotated[str, AfterValidator(_time_zone)]
TimeOfDay = Annotated[time, BeforeValidator(_of_the_day), PlainSerializer("{:%H:%M}".format)]
Label = Annotated[str, AfterValidator(_label)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Route(_Strict):
    """One node of the tree; what is not set is taken from the node above."""

    receiver: Name | None = None
    matchers: Matchers = ()
    goes_on: bool = Field(default=False, alias="continue", description="Look at the next siblings as well.")
    group_by: tuple[Label, ...] | None = None
    group_wait: Duration | None = None
    group_interval: Annotated[Duration, Field(ge=100)] | None = None
    repeat_interval: Annotated[Duration, Field(ge=1_000)] | None = None
    repeat_factor: Annotated[float, Field(ge=1, le=10)] | None = None
    repeat_max: Duration | None = None
    routes: tuple[Route, ...] = ()


class QuietHours(_Strict):
    """On ``days``, from ``from`` to ``to`` (over midnight when ``to`` is not later; the day is that of ``from``)."""

    days: tuple[Day, ...] = DAYS
    begin: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    time_zone: TimeZone


class DigestRules(_Strict):
    """One summary a day of the open alerts that match."""

    at: TimeOfDay
    time_zone: TimeZone
    days: tuple[Day, ...] = DAYS
    matchers: Matchers = ()
    top: int = Field(default=5, ge=1, le=20, description="Alerts shown per currency.")


class Receiver(_Strict):
    """People who are told, over zero or more channels, each by itself."""

    name: Name
    channels: tuple[Annotated[str, AfterValidator(_reference)], ...] = Field(default=(), max_length=10)
    language: Literal["en", "zh"] = "en"
    send_resolved: bool = True
    quiet_hours: tuple[QuietHours, ...] = ()
    passes_quiet_hours: tuple[Severity, ...] = (Severity.CRITICAL,)
    digest: DigestRules | None = None


class InhibitRule(_Strict):
    """While an alert matches ``source``, those that match ``target`` with equal labels ``equal`` are mute."""

    source: Matchers = Field(min_length=1)
    target: Matchers = Field(min_length=1)
    equal: tuple[Label, ...] = ()


class PendingRule(_Strict):
    """Alerts that match are pending, and nobody is told, until they have stood for ``for``."""

    matchers: Matchers = Field(min_length=1)
    hold_for: Duration = Field(alias="for")


class SeverityRules(_Strict):
    """How a tightening's severity follows from the level reached, the step, what is at stake, and knock-outs."""

    by_level: dict[Level, Severity] = Field(default_factory=dict)
    raised_by_steps: int = Field(default=2, ge=1, le=5, description="A fall of so many levels at once: one higher.")
    at_least: dict[Currency, dict[Severity, Decimal]] = Field(
        default_factory=dict, description="Exposure at stake from which the severity is at least this, per currency."
    )
    knock_outs: dict[str, Severity] = Field(default_factory=dict, description="At least this, by code of the cap.")
    small_below: dict[Currency, Decimal] = Field(
        default_factory=dict, description="Label size is small while all that is at stake is below, else large."
    )


class SectorRules(_Strict):
    """An alert about a sector, once so many of its customers were tightened within this time."""

    customers: int = Field(ge=2)
    within: Duration


class SilenceRules(_Strict):
    """Who is told how long before a silence ends; nobody without a receiver."""

    notice_before: Duration = 3_600_000
    receiver: Name | None = None


class Routing(_Strict):
    """The whole file."""

    version: Annotated[str, Field(min_length=1, max_length=60)]
    route: Route
    receivers: tuple[Receiver, ...] = Field(min_length=1)
    inhibit: tuple[InhibitRule, ...] = ()
    pending: tuple[PendingRule, ...] = ()
    severity: SeverityRules = SeverityRules()
    sector_alert: SectorRules | None = None
    freshness: dict[Literal["assessments", "orders", "overdue", "supply", "market"], Duration] = Field(
        default_factory=dict, description="How old the newest record of a topic may be; of payments the policy says it."
    )
    silences: SilenceRules = SilenceRules()
    give_up_after: Duration = 3 * 86_400_000

    @model_validator(mode="after")
    def _names_exist(self) -> Routing:
        known = [receiver.name for receiver in self.receivers]
        if len(set(known)) < len(known):
            raise ValueError(f"receivers: {max(known, key=known.count)!r} is there twice")
        if self.route.receiver is None or self.route.matchers:
            raise ValueError("route: the root names a receiver and has no matchers: it takes what nothing else takes")
        unknown = {*_receivers_of(self.route), self.silences.receiver} - {None, *known}
        if unknown:
            raise ValueError(f"there is no receiver {min(map(str, unknown))!r} (there are: {', '.join(known)})")
        return self

    def receiver(self, name: str) -> Receiver | None:
        """The receiver of this name; None when the file does not have it (any more)."""
        return next((receiver for receiver in self.receivers if receiver.name == name), None)


def channel_url(reference: str, environment: Mapping[str, str]) -> str:
    """The URL behind ``${NAME}``; raises InvalidInput, which tells the name and never the URL: it holds passwords."""
    name = reference.removeprefix("${").removesuffix("}")
    url = environment.get(name, "").strip()
    if not url:
        raise InvalidInput("channel_missing", f"the routing names ${{{name}}}: set {name} to an Apprise URL", name)
    return url


def _receivers_of(route: Route) -> set[str | None]:
    return {route.receiver}.union(*(_receivers_of(child) for child in route.routes))
