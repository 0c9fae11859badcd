"""``creditpulse alerts silence``: mute what matches, with a reason, until a time; see and end silences."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import timedelta
from typing import Any, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.dispatch.item_text import time_text
from alerts.dispatch.main import wall_clock_ms
from alerts.plain import plain
from alerts.routing import silences
from alerts.routing.durations import duration_ms
from alerts.routing.state import Silence
from alerts.texts import LANGUAGES, Language, phrase, text
from models.calendar import from_ms
from schemas.errors import Conflict, InvalidInput
from streams.control import Control
from streams.settings import Settings

_COLUMNS = ("id", "state", "matchers", "author", "reason", "ends")


@click.group()
def silence() -> None:
    """Mute alerts for a time. They go on standing in `creditpulse alerts list`, and say what mutes them."""


@silence.command()
@click.option("--match", "matchers", multiple=True, required=True, help="label=value, !=, =~ or !~; all must match.")
@click.option("--reason", required=True)
@click.option("--by", required=True, help="Who sets it.")
@click.option("--for", "lasts", required=True, help="How long: 30m, 4h, 2d.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def add(matchers: tuple[str, ...], reason: str, by: str, lasts: str, lang: str, as_json: bool) -> None:
    """Set a silence that begins now.

    \b
    Example:  creditpulse alerts silence add --match customer=C1 --for 2d --by ann --reason "payment plan agreed"
    """
    try:
        ms = duration_ms(lasts)
    except ValueError as error:
        raise InvalidInput("duration", f"--for: {error}", "for") from error
    starts = from_ms(wall_clock_ms())
    ends = starts + timedelta(milliseconds=ms)
    record = silences.silence_record(
        {"matchers": matchers, "author": by, "reason": reason, "starts": starts, "ends": ends}
    )
    silence_id = secrets.token_hex(4)
    value = record.model_dump(mode="json")
    asyncio.run(_put(silence_id, value))
    shown = silences.shown(silences.silence_of(silence_id, value), wall_clock_ms())
    told = phrase("alerts.silenced", cast("Language", lang), id=silence_id, ends=f"{ends:%Y-%m-%d %H:%M} UTC")
    click.echo(json.dumps(shown, ensure_ascii=False) if as_json else told)


@silence.command("list")
@click.option("--all", "show_all", is_flag=True, help="Those that are over as well.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_silences(show_all: bool, lang: str, as_json: bool) -> None:
    """List silences, the one that ends first on top.

    \b
    Example:  creditpulse alerts silence list --all
    """
    now, language = wall_clock_ms(), cast("Language", lang)
    found = [one for one in asyncio.run(_all()) if show_all or one.ends > now]
    found.sort(key=lambda one: (one.ends, one.id))
    if as_json:
        click.echo(json.dumps([silences.shown(one, now) for one in found], ensure_ascii=False))
        return
    table = Table(*(text(f"column.{name}", language) for name in _COLUMNS), box=None)
    for one in found:
        state = silences.shown(one, now)["state"]
        cells = [one.id, text(f"silence.{state}", language), " ".join(one.matchers), one.author, one.reason]
        table.add_row(*(Text(plain(cell, 200)) for cell in [*cells, time_text(one.ends)]))
    Console().print(table if found else text("silence.none", language))


@silence.command()
@click.argument("silence_id", metavar="ID")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def expire(silence_id: str, lang: str, as_json: bool) -> None:
    """End a silence now; what it muted and still stands is told.

    \b
    Example:  creditpulse alerts silence expire 1f0c9a77
    """
    shown = asyncio.run(_expire(silence_id))
    told = phrase("alerts.expired", cast("Language", lang), id=silence_id)
    click.echo(json.dumps(shown, ensure_ascii=False) if as_json else told)


async def _put(silence_id: str, value: dict[str, Any]) -> None:
    async with Control(Settings()) as control:
        await control.put(silences.KIND, silence_id, value)


async def _all() -> list[Silence]:
    async with Control(Settings()) as control:
        return [silences.silence_of(one, value) for one, value in control.all(silences.KIND).items()]


async def _expire(silence_id: str) -> dict[str, Any]:
    async with Control(Settings()) as control:
        value = control.get(silences.KIND, silence_id)
        if value is None:
            raise InvalidInput("unknown_silence", f"there is no silence {plain(silence_id)!r}", "id")
        now = wall_clock_ms()
        known = silences.silence_of(silence_id, value)
        if known.ends <= now:
            raise Conflict(f"silence {silence_id} has ended already")
        ends = from_ms(now).isoformat()
        ended = {**value, "ends": ends, "starts": min(from_ms(known.starts), from_ms(now)).isoformat()}
        await control.put(silences.KIND, silence_id, ended)
        return silences.shown(silences.silence_of(silence_id, ended), now)
