"""The policy in force, and a draft of another tried on the past, in money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from nicegui import ui

from desk.policy_trials import TRIES, Trial
from desk.web.components.basics import badge, button, card, plain_table
from desk.web.components.section import Section
from desk.web.frame import Frame
from desk.web.texts import said
from schemas.errors import CreditPulseError
from schemas.levels import Level

_MONEY = ("held_amount", "false_hold_amount", "sales_forgone", "margin_forgone", "bad_amount_held", "loss_avoided",
          "late_cost_avoided", "net")  # fmt: skip
_COUNTS = ("holds", "rejections", "false_holds")
_CUSTOMERS = 8


class PolicyTrialCard:
    """Text of the draft, beginning with the policy in force; progress; what it would have cost or saved."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._filled = False
        t = frame.t
        with card(t("draft"), t("draft_note"), span=5):
            self._text = ui.textarea().props("outlined").classes("mono full tall")
            self._text._props["aria-label"] = t("draft")
            with ui.element("div").classes("bar-row"):
                if frame.may(TRIES):
                    button(t("try_draft"), self._start, icon="play_arrow", look="main-act")
                    self._stop_button = button(t("stop"), self._stop, icon="stop", look="quiet")
                button(t("in_force_again"), self._fill, icon="restart_alt", look="quiet")
            self._wrong = ui.label("").classes("bad-text hidden").props('role="alert"')
        with card(t("outcome"), t("outcome_note"), span=7):
            self._body = Section("lines scroll tallest")

    def show(self) -> None:
        """The newest trial as it stands."""
        if not self._filled and self._frame.services.book.ready.is_set():
            self._filled = True
            self._fill()
        newest = next(iter(self._frame.services.trials.all()), None)
        running = newest is not None and newest.state in ("reading", "running")
        if self._frame.may(TRIES):
            self._stop_button.set_visibility(running)
        self._body.show(newest, lambda: self._tell(newest))

    def _fill(self) -> None:
        self._text.value = self._frame.services.book.policy_text()

    def _start(self) -> None:
        frame = self._frame
        try:
            services = frame.services
            draft, in_force = self._text.value or "", services.book.policy_text()
            services.trials.start(frame.acting(TRIES), draft, in_force, services.now(), services.book.clock())
        except CreditPulseError as error:
            self._wrong.text = frame.error(error)
            self._wrong.classes(remove="hidden")
            return
        self._wrong.classes(add="hidden")
        self.show()

    async def _stop(self) -> None:
        newest = next(iter(self._frame.services.trials.all()), None)
        if newest is not None:
            await self._frame.try_to(self._frame.services.trials.stop(self._frame.acting(TRIES), newest.id))

    def _tell(self, trial: Trial | None) -> None:
        frame, t = self._frame, self._frame.t
        if trial is None:
            ui.label(t("no_trial")).classes("muted")
            return
        with ui.element("div").classes("bar-row"):
            ui.label(trial.version).classes("strong")
            icon, look = {"done": ("check_circle", "good"), "failed": ("error", "bad")}.get(
                trial.state, ("sync", "info")
            )
            badge(t(f"state_{trial.state}"), icon, look)
            ui.label(t("by_at", by=trial.by, time=frame.f.time(trial.started))).classes("muted")
        if trial.state == "running":
            bar = ui.linear_progress(trial.progress, show_value=False).props("rounded")
            bar._props["aria-label"] = t("progress")
            ui.label(t("progress_of", share=frame.f.percent(trial.progress), events=frame.f.number(trial.events)))
        if trial.message:
            ui.label(said(trial.message, frame.language)).classes("bad-text")
        if trial.found is not None:
            self._found(trial.found)

    def _found(self, found: dict[str, Any]) -> None:
        frame, t = self._frame, self._frame.t
        one, other = found["a"], found["b"]
        rows: list[Sequence[Any]] = [self._count(t("alerts_total"), one["alerts"]["total"], other["alerts"]["total"])]
        levels = [level for level in Level if level in one["levels"] or level in other["levels"]]
        rows += [
            self._count(
                t("at_level", level=frame.code(level)), one["levels"].get(level, 0), other["levels"].get(level, 0)
            )
            for level in levels
        ]
        for currency, difference in found["difference"].items():
            a, b = (run["money"]["currencies"].get(currency, {}) for run in (one, other))
            rows += [self._count(t(name), a.get(name, 0), b.get(name, 0), currency) for name in _COUNTS]
            rows += [
                self._money(name, a.get(name, "0"), b.get(name, "0"), difference[name], currency) for name in _MONEY
            ]
        plain_table([("", False), (t("in_force"), True), (t("draft_b"), True), (t("difference"), True)], rows)
        customers = found["customers"]
        if customers:
            ui.label(t("who_differs", count=frame.f.number(len(customers)))).classes("strong")
            head = [(t("customer"), False), (t("net_in_force"), True), (t("net_draft"), True), (t("difference"), True)]
            plain_table(head, [self._customer(row) for row in customers[:_CUSTOMERS]])

    def _count(self, label: str, a: int, b: int, currency: str = "") -> Sequence[Any]:
        f = self._frame.f
        return [f"{label} {currency}".strip(), f.number(a), f.number(b), f.number(b - a, signed=True)]

    def _money(self, name: str, a: str, b: str, difference: str, currency: str) -> Sequence[Any]:
        f, value = self._frame.f, Decimal(difference)

        def changed() -> None:
            look = "" if name != "net" or not value else "good-text strong" if value > 0 else "bad-text strong"
            sign = "+" if value > 0 else ""
            ui.label(f"{sign}{f.money(value, currency)}").classes(look)

        return [self._frame.t(name), f.money(a, currency), f.money(b, currency), changed]

    def _customer(self, row: dict[str, Any]) -> Sequence[Any]:
        f = self._frame.f

        def name() -> None:
            ui.link(row["customer_id"], f"/customers/{quote(row['customer_id'], safe='')}")

        amounts = [f.money(row[part], row["currency"]) for part in ("net_a", "net_b", "difference")]
        return [name, *amounts]
