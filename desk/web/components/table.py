"""Tables (AG Grid): columns say what they hold, rows are plain values, cells show text in the user's language.

Each value goes to the browser as it is, to sort and filter by, with the text that is shown beside it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import resources
from typing import Any, Literal

import yaml
from nicegui import ui
from nicegui.elements.aggrid import AgGrid

from desk.web.components.basics import level_look
from desk.web.frame import Frame, Words

Kind = Literal[
    "text", "code", "level", "link", "number", "signed", "percent", "money", "days", "day", "time", "badge", "spark"
]
_LINE, _PADDING = 17, 12
"""Pixels; as in desk.css."""
_NUMBERS = frozenset({"number", "signed", "percent", "money", "days"})
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``field`` of the row, head (text, already translated), kind, width in pixels (None: what is left).

    ``lines``: a text may take so many, the rest of it is in a tooltip; ``decimals`` of numbers; ``currency``: the row's
    field that names the currency of money; ``target``: of a link, the row's address; ``look``: of a badge, the row's
    text, icon and look; both depend on the row alone.
    """

    field: str
    head: str
    kind: Kind = "text"
    width: int | None = None
    lines: int = 1
    decimals: int = 0
    currency: str = ""
    target: Callable[[Row], str | None] | None = None
    look: Callable[[Row], tuple[str, str, str] | None] | None = None
    sortable: bool = True
    pinned: bool = False
    hidden: bool = False
    about: str = ""


