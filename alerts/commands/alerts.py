"""``creditpulse alerts``: where every alert stands, acknowledge one, silences, the routing file."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.commands.routing import routing
from alerts.commands.silence import silence
from alerts.dispatch import acknowledgement
from alerts.dispatch.item_text import time_text
from alerts.dispatch.main import wall_clock_ms
from alerts.dispatch.store import read_records
from alerts.plain import plain
from alerts.routing.engine import NotificationEngine
from alerts.routing.routing_text import read_routing
from alerts.routing.severity import rank
from alerts.routing.state import Alert, Stage, State
from alerts.texts import LANGUAGES, Language, phrase, text
from models.calendar import from_ms
from schemas.errors import Conflict, InvalidInput
from streams.control import Control
from streams.settings import Settings

_COLUMNS = ("id", "state", "severity", "customer", "level", "cause", "since", "muted", "acked")


@click.group()
def alerts() -> None:
    """Alerts as the dispatcher knows them: list, acknowledge, silence; check who would be told."""


alerts.add_command(routing)
alerts.add_command(silence)


@alerts.command("list")
@click.option("--customer", help="Only this customer.")
@click.option("--state", "stage", type=click.Choice([stage.value for stage in Stage]), help="Only in this state.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_alerts(customer: str | None, stage: str | None, lang: str, as_json: bool) -> None:
    """List alerts, the most severe first, with what mutes them and who has acknowledged them.

    \b
    Example:  creditpulse alerts list --state firing
    """
    settings, now = Settings(), wall_clock_ms()
    engine = _engine(settings, now)
    found = [
        alert
        for alert in engine.state.alerts.values()
        if customer in (None, alert.customer) and stage in (None, alert.stage)
    ]
    found.sort(key=lambda alert: (-rank(alert.labels["severity"]), alert.since, alert.key))
    shown = [_shown(alert, engine, now) for alert in found]
    language = cast("Language", lang)
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
    elif not shown:
        click.echo(text("alerts.none", language))
    else:
        Console().print(_table(shown, language))


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--by", required=True, help="Who takes note.")
@click.option("--note", default="", help="What is being done.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ack(alert_id: str, by: str, note: str, lang: str, as_json: bool) -> None:
    """Acknowledge an alert: it is not repeated any more. When it becomes worse, everybody is told all the same.

    \b
    Example:  creditpulse alerts ack 3f9c0a11be42 --by ann --note "called them"
    Exit codes: 0 done; 1 it has ended or is acknowledged; 2 there is no such alert.
    """
    settings = Settings()
    alert = State.of(asyncio.run(read_records(settings))).alerts.get(alert_id)
    if alert is None:
        raise InvalidInput("unknown_alert", f"there is no alert {plain(alert_id)!r}", "id")
    if alert.stage != Stage.FIRING:
        raise Conflict(f"alert {alert_id} is {alert.stage}: only one that is firing can be acknowledged")
    record = {"of": alert.worsened, "by": by, "note": note, "at": datetime.now(UTC).isoformat()}
    acknowledgement.ack_of(alert_id, record)
    asyncio.run(_put(settings, alert_id, record))
    told = phrase("alerts.acked", cast("Language", lang), id=alert_id)
    click.echo(json.dumps({"id": alert_id, **record}) if as_json else told)


async def _put(settings: Settings, alert_id: str, record: dict[str, Any]) -> None:
    async with Control(settings) as control:
        await control.put(acknowledgement.KIND, alert_id, record)


def _engine(settings: Settings, now: int) -> NotificationEngine:
    state = State.of(asyncio.run(read_records(settings)))
    return NotificationEngine(read_routing(settings.routing_file), state, now)


def _shown(alert: Alert, engine: NotificationEngine, now: int) -> dict[str, Any]:
    silenced, inhibited = engine.silenced_by(alert, now), engine.inhibited_by(alert)
    return {
        "id": alert.key,
        "state": alert.stage,
        "customer": alert.customer or None,
        "labels": alert.labels,
        "at_stake": alert.at_stake,
        "since": from_ms(alert.since).isoformat(),
        "silenced_by": silenced.id if silenced else None,
        "inhibited_by": inhibited.key if inhibited else None,
        "acknowledged_by": alert.acked_by or None,
        "note": alert.ack_note or None,
        "because": alert.because or None,
        "events": alert.events,
        "told": sorted(alert.told),
    }


def _table(shown: list[dict[str, Any]], language: Language) -> Table:
    table = Table(*(text(f"column.{name}", language) for name in _COLUMNS), box=None)
    for item in shown:
        labels = item["labels"]
        muted = ""
        if item["silenced_by"]:
            muted = phrase("alerts.muted_silence", language, id=item["silenced_by"])
        elif item["inhibited_by"]:
            muted = phrase("alerts.muted_alert", language, id=item["inhibited_by"])
        about = item["customer"] or labels.get("sector") or labels.get("topic", "")
        since = time_text(int(datetime.fromisoformat(item["since"]).timestamp() * 1000))
        cells = [
            item["id"], text(f"stage.{item['state']}", language), text(labels["severity"], language), about,
            text(labels["level"], language) if "level" in labels else "-",
            text(labels.get("cause_kind", labels["kind"]), language), since, muted, item["acknowledged_by"] or "",
        ]  # fmt: skip
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table
