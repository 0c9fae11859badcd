"""``creditpulse archive``: put the topics into ClickHouse and answer questions about them."""

from __future__ import annotations

import asyncio
import logging.config
import signal
from typing import Any

import click

from streams.archive.service import run_archive
from streams.commands.options import log_level_option
from streams.commands.show import print_json
from streams.log_format import logging_config
from streams.settings import Settings


@click.command()
@click.option("--once", is_flag=True, help="Archive up to the present end of the topics, then exit.")
@click.option("--json", "as_json", is_flag=True, help="At the end print one JSON object with the totals.")
@log_level_option
def archive(once: bool, as_json: bool, log_level: str) -> None:
    """Archive the log, levels, alerts, order decisions and dead letters in ClickHouse (or chDB).

    Runs until SIGTERM or Ctrl-C, which write what is in hand. Answers on 127.0.0.1, port CREDITPULSE_ARCHIVE_PORT:
    /health, /metrics, /v1/views, /v1/views/NAME, /v1/customers/ID, /v1/audit/KIND. Seals the audit trail.

    \b
    Example:  CREDITPULSE_CLICKHOUSE_DSN=chdb:///tmp/credit creditpulse archive
              creditpulse archive --once --json
    Exit codes: 0 stopped as told, or all archived; 1 a part is away or refuses (nothing is lost: start it again);
    2 a setting is wrong.
    """
    logging.config.dictConfig(logging_config(log_level))
    logging.captureWarnings(True)
    totals = asyncio.run(_until_told(Settings(), once))
    if as_json:
        print_json(totals)
    elif once:
        click.echo(f"archived {totals['rows_written']:,} rows, {totals['rejected']:,} of them rejects")


async def _until_told(settings: Settings, once: bool) -> dict[str, Any]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await run_archive(settings, stop=stop, once=once)
