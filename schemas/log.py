"""The one ordered log (``customer-events``): everything that can change a decision, with where it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)
from schemas.events import (
    InEvent,
    MarketIndexRead,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.fields import LongText


class TimePassed(InEvent):
    """A tick: by now nothing that happened before ``occurred_at`` is expected any more; open items age by it."""

    type: Literal["tick"] = "tick"


class PolicyActivated(InEvent):
    """From here on this policy decides. ``text`` is the whole policy file, so that the log alone reproduces us."""

    type: Literal["policy.activated"] = "policy.activated"
    by: LongText
    text: str = Field(min_length=1, max_length=200_000)


CustomerLogEvent = (
    OrderPlaced
    | OrderInvoiced
    | OrderCancelled
    | PaymentReceived
    | PaymentReversed
    | OverdueNoticed
    | FinancialStatementFiled
    | AgencyReportReceived
    | QualitativeReviewed
    | MasterDataChanged
    | CoverChanged
    | LevelOverridden
)
RelayedEvent = MarketIndexRead | PolicyActivated
BroadcastEvent = TimePassed | RelayedEvent
LogEvent = Annotated[CustomerLogEvent | BroadcastEvent, Field(discriminator="type")]


class Source(BaseModel):
    """Where a record stood in the topic it came from; equal coordinates mean the same record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)


class LogEntry(BaseModel):
    """One entry of the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    time: datetime = Field(description="When it became known: the record's timestamp. Decisions are made at it.")
    received_at: datetime = Field(description="When the gate read it (wall clock); becomes `recordedtime`.")
    source: Source
    event: LogEvent


LOG_ENTRY: TypeAdapter[LogEntry] = TypeAdapter(LogEntry)
LOG_EVENT: TypeAdapter[LogEvent] = TypeAdapter(LogEvent)
