"""The level migration matrix: from which level to which customers moved within a period."""

from __future__ import annotations

from datetime import timedelta

from nicegui import ui

from desk.web.components.basics import Segments, card, empty, skeleton
from desk.web.components.section import Section
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.views import Row
from schemas.levels import Level

_EVERY_SECONDS = 10.0
_PERIODS = ("7", "30", "90")


class Migration:
    """The matrix as a card, for a period that is chosen."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("migration.title"), span=5, flush=True) as head:
            self._place = Section(first=skeleton)
        with head:
            ui.element("div").classes("grow")
            choices = [(days, frame.f.days(int(days))) for days in _PERIODS]
            self._days = Segments(choices, "30", lambda _: self._show([]))
        frame.live(self._show, every=_EVERY_SECONDS)

    async def _show(self, news: News) -> None:
        frame, days = self._frame, int(self._days.value)
        until = frame.services.book.clock().date()
        options = {"from_day": (until - timedelta(days=days)).isoformat(), "to_day": until.isoformat()}
        rows = await frame.view("migration_matrix", limit=1_000, max_age=_EVERY_SECONDS, options=options)
        self._place.show((days, rows), lambda: self._table(rows) if rows else empty(frame.t("frame.nothing")))

    def _table(self, rows: list[Row]) -> None:
        frame = self._frame
        counts = {(row["level_before"], row["level_after"]): int(row["customers"]) for row in rows}
        levels = [level.value for level in Level if any(level.value in pair for pair in counts)]
        with ui.element("table").classes("plain matrix"):
            with ui.element("caption").classes("sr-only"):
                ui.label(frame.t("migration.about"))
            with ui.element("thead"), ui.element("tr"):
                with ui.element("th").props('scope="col"'):
                    ui.label(frame.t("migration.from_to"))
                for level in levels:
                    with ui.element("th").classes("num").props('scope="col"'):
                        ui.label(frame.code(level))
            with ui.element("tbody"):
                for before in levels:
                    self._row(before, levels, counts)

    def _row(self, before: str, levels: list[str], counts: dict[tuple[str, str], int]) -> None:
        frame = self._frame
        total = sum(counts.get((before, after), 0) for after in levels)
        with ui.element("tr"):
            with ui.element("th").props('scope="row"'):
                ui.label(frame.code(before))
            for number, after in enumerate(levels):
                count = counts.get((before, after), 0)
                share = count / total if total else 0.0
                place = levels.index(before)
                look = "same" if before == after else "worse" if number > place else "better"
                if "UNRATED" in (before, after):
                    look = "same"
                with ui.element("td").classes(f"num heat-{look}") as cell:
                    cell.style(f"--heat:{min(1.0, share * 2.5 if look != 'same' else share) * 100:.0f}%")
                    ui.label(frame.f.number(count) if count else "·")
                    if count:
                        ui.tooltip(f"{frame.code(before)} → {frame.code(after)}: {frame.f.percent(share, 1)}")
