"""``creditpulse worker``: run the gate, the engine, or both under a supervisor."""

from __future__ import annotations

import asyncio
import logging
import logging.config

import click

from streams.commands.options import log_level_option
from streams.log_format import logging_config
from streams.policy_file import policy_text
from streams.settings import Settings
from streams.topic_admin import wait_for_topics


@click.command()
@click.option(
    "--role",
    type=click.Choice(["gate", "engine", "both"]),
    default="both",
    show_default=True,
    help="gate: public topics to the log. engine: the log to decisions. both: one process each, supervised.",
)
@click.option(
    "--web-port",
    type=click.IntRange(0, 65_535),
    help="Port of /metrics and /health (default: the setting; engine: one more).",
)
@log_level_option
def worker(role: str, web_port: int | None, log_level: str) -> None:
    """Process events until told to stop (SIGTERM or Ctrl-C finishes what is in hand).

    \b
    Example:  CREDITPULSE_BROKER=kafka://127.0.0.1:9092 creditpulse worker
    Exit codes: 0 stopped as told; 1 a fatal error (nothing is lost: start it again); 2 a setting or the
    policy is wrong.
    """
    settings = Settings()
    text = policy_text(settings.policy_file)  # a wrong one ends a supervised worker too, before it starts anything
    port = settings.web_port if web_port is None else web_port
    if role == "both":
        from streams.supervisor import supervise_worker

        raise SystemExit(supervise_worker(settings, port, log_level))
    logging.config.dictConfig(logging_config(log_level))
    asyncio.run(wait_for_topics(settings))
    _run(role, settings, port, log_level, text)


def _run(role: str, settings: Settings, port: int, log_level: str, text: str) -> None:
    import faust

    from streams.app import build_engine, build_gate

    app = build_gate(settings, port).app if role == "gate" else build_engine(settings, port, text).app
    # Faust logs each fetch and each rebalance step at INFO of its own loggers; ours are what operators read.
    logging.captureWarnings(True)
    runner = faust.Worker(
        app,
        loglevel=log_level,
        logging_config=logging_config(log_level),
        redirect_stdouts=False,
        quiet=True,
        workdir=None,
    )
    raise SystemExit(runner.execute_from_commandline())
