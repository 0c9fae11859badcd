"""Which policy value applies to the customer, and why: the layers, and what each of them says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk.customer_questions import PolicyAnswer, PolicyValue, policy_values
from desk.web.components.basics import badge, button, empty, plain_table
from desk.web.frame import Frame
from schemas.errors import CreditPulseError

_MOST, _LONGEST = 60, 90


class PolicyValues:
    """A path to look for, and the values under it with their layers. Used on the page of a customer and of policies.

    Its texts are those of the file ``policy_card``.
    """

    def __init__(self, frame: Frame, customer_id: str = "") -> None:
        """Without a customer, one is asked for."""
        self._frame, self._fixed = frame, customer_id
        t = frame.t
        with ui.element("div").classes("form-row"):
            self._customer: ui.input | None = None
            if not customer_id:
                self._customer = ui.input(t("policy_card.customer")).props("outlined dense").classes("w-select")
                self._customer.on("keydown.enter", self.look)
            self._path = ui.input(t("policy_card.path"), placeholder="limits.base").props("outlined dense clearable")
            self._path.classes("w-path").on("keydown.enter", self.look)
            button(t("policy_card.look"), self.look, icon="search")
        self._layers = ui.element("div").classes("bar-row")
        self._body = ui.element("div").classes("scroll short")

    async def look(self) -> None:
        """Ask, and tell; also of a customer that nobody knows, who has the book's policy."""
        frame = self._frame
        customer = self._fixed or (self._customer.value if self._customer is not None else "") or "-"
        path = (self._path.value or "").strip()
        self._layers.clear()
        self._body.clear()
        try:
            found = policy_values(frame.services, customer, [path] if path else ())
        except CreditPulseError as error:
            with self._body:
                ui.label(frame.error(error)).classes("bad-text")
            return
        with self._layers:
            ui.label(frame.t("policy_card.version", version=found.version)).classes("muted")
            for number, layer in enumerate(found.layers):
                if number:
                    ui.icon("chevron_right").classes("muted")
                badge(layer, "layers", "info" if number == len(found.layers) - 1 else "")
        with self._body:
            self._tell(found, path)

    def _tell(self, found: PolicyAnswer, path: str) -> None:
        t = self._frame.t
        if not found.values:
            empty(t("policy_card.all_default") if not path else t("policy_card.none"), "tune")
            return
        head = [
            (t("policy_card.value"), False),
            ("", False),
            (t("policy_card.from"), False),
            (t("policy_card.over"), False),
        ]
        plain_table(head, [self._row(value) for value in found.values[:_MOST]])
        if len(found.values) > _MOST:
            more = self._frame.f.number(len(found.values) - _MOST)
            ui.label(t("policy_card.more", count=more)).classes("muted small pad")

    @staticmethod
    def _row(value: PolicyValue) -> Sequence[Any]:
        def from_layer() -> None:
            ui.label(value.layer).classes("strong")
            ui.label(value.place).classes("muted small")

        below = "; ".join(f"{layer}: {said}" for layer, said in reversed(value.says[:-1]))
        return [value.path, _short(value.value), from_layer, _short(below) if below else "–"]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
