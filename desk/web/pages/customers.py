"""Customers: the whole book as one table; search, filters and order are worked out on our side, page by page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from nicegui import ui

from desk.api.customer_book import SORTABLE, Asked
from desk.api.customer_row import CustomerRow, NextAction
from desk.api.roles import Role
from desk.web.components.basics import button, card
from desk.web.components.table import Column, cells, download_csv, grid_options, to_csv
from desk.web.desk import desk_of
from desk.web.frame import Frame, Words
from desk.web.live import News
from desk.web.page import Page
from desk.web.sign_in import signed_in
from schemas.errors import InvalidInput, Unavailable
from schemas.levels import Level

router = APIRouter(include_in_schema=False)

_ROWS = "/desk/rows/customers"
_BLOCK = 100
_MOST_ROWS = 1_000
_ACTION_LOOKS = {
    NextAction.DECIDE_HOLDS: ("pan_tool", "warn"),
    NextAction.ESCALATE: ("gavel", "bad"),
    NextAction.REMIND: ("call", "warn"),
    NextAction.REVIEW_LIMIT: ("speed", "bad"),
    NextAction.RENEW_LIMIT: ("event_repeat", "info"),
    NextAction.ASSESS: ("fact_check", "info"),
}
_BUILT_IN: dict[str, dict[str, Any]] = {
    "all": {},
    "to_do": {"actions": [action.value for action in _ACTION_LOOKS], "sort": "-exposure"},
    "at_risk": {"levels": ["WATCH", "HIGH_RISK", "BLOCKED"], "sort": "-exposure"},
    "over_limit": {"actions": ["review_limit"], "sort": "-utilisation"},
    "oldest": {"overdue": True, "sort": "-oldest_days_past_due"},
    "falling": {"sort": "score_change"},
}


def columns(words: Words) -> list[Column]:
    """The columns in the user's language."""
    t = words.t

    def action(row: Any) -> tuple[str, str, str] | None:
        look = _ACTION_LOOKS.get(NextAction(row["next_action"]))
        return None if look is None else (t(f"action_{row['next_action']}"), *look)

    return [
        Column("customer_id", t("customer"), "link", 92, pinned=True,
               target=lambda row: f"/customers/{quote(row['customer_id'], safe='')}"),
        Column("name", t("name"), "text", 152),
        Column("level", t("frame.level"), "level", 106),
        Column("score", t("score"), "number", 72),
        Column("score_change", t("change"), "signed", 84, about=t("change_about")),
        Column("trend", t("trend"), "spark", 100, sortable=False, about=t("trend_about")),
        Column("exposure", t("exposure"), "money", 116, currency="currency"),
        Column("credit_limit", t("limit"), "money", 116, currency="currency"),
        Column("utilisation", t("utilisation"), "percent", 84),
        Column("oldest_days_past_due", t("oldest"), "number", 92, about=t("oldest_about")),
        Column("next_action", t("next_action"), "badge", 168, look=action),
        Column("dbt", t("dbt"), "number", 72, decimals=1, about=t("dbt_about")),
        Column("payment_index", t("index"), "number", 88, about=t("index_about")),
        Column("owner", t("owner"), "text", 120),
        Column("sector", t("sector"), "text", 120),
        Column("region", t("region"), "text", 110),
        Column("overdue", t("overdue"), "money", 122, currency="currency"),
        Column("updated_at", t("updated"), "time", 124),
    ]  # fmt: skip


def asked_of(view: dict[str, Any]) -> Asked:
    """What a saved view, or a request, asks for; what it does not know is left out."""
    known = {name: value for name, value in view.items() if name in Asked.__dataclass_fields__}
    for name in ("levels", "actions"):
        known[name] = frozenset(str(value) for value in known.get(name) or ())
    return Asked(**known)


def view_of(asked: Asked) -> dict[str, Any]:
    """The reverse of ``asked_of``, as JSON can hold it."""
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(asked).items()}


