"""What the engine takes in: alerts and order decisions of the feed, what people set, how fresh the topics are."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from alerts.routing.state import Silence
from models.calendar import MS_PER_HOUR, to_ms
from schemas.decisions import AlertKind, AlertOut, Decision, ModelNoteOut, OrderOut
from schemas.envelope import Severity

REVIEW = "REVIEW"
"""The cause kind of an alert about a tightening that waits for a person."""


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """A credit alert, as far as the engine looks into it; ``event`` is the whole of it as JSON.

    ``review``: the state of a tightening that the brake stopped, which would lead to ``review_to``; ``aged``: it is
    told again because it waits for long. ``at_least``: the severity of one that stopped holds, which leads to no level.
    """

    event_id: str
    customer: str
    sequence: int
    kind: AlertKind
    cause_kind: str
    level: str
    level_before: str
    labels: dict[str, str] = field(default_factory=dict)
    at_stake: dict[str, Decimal] = field(default_factory=dict)
    caps: tuple[str, ...] = ()
    retracts: str | None = None
    because: str | None = None
    review: str = ""
    review_to: str = ""
    aged: bool = False
    at_least: Severity = Severity.INFO
    event: str = ""


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """An order decision; ``at`` in ms."""

    customer: str
    order_id: str
    held: bool
    amount: str
    currency: str
    at: int


@dataclass(frozen=True, slots=True)
class SilenceSet:
    """People set a silence, or changed it."""

    silence: Silence


@dataclass(frozen=True, slots=True)
class SilenceGone:
    """A silence was deleted."""

    silence_id: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person has taken note of an alert as it was when ``worsened`` was its last event."""

    key: str
    worsened: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FreshnessSeen:
    """The newest record of a topic, and the time that it is compared with (both ms)."""

    topic: str
    newest: int
    at: int


@dataclass(frozen=True, slots=True)
class PaymentsSeen:
    """The engine's word on the payments feed of a partition: stale, or heard again; times and limit in ms."""

    event_id: str
    partition: str
    stale: bool
    newest: int
    limit: int


Input = AlertSeen | OrderSeen | SilenceSet | SilenceGone | Acknowledged | FreshnessSeen | PaymentsSeen


def alert_seen(event: AlertOut) -> AlertSeen:
    """The input of an alert event. The head of a group belongs to it, whether its own master data say so or not."""
    alert, master = event.data, event.data.master
    labels = {
        "name": master.name,
        "sector": master.sector,
        "segment": master.segment,
        "region": master.region,
        "owner": master.owner,
        "group": master.group_parent or event.subject,
        "provisional": "true" if alert.provisional else "false",
    }
    return AlertSeen(
        event_id=event.id,
        customer=event.subject,
        sequence=int(event.sequence),
        kind=alert.kind,
        cause_kind=alert.cause_kind if alert.review is None else REVIEW,
        level=alert.level.value,
        level_before=alert.level_before.value,
        labels={name: value for name, value in labels.items() if value},
        at_stake={str(currency): amount for currency, amount in alert.at_stake.items()},
        caps=tuple(cap.code for cap in alert.caps),
        retracts=alert.retracts,
        because=alert.retracts_because,
        review=alert.review.state if alert.review else "",
        review_to=alert.review.to_level.value if alert.review else "",
        at_least=event.severity if alert.review is not None and alert.review.order_ids else Severity.INFO,
        aged=alert.review is not None and alert.review.waited_days is not None,
        event=event.model_dump_json(),
    )


def order_seen(event: OrderOut) -> OrderSeen:
    """The input of an order decision."""
    order = event.data
    held = order.decision is Decision.HOLD
    return OrderSeen(event.subject, order.order_id, held, str(order.amount), str(order.currency), to_ms(event.time))


def payments_seen(event: ModelNoteOut) -> PaymentsSeen | None:
    """The input of a note about the payments feed; None for notes about models."""
    note = event.data
    if note.kind not in ("payments_stale", "payments_back"):
        return None
    newest = to_ms(event.time) - round(note.statistic * MS_PER_HOUR)
    limit = round(note.threshold * MS_PER_HOUR)
    return PaymentsSeen(event.id, event.subject, note.kind == "payments_stale", newest, limit)
