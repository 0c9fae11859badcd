"""``creditpulse alerts silence``: mute what matches, with a reason, until a time; see and end silences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar, cast

import click

from alerts import alert_service
from alerts.alert_service import SilenceView
from alerts.commands.options import language_option
from alerts.dispatch.item_text import time_text
from alerts.plain import plain
from alerts.routing.durations import duration_ms
from alerts.texts import Language, phrase, text
from alerts.webhooks.dispatcher import wall_clock
from schemas.errors import InvalidInput
from streams.commands.options import json_option, said_by_option
from streams.commands.show import print_json, print_table, tell
from streams.control import Control
from streams.settings import Settings

Answer = TypeVar("Answer")
_COLUMNS = ("id", "state", "matchers", "author", "reason", "ends")


@click.group()
def silence() -> None:
    """Mute alerts for a time. They go on standing in `creditpulse alerts list`, and say what mutes them."""


@silence.command()
@click.option("--match", "matchers", multiple=True, required=True, help="label=value, !=, =~ or !~; all must match.")
@click.option("--reason", required=True, help="Why; it stands with the silence.")
@said_by_option
@click.option("--for", "lasts", required=True, help="How long: 30m, 4h, 2d.")
@language_option
@json_option
def add(matchers: tuple[str, ...], reason: str, by: str, lasts: str, lang: str, as_json: bool) -> None:
    """Set a silence that begins now.

    \b
    Example:  creditpulse alerts silence add --match customer=C1 --for 2d --by ann --reason "payment plan agreed"
    Exit codes: 0 done; 1 no broker answers; 2 a matcher, the reason or the time is wrong.
    """
    try:
        duration = timedelta(milliseconds=duration_ms(lasts))
    except ValueError as error:
        raise InvalidInput("duration", f"--for: {error}", "for") from error

    async def work(control: Control) -> SilenceView:
        now = wall_clock()
        return await alert_service.add_silence(
            control, matchers=matchers, reason=reason, by=by, ends=now + duration, now=now
        )

    shown = _with_control(work)
    told = phrase("alerts.silenced", cast("Language", lang), id=shown.id, ends=time_text(shown.ends))
    tell(shown.model_dump(mode="json"), told, as_json)


@silence.command("list")
@click.option("--all", "with_expired", is_flag=True, help="Those that are over as well.")
@language_option
@json_option
def list_silences(with_expired: bool, lang: str, as_json: bool) -> None:
    """List silences, the one that ends first on top.

    \b
    Example:  creditpulse alerts silence list --all
    Exit codes: 0 done; 1 no broker answers.
    """

    async def work(control: Control) -> list[SilenceView]:
        return alert_service.list_silences(control, now=wall_clock(), with_expired=with_expired)

    found, language = _with_control(work), cast("Language", lang)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        click.echo(text("silence.none", language))
        return
    rows = []
    for one in found:
        state = text(f"silence.{one.state}", language)
        cells = [one.id, state, " ".join(one.matchers), one.author, one.reason, time_text(one.ends)]
        rows.append([plain(cell, 200) for cell in cells])
    print_table([text(f"column.{name}", language) for name in _COLUMNS], rows)


@silence.command()
@click.argument("silence_id", metavar="ID")
@said_by_option
@language_option
@json_option
def expire(silence_id: str, by: str, lang: str, as_json: bool) -> None:
    """End a silence now; what it muted and still stands is told.

    \b
    Example:  creditpulse alerts silence expire 1f0c9a77
    Exit codes: 0 done; 1 there is no such silence, it is over, or no broker answers.
    """

    async def work(control: Control) -> SilenceView:
        return await alert_service.expire_silence(control, silence_id, by=by, now=wall_clock())

    shown = _with_control(work)
    tell(shown.model_dump(mode="json"), phrase("alerts.expired", cast("Language", lang), id=silence_id), as_json)


def _with_control(work: Callable[[Control], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with Control(Settings()) as control:
            return await work(control)

    return asyncio.run(run())
