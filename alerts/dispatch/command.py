"""``creditpulse dispatch``: tell people and other systems of alerts."""

from __future__ import annotations

import asyncio
import logging.config
import signal

import click

from alerts.dispatch.main import run_dispatch
from streams.log_format import logging_config
from streams.settings import Settings


@click.command()
@click.option("--no-webhooks", is_flag=True, help="People only; `creditpulse webhooks run` delivers to systems.")
@click.option("--log-level", default="INFO", show_default=True)
def dispatch(no_webhooks: bool, log_level: str) -> None:
    """Notify people as CREDITPULSE_ROUTING_FILE says, and deliver webhooks, until SIGTERM or Ctrl-C.

    Run one; a second one ends the first. Killed and started again, it goes on where it stopped: what was stored and
    not sent is sent, at most what was under way once more, with the same reference. /health answers on
    CREDITPULSE_DISPATCH_PORT.

    \b
    Example:  CREDITPULSE_ROUTING_FILE=routing.yaml CREDIT_DESK_MAIL=mailtos://... creditpulse dispatch
    Exit codes: 0 stopped as told; 1 the broker is away, or another dispatcher was started; 2 routing or a setting
    is wrong.
    """
    logging.config.dictConfig(logging_config(log_level))
    logging.captureWarnings(True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request, with its whole URL
    logging.getLogger("apprise").setLevel(logging.WARNING)
    asyncio.run(_until_told(Settings(), webhooks=not no_webhooks))


async def _until_told(settings: Settings, *, webhooks: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_dispatch(settings, stop, webhooks=webhooks)
