"""What is known of the customer beside its paying: statements, agencies, reviews, cover, each with its age."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from nicegui import ui

from alerts.limit_text import limit_line
from desk import acts
from desk.customer_questions import FileAnswer
from desk.web.components.basics import badge, button, card, empty, facts, plain_table
from desk.web.components.section import Section
from desk.web.customer.entry import AGENCY, REVIEW, STATEMENT, Kind, enter
from desk.web.frame import Frame

_DISTRESS, _SAFE = 1.23, 2.9
"""Zones of Altman's Z' for private firms (Altman 1983)."""
_OLD_DAYS = 365


class Known:
    """Assessments, and where the limit comes from."""

    def __init__(self, frame: Frame, customer_id: str) -> None:
        self._frame, self._id = frame, customer_id
        with card(frame.t("known"), span=6) as head:
            self._body = Section("lines")
        if frame.may(acts.ASSESSES):
            with head:
                ui.element("div").classes("grow")
                for kind in (STATEMENT, AGENCY, REVIEW):
                    button(frame.t(f"enter_{kind.name}"), self._enter(kind), icon="add", look="quiet")

    def _enter(self, kind: Kind) -> Callable[[], Awaitable[None]]:
        async def opened() -> None:
            await enter(self._frame, self._id, kind)

        return opened

    def show(self, file: FileAnswer) -> None:
        """As of now."""
        now = (file.statement, file.agencies, file.reviews, file.covers, file.limit_basis, file.day)
        self._body.show(now, lambda: self._draw(file))

    def _draw(self, file: FileAnswer) -> None:
        t = self._frame.t
        for basis in file.limit_basis:
            ui.label(limit_line(basis, self._frame.language)).classes("small")
        if file.statement is not None:
            self._statement(file)
        rows = list(self._said(file))
        if rows:
            plain_table([(t("who_says"), False), (t("what_it_says"), False), (t("age"), True)], rows)
        if file.statement is None and not rows:
            empty(t("nothing_known"), "fact_check")

    def _statement(self, file: FileAnswer) -> None:
        frame, f, said = self._frame, self._frame.f, file.statement
        if said is None:
            return
        with ui.element("div").classes("bar-row"):
            ui.label(frame.t("statement_of", day=f.day(said.as_of))).classes("strong")
            self._age(said.age_days)
            score = said.ratios.get("altman_z")
            if score is not None:
                zone, icon, look = (
                    ("safe", "check_circle", "good") if score > _SAFE
                    else ("distress", "warning", "bad") if score < _DISTRESS
                    else ("grey", "help_outline", "warn")
                )  # fmt: skip
                badge(f"Z' {f.number(score, 2)} · {frame.t(f'zone_{zone}')}", icon, look)
        facts(
            (frame.code(f"opinion.{name}"), f.number(value, 2))
            for name, value in said.ratios.items()
            if name != "altman_z"
        ).classes("facts-two")

    def _age(self, days: int) -> None:
        text = self._frame.t("days_old", days=self._frame.f.number(days))
        badge(text, "schedule", "warn" if days > _OLD_DAYS else "")

    def _said(self, file: FileAnswer) -> Iterator[tuple[str, str, str]]:
        f, t = self._frame.f, self._frame.t
        for said in file.agencies:
            parts = [said.rating or ""]
            if said.score is not None:
                scale = f" ({f.number(said.scale_worst)} … {f.number(said.scale_best)})" if said.scale_best else ""
                parts.append(f"{f.number(said.score)}{scale}")
            yield f"{t('agency')} {said.agency}", " ".join(part for part in parts if part), f.days(said.age_days)
        for review in file.reviews:
            grades = t(
                "grades",
                management=f.number(review.management),
                industry=f.number(review.industry_position),
                reputation=f.number(review.reputation),
                day=f.day(review.expires_on),
            )
            yield f"{t('review')} {review.reviewer}", grades, f.days(review.age_days)
        for cover in file.covers:
            told = t("cover_until", amount=f.money(cover.amount, cover.currency), day=f.day(cover.expires_on))
            yield f"{t(f'cover_{cover.kind}')} {cover.cover_id}", told, "–"