def cells(frame: Words, columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """A row as the browser gets it: FIELD to sort by, FIELD_t to show, FIELD_b for badges, FIELD_l for links."""
    found: dict[str, Any] = {}
    for column in columns:
        value = row.get(column.field)
        found[column.field] = _sortable(value)
        if column.kind == "level":
            text = frame.code(str(value)) if value else ""
            found[f"{column.field}_t"] = text
            if value:
                found[f"{column.field}_b"] = {**level_look(str(value)), "text": text}
        elif column.kind == "badge":
            look = column.look(row) if column.look is not None else None
            found[f"{column.field}_t"] = "" if look is None else look[0]
            if look is not None:
                found[f"{column.field}_b"] = {"text": look[0], "icon": look[1], "look": look[2]}
        elif column.kind != "spark":
            found[f"{column.field}_t"] = shown(frame, column, row)
        if column.target is not None:
            found[f"{column.field}_l"] = column.target(row)
    return found


def shown(frame: Words, column: Column, row: Row) -> str:
    """The text of a cell."""
    f, value = frame.f, row.get(column.field)
    match column.kind:
        case "code" | "level":
            return frame.code(str(value)) if value else ""
        case "number":
            return f.number(value, column.decimals)
        case "signed":
            return f.number(value, column.decimals, signed=True)
        case "percent":
            return f.percent(value, column.decimals)
        case "money":
            return f.money(value, str(row.get(column.currency, "")) if column.currency else "")
        case "days":
            return f.days(value, column.decimals)
        case "day":
            return f.day(value)
        case "time":
            return f.clock(value)
        case "badge":
            look = column.look(row) if column.look is not None else None
            return look[0] if look is not None else ""
        case _:
            return "" if value is None else str(value)


class Table:
    """A grid; ``show(rows)`` fills it whole. ``key``: the row's field that tells rows apart; it keeps selection and
    scrolling as they are while rows change. ``on_open(row)`` hears of a click or Enter on a row."""

    def __init__(
        self,
        frame: Frame,
        columns: Sequence[Column],
        *,
        key: str,
        height: int | str = 420,
        on_open: Callable[[dict[str, Any]], Any] | None = None,
        options: Mapping[str, Any] | None = None,
        about: str = "",
    ) -> None:
        self._frame, self._columns, self._key = frame, columns, key
        self._rows: dict[str, dict[str, Any]] = {}
        self._source: list[Row] = []
        self.grid: AgGrid = ui.aggrid(
            {
                **grid_options(frame, columns),
                "rowData": [],
                ":getRowId": f"params => String(params.data[{key!r}])",
                **(options or {}),
            },
            auto_size_columns=False,
        ).style(f"height:{height if isinstance(height, str) else f'{height}px'}")
        if about:
            self.grid._props["aria-label"] = about
        if on_open is not None:
            self.grid.classes("clickable")

            async def opened(event: Any) -> None:
                result = on_open(event.args["data"])
                if hasattr(result, "__await__"):
                    await result

            self.grid.on("rowClicked", opened, ["data"])
            self.grid.on("cellKeyDown", opened, ["data"], js_handler=_ON_ENTER)

    def show(self, rows: Iterable[Row]) -> None:
        """The rows as they are now, in this order; only what differs goes to the browser, nothing jumps."""
        columns = [*self._columns, *self._hidden_key()]
        before, shown = {str(row[self._key]): row for row in self._source}, self._rows
        self._source = list(rows)
        # Most rows of a live table are as they were: their texts are kept.
        now = {
            key: shown[key] if before.get(key) == row else cells(self._frame, columns, row)
            for row in self._source
            for key in (str(row[self._key]),)
        }
        added = [row for key, row in now.items() if key not in self._rows]
        changed = [row for key, row in now.items() if key in self._rows and row != self._rows[key]]
        gone = [row for key, row in self._rows.items() if key not in now]
        first = not self._rows
        stands = [*(key for key in self._rows if key in now), *(str(row[self._key]) for row in added)]
        self._rows = now
        if first:
            self.grid.options["rowData"] = list(now.values())
            self.grid.run_grid_method("setGridOption", "rowData", list(now.values()))
        elif added or changed or gone:
            self.grid.run_grid_method("applyTransaction", {"add": added, "update": changed, "remove": gone})
        if not first and stands != list(now):  # what is added comes last by itself
            self.grid.client.run_javascript(f"cp.order({self.grid.id}, {json.dumps(list(now))})")

    def csv(self) -> str:
        """What is shown, as CSV; see ``to_csv``."""
        return to_csv(self._columns, self._source)

    def _hidden_key(self) -> list[Column]:
        return [] if any(column.field == self._key for column in self._columns) else [Column(self._key, "")]


_ON_ENTER = "(event) => { if (event.event?.key === 'Enter') emit({data: event.data}); }"


def grid_options(frame: Words, columns: Sequence[Column]) -> dict[str, Any]:
    """AG Grid's options for these columns: sorting, resizing, texts of the language."""
    return {
        "columnDefs": [_definition(column) for column in columns],
        **({"rowHeight": _PADDING + lines * _LINE} if (lines := max(column.lines for column in columns)) > 1 else {}),
        "defaultColDef": {
            "sortable": True,
            "resizable": True,
            "suppressHeaderMenuButton": True,
            "suppressMovable": False,
        },
        "localeText": locale_text(frame.language),
        "suppressCellFocus": False,
        "ensureDomOrder": True,
        "animateRows": False,
        "tooltipShowDelay": 400,
        "suppressScrollOnNewData": True,
        "overlayNoRowsTemplate": "<span></span>",
    }


def _definition(column: Column) -> dict[str, Any]:
    renderers = {"level": "badge", "badge": "badge", "link": "link", "spark": "spark"}
    found: dict[str, Any] = {
        "field": column.field,
        "headerName": column.head,
        "sortable": column.sortable,
        "hide": column.hidden,
        **({"width": column.width} if column.width else {"flex": 1, "minWidth": 120}),
        **({"pinned": "left"} if column.pinned else {}),
        **({"headerTooltip": column.about} if column.about else {}),
    }
    if column.kind in renderers or column.target is not None:
        found[":cellRenderer"] = f"cp.{renderers.get(column.kind, 'link')}"
    elif column.kind == "text":
        found |= {":cellRenderer": "cp.prose", "cellRendererParams": {"lines": column.lines}}
        found["tooltipField"] = f"{column.field}_t"
    else:
        found[":valueFormatter"] = "cp.shown"
    if column.kind == "signed":
        found[":cellClass"] = "cp.signed"
    if column.kind in _NUMBERS:
        found["type"] = "rightAligned"
    return found


def to_csv(columns: Sequence[Column], rows: Iterable[Row], *, head: bool = True) -> str:
    """Raw values with the heads of the table; a text that a spreadsheet would run as a formula is made harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    kept = [column for column in columns if column.kind != "spark"]
    if head:
        writer.writerow([column.head for column in kept])
    for row in rows:
        writer.writerow([_harmless(row.get(column.field)) for column in kept])
    return out.getvalue()


def download_csv(name: str, content: str) -> None:
    """Hand a file to the browser; the mark at its beginning tells Excel that it is UTF-8."""
    ui.download.content(("\ufeff" + content).encode(), f"{name}.csv", "text/csv")


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        try:
            Decimal(value)
        except ArithmeticError:
            return "'" + value
    return value


def _sortable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def locale_text(language: str) -> dict[str, str]:
    """AG Grid's own texts in a language."""
    file = resources.files("desk.web.components").joinpath("grid_texts.yaml")
    found: dict[str, dict[str, str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: entry[language] for name, entry in found.items()}
