"""``creditpulse webhooks run``: the process that delivers."""

from __future__ import annotations

import asyncio
import logging.config
import signal

import click

from alerts.webhooks.dispatcher import WebhookDispatcher
from alerts.webhooks.schedule import RETRY_SECONDS, Schedule
from alerts.webhooks.transport import TOTAL_SECONDS
from schemas.errors import InvalidInput
from streams.log_format import logging_config
from streams.settings import Settings
from streams.topic_admin import wait_for_topics


@click.group()
def webhooks() -> None:
    """Deliver events to the subscriptions of `creditpulse subscriptions`."""


@webhooks.command()
@click.option(
    "--retry-seconds", default=",".join(f"{delay:g}" for delay in RETRY_SECONDS), show_default=True,
    help="Before the second attempt, the third, ...; up to a tenth is added at random.",
)  # fmt: skip
@click.option("--timeout-seconds", default=TOTAL_SECONDS, show_default=True, help="Of one request.")
@click.option("--log-level", default="INFO", show_default=True)
def run(retry_seconds: str, timeout_seconds: float, log_level: str) -> None:
    """Deliver until SIGTERM or Ctrl-C, which let what is under way end. Run one; a second one would send twice.

    Killed and started again it sends at most what was under way once more, with the same webhook-id.

    \b
    Example:  creditpulse webhooks run
    Exit codes: 0 stopped as told; 1 no broker answers (nothing is lost: start it again); 2 a setting is wrong.
    """
    logging.config.dictConfig(logging_config(log_level))
    logging.captureWarnings(True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request, with its whole URL
    try:
        delays = tuple(float(part) for part in retry_seconds.split(",") if part.strip())
    except ValueError as error:
        raise InvalidInput("retry_seconds", f"--retry-seconds: {error}", "retry_seconds") from error
    asyncio.run(_until_told(Settings(), Schedule(delays), timeout_seconds))


async def _until_told(settings: Settings, schedule: Schedule, timeout_seconds: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await wait_for_topics(settings)
    await WebhookDispatcher(settings, schedule=schedule, timeout_seconds=timeout_seconds).run(stop)
