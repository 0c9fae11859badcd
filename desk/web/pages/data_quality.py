"""Data quality: what each source sends, how whole, right and timely it is, and what the gate refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk import dead_letter_acts
from desk.web.components.basics import Tile, card, topic_name
from desk.web.components.table import Column, Table
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.oversight.letters import Letters
from desk.web.page import Page
from desk.web.views import Row

_SECONDS = 5.0
_LETTERS = 500
_ALL = "*"
_GOOD_VALIDITY, _QUIET_DAYS = 0.995, 3.0


async def build(frame: Frame) -> None:
    """The page."""
    t = frame.t
    with ui.element("div").classes("grid"):
        tiles = [
            Tile(t(name), span=3, about=t(f"{name}_about")) for name in ("validity", "completeness", "late", "dead")
        ]
        with card(t("sources"), t("sources_note"), span=12, flush=True):
            table = Table(frame, _columns(frame), key="key", height=416, about=t("sources"))
        letters = Letters(frame)

    async def refresh(news: News) -> None:
        rows = await frame.view("data_quality", limit=1_000)
        refused = await frame.view("dead_letters", limit=_LETTERS, options={"sort": "-recorded_time"})
        table.show([_row(frame, row) for row in rows])
        _show_tiles(frame, tiles, rows)
        letters.show(refused)

    frame.live(refresh, control=[dead_letter_acts.KIND], every=_SECONDS)


def _columns(frame: Frame) -> list[Column]:
    t = frame.t

    def verdict(row: Any) -> tuple[str, str, str]:
        return t(f"verdict_{row['verdict']}"), *_LOOKS[row["verdict"]]

    return [
        Column("topic", t("topic"), "text", 126, pinned=True),
        Column("source", t("source"), "text"),
        Column("verdict", t("verdict"), "badge", 128, look=verdict),
        Column("records", t("records"), "number", 76),
        Column("refused", t("refused"), "number", 72),
        Column("validity", t("validity"), "percent", 80, decimals=2, about=t("validity_about")),
        Column("completeness", t("completeness"), "percent", 106, decimals=1, about=t("completeness_about")),
        Column("duplicates", t("duplicates"), "number", 88, about=t("duplicates_about")),
        Column("missing_offsets", t("missing"), "number", 60, about=t("missing_about")),
        Column("late", t("late"), "number", 86, about=t("late_about")),
        Column("median_delay_hours", t("delay"), "number", 78, decimals=1, about=t("delay_about")),
        Column("p95_delay_hours", t("delay_p95"), "number", 78, decimals=1, about=t("delay_about")),
        Column("behind_days", t("behind"), "days", 74, decimals=1, about=t("behind_about")),
    ]


_LOOKS = {"fine": ("check_circle", "good"), "refuses": ("report", "warn"), "quiet": ("hourglass_empty", "")}


def _row(frame: Frame, row: Row) -> Row:
    source = row["source"]
    return {
        **row,
        "key": f"{row['topic']} {source}",
        "topic": topic_name(frame, row["topic"]),
        "source": frame.t("all_sources") if source == _ALL else source or frame.t("not_said"),
        "verdict": verdict_of(row),
    }


def verdict_of(row: Row) -> str:
    """fine, refuses (more is refused than a typing error now and then), or quiet (nothing new for days)."""
    if row["validity"] is not None and row["validity"] < _GOOD_VALIDITY:
        return "refuses"
    return "quiet" if row["behind_days"] is None or row["behind_days"] > _QUIET_DAYS else "fine"


def _show_tiles(frame: Frame, tiles: Sequence[Tile], rows: Sequence[Row]) -> None:
    f, t = frame.f, frame.t
    whole = [row for row in rows if row["source"] == _ALL]
    records, refused = sum(row["records"] for row in whole), sum(row["refused"] for row in whole)
    late, repeated = sum(row["late"] for row in whole), sum(row["duplicates"] for row in whole)
    known = [(row["completeness"], row["records"]) for row in whole if row["completeness"] is not None]
    named = sum(share * count for share, count in known) / records if records else None
    tiles[0].show(
        f.percent(records / (records + refused) if records + refused else None, 2),
        t("of_records", count=f.number(records)),
    )
    tiles[1].show(f.percent(named, 1), t("repeated", count=f.number(repeated)))
    tiles[2].show(f.percent(late / records if records else None, 1), t("late_count", count=f.number(late)))
    tiles[3].show(f.number(refused), t("topics", count=f.number(sum(row["refused"] > 0 for row in whole))))


PAGE = Page("data_quality", "/data-quality", "rule", build, order=70)
