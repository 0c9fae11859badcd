"""The one ordered log (``customer-events``): everything that can change a decision, with where it came from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
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
    DisputeResolved,
    InEvent,
    InvoiceDisputed,
    MarketIndexRead,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.fields import Currency, Identifier, LongText
from schemas.order_acts import OrderChanged, OrderHoldForced, OrderHoldLifted, OrderRejected, OrderReleased
from schemas.review_acts import ReviewApproved, ReviewRejected
from schemas.supply import DeliveryReceived, PriceQuoted


class TimePassed(InEvent):
    """A tick: by now nothing that happened before ``occurred_at`` is expected any more; open items age by it."""

    type: Literal["tick"] = "tick"


class PolicyActivated(InEvent):
    """From here on this policy decides. ``text`` is the whole policy file, so that the log alone reproduces us."""

    type: Literal["policy.activated"] = "policy.activated"
    by: LongText
    text: str = Field(min_length=1, max_length=200_000)


class ModelPromoted(InEvent):
    """From here on this challenger leads, in every partition; the champion goes on in the shadow."""

    type: Literal["model.promoted"] = "model.promoted"
    task: Literal["A", "B"] = Field(description="A: late, foretold at issue. B: open long, foretold 1 day past due.")
    model: Identifier = Field(description="The challenger's name in the policy, or 'base' for the section's own.")
    by: LongText
    reason: LongText | None = None


class ModelRestored(InEvent):
    """A task's model is put back to a checkpoint, in every partition."""

    type: Literal["model.restored"] = "model.restored"
    task: Literal["A", "B"]
    checkpoint: Identifier = Field(description="E.g. '2026-03-01': the notes of the model log name them.")
    by: LongText
    reason: LongText | None = None


class PartitionReport(InEvent):
    """What one partition's engine tells all others by the internal topic ``partition-reports``, through their logs.

    Each kind is a subclass with a type of its own, and a member of ``ReportEvent``. A report is known by its type,
    partition and number: a crash tells it again, and it counts once.
    """

    partition: int = Field(ge=0, le=100_000)
    number: int = Field(ge=1, description="Counts the reports of this type and partition.")


class ModelShared(PartitionReport):
    """What one partition's models have learned so far, told to all others; the newest of each partition counts."""

    type: Literal["model.shared"] = "model.shared"
    models: str = Field(
        max_length=1_000_000, pattern=r"^[A-Za-z0-9+/]*={0,2}$", description="Additive sums by task, msgpack as base64."
    )


class GroupsReported(PartitionReport):
    """What members of corporate groups owe and have on order on one partition; replaces what it told of them."""

    type: Literal["groups.reported"] = "groups.reported"
    groups: dict[Identifier, dict[Currency, Decimal]] = Field(
        max_length=10_000, description="Exposure by group and currency; empty: none is left."
    )


CustomerLogEvent = (
    OrderPlaced
    | OrderInvoiced
    | OrderCancelled
    | OrderChanged
    | OrderReleased
    | OrderRejected
    | OrderHoldForced
    | OrderHoldLifted
    | InvoiceDisputed
    | DisputeResolved
    | PaymentReceived
    | PaymentReversed
    | OverdueNoticed
    | FinancialStatementFiled
    | AgencyReportReceived
    | QualitativeReviewed
    | MasterDataChanged
    | CoverChanged
    | LevelOverridden
    | ReviewApproved
    | ReviewRejected
    | DeliveryReceived
    | PriceQuoted
)
PolicyEvent = Annotated[PolicyActivated | ModelPromoted | ModelRestored, Field(discriminator="type")]
ReportEvent = ModelShared | GroupsReported
"""All kinds of reports."""
RelayedEvent = MarketIndexRead | PolicyActivated | ModelPromoted | ModelRestored | ReportEvent
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
