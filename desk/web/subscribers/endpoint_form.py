"""The dialog in which an endpoint is added or changed, and the one that shows its secret once."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from nicegui import ui
from pydantic import ValidationError

from alerts.webhooks import positions, service
from alerts.webhooks.service import Created
from alerts.webhooks.subscription import WEBHOOK_TOPICS, NewSubscription, Subscription
from desk.api.roles import Role
from desk.web.components.acts import ask
from desk.web.components.basics import button
from desk.web.frame import Frame
from desk.web.subscribers.filter_words import kind_word, topic_word
from schemas.decisions import AlertKind, Decision, ModelNoteKind
from schemas.errors import InvalidInput
from schemas.levels import LADDER

_LISTS = ("segments", "sectors", "groups")


async def add_endpoint(frame: Frame) -> str | None:
    """Ask for a new one and show its secret; its id, None when nothing was made."""
    form = _Form(frame, None)
    made: list[Created] = []

    async def act() -> None:
        who, services, new = frame.acting(Role.ADMIN), frame.services, form.given()
        service.check_topics(new)
        find = positions.at_beginning if form.from_beginning else positions.now_in
        start = await find(services.settings, new.filters.topics)
        made.append(
            await service.create_subscription(
                services.control, services.settings, new, by=who.name, now=services.now(), start=start
            )
        )

    if not await ask(frame, frame.t("add"), act, about=form.build, wide=True, confirm=frame.t("add_confirm")):
        return None
    await show_secret(frame, made[0])
    return made[0].subscription.id


async def change_endpoint(frame: Frame, found: Subscription) -> bool:
    """Ask for what shall be different; whether it was changed."""
    form = _Form(frame, found)

    async def act() -> None:
        frame.acting(Role.ADMIN)
        services, new = frame.services, form.given()
        service.get_subscription(services.control, found.id)
        service.check_topics(new)
        start = await positions.now_in(services.settings, new.filters.topics)
        await service.change_subscription(
            services.control, services.settings, found.id, new, now=services.now(), start=start
        )

    return await ask(frame, frame.t("change"), act, about=form.build, wide=True, done=frame.t("changed"))


async def show_secret(frame: Frame, created: Created) -> None:
    """Show it once: who closes the dialog does not see it again."""
    with (
        frame.client,
        ui.dialog().props("persistent no-route-dismiss") as dialog,
        ui.element("div").classes("dialog") as box,
    ):
        box.props('role="dialog" aria-modal="true"')
        box._props["aria-label"] = frame.t("secret")
        with ui.element("h2").classes("dialog-title"):
            ui.label(frame.t("secret"))
        ui.label(frame.t("secret_note")).classes("muted")
        ui.input(value=created.secret).props("outlined dense readonly").classes("mono full secret-field")

        def copy() -> None:
            ui.clipboard.write(created.secret)
            frame.say(frame.t("copied"))

        with ui.element("div").classes("dialog-acts"):
            button(frame.t("copy"), copy, icon="content_copy", look="quiet")
            button(frame.t("secret_kept"), lambda: dialog.submit(True), look="main-act")
    await dialog
    dialog.delete()


class _Form:
    """The fields, filled with ``found``."""

    def __init__(self, frame: Frame, found: Subscription | None) -> None:
        self._frame, self._found = frame, found
        self._fields: dict[str, Any] = {}

    @property
    def from_beginning(self) -> bool:
        """Whether a new one also gets what is in the topics already."""
        return bool(self._fields["from_beginning"].value)

    def build(self) -> None:
        """Make them in the open dialog."""
        frame, t, fields = self._frame, self._frame.t, self._fields
        now = self._found or NewSubscription(url="")
        filters = now.filters
        fields["url"] = ui.input(t("url"), value=now.url, placeholder="https://erp.example.com/hooks/credit")
        fields["url"].props("outlined dense autofocus").classes("full url-field")
        with ui.element("div").classes("form-grid"):
            fields["name"] = ui.input(t("name"), value=now.name or "")
            topics = {name: topic_word(frame, name) for name in WEBHOOK_TOPICS}
            fields["topics"] = ui.select(topics, label=t("topics"), multiple=True, value=sorted(filters.topics))
            known = [*(kind.value for kind in AlertKind), *(kind.value for kind in Decision), *get_args(ModelNoteKind)]
            kinds = {kind: kind_word(frame, kind) for kind in dict.fromkeys([*known, *sorted(filters.kinds)])}
            fields["kinds"] = ui.select(kinds, label=t("kinds"), multiple=True, value=sorted(filters.kinds))
            levels = {"": t("any"), **{level.value: frame.code(level) for level in LADDER[1:]}}
            fields["level"] = ui.select(levels, label=t("level"), value=filters.level_at_or_below or "")
            steps = {0: t("any"), **{count: frame.f.number(count) for count in range(1, 5)}}
            fields["step"] = ui.select(steps, label=t("step"), value=filters.min_level_step or 0)
            fields["drop"] = ui.input(t("drop"), value=_text(filters.min_score_drop))
            exposures = ", ".join(f"{currency}={amount}" for currency, amount in sorted(filters.exposure_above.items()))
            fields["exposure"] = ui.input(t("exposure"), value=exposures, placeholder="EUR=50000, CNY=400000")
            for name in _LISTS:
                fields[name] = ui.input(t(name), value=", ".join(sorted(getattr(filters, name))))
            summaries = {"": t("summary_none"), "en": "English", "zh": "中文"}
            fields["language"] = ui.select(summaries, label=t("summary"), value=now.language or "")
            fields["rate"] = ui.input(t("rate"), value=str(now.rate_per_second))
        for field in fields.values():
            field.props("outlined dense")
        fields["ordered"] = ui.checkbox(t("ordered"), value=now.ordered)
        if self._found is None:
            fields["from_beginning"] = ui.checkbox(t("from_beginning"))

    def given(self) -> NewSubscription:
        """What was typed; raises InvalidInput, which names the field as it is labelled."""
        value = {name: field.value for name, field in self._fields.items()}
        for name in ("url", "topics", "rate"):
            if not value[name]:
                raise InvalidInput("subscription", self._frame.t("needed", field=self._frame.t(name)), name)
        try:
            return NewSubscription.model_validate(typed(value))
        except ValidationError as error:
            first = error.errors()[0]
            place = [str(part) for part in first["loc"]]
            name = next((_LABELS.get(part, part) for part in reversed(place) if _LABELS.get(part, part) in value), "")
            message = first["msg"].removeprefix("Value error, ")
            label = self._frame.t(name) if name else ".".join(place)
            raise InvalidInput("subscription", f"{label}: {message}", ".".join(place)) from error
        except InvalidInput as error:
            raise InvalidInput(
                error.code, f"{self._frame.t(str(error.field))}: {error.message}", error.field
            ) from error


_LABELS = {
    "level_at_or_below": "level", "min_level_step": "step", "min_score_drop": "drop", "exposure_above": "exposure",
    "rate_per_second": "rate",
}  # fmt: skip


def typed(value: dict[str, Any]) -> dict[str, Any]:
    """The fields as a subscription has them; raises InvalidInput for an exposure that is none."""
    filters = {
        "topics": value["topics"],
        "kinds": value["kinds"] or (),
        "level_at_or_below": value["level"] or None,
        "min_level_step": value["step"] or None,
        "min_score_drop": (value["drop"] or "").strip() or None,
        "exposure_above": _exposures(_parts(value["exposure"])),
        **{name: _parts(value[name]) for name in _LISTS},
    }
    return {
        "url": (value["url"] or "").strip(),
        "name": (value["name"] or "").strip() or None,
        "filters": filters,
        "language": value["language"] or None,
        "rate_per_second": (value["rate"] or "").strip(),
        "ordered": value["ordered"],
    }


def _parts(text: str | None) -> list[str]:
    return [part for part in map(str.strip, (text or "").replace("，", ",").split(",")) if part]


def _exposures(parts: Iterable[str]) -> dict[str, Decimal]:
    found = {}
    for part in parts:
        currency, _, amount = part.partition("=")
        try:
            found[currency.strip().upper()] = Decimal(amount.strip())
        except InvalidOperation as error:
            raise InvalidInput("exposure", f"{part!r} must look like EUR=50000", "exposure") from error
    return found


def _text(value: object) -> str:
    return "" if value is None else str(value)
