"""What people may ask the archive, answered from its views: the same answers for the API and for a reader's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from streams.archive.catalog import DEFAULT_LIMIT, checked_id, jsonable, timeline_query, view_query
from streams.archive.errors import NotFound

DEFAULT_TIMELINE = 20
_UNIT = Decimal("0.0001")
Answer = dict[str, Any]


class Database(Protocol):
    """What reads need of ``ClickHouse``."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT."""
        ...


async def read_view(
    database: Database,
    name: str,
    customer_id: str | None = None,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
    options: Mapping[str, str] | None = None,
) -> list[Answer]:
    """A page of a view as JSON can hold it: money as text, times as ISO 8601 in UTC.

    Raises:
        NotFound, InvalidInput: as in ``view_query``.
        Unavailable, StatementFailed: as in ``ClickHouse.query``.
    """
    sql, parameters = view_query(name, customer_id=customer_id, limit=limit, offset=offset, options=options)
    return [jsonable(row) for row in await database.query(sql, parameters)]


async def read_customer(database: Database, customer_id: str, timeline: int = DEFAULT_TIMELINE) -> Answer:
    """All about one customer, in one object.

    ``customer_id, name, segment, sector, region, group_parent, owner, first_seen, last_seen, events``: from the log;
    ``level`` (UNRATED until it was assessed), ``level_before, since, decided_at, score`` (0 to 1000, null before the
    first assessment), ``score_before, provisional, level_range, default_risk, measures, reasons, caps, opinions,
    limit_basis, policy_version, model_version``: the latest decision, its parts as in the event
    (schemas.decisions.Assessment);
    ``as_of, exposures``: per currency, from the log as of the day of the book, beside the limit of the latest
    decision; ``way_back``: of the newest alert if it is a tightening, else null; ``timeline``: newest first, each
    ``time, recorded_time, kind, type, severity, summary, id, event``.

    Raises:
        NotFound: neither the log nor a decision names the customer.
        InvalidInput: no customer can have this id, or ``timeline`` is out of bounds.
        Unavailable, StatementFailed: as in ``ClickHouse.query``.
    """
    customer_id = checked_id(customer_id)
    history = timeline_query(customer_id, timeline)
    known = await _rows(database, "customers", customer_id)
    decided = await _rows(database, "current_levels", customer_id)
    if not known and not decided:
        raise NotFound(f"the archive knows no customer {customer_id!r}")
    master = known[0] if known else {"customer_id": customer_id}
    names = ("customer_id", "name", "segment", "sector", "region", "group_parent", "owner")
    answer = {
        **{name: master.get(name) or None for name in names},
        "first_seen": master.get("first_seen"),
        "last_seen": master.get("last_seen"),
        "events": master.get("events", 0),
    }
    decision = json.loads(decided[0]["event"])["data"] if decided else {}
    day = (await database.query("SELECT as_of FROM book_day"))[0]["as_of"]
    answer |= _decision(decided[0] if decided else {}, decision)
    answer["as_of"] = day
    answer["exposures"] = _exposures(await _rows(database, "customer_exposure", customer_id), decision)
    answer["way_back"] = _way_back(await _rows(database, "alerts", customer_id, limit=1))
    answer["timeline"] = [_entry(row) for row in await database.query(*history)]
    found: Answer = jsonable(answer)
    return found


async def _rows(database: Database, view: str, customer_id: str, limit: int = DEFAULT_LIMIT) -> list[Answer]:
    return await database.query(*view_query(view, customer_id=customer_id, limit=limit))


def _decision(row: Answer, data: Answer) -> Answer:
    parts = ("level_before", "score", "score_before", "default_risk", "measures", "policy_version", "model_version")
    return {
        "level": data.get("level", "UNRATED"),
        "since": row.get("since"),
        "decided_at": row.get("decided_at"),
        "provisional": data.get("provisional", True),
        "level_range": data.get("level_range"),
        **{part: data.get(part) for part in parts},
        "reasons": data.get("reasons", []),
        "caps": data.get("caps", []),
        "opinions": data.get("opinions", []),
        "limit_basis": data.get("limit_basis", []),
    }


def _exposures(rows: list[Answer], decision: Answer) -> list[Answer]:
    """Exposure now beside the limit decided last; a limit without anything open has a row too."""
    limits = {item["currency"]: item["limit"] for item in decision.get("exposures", ())}
    zero = dict.fromkeys(
        ("open_orders", "open_invoices", "unapplied_cash", "exposure", "overdue", "disputed"), Decimal(0)
    )
    by_currency: dict[str, Answer] = {currency: zero | {"oldest_days_past_due": 0} for currency in limits}
    for row in rows:
        by_currency[row["currency"]] = {name: row[name] for name in (*zero, "oldest_days_past_due")}
    found = []
    for currency, item in sorted(by_currency.items()):
        limit = None if limits.get(currency) is None else Decimal(limits[currency]).quantize(_UNIT)
        found.append(
            {
                "currency": currency,
                **item,
                "limit": limit,
                "headroom": None if limit is None else limit - item["exposure"],
                "utilisation": float(item["exposure"] / limit) if limit else None,
            }
        )
    return found


def _way_back(newest_alert: list[Answer]) -> Any:
    if not newest_alert or newest_alert[0]["kind"] != "tightening" or newest_alert[0]["retracted_by"]:
        return None
    return json.loads(newest_alert[0]["event"])["data"].get("way_back")


def _entry(row: Answer) -> Answer:
    names = ("time", "recorded_time", "kind", "type", "severity", "summary", "id")
    return {**{name: row[name] for name in names}, "event": json.loads(row["event"])}
