"""Dialogs in which an analyst enters a statement, an agency's report or a review."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from desk import acts
from desk.web import texts
from desk.web.components.basics import button
from desk.web.frame import Frame
from schemas.assessments import AgencyWord, ReviewGrades, StatementFigures
from schemas.errors import InvalidInput

Said = StatementFigures | AgencyWord | ReviewGrades


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be entered; ``optional`` fields may be left empty, ``days`` are dates."""

    name: str
    contract: Callable[..., Said]
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()
    days: tuple[str, ...] = ("as_of",)


STATEMENT = Kind(
    "statement",
    StatementFigures,
    (
        "as_of", "currency", "current_assets", "total_assets", "current_liabilities", "total_liabilities", "equity",
        "retained_earnings", "sales", "ebit",
    ),
    ("inventory", "interest_expense", "operating_cash_flow", "net_income"),
)  # fmt: skip
AGENCY = Kind("agency", AgencyWord, ("agency", "as_of"), ("rating", "score", "scale_worst", "scale_best"))
REVIEW = Kind(
    "review",
    ReviewGrades,
    ("as_of", "expires_on", "management", "industry_position", "reputation"),
    ("note",),
    ("as_of", "expires_on"),
)


async def enter(frame: Frame, customer_id: str, kind: Kind) -> None:
    """Open the dialog; it stays open, with what was typed, until what was typed is right."""
    title = frame.t(f"enter_{kind.name}")
    with ui.dialog().props("persistent no-route-dismiss") as dialog, ui.element("div").classes("dialog wide") as box:
        box.props('role="dialog" aria-modal="true"')
        box._props["aria-label"] = title
        with ui.element("h2").classes("dialog-title"):
            ui.label(title)
        ui.label(frame.t(f"about_{kind.name}")).classes("muted")
        fields: dict[str, Any] = {}
        with ui.element("div").classes("form-grid"):
            for name in (*kind.fields, *kind.optional):
                label = frame.t(f"field_{name}")
                told = f"{label} ({frame.t('if_known')})" if name in kind.optional else label
                fields[name] = ui.input(told).props(
                    "outlined dense" + (' type="date" stack-label' if name in kind.days else "")
                )
        wrong = ui.label("").classes("bad-text hidden").props('role="alert"')

        async def go() -> None:
            try:
                said = said_of(kind, {name: field.value for name, field in fields.items()})
            except InvalidInput as error:
                name = error.field or ""
                label = frame.t(f"field_{name}") if name in fields else name
                told = texts.said(error.message, frame.language)
                wrong.text = f"{label}: {told}" if label else told
                wrong.classes(remove="hidden")
                return
            wrong.classes(add="hidden")
            if await frame.try_to(_send(frame, customer_id, said), frame.t("entered")):
                dialog.submit(True)

        with ui.element("div").classes("dialog-acts"):
            button(frame.t("frame.cancel"), lambda: dialog.submit(False), look="quiet")
            button(frame.t("frame.confirm"), go, look="main-act")
    await dialog
    dialog.delete()


def said_of(kind: Kind, typed: Mapping[str, str | None]) -> Said:
    """What was typed as the contract has it; raises InvalidInput with the field."""
    given = {name: text.strip() for name, text in typed.items() if text is not None and text.strip()}
    for name in given:
        if name not in ("as_of", "expires_on", "currency", "agency", "rating", "note"):
            given[name] = given[name].replace(",", "")
    try:
        return kind.contract(**given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else None
        raise InvalidInput("invalid", first["msg"].removeprefix("Value error, "), field) from error


async def _send(frame: Frame, customer_id: str, said: Said) -> None:
    who = frame.acting(acts.ASSESSES)
    await acts.assess(frame.services, who, customer_id, said)
