"""The order that is chosen in the queue: why it waits, what would free it, and what this user may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote

from nicegui import ui

from desk import acts
from desk.api.roles import Role
from desk.hold_queue import HeldOrder
from desk.proposals import Proposal
from desk.web.components.basics import badge, button, empty, facts, level_badge
from desk.web.frame import Frame
from desk.web.holds.decide import Decide, proposal_facts
from desk.web.holds.words import order_facts, ways

Work = Callable[[], Awaitable[None]]
KEYS: tuple[tuple[str, str, str, str, Role], ...] = (
    ("r", "release", "lock_open", "main-act", acts.RELEASES),
    ("p", "release_part", "call_split", "", acts.RELEASES),
    ("x", "reject", "block", "danger", acts.HOLDS),
    ("h", "hold", "pan_tool", "", acts.HOLDS),
    ("l", "lift", "undo", "", acts.RELEASES),
    ("a", "approve", "how_to_reg", "main-act", acts.RELEASES),
    ("d", "decline", "person_off", "", acts.HOLDS),
)
"""Key, act, icon, look, and the least role that may."""


class Chosen:
    """``show`` another order, or the same one as it stands by now."""

    def __init__(self, frame: Frame, decide: Decide) -> None:
        self._frame, self._decide = frame, decide
        self._shown: object = None
        self._box = ui.element("div").classes("lines")

    def show(self, held: HeldOrder | None, age: timedelta | None, proposal: Proposal | None) -> None:
        """Draw it, if it differs from what is there."""
        frame = self._frame
        now = (held, proposal, frame.f.age(age))
        if now == self._shown:
            return
        self._shown = now
        self._box.clear()
        with self._box:
            if held is None:
                empty(frame.t("none_chosen"), "task_alt")
                return
            self._draw(held, age, proposal)

    def works(self, held: HeldOrder, proposal: Proposal | None) -> dict[str, Work]:
        """What can be done with the order as it stands, by name."""
        decide = self._decide
        found: dict[str, Work] = {
            "release": lambda: decide.release(held),
            "release_part": lambda: decide.release(held, part=True),
            "reject": lambda: decide.reject(held),
        }
        if held.forced is None:
            found["hold"] = lambda: decide.hold(held)
        else:
            found["lift"] = lambda: decide.lift(held)
        if proposal is not None:
            found["approve"] = lambda: decide.approve(proposal)
            found["decline"] = lambda: decide.decline(proposal)
        return found

    def _draw(self, held: HeldOrder, age: timedelta | None, proposal: Proposal | None) -> None:
        frame, t = self._frame, self._frame.t
        with ui.element("div").classes("bar-row"):
            ui.label(held.order_id).classes("strong")
            level_badge(frame, held.level)
            badge(frame.f.age(age), "schedule")
            if held.forced is not None:
                badge(t("forced"), "pan_tool", "bad")
        skipped = {t("to_free")}
        facts([pair for pair in order_facts(frame, held) if pair[0] not in skipped])
        if found := ways(frame, held):
            ui.label(t("to_free_any")).classes("muted small")
            with ui.element("ul").classes("reasons"):
                for way in found:
                    with ui.element("li"):
                        ui.label(way)
        if proposal is not None:
            with ui.element("div").classes("bar-row"):
                badge(t("waits_second"), "how_to_reg", "warn")
            facts(proposal_facts(frame, proposal)[1:])
        works = self.works(held, proposal)
        with ui.element("div").classes("order-acts"):
            for key, name, icon, look, role in KEYS:
                if name in works and frame.may(role):
                    look = "" if name == "release" and proposal is not None else look
                    with button(t(name), works[name], icon=icon, look=look):
                        ui.label(key).classes("key").props('aria-hidden="true"')
        ui.link(t("to_customer"), f"/customers/{quote(held.customer_id, safe='')}")