@router.get(_ROWS)
async def rows(request: Request) -> Response:
    """A block of rows for the grid, for who is signed in, in the language that he reads."""
    desk = desk_of()
    user = signed_in(desk, request)
    if user is None:
        return JSONResponse({"code": "signed_out"}, 401)
    asking = request.query_params
    liked = desk.preferences.of(user.name)
    words = Words("customers", liked.language if liked is not None else "en")
    try:
        start, end = int(asking.get("from", "0")), int(asking.get("to", str(_BLOCK)))
        if not 0 <= start <= end <= start + _MOST_ROWS:
            raise ValueError("from and to")
        asked = asked_of(json.loads(asking.get("asked", "{}")))
        sort = json.loads(asking.get("sort", "[]"))
        if sort:
            asked = replace(asked, sort=("-" if sort[0]["sort"] == "desc" else "") + sort[0]["colId"])
        found = desk.services.customers.find(asked)
    except Unavailable:
        return JSONResponse({"code": "unavailable"}, 503)
    except (InvalidInput, ValueError, TypeError, KeyError, AttributeError):
        return JSONResponse({"code": "invalid_request"}, 422)
    shown = columns(words)
    return JSONResponse({"total": len(found), "rows": [cells(words, shown, as_row(row)) for row in found[start:end]]})


def as_row(row: CustomerRow) -> dict[str, Any]:
    """A row as the table takes it."""
    found = {name: getattr(row, name) for name in CustomerRow.__dataclass_fields__ if name != "currencies"}
    found["trend"] = list(row.trend)
    return found


async def build(frame: Frame) -> None:
    """The page."""
    await _CustomersPage(frame).build()


