"""Turn records of the archived topics into rows: typed columns for the views, and the whole event beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from models.calendar import to_ms
from schemas.audit import CheckpointOut
from schemas.decisions import AlertOut, Assessment, DeadLetterOut, Exposure, LevelOut, ModelNoteOut, OrderOut, Reason
from schemas.deliveries import DeliveryOut
from schemas.envelope import CloudEvent
from schemas.log import LogEntry, Source
from schemas.topics import (
    ALERTS,
    AUDIT_CHECKPOINTS,
    BY_NAME,
    DEAD_LETTERS,
    DELIVERIES,
    LEVELS,
    LOG,
    MODEL_LOG,
    ORDER_DECISIONS,
)
from streams.record import Record

ARCHIVED: Final = (LOG, LEVELS, ALERTS, ORDER_DECISIONS, MODEL_LOG, AUDIT_CHECKPOINTS, DELIVERIES, DEAD_LETTERS)
"""The topics that the archive reads, by their name without prefix; the topic audit is read by streams.audit."""

_MAX_MESSAGE = 2000
_UNIT = Decimal("0.0001")
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Values for ``table`` in the order of ``COLUMNS[table]``, and the record that they came from."""

    table: str
    values: Values
    record: Record


REJECTS: Final = "archive_rejects"
_CAUSE = ("cause_type", "cause_topic", "cause_partition", "cause_offset")
_OUT = ("out_partition", "out_offset", "event")
_HEAD = ("customer_id", "id", "time", "recorded_time", "severity", "sequence")
_EXPOSURE = (
    "open_orders",
    "open_invoices",
    "unapplied_cash",
    "exposure",
    "credit_limit",
    "headroom",
    "utilisation",
    "overdue",
    "oldest_days_past_due",
)
_TABLES: Final = {
    LOG: "raw_log",
    LEVELS: "raw_levels",
    ALERTS: "raw_alerts",
    ORDER_DECISIONS: "raw_order_decisions",
    MODEL_LOG: "raw_model_log",
    AUDIT_CHECKPOINTS: "raw_audit_checkpoints",
    DELIVERIES: "raw_deliveries",
    DEAD_LETTERS: "raw_dead_letters",
}
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "raw_log": (
        *("customer_id", "event_id", "source_topic", "source_partition", "source_offset"),
        *("log_partition", "log_offset", "time", "received_at", "occurred_at", "type", "currency", "amount"),
        *("invoice_id", "order_id", "payment_id", "issue_date", "due_date", "as_of", "paid_at"),
        *("days_past_due", "terms_days", "event"),
    ),
    "raw_levels": (
        *_HEAD,
        *("level", "level_before", "score", "score_before", "provisional", "probability", "probability_low"),
        *("probability_high", "bad_event", "horizon_days", "evidence", "terms_days", "deposit_share"),
        *("order_measure", "reason_codes", "reason_points", "cap_codes", "exposures"),
        *_CAUSE,
        *("policy_version", "model_version"),
        *_OUT,
    ),
    "raw_alerts": (
        *_HEAD,
        *("kind", "cause_kind", "level", "level_before", "score", "score_before", "provisional", "probability"),
        *("bad_event", "horizon_days", "at_stake", "reason_codes", "reason_points", "cap_codes", "retracts"),
        "retracts_because",
        *_CAUSE,
        *("policy_version", "model_version"),
        *_OUT,
    ),
    "raw_order_decisions": (
        *_HEAD,
        *("order_id", "decision", "amount", "currency", "level", "check_codes"),
        *_EXPOSURE,
        *_CAUSE,
        "policy_version",
        *_OUT,
    ),
    "raw_model_log": (
        *("id", "time", "recorded_time", "severity", "sequence", "partition", "task", "kind", "statistic"),
        *("threshold", "outcomes", "mean_probability", "rate", "model_version", "policy_version"),
        *_OUT,
    ),
    "raw_audit_checkpoints": ("id", "time", "recorded_time", "partition", "tree_size", "hash", "root", *_OUT),
    "raw_deliveries": (
        *("subscription_id", "id", "time", "severity", "sequence", "customer_id", "event_id", "event_type"),
        *("attempt", "outcome", "status", "error", "latency_ms"),
        *_OUT,
    ),
    "raw_dead_letters": (
        *("id", "time", "recorded_time", "source_topic", "source_partition", "source_offset", "reason_code"),
        *("message", "field", "key_base64", "value_base64", "record_time", "out_partition", "out_offset"),
    ),
    REJECTS: ("topic", "partition", "offset", "reason_code", "message", "record_time", "key", "value"),
}


