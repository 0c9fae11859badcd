"""``creditpulse alerts``: where every alert stands, acknowledge one, silences, the routing file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import click

from alerts import alert_service
from alerts.alert_service import AlertView, GroupView
from alerts.commands.grade import grade
from alerts.commands.options import language_option
from alerts.commands.routing import routing
from alerts.commands.silence import silence
from alerts.dispatch.item_text import time_text
from alerts.live_alerts import LiveAlerts
from alerts.plain import plain
from alerts.routing.state import Stage
from alerts.texts import Language, phrase, text
from alerts.webhooks.dispatcher import wall_clock
from streams.commands.options import json_option, said_by_option
from streams.commands.show import print_json, print_table, tell
from streams.control import Control
from streams.settings import Settings

Answer = TypeVar("Answer")
_COLUMNS = ("id", "state", "severity", "subject", "level", "cause", "since", "muted", "acked")
_GROUP_COLUMNS = ("id", "receiver", "labels", "alerts", "told", "repeats")


@click.group()
def alerts() -> None:
    """Alerts as the dispatcher knows them: list, acknowledge, silence; check who would be told."""


alerts.add_command(grade)
alerts.add_command(routing)
alerts.add_command(silence)


@alerts.command("list")
@click.option("--customer", help="Only this customer.")
@click.option("--state", "stage", type=click.Choice([stage.value for stage in Stage]), help="Only in this state.")
@click.option("--group", help="Only in this group of `creditpulse alerts groups`.")
@language_option
@json_option
def list_alerts(customer: str | None, stage: str | None, group: str | None, lang: str, as_json: bool) -> None:
    """List alerts, the most severe first, with what mutes them and who has acknowledged them; then those just over.

    \b
    Example:  creditpulse alerts list --state firing
    Exit codes: 0 done; 1 no broker answers.
    """

    async def work(live: LiveAlerts, control: Control) -> list[AlertView]:
        wanted = Stage(stage) if stage else None
        return alert_service.list_alerts(live, control, now=wall_clock(), customer=customer, state=wanted, group=group)

    found, language = _with_alerts(work), cast("Language", lang)
    if as_json:
        print_json([alert.model_dump(mode="json") for alert in found])
    elif not found:
        click.echo(text("alerts.none", language))
    else:
        print_table(
            [text(f"column.{name}", language) for name in _COLUMNS], (_cells(alert, language) for alert in found)
        )


@alerts.command()
@language_option
@json_option
def groups(lang: str, as_json: bool) -> None:
    """List the groups in which receivers are told of alerts.

    \b
    Example:  creditpulse alerts groups
    Exit codes: 0 done; 1 no broker answers.
    """

    async def work(live: LiveAlerts, control: Control) -> list[GroupView]:
        return alert_service.list_groups(live)

    found, language = _with_alerts(work), cast("Language", lang)
    if as_json:
        print_json([group.model_dump(mode="json") for group in found])
        return
    if not found:
        click.echo(text("alerts.none", language))
        return
    rows = []
    for group in found:
        labels = " ".join(f"{name}={value}" for name, value in group.labels.items())
        told = time_text(group.told_at) if group.told_at else "-"
        cells = [group.id, group.receiver, labels or "-", str(len(group.alerts)), told, str(group.repeats)]
        rows.append([plain(cell, 200) for cell in cells])
    print_table([text(f"column.{name}", language) for name in _GROUP_COLUMNS], rows)


@alerts.command()
@click.argument("alert_id", metavar="ID")
@said_by_option
@click.option("--reason", default="", help="What is being done.")
@language_option
@json_option
def ack(alert_id: str, by: str, reason: str, lang: str, as_json: bool) -> None:
    """Acknowledge an alert: it is not repeated any more. When it becomes worse, everybody is told all the same.

    \b
    Example:  creditpulse alerts ack 3f9c0a11be42 --by ann --reason "called them"
    Exit codes: 0 done; 1 there is no such alert, it is not firing, or no broker answers; 2 an option is wrong.
    """

    async def work(live: LiveAlerts, control: Control) -> AlertView:
        return await alert_service.acknowledge(live, control, alert_id, by=by, reason=reason, now=wall_clock())

    shown = _with_alerts(work)
    told = phrase("alerts.acked", cast("Language", lang), id=alert_id)
    tell(shown.model_dump(mode="json"), told, as_json)


def _with_alerts(work: Callable[[LiveAlerts, Control], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        settings = Settings()
        async with LiveAlerts(settings) as live, Control(settings) as control:
            return await work(live, control)

    return asyncio.run(run())


def _cells(alert: AlertView, language: Language) -> list[str]:
    muted = ""
    if alert.muted_by_silence:
        muted = phrase("alerts.muted_silence", language, id=alert.muted_by_silence)
    elif alert.muted_by_alert:
        muted = phrase("alerts.muted_alert", language, id=alert.muted_by_alert)
    cells = [
        alert.id, text(f"stage.{alert.state}", language), text(alert.severity, language), alert.subject,
        text(alert.labels["level"], language) if "level" in alert.labels else "-",
        text(alert.kind, language), time_text(alert.since), muted, alert.acknowledged_by or "",
    ]  # fmt: skip
    return [plain(cell) for cell in cells]
