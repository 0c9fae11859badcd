"""The views that others may read: how each is ordered, and which of them can be narrowed to one customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from schemas.errors import InvalidInput
from streams.archive.errors import NotFound
from streams.archive.options import FIRST_DAY, LAST_DAY, Option, bound, equals, from_day, order_by, to_day

MAX_LIMIT: Final = 10_000
MAX_OFFSET: Final = 10_000_000
DEFAULT_LIMIT: Final = 100
MAX_ID: Final = 64


@dataclass(frozen=True, slots=True)
class View:
    """``order`` makes pages stable (it ends in a key of the view); ``per_customer``: it has a customer_id.

    ``options`` narrow it or are parameters of the view; ``sorts``: columns by which it can be sorted instead.
    """

    order: str
    per_customer: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    sorts: tuple[str, ...] = ()


def _is(column: str) -> Option:
    """Rows whose column is this text: ids may hold commas."""
    return Option("String", f"{column} = {{{column}:String}}")


_SOURCE: Final = "source_topic, '[', toString(source_partition), ']@', toString(source_offset)"
_PERIOD: Final = {"from_day": from_day(), "to_day": to_day()}
_LGD: Final = {"lgd": Option("Float64", default="0.5")}
_DAYS: Final = {"from_day": Option("Date", default=FIRST_DAY), "to_day": Option("Date", default=LAST_DAY)}


VIEWS: Final[dict[str, View]] = {
    "events": View(
        "time, log_partition, log_offset",
        per_customer=True,
        options={name: _is(name) for name in ("invoice_id", "order_id", "event_id")}
        | {"source": Option("String", f"concat({_SOURCE}) = {{source:String}}")},
    ),
    "book_day": View("as_of"),
    "invoice_ledger": View("customer_id, invoice_id", per_customer=True),
    "order_ledger": View("customer_id, order_id", per_customer=True),
    "receivable_moves": View("customer_id, invoice_id, day, kind, open_change", per_customer=True),
    "open_items": View("days_past_due DESC, customer_id, invoice_id", per_customer=True),
    "dpd_ageing": View("currency, bucket_order"),
    "roll_rates": View("currency, month, bucket_order"),
    "dso": View("currency"),
    "dso_countback": View("currency"),
    "cei": View("currency, month"),
    "receivables_over_time": View("currency, month"),
    "disputes": View("customer_id, invoice_id", per_customer=True),
    "invoice_outcomes": View(
        "customer_id, invoice_id",
        per_customer=True,
        options={"from_day": from_day("due_date"), "to_day": to_day("due_date")},
    ),
    "customer_exposure": View("customer_id, currency", per_customer=True),
    "deliveries": View("customer_id, delivered_date, event_id", per_customer=True),
    "prices": View("customer_id, occurred_at, event_id", per_customer=True),
    "payment_behaviour": View(
        "customer_id, paid_day, invoice_id",
        per_customer=True,
        options={"from_day": from_day("paid_day"), "to_day": to_day("paid_day")},
    ),
    "level_history": View("customer_id, sequence, id", per_customer=True, sorts=("valid_from",)),
    "current_levels": View("customer_id", per_customer=True),
    "alerts": View("time DESC, customer_id, sequence DESC, id", per_customer=True, options={"id": _is("id")}),
    "severe_events": View(
        "day DESC, customer_id",
        per_customer=True,
        options={"warned": Option("Bool", "warned = {warned:Bool}"), **_PERIOD},
    ),
    "tightening_reviews": View("since, customer_id", per_customer=True),
    "order_decisions": View("time DESC, customer_id, sequence DESC, id", per_customer=True),
    "graded_tightenings": View(
        "time DESC, customer_id, alert_id",
        per_customer=True,
        options={name: equals(name) for name in ("grade", "policy_version", "model", "level", "cause_kind")} | _PERIOD,
    ),
    "tightening_grades": View(
        "policy_version, model", options={"policy_version": equals("policy_version"), "model": equals("model"), **_DAYS}
    ),
    "open_holds": View(
        "held_since, customer_id, order_id",
        per_customer=True,
        options={name: equals(name) for name in ("level", "currency")},
        sorts=("amount", "held_since", "customer_id"),
    ),
    "model_log": View(
        "time DESC, partition, sequence DESC, id",
        options={name: equals(name) for name in ("kind", "task")}
        | {"from_day": from_day("time"), "to_day": to_day("time")},
    ),
    "audit": View("partition, sequence", per_customer=True, sorts=("sequence",)),
    "audit_checkpoints": View("partition, tree_size, id"),
    "model_quality": View(
        "task, month DESC, partition",
        options={name: equals(name) for name in ("task", "model")}
        | {"from_day": from_day("month"), "to_day": to_day("month")},
    ),
    "dead_letters": View("source_topic, source_partition, source_offset, id", sorts=("recorded_time",)),
    "webhook_deliveries": View(
        "time DESC, subscription_id, sequence DESC, id",
        per_customer=True,
        options={name: equals(name) for name in ("subscription_id", "outcome")},
    ),
    "webhook_endpoints": View("subscription_id"),
    "rejects": View("topic, partition, offset"),
    "portfolio_by_level_over_time": View("day, level", options=_PERIOD),
    "migration_matrix": View("level_before, level_after", options=_DAYS),
    "score_trend": View("customer_id", per_customer=True),
    "expected_loss": View("currency, level", options=_LGD),
    "provision_matrix": View("currency, bucket_order", options=_LGD),
    "exposure_by_level_over_time": View("day, level, currency", options={"currency": equals("currency"), **_PERIOD}),
    "customers": View("customer_id", per_customer=True),
    "customer_timeline": View("time, recorded_time, rank, position, id", per_customer=True),
    "data_freshness": View("topic"),
    "data_quality": View("topic, source"),
    "label_maturity": View("month"),
}

Query = tuple[str, dict[str, Any]]


def view_query(
    name: str,
    *,
    customer_id: str | None = None,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
    options: Mapping[str, str] | None = None,
) -> Query:
    """SQL and parameters for a page of a view. Names come from ``VIEWS``, everything else is bound by the server.

    ``options``: those of the view as texts, and ``sort``: a column of ``View.sorts``, downwards with ``-`` before it.

    Raises:
        NotFound: no such view.
        InvalidInput: limit, offset, customer or an option are not what the view can answer.
    """
    view = VIEWS.get(name)
    if view is None:
        raise NotFound(f"there is no view {name[:80]!r}; there are: {', '.join(VIEWS)}")
    _within("limit", limit, 1, MAX_LIMIT)
    _within("offset", offset, 0, MAX_OFFSET)
    rest = dict(options or {})
    order = order_by(rest.pop("sort", None), view.sorts, view.order)
    arguments, conditions, parameters = bound(view.options, rest)
    if customer_id is not None:
        if not view.per_customer:
            raise InvalidInput("customer_id", f"view {name} knows no customers", field="customer_id")
        parameters["customer_id"] = checked_id(customer_id)
        conditions.append("customer_id = {customer_id:String}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    parameters |= {"limit": limit, "offset": offset}
    sql = f"SELECT * FROM {name}{arguments}{where} ORDER BY {order} LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}"  # noqa: S608
    return sql, parameters


def timeline_query(customer_id: str, newest: int) -> Query:
    """The newest entries of a customer's timeline, newest first; raises ``InvalidInput``."""
    _within("timeline", newest, 0, MAX_LIMIT)
    order = ", ".join(f"{column} DESC" for column in VIEWS["customer_timeline"].order.split(", "))
    sql = (
        "SELECT * FROM customer_timeline WHERE customer_id = {customer_id:String} "  # noqa: S608
        f"ORDER BY {order} LIMIT {{limit:UInt32}}"
    )
    return sql, {"customer_id": checked_id(customer_id), "limit": newest}


def checked_id(customer_id: str) -> str:
    """The id, or ``InvalidInput`` when no customer can have it."""
    if not 1 <= len(customer_id) <= MAX_ID:
        raise InvalidInput("customer_id", f"customer_id must have 1 to {MAX_ID} characters", field="customer_id")
    return customer_id


def _within(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(field, f"{field} must lie between {low} and {high}, is {value}", field=field)


def jsonable(value: Any) -> Any:
    """A value of a row as JSON can hold it: money as exact text, times as ISO 8601 in UTC, NaN and infinity as null."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value
