"""A person sets the level, with a reason and an expiry, or takes the setting back."""

from __future__ import annotations

from datetime import date

from nicegui import ui

from desk import acts
from desk.customer_questions import FileAnswer
from desk.web.components.acts import ask_reason
from desk.web.frame import Frame
from schemas.errors import InvalidInput
from schemas.levels import LADDER, Level


async def ask_override(frame: Frame, file: FileAnswer) -> None:
    """The dialog; the level counts at once, through the day given."""
    fields: dict[str, ui.select | ui.input] = {}

    def about() -> None:
        ui.label(frame.t("override_about")).classes("muted")
        with ui.element("div").classes("form-grid"):
            options = {level.value: frame.code(level) for level in LADDER}
            fields["level"] = ui.select(options, value=file.level.value, label=frame.t("level")).props("outlined dense")
            fields["day"] = ui.input(frame.t("field_expires_on")).props('outlined dense type="date" stack-label')

    async def act(reason: str) -> None:
        level, day = Level(str(fields["level"].value)), _day(frame, fields["day"].value)
        await acts.override_level(frame.services, frame.acting(acts.OVERRIDES), file.customer_id, level, reason, day)

    await ask_reason(frame, frame.t("override"), act, about=about, danger=True, done=frame.t("override_done"))


async def ask_take_back(frame: Frame, file: FileAnswer) -> None:
    """End the setting: the score decides again."""

    async def act(reason: str) -> None:
        await acts.override_level(
            frame.services, frame.acting(acts.OVERRIDES), file.customer_id, None, reason, file.day
        )

    await ask_reason(frame, frame.t("take_back"), act, done=frame.t("override_done"))


def _day(frame: Frame, text: object) -> date:
    try:
        return date.fromisoformat(str(text or ""))
    except ValueError:
        raise InvalidInput("expires_on", frame.t("day_needed"), "expires_on") from None
