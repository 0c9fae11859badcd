"""What a webhook subscription is: where to, what of the out-events, in which manner, and how it stands."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.fields import Currency, Identifier, ShortText
from schemas.levels import Level
from schemas.topics import ALERTS, DEAD_LETTERS, DELIVERIES, TOPICS

KIND = "subscription"
"""Of the records in the control topic."""

WEBHOOK_TOPICS: tuple[str, ...] = tuple(
    topic.name for topic in TOPICS if topic.direction == "out" and topic.name not in (DEAD_LETTERS, DELIVERIES)
)
"""What can be subscribed to. Dead letters hold raw bytes of strangers; deliveries would tell of themselves."""

Some = Annotated[frozenset[Identifier], Field(max_length=1_000)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Filters(_Record):
    """All that is set must hold; what an event has no figure for does not let it through."""

    topics: Annotated[frozenset[str], Field(min_length=1)] = frozenset({ALERTS})
    kinds: Some = Field(
        default=frozenset(), description="Kind of alert or model note, or decision on the order; empty = all."
    )
    level_at_or_below: Level | None = Field(default=None, description="The level after the event is this or worse.")
    min_level_step: int | None = Field(default=None, ge=1, le=4, description="Levels moved, up or down.")
    min_score_drop: int | None = Field(default=None, ge=1, le=1000)
    exposure_above: dict[Currency, Annotated[Decimal, Field(ge=0)]] = Field(
        default_factory=dict, max_length=200, description="Exposure in one of these currencies is above its amount."
    )
    segments: Some = frozenset()
    sectors: Some = frozenset()
    groups: Some = Field(default=frozenset(), description="Corporate groups: the parent and its members.")


class NewSubscription(_Record):
    """What a person gives to make a subscription."""

    url: str
    name: ShortText | None = Field(default=None, description="For people.")
    filters: Filters = Filters()
    language: Literal["en", "zh"] | None = Field(
        default=None, description="Adds the attribute `summary`, a sentence in this language; null = the bare event."
    )
    rate_per_second: int = Field(default=20, ge=1, le=1_000)
    ordered: bool = Field(default=True, description="A customer's event waits until the one before has arrived.")


class SecretRef(_Record):
    """A secret by what it is made from; it signs until ``expires_at``."""

    key: str
    salt: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None


Status = Literal["active", "paused", "disabled"]


class Subscription(NewSubscription):
    """A subscription as it is stored. ``disabled``: by us, for ``reason``; ``paused``: by a person."""

    id: str
    secrets: tuple[SecretRef, ...]
    status: Status = "active"
    reason: str | None = None
    created_at: AwareDatetime
    created_by: ShortText
    changed_at: AwareDatetime
    start: dict[str, int] = Field(description="First offset by topic/partition.")

    def valid_secrets(self, now: datetime) -> list[SecretRef]:
        """The secrets that sign now, newest first."""
        return [secret for secret in self.secrets if secret.expires_at is None or secret.expires_at > now]