class _CustomersPage:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._asked = Asked()
        self._columns = columns(frame)
        self._changed: set[str] = set()
        self._search: asyncio.Task[None] | None = None

    async def build(self) -> None:
        frame, t = self._frame, self._frame.t
        with card(flush=True, classes="fill"):
            with ui.element("div").classes("toolbar"):
                self._views()
                self._find = ui.input(placeholder=t("search")).props(
                    'outlined dense clearable debounce=250 type="search"'
                )
                self._find.classes("search")
                self._find._props["aria-label"] = t("search")
                self._find.on_value_change(lambda event: self._set(search=str(event.value or "").strip()))
                with self._find.add_slot("prepend"):
                    ui.icon("search")
                levels = {level.value: frame.code(level) for level in Level}
                self._levels = self._choice("frame.level", levels, "levels", several=True)
                actions = {action.value: t(f"action_{action.value}") for action in NextAction}
                self._actions = self._choice("action", actions, "actions", several=True)
                self._owner = self._choice("owner", {}, "owner")
                self._sector = self._choice("sector", {}, "sector")
                ui.element("div").classes("grow")
                self._total = ui.label("").classes("muted nowrap").props('role="status"')
                button("", self._reset, icon="filter_alt_off", look="quiet", label=t("reset"))
                button("", self._save, icon="bookmark_add", look="quiet", label=t("save_view"))
                button(t("frame.export"), self._export, icon="download")
            self._grid()
        frame.live(self._live, every=1.0)
        customers = frame.services.customers
        customers.listeners.add(self._changed.add)
        frame.client.on_delete(lambda: customers.listeners.discard(self._changed.add))

    # --- filters ----------------------------------------------------------------------------------------------

    def _choice(self, key: str, options: dict[str, str], field: str, *, several: bool = False) -> ui.select:
        label = self._frame.t(key)
        found = ui.select(options, label=label, multiple=several, value=[] if several else None, clearable=True)
        found.props("outlined dense options-dense").classes("choice")

        def change(event: Any) -> None:
            value = event.value
            self._set(**{field: frozenset(value or ()) if several else str(value or "")})

        found.on_value_change(change)
        return found

    def _set(self, **changes: Any) -> None:
        asked = replace(self._asked, **changes)
        if asked != self._asked:
            self._asked = asked
            self._reload()

    def _reset(self) -> None:
        self._apply({})

    def _apply(self, view: dict[str, Any]) -> None:
        """Ask for what a view asks for, and show it in the fields."""
        self._asked = asked_of(view)
        self._find.value = self._asked.search
        self._levels.value = sorted(self._asked.levels, key=[level.value for level in Level].index)
        self._actions.value = sorted(self._asked.actions)
        for select, value in ((self._owner, self._asked.owner), (self._sector, self._asked.sector)):
            select.value = value or None
        name = self._asked.sort.removeprefix("-")
        state = [{"colId": name, "sort": "desc" if self._asked.sort.startswith("-") else "asc"}]
        self.grid.run_grid_method("applyColumnState", {"state": state, "defaultState": {"sort": None}})
        self._reload()

    # --- saved views ------------------------------------------------------------------------------------------

    def _views(self) -> None:
        frame = self._frame
        with ui.element("button").props('type="button" aria-haspopup="menu"').classes("button") as opener:
            ui.icon("bookmarks")
            self._view_name = ui.label(frame.t("view_all"))
            ui.icon("expand_more")
            with ui.menu().props("auto-close") as menu:
                self._menu = ui.element("div").classes("view-menu")
        opener.on("click", menu.open)
        self._fill_menu()

    def _fill_menu(self) -> None:
        frame = self._frame
        liked = frame.desk.preferences.of(frame.user.name)
        own = liked.views.get("customers", {}) if liked is not None else {}
        self._menu.clear()
        with self._menu:
            for name, view in _BUILT_IN.items():
                self._menu_item(frame.t(f"view_{name}"), view)
            if own:
                ui.separator()
            for name, view in own.items():
                self._menu_item(name, view, own=True)

    def _menu_item(self, name: str, view: dict[str, Any], *, own: bool = False) -> None:
        def choose() -> None:
            self._view_name.text = name
            self._apply(view)

        async def forget() -> None:
            saved = self._frame.desk.preferences.save_view(self._frame.user.name, "customers", name, None)
            if await self._frame.try_to(saved, self._frame.t("view_forgotten")):
                self._fill_menu()

        with ui.element("div").classes("view-item"):
            button(name, choose, look="quiet")
            if own:
                button("", forget, icon="delete_outline", look="quiet", label=self._frame.t("forget_view"))

    async def _save(self) -> None:
        frame = self._frame
        with ui.dialog() as dialog, ui.element("div").classes("dialog").props('role="dialog" aria-modal="true"'):
            with ui.element("h2").classes("dialog-title"):
                ui.label(frame.t("save_view"))
            name = ui.input(frame.t("view_name")).props("outlined dense autofocus maxlength=40")
            name.on("keydown.enter", lambda: dialog.submit(name.value))
            with ui.element("div").classes("dialog-acts"):
                button(frame.t("frame.cancel"), lambda: dialog.submit(None), look="quiet")
                button(frame.t("save"), lambda: dialog.submit(name.value), look="main-act")
        chosen = str(await dialog or "").strip()
        dialog.delete()
        if chosen:
            view = view_of(self._asked)
            saved = frame.desk.preferences.save_view(frame.user.name, "customers", chosen, view)
            if await frame.try_to(saved, frame.t("view_saved")):
                self._view_name.text = chosen
                self._fill_menu()

    # --- the grid ---------------------------------------------------------------------------------------------

    def _grid(self) -> None:
        options = grid_options(self._frame, self._columns)
        for definition in options["columnDefs"]:
            if definition["field"] == "exposure":
                definition["sort"] = "desc"
            definition["sortingOrder"] = ["desc", "asc"]
        self.grid = ui.aggrid(
            {
                **options,
                "rowModelType": "infinite",
                "cacheBlockSize": _BLOCK,
                "maxBlocksInCache": 6,
                "infiniteInitialRowCount": 30,
                "blockLoadDebounceMillis": 60,
                ":getRowId": "params => params.data.customer_id",
                ":datasource": self._source(),
            },
            auto_size_columns=False,
        )
        self.grid.classes("clickable").style("height:calc(100vh - 52px - 44px - 57px)")
        self.grid._props["aria-label"] = self._frame.t("title")
        self.grid.on("sortChanged", self._sorted, [])
        self.grid.on("rowClicked", self._open, ["data"])
        self.grid.on("cellKeyDown", self._open, js_handler=_ON_ENTER)

    def _source(self) -> str:
        asked = {
            key: sorted(value) if isinstance(value, frozenset) else value for key, value in asdict(self._asked).items()
        }
        return f"cp.rows({json.dumps(_ROWS + '?asked=' + quote(json.dumps(asked)))})"

    def _reload(self) -> None:
        self.grid.run_grid_method("setGridOption", "datasource", None)
        ui.run_javascript(
            f"getElement({self.grid.id}).api.setGridOption('datasource', {self._source()});"
            f"getElement({self.grid.id}).api.ensureIndexVisible(0);"
        )
        self._count()

    async def _sorted(self) -> None:
        state = await self.grid.run_grid_method("getColumnState")
        chosen = next((column for column in state or () if column.get("sort")), None)
        if chosen is not None and chosen["colId"] in SORTABLE:
            sort = ("-" if chosen["sort"] == "desc" else "") + chosen["colId"]
            self._asked = replace(self._asked, sort=sort)  # the grid itself asks again

    def _open(self, event: Any) -> None:
        data = event.args.get("data") if isinstance(event.args, dict) else None
        if data and data.get("customer_id"):
            ui.navigate.to(f"/customers/{quote(str(data['customer_id']), safe='')}")

    def _count(self) -> None:
        try:
            found = len(self._frame.services.customers.find(self._asked))
        except Unavailable:
            self._total.text = self._frame.t("frame.reading")
            return
        self._total.text = self._frame.t("total", count=self._frame.f.number(found))

    async def _live(self, news: News) -> None:
        """Bring what is in view up to date, in its place; the order stays until it is asked for again."""
        self._count()
        self._fill_choices()
        if not self._changed:
            return
        changed, customers = set(self._changed), self._frame.services.customers
        self._changed.clear()
        shown: list[str] = await ui.run_javascript(f"return cp.shownIds({self.grid.id})", timeout=5.0)
        rows = [row for key in shown if key in changed and (row := customers.row(key)) is not None]
        if rows:
            found = [cells(self._frame, self._columns, as_row(row)) for row in rows]
            ui.run_javascript(f"cp.renew({self.grid.id}, {json.dumps(found)})")

    def _fill_choices(self) -> None:
        customers = self._frame.services.customers
        for select, column in ((self._owner, "owner"), (self._sector, "sector")):
            values: Sequence[str] = customers.values(column)
            if list(select.options) != list(values):
                select.set_options({value: value for value in values}, value=select.value)
                select.set_visibility(bool(values))

    async def _export(self) -> None:
        found = self._frame.services.customers.find(self._asked)
        shown, content = [column for column in self._columns if column.kind != "spark"], []
        for start in range(0, len(found), 2_000):  # a hundred thousand rows must not keep the others waiting
            rows = [as_row(row) for row in found[start : start + 2_000]]
            content.append(to_csv(_with_currency(self._frame, shown), rows, head=start == 0))
            await asyncio.sleep(0)
        download_csv("customers", "".join(content))


def _with_currency(frame: Frame, shown: list[Column]) -> list[Column]:
    where = [column.field for column in shown].index("exposure")
    return [*shown[:where], Column("currency", frame.t("currency")), *shown[where:]]


_ON_ENTER = "(event) => { if (event.event?.key === 'Enter') emit({data: event.data}); }"

PAGE = Page("customers", "/customers", "groups", build, order=20, role=Role.READER, router=router)
