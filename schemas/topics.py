"""The topics, what stands in each, and which of them are public, internal or out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from schemas.assessments import AssessmentEvent
from schemas.audit import AuditRecord, CheckpointOut
from schemas.decisions import AlertOut, DeadLetterOut, LevelOut, ModelNoteOut, OrderOut
from schemas.deliveries import DeliveryOut
from schemas.events import MarketEvent, OverdueEvent, PaymentEvent
from schemas.log import LogEntry, PolicyEvent, RelayedEvent, ReportEvent, TimePassed
from schemas.order_acts import OrderEvent
from schemas.supply import SupplyEvent


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: ``direction`` is ``in`` (public), ``internal`` or ``out``; ``compacted`` keeps the last per key."""

    name: str
    direction: str
    summary: str
    contract: TypeAdapter[Any]
    keyed_by_customer: bool = True
    compacted: bool = False


PAYMENTS, OVERDUE, ORDERS, ASSESSMENTS = "payments", "overdue", "orders", "assessments"
SUPPLY = "supply"
MARKET, POLICY = "market", "policy"
TICKS, BROADCASTS, LOG = "ticks", "broadcasts", "customer-events"
LEVELS, ALERTS, ORDER_DECISIONS = "credit-levels", "credit-alerts", "order-decisions"
MODEL_LOG, DEAD_LETTERS = "model-log", "dead-letters"
CONTROL, PARTITION_REPORTS = "control", "partition-reports"
AUDIT, AUDIT_CHECKPOINTS = "audit", "audit-checkpoints"
DELIVERIES, WEBHOOK_STATE = "deliveries", "webhook-state"
ALERT_STATE = "alert-state"

TOPICS: tuple[Topic, ...] = (
    Topic(PAYMENTS, "in", "Payments received and reversed.", TypeAdapter(PaymentEvent)),
    Topic(OVERDUE, "in", "Notices that an invoice is past due.", TypeAdapter(OverdueEvent)),
    Topic(
        ORDERS,
        "in",
        "Orders placed, changed, invoiced, cancelled; invoices disputed; what persons decide about them.",
        TypeAdapter(OrderEvent),
    ),
    Topic(
        ASSESSMENTS,
        "in",
        "Statements, agency reports, reviews, master data, cover, overrides, decisions on tightenings under review.",
        TypeAdapter(AssessmentEvent),
    ),
    Topic(SUPPLY, "in", "Suppliers' deliveries and prices, keyed by supplier.", TypeAdapter(SupplyEvent)),
    Topic(MARKET, "in", "Sector and region indices.", TypeAdapter(MarketEvent), keyed_by_customer=False),
    Topic(
        POLICY,
        "in",
        "Policies activated, models promoted or restored.",
        TypeAdapter(PolicyEvent),
        keyed_by_customer=False,
    ),
    Topic(
        TICKS,
        "internal",
        "The passing of time, once per partition: from the clock, or from whoever replays.",
        TypeAdapter(TimePassed),
        keyed_by_customer=False,
    ),
    Topic(
        PARTITION_REPORTS,
        "internal",
        "What one partition tells all others: what its models have learned, what groups owe there.",
        TypeAdapter(Annotated[ReportEvent, Field(discriminator="type")]),
        keyed_by_customer=False,
    ),
    Topic(
        BROADCASTS,
        "internal",
        "Market and policy events, and reports of partitions, relayed to each partition.",
        TypeAdapter(Annotated[RelayedEvent, Field(discriminator="type")]),
        keyed_by_customer=False,
    ),
    Topic(LOG, "internal", "The one ordered log per partition.", TypeAdapter(LogEntry)),
    Topic(
        CONTROL,
        "internal",
        "What people set up while we run: API keys (hashed), subscriptions, silences, acknowledgements; key kind/id.",
        TypeAdapter(dict[str, Any]),
        keyed_by_customer=False,
        compacted=True,
    ),
    Topic(
        WEBHOOK_STATE,
        "internal",
        "How far each webhook subscription is, and what waits to be sent again; key subscription.",
        TypeAdapter(dict[str, Any]),
        keyed_by_customer=False,
        compacted=True,
    ),
    Topic(
        ALERT_STATE,
        "internal",
        "Where each alert stands, who was told, what waits to be sent; key kind/id, all in partition 0.",
        TypeAdapter(dict[str, Any]),
        keyed_by_customer=False,
        compacted=True,
    ),
    Topic(LEVELS, "out", "Level, limit and terms of each customer.", TypeAdapter(LevelOut), compacted=True),
    Topic(ALERTS, "out", "Tightening, easing, retraction.", TypeAdapter(AlertOut)),
    Topic(ORDER_DECISIONS, "out", "Approve, hold, reject, release.", TypeAdapter(OrderOut)),
    Topic(
        MODEL_LOG,
        "out",
        "Quality and drift of the models, promotions, restorations.",
        TypeAdapter(ModelNoteOut),
        keyed_by_customer=False,
    ),
    Topic(
        AUDIT,
        "internal",
        "Every decision and every person's action, in the order of the log; the archive seals them into a chain.",
        TypeAdapter(AuditRecord),
    ),
    Topic(
        AUDIT_CHECKPOINTS,
        "out",
        "Hash and Merkle root of the audit trail so far, per partition: keep them, and no entry can be changed unseen.",
        TypeAdapter(CheckpointOut),
        keyed_by_customer=False,
    ),
    Topic(
        DELIVERIES,
        "out",
        "Attempts to deliver events to webhooks.",
        TypeAdapter(DeliveryOut),
        keyed_by_customer=False,
    ),
    Topic(
        DEAD_LETTERS,
        "out",
        "Records that could not be accepted, with the reason.",
        TypeAdapter(DeadLetterOut),
        keyed_by_customer=False,
    ),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
CUSTOMER_TOPICS: tuple[str, ...] = (ASSESSMENTS, ORDERS, PAYMENTS, OVERDUE, SUPPLY)
"""Public topics keyed by customer, in the order in which records of equal time are merged."""
PUBLIC_BROADCASTS: tuple[str, ...] = (MARKET, POLICY)
"""Public topics that concern every customer."""
RELAYED_TOPICS: tuple[str, ...] = (*PUBLIC_BROADCASTS, PARTITION_REPORTS)
"""Each partition of BROADCASTS gets a copy of what stands in them."""
MERGED_TOPICS: tuple[str, ...] = (TICKS, BROADCASTS, *CUSTOMER_TOPICS)
"""What becomes a partition of the log, in the order in which records of equal time are merged."""
