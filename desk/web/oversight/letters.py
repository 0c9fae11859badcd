"""Dead letters: why each was refused, what it holds, and submitting it again, mended or as it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk import dead_letter_acts
from desk.dead_letter_acts import Resubmission, resubmissions
from desk.web.components.basics import button, card, empty, facts, skeleton, topic_name
from desk.web.components.table import Column, Table
from desk.web.frame import Frame
from desk.web.texts import said
from desk.web.views import Row

_LONGEST = 20_000
REASONS = frozenset({
    "in_the_future", "empty_value", "too_large", "unknown_type", "not_json", "not_an_object", "unknown_version",
    "invalid_field", "missing_field", "unknown_field", "wrong_partition", "wrong_key", "not_understood",
})  # fmt: skip
"""Of the gate, that have a name here."""


class Letters:
    """The newest dead letters; a click opens one."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._rows: dict[str, Row] = {}
        t = frame.t
        with card(t("letters"), t("letters_note"), span=12, flush=True):
            self._waits = skeleton()
            self._none = ui.element("div")
            with self._none:
                empty(t("no_letters"), "mark_email_read")
            self._table = Table(
                frame, self._columns(), key="id", height=300, on_open=self._open, about=t("letters")
            )  # fmt: skip

        self._none.set_visibility(False)
        self._table.grid.set_visibility(False)

    def _columns(self) -> list[Column]:
        t = self._frame.t

        def state(row: Any) -> tuple[str, str, str]:
            if row["resubmitted"]:
                return t("submitted_by", by=row["resubmitted"]), "redo", "info"
            return t("waiting"), "mail", "warn"

        return [
            Column("recorded_time", t("refused_at"), "time", 130),
            Column("source_topic", t("topic"), "text", 120),
            Column("place", t("place"), "text", 90),
            Column("reason", t("reason"), "text", 130),
            Column("field", t("field"), "text", 120),
            Column("message", t("message"), "text"),
            Column("state", t("state"), "badge", 190, look=state),
        ]

    def show(self, rows: Sequence[Row]) -> None:
        """Rows of the view `dead_letters`, newest first."""
        done = resubmissions(dict(self._frame.services.control.all(dead_letter_acts.KIND)))
        self._rows = {row["id"]: row for row in rows}
        self._waits.set_visibility(False)
        self._none.set_visibility(not rows)
        self._table.grid.set_visibility(bool(rows))
        self._table.show([self._row(row, done.get(row["id"])) for row in rows])

    def _row(self, row: Row, done: Resubmission | None) -> Row:
        return {
            **{name: row[name] for name in ("id", "recorded_time", "field")},
            "source_topic": topic_name(self._frame, row["source_topic"]),
            "place": f"{row['source_partition']} @ {row['source_offset']}",
            "reason": _reason(self._frame, row),
            "message": said(row["message"], self._frame.language),
            "resubmitted": "" if done is None else done.by,
            "state": "" if done is None else done.by,  # a cell is drawn again when its own value changes
        }

    async def _open(self, row: dict[str, Any]) -> None:
        found = self._rows.get(str(row["id"]))
        if found is not None:
            await _show_letter(self._frame, found)


async def _show_letter(frame: Frame, row: Row) -> None:
    t = frame.t
    value = _text(row["value_base64"])
    with ui.dialog().props("no-route-dismiss") as dialog, ui.element("div").classes("dialog wide") as box:
        box.props('role="dialog" aria-modal="true"')
        box._props["aria-label"] = t("letter")
        with ui.element("h2").classes("dialog-title"):
            ui.label(f"{t('letter')} {row['source_topic']} {row['source_partition']} @ {row['source_offset']}")
        facts(
            [
                (t("reason"), _reason(frame, row)),
                (t("field"), row["field"] or "–"),
                (t("message"), said(row["message"], frame.language)),
                (t("record_time"), frame.f.time(row["record_time"], seconds=True)),
            ]
        )
        text = ui.textarea(t("value"), value=value).props("outlined").classes("mono full")
        may = frame.may(dead_letter_acts.SUBMITS)
        if not may:
            text.props("readonly")

        async def go() -> None:
            mended = None if text.value == value else str(text.value)
            act = _submit(frame, row["id"], mended)
            if await frame.try_to(act, t("submitted")):
                dialog.submit(True)

        with ui.element("div").classes("dialog-acts"):
            button(t("frame.close"), lambda: dialog.submit(False), look="quiet")
            if may:
                button(t("submit"), go, icon="redo", look="main-act")
    await dialog
    dialog.delete()


async def _submit(frame: Frame, letter_id: str, value: str | None) -> None:
    who = frame.acting(dead_letter_acts.SUBMITS)
    await dead_letter_acts.resubmit(frame.services, who, [letter_id], value)


def _reason(frame: Frame, row: Row) -> str:
    code = row["reason_code"]
    return frame.t(f"reason_{code}") if code in REASONS else code.replace("_", " ")


def _text(value_base64: str | None) -> str:
    """What the record holds, laid out if it is JSON."""
    raw = base64.b64decode(value_base64 or "").decode("utf-8", "backslashreplace")[:_LONGEST]
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except ValueError:
        return raw
