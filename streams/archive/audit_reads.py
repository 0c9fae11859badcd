"""The audit trail as checks and exports read it: by partition and sequence, page by page, whatever its length."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from models.calendar import to_ms
from schemas.errors import InvalidInput
from schemas.fields import UtcTime
from streams.archive.catalog import checked_id, jsonable
from streams.archive.errors import NotFound
from streams.archive.reads import Answer, Database

_TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)
_WHOLE = (
    "partition, sequence, previous_hash, hash, leaf, log_offset, entry_index, kind, type, customer_id, id, by, time, "
    "recorded_time, policy_version, model_version, record"
)
_SPANS = (
    "SELECT partition, min(sequence) AS first, max(sequence) AS last FROM audit_entries "
    "WHERE toUnixTimestamp64Milli(time) BETWEEN {since:Int64} AND {until:Int64} GROUP BY partition ORDER BY partition"
)
_PAGE = (
    "FROM audit_entries FINAL WHERE partition = {partition:UInt32} AND sequence >= {first:UInt64} "
    "ORDER BY sequence LIMIT {limit:UInt32}"
)
_OF_CUSTOMER = (
    f"SELECT {_WHOLE} FROM audit_entries FINAL WHERE customer_id = {{customer_id:String}} "  # noqa: S608
    "AND (partition, sequence) >= ({partition:UInt32}, {first:UInt64}) "
    "ORDER BY partition, sequence LIMIT {limit:UInt32}"
)
_QUERIES: Final[dict[str, tuple[str, tuple[str, ...], int]]] = {
    "spans": (_SPANS, ("since", "until"), 0),
    "entries": (f"SELECT {_WHOLE} {_PAGE}", ("partition", "first", "limit"), 2_000),
    "leaves": (f"SELECT sequence, leaf {_PAGE}", ("partition", "first", "limit"), 50_000),
    "customer": (_OF_CUSTOMER, ("customer_id", "partition", "first", "limit"), 2_000),
}
"""SQL, parameters, most rows of a page."""


async def read_audit(database: Database, kind: str, given: Mapping[str, str]) -> list[Answer]:
    """Rows of the audit trail.

    ``spans``: first and last sequence of each partition, within event times ``since`` and ``until`` (ISO 8601).
    ``entries``, ``leaves``: ``limit`` entries of ``partition`` from sequence ``first`` on, whole or their leaf hashes.
    ``customer``: entries of ``customer_id`` from (``partition``, ``first``) on. Without ``limit`` as many as one may
    ask for.

    Raises:
        NotFound: no such kind.
        InvalidInput: an unknown parameter, or one that is not what it should be.
        Unavailable, StatementFailed: as in ``ClickHouse.query``.
    """
    if kind not in _QUERIES:
        raise NotFound(f"there is no /v1/audit/{kind[:80]}; there are: {', '.join(_QUERIES)}")
    sql, names, most = _QUERIES[kind]
    for name in given:
        if name not in names:
            there = ", ".join(names)
            raise InvalidInput(
                "unknown_parameter", f"there is no parameter {name[:80]!r}; there are: {there}", name[:80]
            )
    parameters = {name: _READERS[name](name, given.get(name), most) for name in names}
    return [jsonable(row) for row in await database.query(sql, parameters)]


def _number(name: str, text: str | None, most: int) -> int:
    return _bounded(name, text, 0, 2**32 - 1 if name == "partition" else 2**63 - 1)


def _limit(name: str, text: str | None, most: int) -> int:
    return most if text is None else _bounded(name, text, 1, most)


def _bounded(name: str, text: str | None, low: int, high: int) -> int:
    if text is None:
        return low
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and low <= int(text) <= high):
        raise InvalidInput(name, f"{name} must be a whole number from {low} to {high}, is {text[:40]!r}", field=name)
    return int(text)


def _customer(name: str, text: str | None, most: int) -> str:
    return checked_id(text or "")


def _time(name: str, text: str | None, most: int) -> int:
    if text is None:
        return 0 if name == "since" else 2**62
    try:
        return to_ms(_TIME.validate_python(text))
    except ValidationError as error:
        raise InvalidInput(name, f"{name}: {error.errors()[0]['msg']}", field=name) from error


_READERS: Final = {
    "partition": _number,
    "first": _number,
    "limit": _limit,
    "customer_id": _customer,
    "since": _time,
    "until": _time,
}
