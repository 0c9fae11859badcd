"""Exposure down to its open items, each back to the events that it comes from, and how old it is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from nicegui import ui

from desk.customer_questions import FileAnswer
from desk.web.components.basics import Segments, badge, button, card, empty, plain_table
from desk.web.components.charts import Chart, bars, waterfall
from desk.web.components.section import Section
from desk.web.customer.origin import show_origin
from desk.web.frame import Frame
from models.exposure import BUCKETS
from schemas.customer_file import InvoiceOpen, OrderOpen
from schemas.decisions import Exposure
from schemas.levels import Level

_SHOWN = 60


class ExposureCards:
    """Waterfall, ageing, and the items below them, in one currency at a time."""

    def __init__(self, frame: Frame, customer_id: str) -> None:
        self._frame, self._id = frame, customer_id
        self._currency = ""
        self._file: FileAnswer | None = None
        self._seen: object = None
        t = frame.t
        with card(t("exposure_parts"), span=5) as head:
            self._waterfall = Chart(frame, t("exposure_about"), 210)
            self._limit = ui.label("").classes("muted")
        with head:
            ui.element("div").classes("grow")
            self._choice = ui.element("div")
        with card(t("ageing"), t("ageing_note"), span=3):
            self._ageing = Chart(frame, t("ageing"), 210)
        with card(t("items"), span=4, flush=True, classes="items-card"):
            self._items = Section("scroll")

    def exposure(self, file: FileAnswer) -> Exposure | None:
        """In the currency that is looked at: the one chosen, else the largest."""
        found = {str(exposure.currency): exposure for exposure in file.exposures}
        if self._currency in found:
            return found[self._currency]
        return max(file.exposures, key=lambda exposure: exposure.exposure, default=None)

    def show(self, file: FileAnswer) -> None:
        """The exposure as of now."""
        self._file = file
        exposure = self.exposure(file)
        self._choose(file, exposure)
        self._show_exposure(exposure)
        self._show_ageing(file, exposure)
        self._items.show((file.invoices, file.orders), lambda: self._draw_items(file))

    def _choose(self, file: FileAnswer, exposure: Exposure | None) -> None:
        currencies = [item.currency for item in file.exposures]
        if self._seen == currencies or exposure is None:
            return
        self._seen = currencies
        self._choice.clear()
        if len(currencies) > 1:
            with self._choice:
                Segments([(str(name), str(name)) for name in currencies], str(exposure.currency), self._chosen)

    def _chosen(self, currency: str) -> None:
        self._currency = currency
        if self._file is not None:
            self.show(self._file)

    def _show_exposure(self, exposure: Exposure | None) -> None:
        frame, t = self._frame, self._frame.t
        if exposure is None:
            self._limit.text = t("nothing_open")
            return
        steps = [
            (t("open_invoices"), float(exposure.open_invoices)),
            (t("open_orders"), float(exposure.open_orders)),
            (t("unapplied"), 0.0 - float(exposure.unapplied_cash)),
        ]
        self._waterfall.show(waterfall(frame, steps, None, t("exposure"), neutral=True))
        self._limit.text = (
            t("no_limit")
            if exposure.limit is None
            else t(
                "limit_and_headroom",
                limit=frame.f.money(exposure.limit, exposure.currency),
                headroom=frame.f.money(exposure.headroom, exposure.currency),
            )
        )

    def _show_ageing(self, file: FileAnswer, exposure: Exposure | None) -> None:
        frame, p = self._frame, self._frame.palette
        row = file.ageing.get(exposure.currency, {}) if exposure else {}
        names = ["current", *(name for name, _ in BUCKETS)]
        amounts = [row.get(name, Decimal(0)) for name in names]
        shown = [frame.t("not_due"), *(frame.t("days_late", days=name.replace("-", "–")) for name in names[1:])]
        worse = (Level.WATCH, Level.HIGH_RISK, Level.BLOCKED, Level.BLOCKED)
        colours = [p.series[0], *(p.levels[level] for level in worse)]
        self._ageing.show(
            bars(frame, shown, [float(a) for a in amounts], colours, [frame.f.short_money(a) for a in amounts])
        )

    def _draw_items(self, file: FileAnswer) -> None:
        frame = self._frame
        if not file.invoices and not file.orders:
            empty(frame.t("nothing_open"), "done_all")
            return
        head = [(frame.t("item"), False), (frame.t("amount"), True), (frame.t("due_or_placed"), True)]
        worst = sorted(file.invoices, key=lambda item: -item.days_past_due)
        rows = [*(self._invoice(item) for item in worst), *(self._order(item) for item in file.orders)]
        plain_table(head, rows[:_SHOWN])
        if len(rows) > _SHOWN:
            ui.label(frame.t("more_items", count=frame.f.number(len(rows) - _SHOWN))).classes("muted small pad")

    def _invoice(self, item: InvoiceOpen) -> Sequence[Any]:
        frame = self._frame

        def name() -> None:
            self._origin("invoice_id", item.invoice_id)
            if item.disputed:
                badge(frame.t("disputed"), "gavel", "info")

        late = item.days_past_due
        due = frame.f.days(late) if late > 0 else frame.f.short_day(item.due_date)

        def age() -> None:
            ui.label(due).classes("bad-text strong" if late > 0 else "")

        return [name, frame.f.money(item.outstanding, item.currency), age]

    def _order(self, item: OrderOpen) -> Sequence[Any]:
        frame = self._frame

        def name() -> None:
            self._origin("order_id", item.order_id)
            badge(frame.t("held"), "pan_tool", "warn") if item.held else badge(frame.t("order"), "shopping_cart")

        return [name, frame.f.money(item.amount, item.currency), frame.f.short_day(item.placed)]

    def _origin(self, kind: str, item_id: str) -> None:
        async def opened() -> None:
            await show_origin(self._frame, self._id, kind, item_id)

        button(item_id, opened, look="link", label=self._frame.t("origin_of", item=item_id))
