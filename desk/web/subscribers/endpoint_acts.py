"""What an administrator does with an endpoint: test, pause, resume, new secret, remove, send again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from alerts.webhooks import again, service
from alerts.webhooks.service import Created
from alerts.webhooks.shown import trial_shown
from alerts.webhooks.subscription import Subscription
from alerts.webhooks.trial import send_test
from desk.api.roles import Role
from desk.api.subscriptions import Replay
from desk.web.components.acts import ask, ask_reason
from desk.web.components.basics import Segments
from desk.web.frame import Frame
from desk.web.subscribers.endpoint_form import show_secret
from schemas.errors import InvalidInput

_OVERLAP_HOURS = (0, 1, 24, 72, 168)


async def try_endpoint(frame: Frame, found: Subscription) -> None:
    """Send a signed test event and say what was answered."""

    async def act() -> None:
        frame.acting(Role.ADMIN)
        outcome = trial_shown(await send_test(frame.services.settings, found, frame.services.now))
        took = frame.f.number(outcome.latency_ms)
        if outcome.arrived:
            frame.say(frame.t("test_arrived", status=str(outcome.status), ms=took))
            return
        said = f" · {outcome.response}" if outcome.response else ""
        why = frame.t(f"error_{outcome.error}") + (f" ({outcome.status})" if outcome.status else "")
        frame.say(frame.t("test_failed", why=why + said), bad=True)

    await frame.try_to(act())


async def pause_endpoint(frame: Frame, found: Subscription) -> None:
    """Ask why, then deliver nothing until it is resumed."""

    async def act(reason: str) -> None:
        frame.acting(Role.ADMIN)
        services = frame.services
        await service.pause(services.control, found.id, reason=reason, now=services.now())

    title = frame.t("pause_this", name=called(found))
    about = _text(frame.t("pause_note"))
    await ask_reason(frame, title, act, about=about, confirm=frame.t("pause"), done=frame.t("paused_done"))


async def resume_endpoint(frame: Frame, found: Subscription) -> None:
    """Go on where it stopped."""

    async def act() -> None:
        frame.acting(Role.ADMIN)
        services = frame.services
        await service.resume(services.control, services.settings, found.id, now=services.now())

    await frame.try_to(act(), frame.t("resumed_done"))


async def rotate_endpoint(frame: Frame, found: Subscription) -> None:
    """Make a new secret and show it once."""
    fields: dict[str, Any] = {}
    made: list[Created] = []

    def about() -> None:
        ui.label(frame.t("rotate_note")).classes("muted")
        hours = {
            count: frame.f.age(timedelta(hours=count)) if count else frame.t("not_at_all") for count in _OVERLAP_HOURS
        }
        fields["hours"] = ui.select(hours, value=24, label=frame.t("overlap")).props("outlined dense")

    async def act() -> None:
        frame.acting(Role.ADMIN)
        services, overlap = frame.services, timedelta(hours=fields["hours"].value)
        made.append(
            await service.rotate_secret(
                services.control, services.settings, found.id, now=services.now(), overlap=overlap
            )
        )

    if await ask(frame, frame.t("rotate_this", name=called(found)), act, about=about, confirm=frame.t("rotate")):
        await show_secret(frame, made[0])


async def remove_endpoint(frame: Frame, found: Subscription) -> None:
    """Forget it, and what waits for it."""

    async def act() -> None:
        frame.acting(Role.ADMIN)
        await service.remove(frame.services.control, found.id)

    title = frame.t("remove_this", name=called(found))
    about = _text(frame.t("remove_note"))
    await ask(
        frame, title, act, about=about, confirm=frame.t("remove"), danger=True, done=frame.t("removed_done")
    )  # fmt: skip


async def send_again(frame: Frame, found: Subscription, event_ids: Sequence[str] | None) -> None:
    """Have these events sent again, or everything that was given up (None); for ``ask`` and ``try_to``."""
    who, services = frame.acting(Role.ADMIN), frame.services
    control, settings, now = services.control, services.settings, services.now()
    if event_ids is None:
        count = await again.redeliver_dead(control, settings, found.id, by=who.name, now=now)
    else:
        count = await again.redeliver(control, settings, found.id, event_ids, by=who.name, now=now)
    frame.say(frame.t("asked_again", count=frame.f.number(count)))


async def replay(frame: Frame, found: Subscription) -> None:
    """Ask from where on everything shall be sent again."""
    fields: dict[str, Any] = {}

    def about() -> None:
        ui.label(frame.t("replay_note")).classes("muted")

        def switch(value: str) -> None:
            fields["time"].set_visibility(value == "time")
            fields["customer_part"].set_visibility(value == "customer")

        choices = [("time", frame.t("from_time")), ("customer", frame.t("from_sequence"))]
        fields["which"] = Segments(choices, "time", switch)
        fields["time"] = ui.input(frame.t("since")).props('outlined dense stack-label type="datetime-local"')
        fields["time"].classes("since-field")
        with ui.element("div").classes("form-grid") as part:
            fields["customer"] = ui.input(frame.t("customer")).props("outlined dense")
            fields["sequence"] = ui.input(frame.t("sequence"), value="1").props("outlined dense")
        fields["customer_part"] = part
        switch("time")

    async def act() -> None:
        who, services = frame.acting(Role.ADMIN), frame.services
        body = replay_asked(frame, {name: fields[name].value or "" for name in _REPLAY[fields["which"].value]})
        control, settings = services.control, services.settings
        if body.since is not None:
            await again.replay_since(control, settings, found.id, body.since, by=who.name, now=services.now())
            frame.say(frame.t("replay_asked"))
            return
        count = await again.replay_customer(
            control, settings, found.id, str(body.customer_id), body.from_sequence or 1, by=who.name,
            now=services.now(),
        )  # fmt: skip
        frame.say(frame.t("asked_again", count=frame.f.number(count)))

    await ask(frame, frame.t("replay_this", name=called(found)), act, about=about, confirm=frame.t("replay"))


_REPLAY = {"time": ("time",), "customer": ("customer", "sequence")}
_REPLAY_FIELDS = {"time": "since", "customer": "customer_id", "sequence": "from_sequence"}


def replay_asked(frame: Frame, typed: dict[str, str]) -> Replay:
    """What was typed in ``time`` (UTC, to the minute), or ``customer`` and ``sequence``.

    Raises InvalidInput, which names the field as it is labelled.
    """
    given: dict[str, Any] = {}
    for name, text in typed.items():
        label, value = frame.t("since" if name == "time" else name), text.strip()
        if not value:
            raise InvalidInput("replay", frame.t("needed", field=label), name)
        given[_REPLAY_FIELDS[name]] = f"{value}:00Z" if name == "time" else value
    if given.get("from_sequence", "").isdecimal():
        given["from_sequence"] = int(given["from_sequence"])
    try:
        return Replay.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = next((name for name, field in _REPLAY_FIELDS.items() if field in first["loc"]), None)
        label = f"{frame.t('since' if wrong == 'time' else wrong)}: " if wrong else ""
        raise InvalidInput("replay", label + first["msg"], wrong) from error


def called(found: Subscription) -> str:
    """The name that people gave it, or its address."""
    return found.name or found.url


def _text(text: str) -> Any:
    return lambda: ui.label(text).classes("muted")
