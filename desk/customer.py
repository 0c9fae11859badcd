"""``creditpulse customer ID``: everything about one customer, read from the archive."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console

from alerts.commands.options import language_option
from alerts.plain import plain
from alerts.texts import Language
from desk.customer_sheet import sheet
from streams.archive.reader import Reader
from streams.commands.options import json_option
from streams.commands.show import print_json
from streams.settings import Settings

_PIPE_WIDTH = 160
"""Columns where the output is no terminal."""


@click.command()
@click.argument("customer_id", metavar="ID")
@click.option("--timeline", type=click.IntRange(0, 1000), default=20, show_default=True, help="Newest entries to show.")
@language_option
@json_option
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Of a demo, running or ended (else: the settings decide)."
)
def customer(customer_id: str, timeline: int, lang: str, as_json: bool, data_dir: Path | None) -> None:
    """Show a customer: level, score and why, exposure, the way back, and what happened lately.

    Asks the running archive; without one it opens the archive's ClickHouse itself.

    \b
    Examples:  creditpulse customer C1 --timeline 50
               creditpulse customer C1 --data-dir data/demo-20260101T120000Z --lang zh
    Exit codes: 0 shown; 1 no such customer, or no archive answers; 2 wrong input.
    """
    found = asyncio.run(_read(_settings(data_dir), customer_id, timeline))
    if as_json:
        print_json(found)
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_WIDTH)
    console.print(sheet(found, cast(Language, lang)))


def _settings(data_dir: Path | None) -> Settings:
    if data_dir is None:
        return Settings()
    return Settings(data_dir=data_dir, clickhouse_dsn=f"chdb://{data_dir.resolve() / 'clickhouse'}")


async def _read(settings: Settings, customer_id: str, timeline: int) -> dict[str, Any]:
    async with Reader(settings) as reader:
        return await reader.customer(plain(customer_id), timeline)
