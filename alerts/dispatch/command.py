"""``creditpulse dispatch``: tell people and other systems of alerts."""

from __future__ import annotations

import asyncio
import logging.config
import signal

import click

from alerts.dispatch.main import run_dispatch
from alerts.webhooks.schedule import RETRY_SECONDS, Schedule
from alerts.webhooks.transport import TOTAL_SECONDS
from schemas.errors import InvalidInput
from streams.commands.options import log_level_option
from streams.log_format import logging_config
from streams.settings import Settings


@click.command()
@click.option(
    "--webhook-retry-seconds", "retries", default=",".join(f"{delay:g}" for delay in RETRY_SECONDS), show_default=True,
    help="Before the second attempt, the third, ...; up to a tenth is added at random.",
)  # fmt: skip
@click.option("--webhook-timeout-seconds", "timeout", default=TOTAL_SECONDS, show_default=True, help="Of one request.")
@log_level_option
def dispatch(retries: str, timeout: float, log_level: str) -> None:
    """Notify people as CREDITPULSE_ROUTING_FILE says, and deliver webhooks to the subscriptions of
    `creditpulse subscriptions`, until SIGTERM or Ctrl-C, which let what is under way end.

    Run one; a second one ends the first. Killed and started again, it goes on where it stopped: what was not sent is
    sent, at most what was under way once more, with the same reference or webhook-id. Answers on 127.0.0.1, port
    CREDITPULSE_DISPATCH_PORT: /health, /metrics.

    \b
    Example:  CREDITPULSE_ROUTING_FILE=routing.yaml CREDIT_DESK_MAIL=mailtos://... creditpulse dispatch
    Exit codes: 0 stopped as told; 1 the broker is away, or another dispatcher was started (nothing is lost: start it
    again); 2 the routing or a setting is wrong.
    """
    logging.config.dictConfig(logging_config(log_level))
    logging.captureWarnings(True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request, with its whole URL
    logging.getLogger("apprise").setLevel(logging.WARNING)
    try:
        schedule = Schedule(tuple(float(part) for part in retries.split(",") if part.strip()))
    except ValueError as error:
        message = f"--webhook-retry-seconds: {error}"
        raise InvalidInput("webhook_retry_seconds", message, "webhook_retry_seconds") from error
    asyncio.run(_until_told(Settings(), schedule, timeout))


async def _until_told(settings: Settings, schedule: Schedule, timeout: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_dispatch(settings, stop, webhook_schedule=schedule, webhook_timeout=timeout)
