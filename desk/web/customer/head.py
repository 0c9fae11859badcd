"""Who the customer is and where it stands: level, score, exposure against limit, oldest item, risk."""

from __future__ import annotations

from nicegui import ui

from desk.customer_questions import FileAnswer
from desk.web.components.basics import Tile, badge, level_badge
from desk.web.components.section import Section
from desk.web.frame import Frame
from models.account import Master
from schemas.decisions import Exposure


class Head:
    """Name and badges, and a row of tiles."""

    def __init__(self, frame: Frame, customer_id: str) -> None:
        self._frame, self._id = frame, customer_id
        t = frame.t
        with ui.element("section").classes("customer-head span-12"):
            with ui.element("div").classes("bar-row"):
                self._name = ui.label(customer_id).classes("customer-name")
                self._badges = Section("bar-row")
                ui.element("div").classes("grow")
                self.acts = ui.element("div").classes("bar-row")
            self._about = ui.label("").classes("muted")
        self._score = Tile(t("score"))
        self._exposure = Tile(t("exposure"))
        self._limit = Tile(t("limit"))
        self._used = Tile(t("utilisation"))
        self._oldest = Tile(t("oldest"))
        self._risk = Tile(t("risk"), about=t("risk_about"))

    def show(self, file: FileAnswer, master: Master, exposure: Exposure | None) -> None:
        """The customer as it stands; ``exposure``: in the currency that is looked at."""
        frame, f, t = self._frame, self._frame.f, self._frame.t
        self._name.text = f"{file.name} ({self._id})" if file.name else self._id
        parts = (master.segment, master.sector, master.region, master.group_parent, master.owner)
        names = ("segment", "sector", "region", "group", "owner")
        self._about.text = "   ·   ".join(
            f"{t(name)} {value}" for name, value in zip(names, parts, strict=True) if value
        )
        self._badges.show((file.level, file.override, len(file.held), file.stale), lambda: self._tell(file))
        self._score.show(f.number(file.score), t("since", day=f.day(file.since)))
        currency = exposure.currency if exposure else ""
        self._exposure.show(
            f.short_money(exposure.exposure if exposure else 0, currency),
            t("headroom_is", amount=f.short_money(exposure.headroom, currency)) if exposure else "",
        )
        limit = exposure.limit if exposure else None
        self._limit.show(f.short_money(limit, currency) if limit is not None else t("no_limit"), self._terms(file))
        overdue = exposure.overdue if exposure else 0
        self._used.show(
            f.percent(exposure.utilisation if exposure else None), frame.code(f"orders.{file.measures.orders}")
        )
        self._oldest.show(
            f.days(exposure.oldest_days_past_due if exposure else 0),
            t("overdue_is", amount=f.short_money(overdue, currency)),
        )
        self._risk.show(f.percent(file.probability, 1), t("outcomes_known", count=f.number(file.habit.outcomes)))

    def _tell(self, file: FileAnswer) -> None:
        frame, f, t = self._frame, self._frame.f, self._frame.t
        level_badge(frame, file.level)
        if file.override is not None:
            badge(t("set_by", by=file.override.by, day=f.day(file.override.expires_on)), "person", "info")
        if file.held:
            badge(t("orders_held", count=f.number(len(file.held))), "pan_tool", "warn")
        if file.stale:
            badge(t("stale"), "history", "warn")

    def _terms(self, file: FileAnswer) -> str:
        told = self._frame.t("terms", days=self._frame.f.number(file.measures.terms_days))
        deposit = file.measures.deposit_share
        return f"{told}, {self._frame.t('deposit', share=self._frame.f.percent(deposit))}" if deposit else told
