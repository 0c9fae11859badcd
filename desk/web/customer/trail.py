"""What happened: events, decisions and alerts in order, and the sealed audit entries behind them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk.api.customers import Proof, proof_of
from desk.customer_sheet import entry_text
from desk.web.components.basics import badge, button, card, empty, plain_table, skeleton
from desk.web.components.section import Section
from desk.web.frame import Frame
from desk.web.texts import said
from desk.web.views import Row
from schemas.errors import CreditPulseError

_ICONS = {"event": "input", "level": "speed", "alert": "notifications", "order": "receipt_long"}


class Timeline:
    """The newest entries of the customer's timeline."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("timeline"), span=7, flush=True, classes="tall-card"):
            self._body = Section("scroll timeline", skeleton)

    def show(self, entries: Sequence[Row]) -> None:
        """As ``Views.customer`` has them, newest first."""
        self._body.show([(entry["kind"], entry["id"]) for entry in entries], lambda: self._draw(entries))

    def _draw(self, entries: Sequence[Row]) -> None:
        for entry in entries:
            with ui.element("div").classes(f"timeline-row kind-{entry['kind']}"):
                ui.label(self._frame.f.clock(entry["time"])).classes("muted nowrap small")
                ui.icon(_ICONS[entry["kind"]]).classes("muted")
                ui.label(entry_text(entry, self._frame.language))


class AuditTrail:
    """Each decision and act as it was sealed, and a button that checks the proofs."""

    def __init__(self, frame: Frame, customer_id: str) -> None:
        self._frame, self._id = frame, customer_id
        with card(frame.t("audit"), span=5, flush=True, classes="tall-card") as head:
            self._proof = ui.element("div").classes("pad")
            self._body = Section("scroll", skeleton)
        with head:
            ui.element("div").classes("grow")
            button(frame.t("verify"), self._verify, icon="verified_user")

    def show(self, rows: Sequence[Row]) -> None:
        """Rows of the view `audit`, newest first."""
        self._body.show([row["sequence"] for row in rows], lambda: self._draw(rows))

    def _draw(self, rows: Sequence[Row]) -> None:
        t = self._frame.t
        if not rows:
            empty(t("no_audit"), "lock_clock")
            return
        head = [(t("entry"), True), (t("when"), False), (t("what"), False), (t("who"), False), (t("seal"), False)]
        plain_table(head, [self._row(row) for row in rows])

    def _row(self, row: Row) -> list[Any]:
        frame = self._frame
        who = frame.t("engine") if row["by"] == "engine" else row["by"]

        def seal() -> None:
            ui.label(row["hash"][:10]).classes("mono small muted")
            ui.tooltip(f"{row['hash']}")

        return [
            frame.f.number(row["sequence"]),
            frame.f.clock(row["time"]),
            told(frame, row),
            who,
            seal,
        ]

    async def _verify(self) -> None:
        self._proof.clear()
        with self._proof:
            badge(self._frame.t("verifying"), "hourglass_top", "info")
        try:
            found = await proof_of(self._frame.services, self._id)
        except CreditPulseError as error:
            self._tell(str(error))
            return
        self._tell(found)

    def _tell(self, found: Proof | str) -> None:
        frame, t = self._frame, self._frame.t
        self._proof.clear()
        with self._proof:
            if isinstance(found, str):
                badge(t("not_verified"), "help_outline", "warn")
                ui.label(said(found, frame.language)).classes("muted small")
            elif found.ok:
                badge(t("proven", count=frame.f.number(found.proven)), "verified_user", "good")
                if found.uncovered:
                    ui.label(t("uncovered", count=frame.f.number(found.uncovered))).classes("muted small")
            else:
                badge(t("broken"), "gpp_bad", "bad")
                if found.broken is not None:
                    ui.label(found.broken.what).classes("bad-text")


def told(frame: Frame, row: Row) -> str:
    """What an entry is, in words: a decision with what it decided, or a person's act."""
    out = json.loads(row["record"]).get("out")
    data = out["data"] if out else {}
    if "order_id" in data:
        return f"{frame.code(data['decision'])} {data['order_id']}"
    if "kind" in data and "cause_kind" in data:
        return frame.t("is_alert", kind=frame.code(data["kind"]))
    if "level" in data:
        return frame.t("is_level", level=frame.code(data["level"]), score=frame.f.number(data["score"]))
    return frame.code(row["type"])
