"""Options of views: texts that a caller gives, checked here and bound by the server, never part of the SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from schemas.errors import InvalidInput

MAX_TEXT: Final = 200
FIRST_DAY: Final = "1970-01-01"
LAST_DAY: Final = "2149-06-06"
"""The days that ClickHouse's Date can hold."""

Kind = Literal["String", "Date", "Float64", "Bool"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a view.

    ``where``: the condition it adds, with the value as ``{name:Type}``. Without one it is a parameter of the view
    itself, which has ``default`` (a text, as a caller would give it) unless the caller gives one.
    """

    kind: Kind
    where: str = ""
    default: str | None = None


def equals(column: str) -> Option:
    """Rows whose column is one of the texts given, with commas between."""
    return Option("String", f"has(splitByChar(',', {{{column}:String}}), toString({column}))")


def from_day(column: str = "day") -> Option:
    """Rows of this day (UTC) and later."""
    return Option("Date", f"toDate({column}) >= {{from_day:Date}}")


def to_day(column: str = "day") -> Option:
    """Rows up to this day (UTC), itself included."""
    return Option("Date", f"toDate({column}) <= {{to_day:Date}}")


def bound(options: Mapping[str, Option], given: Mapping[str, str]) -> tuple[str, list[str], dict[str, Any]]:
    """What the options given make of a query: arguments of the view, conditions, values to bind.

    Raises:
        InvalidInput: an option that the view does not have, or a value that is none; names the option.
    """
    for name in given:
        if name not in options:
            known = f"there are: {', '.join(options)}" if options else "there are none"
            raise InvalidInput("unknown_parameter", f"there is no option {name[:80]!r}; {known}", field=name[:80])
    arguments, conditions, values = [], [], {}
    for name, option in options.items():
        text = given.get(name, option.default)
        if text is None:
            continue
        values[name] = _value(name, option.kind, text)
        if option.where:
            conditions.append(f"({option.where})")
        else:
            arguments.append(f"{name}={{{name}:{option.kind}}}")
    return f"({', '.join(arguments)})" if arguments else "", conditions, values


def order_by(sort: str | None, sorts: tuple[str, ...], order: str) -> str:
    """ORDER BY of a page: by the column asked for (``-`` in front: downwards, NULL last), then the view's own order.

    Raises:
        InvalidInput: the view cannot be sorted by it.
    """
    if sort is None:
        return order
    column = sort.removeprefix("-")
    if column not in sorts:
        known = f"there are: {', '.join(sorts)}" if sorts else "this view has one order"
        raise InvalidInput("sort", f"cannot sort by {column[:80]!r}; {known}", field="sort")
    return f"{column} {'DESC' if sort.startswith('-') else 'ASC'} NULLS LAST, {order}"


def _value(name: str, kind: Kind, text: str) -> str | date | float | bool:
    try:
        if kind == "Date":
            day = date.fromisoformat(text)
            if not date.fromisoformat(FIRST_DAY) <= day <= date.fromisoformat(LAST_DAY):
                raise ValueError
            return day
        if kind == "Float64":
            return float(text)
        if kind == "Bool":
            return {"true": True, "false": False}[text]
    except (ValueError, KeyError):
        wanted = {"Date": "a day, e.g. 2026-03-31", "Float64": "a number", "Bool": "true or false"}[kind]
        raise InvalidInput(name, f"{name} must be {wanted}, is {text[:40]!r}", field=name) from None
    if len(text) > MAX_TEXT:
        raise InvalidInput(name, f"{name} must have at most {MAX_TEXT} characters", field=name)
    return text
