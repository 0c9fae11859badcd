"""What lies ahead: the way back to the better level, and what would become of the customer if."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from nicegui import ui
from pydantic import TypeAdapter, ValidationError

from alerts.order_text import order_why
from alerts.sentences import help_text, way_back_text
from desk.customer_questions import NEW, FileAnswer, Step, WhatIfAnswer, what_if
from desk.web.components.basics import badge, button, card, empty, level_badge, plain_table, reason_list
from desk.web.components.section import Section
from desk.web.frame import Frame
from schemas.customer_file import CustomerStanding
from schemas.decisions import OrderDecision
from schemas.errors import CreditPulseError, InvalidInput

_STEPS: TypeAdapter[list[Step]] = TypeAdapter(list[Step])


class WayBackCard:
    """What leads to the better level."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("way_back"), span=6):
            self._body = Section("lines")

    def show(self, file: FileAnswer) -> None:
        """As of now."""
        self._body.show((file.way_back, file.helps, file.override), lambda: self._draw(file))

    def _draw(self, file: FileAnswer) -> None:
        frame = self._frame
        if file.override is not None:
            ui.label(frame.t("way_back_person", by=file.override.by))
        elif file.way_back is None:
            empty(frame.t("best_already"), "verified")
        else:
            ui.label(way_back_text(file.way_back, frame.language)).classes("strong")
            for found in file.helps:
                told = help_text(found, frame.language)
                if told:
                    ui.label(told)
                if found.approximate and told:
                    ui.label(frame.t("approximate")).classes("muted small")


class WhatIfCard:
    """A form of up to one payment, one order and one draft policy, and before beside after."""

    def __init__(self, frame: Frame, customer_id: str) -> None:
        self._frame, self._id = frame, customer_id
        t = frame.t
        with card(t("what_if"), t("what_if_note"), span=6):
            with ui.element("div").classes("form-row"):
                self._order = ui.input(t("this_order")).props("outlined dense").classes("w-amount")
                self._payment = ui.input(t("this_payment")).props("outlined dense").classes("w-amount")
                self._invoice = ui.select({"": t("any_invoice")}, value="").props("outlined dense").classes("w-rest")
                self._invoice._props["aria-label"] = t("paid_for")
                self._currency = ui.select(["EUR"], value="EUR").props("outlined dense").classes("w-currency")
                self._currency._props["aria-label"] = t("currency")
                button(t("try_it"), self._ask, icon="play_arrow", look="main-act")
            with ui.expansion(t("this_policy")).classes("plain-expansion"):
                self._policy = ui.textarea(placeholder=t("policy_hint")).props("outlined").classes("mono full")
                self._policy._props["aria-label"] = t("this_policy")
            self._wrong = ui.label("").classes("bad-text hidden").props('role="alert"')
            self._answer = ui.element("div").classes("lines")

    def show(self, file: FileAnswer) -> None:
        """Which invoices and currencies there are to choose from."""
        currencies = sorted({*(str(e.currency) for e in file.exposures)}) or ["EUR", "USD", "CNY"]
        if self._currency.options != currencies:
            self._currency.set_options(currencies, value=currencies[0])
        options = {"": self._frame.t("any_invoice")} | {item.invoice_id: item.invoice_id for item in file.invoices}
        if self._invoice.options != options:
            self._invoice.set_options(options, value=self._invoice.value if self._invoice.value in options else "")

    async def _ask(self) -> None:
        try:
            found = what_if(self._frame.services, self._id, self._steps())
        except CreditPulseError as error:
            self._wrong.text = self._frame.error(error)
            self._wrong.classes(remove="hidden")
            return
        self._wrong.classes(add="hidden")
        self._answer.clear()
        with self._answer:
            self._tell(found)

    def _steps(self) -> list[Step]:
        currency = self._currency.value
        steps: list[dict[str, Any]] = []
        if (self._policy.value or "").strip():
            steps.append({"kind": "policy", "text": self._policy.value})
        if (self._payment.value or "").strip():
            amount = self._amount("this_payment", self._payment.value)
            steps.append(
                {"kind": "payment", "amount": amount, "currency": currency, "invoice_id": self._invoice.value or None}
            )
        if (self._order.value or "").strip():
            steps.append(
                {"kind": "order", "amount": self._amount("this_order", self._order.value), "currency": currency}
            )
        if not steps:
            raise InvalidInput("what_if", self._frame.t("nothing_asked"))
        try:
            return _STEPS.validate_python(steps)
        except ValidationError as error:
            raise InvalidInput("what_if", error.errors()[0]["msg"]) from error

    def _amount(self, name: str, text: str) -> Decimal:
        try:
            return Decimal(text.replace(",", "").replace(" ", ""))
        except InvalidOperation:
            raise InvalidInput("amount", self._frame.t("no_amount", field=self._frame.t(name))) from None

    def _tell(self, found: WhatIfAnswer) -> None:
        frame, t = self._frame, self._frame.t
        sides = (found.before, found.after)
        rows: list[Sequence[Any]] = [
            (t("level"), *(lambda side=side: level_badge(frame, side.level) for side in sides)),
            (t("score"), *(frame.f.number(side.score) for side in sides)),
            (t("exposure"), *(self._exposure(side, "exposure") for side in sides)),
            (t("limit"), *(self._exposure(side, "limit") for side in sides)),
            (t("headroom"), *(self._exposure(side, "headroom") for side in sides)),
            (t("terms_name"), *(frame.f.days(side.measures.terms_days) for side in sides)),
            (t("held_orders"), *(self._held(side) for side in sides)),
        ]
        plain_table([("", False), (t("now"), False), (t("then"), False)], rows)
        reason_list(frame, [(frame.reason(reason), reason.contribution) for reason in found.reasons])
        for out in found.decisions:
            if isinstance(out.data, OrderDecision):
                self._decision(out.data)

    def _decision(self, order: OrderDecision) -> None:
        frame = self._frame
        icon, look = {"approve": ("check_circle", "good"), "release": ("lock_open", "good")}.get(
            order.decision.value, ("pan_tool", "warn")
        )
        with ui.element("div").classes("bar-row"):
            asked = _is_asked(order.order_id)
            ui.label(frame.t("the_order") if asked else order.order_id).classes("strong")
            badge(frame.code(order.decision.value), icon, look)
        told = order_why(order, frame.language)
        if told:
            ui.label(told)

    def _held(self, side: CustomerStanding) -> str:
        named = (self._frame.t("the_order") if _is_asked(order_id) else order_id for order_id in side.held)
        return ", ".join(named) or "–"

    def _exposure(self, side: CustomerStanding, name: str) -> str:
        shown = [
            self._frame.f.money(getattr(exposure, name), str(exposure.currency))
            for exposure in side.exposures
            if getattr(exposure, name) is not None
        ]
        return ", ".join(shown) or "–"


def _is_asked(order_id: str) -> bool:
    return order_id.startswith(f"{NEW}-")
