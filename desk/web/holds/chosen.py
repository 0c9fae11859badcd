"""The order that is chosen in the queue: why it waits, what would free it, and what this user may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from urllib.parse import quote

from nicegui import ui

from desk import acts
from desk.api.roles import Role
from desk.hold_queue import HeldOrder
from desk.proposals import Proposal
from desk.web.components.basics import badge, button, empty, facts, level_badge
from desk.web.components.section import Section
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
        self._order: tuple[HeldOrder, Proposal | None] | None = None
        with ui.element("div").classes("lines"):
            self._about, self._acts = Section("lines"), Section("lines")

    def show(self, held: HeldOrder | None, age: timedelta | None, proposal: Proposal | None) -> None:
        """The order, how long it has waited, and the release of it that was asked for."""
        frame = self._frame
        self._order = (held, proposal) if held is not None else None
        if held is None:
            self._about.show(None, lambda: empty(frame.t("none_chosen"), "task_alt"))
            self._acts.show(None, lambda: None)
            return
        self._about.show((held, proposal, frame.f.age(age)), lambda: self._draw_about(held, age, proposal))
        names = [name for _, name, _, _, role in KEYS if name in self.works(held, proposal) and frame.may(role)]
        # Not the order as a whole: its buttons stay while its figures move.
        acts_shown = (held.customer_id, held.order_id, names, proposal is None)
        self._acts.show(acts_shown, lambda: self._draw_acts(held.customer_id, names, asked=proposal is not None))

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

    def _draw_about(self, held: HeldOrder, age: timedelta | None, proposal: Proposal | None) -> None:
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

    def _draw_acts(self, customer_id: str, names: list[str], *, asked: bool) -> None:
        t = self._frame.t
        with ui.element("div").classes("order-acts"):
            for key, name, icon, look, _ in KEYS:
                if name in names:
                    look = "" if name == "release" and asked else look
                    with button(t(name), partial(self._do, name), icon=icon, look=look):
                        ui.label(key).classes("key").props('aria-hidden="true"')
        ui.link(t("to_customer"), f"/customers/{quote(customer_id, safe='')}")

    async def _do(self, name: str) -> None:
        """The act on the order as it is shown by now; nothing, if that took the act away."""
        work = self.works(*self._order).get(name) if self._order is not None else None
        if work is not None:
            await work()