def to_row(record: Record) -> Row:
    """The row of a record; a record that is not what its topic's contract says becomes a row of the rejects."""
    if record.value is None:
        return reject(record, "no_value", "the record has no value")
    try:
        content = BY_NAME[record.topic].contract.validate_json(record.value)
        return Row(_TABLES[record.topic], _ROWS[record.topic](content, record), record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return reject(record, "not_the_contract", f"{where}: {first['msg']}" if where else first["msg"])
    except (ArithmeticError, ValueError) as error:
        return reject(record, "not_storable", f"{type(error).__name__}: {error}")


def reject(record: Record, code: str, message: str) -> Row:
    """The row that keeps a record raw, with the reason why it stands nowhere else."""
    where = (record.topic, record.partition, record.offset)
    text = message[:_MAX_MESSAGE].encode("utf-8", "replace").decode()
    return Row(REJECTS, (*where, code, text, record.timestamp, record.key, record.value), record)


def _money(value: Decimal) -> Decimal:
    # The client would cut off what does not fit the column's scale; the quantum also refuses NaN and overflow.
    return value.quantize(_UNIT)


def _money_or_none(value: Decimal | None) -> Decimal | None:
    return None if value is None else _money(value)


def _ms(value: datetime) -> int:
    if value.tzinfo is None:
        raise ValueError(f"time without a time zone: {value.isoformat()}")
    return to_ms(value)


def _log_row(entry: LogEntry, record: Record) -> Values:
    event: Any = entry.event

    def get(name: str, default: Any = None) -> Any:
        return getattr(event, name, default)

    amount = get("amount", get("outstanding_amount"))
    paid_at = get("paid_at")
    return (
        *(get("customer_id", ""), event.event_id, entry.source.topic, entry.source.partition, entry.source.offset),
        *(record.partition, record.offset, _ms(entry.time), _ms(entry.received_at), _ms(event.occurred_at)),
        *(event.type, get("currency") or "", _money_or_none(amount)),
        *(get("invoice_id") or "", get("order_id") or "", get("payment_id") or ""),
        *(get("issue_date"), get("due_date"), get("as_of"), None if paid_at is None else _ms(paid_at)),
        *(get("days_past_due"), get("terms_days"), event.model_dump_json()),
    )


def _head(out: CloudEvent[Any]) -> Values:
    times = (_ms(out.time), _ms(out.recordedtime))
    return (out.subject, out.id, *times, out.severity.value, int(out.sequence))


def _cause(cause: Source, cause_type: str) -> Values:
    return (cause_type, cause.topic, cause.partition, cause.offset)


def _tail(record: Record) -> Values:
    return (record.partition, record.offset, (record.value or b"").decode())


def _reasons(state: Assessment) -> Values:
    def codes(reasons: Sequence[Reason]) -> list[str]:
        return [reason.code for reason in reasons]

    return (codes(state.reasons), [reason.contribution for reason in state.reasons], codes(state.caps))


def _exposure(exposure: Exposure) -> Values:
    return (
        _money(exposure.open_orders),
        _money(exposure.open_invoices),
        _money(exposure.unapplied_cash),
        _money(exposure.exposure),
        _money_or_none(exposure.limit),
        _money_or_none(exposure.headroom),
        exposure.utilisation,
        _money(exposure.overdue),
        exposure.oldest_days_past_due,
    )


def _level_row(out: LevelOut, record: Record) -> Values:
    data, risk = out.data, out.data.default_risk
    return (
        *_head(out),
        *(data.level.value, data.level_before.value, data.score, data.score_before, data.provisional),
        *(risk.probability, risk.low, risk.high, risk.bad_event, risk.horizon_days, risk.evidence),
        *(data.measures.terms_days, data.measures.deposit_share, data.measures.orders),
        *_reasons(data),
        [(item.currency, *_exposure(item)) for item in data.exposures],
        *_cause(data.cause, data.cause_type),
        *(data.policy_version, data.model_version),
        *_tail(record),
    )


def _alert_row(out: AlertOut, record: Record) -> Values:
    data, risk = out.data, out.data.default_risk
    return (
        *_head(out),
        *(data.kind.value, data.cause_kind, data.level.value, data.level_before.value),
        *(data.score, data.score_before, data.provisional, risk.probability, risk.bad_event, risk.horizon_days),
        [(currency, _money(amount)) for currency, amount in data.at_stake.items()],
        *_reasons(data),
        *(data.retracts or "", data.retracts_because or ""),
        *_cause(data.cause, data.cause_type),
        *(data.policy_version, data.model_version),
        *_tail(record),
    )


def _order_row(out: OrderOut, record: Record) -> Values:
    data = out.data
    return (
        *_head(out),
        *(data.order_id, data.decision.value, _money(data.amount), data.currency, data.level.value),
        [check.code for check in data.checks],
        *_exposure(data.exposure),
        *_cause(data.cause, data.cause_type),
        data.policy_version,
        *_tail(record),
    )


def _model_note_row(out: ModelNoteOut, record: Record) -> Values:
    data = out.data
    return (
        *(out.id, _ms(out.time), _ms(out.recordedtime), out.severity.value, int(out.sequence)),
        *(data.partition, data.task, data.kind, data.statistic, data.threshold, data.outcomes),
        *(data.mean_probability, data.rate, data.model_version, data.policy_version),
        *_tail(record),
    )


def _checkpoint_row(out: CheckpointOut, record: Record) -> Values:
    data = out.data
    times = (_ms(out.time), _ms(out.recordedtime))
    return (out.id, *times, data.partition, data.tree_size, data.hash, data.root, *_tail(record))


def _delivery_row(out: DeliveryOut, record: Record) -> Values:
    data = out.data
    return (
        *(out.subject, out.id, _ms(out.time), out.severity.value, int(out.sequence)),
        *(data.customer, data.event_id, data.event_type, data.attempt, data.outcome),
        *(data.status, data.error or "", data.latency_ms),
        *_tail(record),
    )


def _dead_letter_row(out: DeadLetterOut, record: Record) -> Values:
    data = out.data
    return (
        *(out.id, _ms(out.time), _ms(out.recordedtime)),
        *(data.source.topic, data.source.partition, data.source.offset, data.reason_code, data.message),
        *(data.field or "", data.key_base64, data.value_base64, _ms(data.record_time)),
        *(record.partition, record.offset),
    )


_ROWS: Final[dict[str, Callable[[Any, Record], Values]]] = {
    LOG: _log_row,
    LEVELS: _level_row,
    ALERTS: _alert_row,
    ORDER_DECISIONS: _order_row,
    MODEL_LOG: _model_note_row,
    AUDIT_CHECKPOINTS: _checkpoint_row,
    DELIVERIES: _delivery_row,
    DEAD_LETTERS: _dead_letter_row,
}
