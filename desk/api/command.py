"""``creditpulse api``: serve the REST API."""

from __future__ import annotations

import logging.config

import click

from streams.commands.options import log_level_option
from streams.log_format import logging_config
from streams.settings import Settings


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="Listen here instead of CREDITPULSE_API_PORT.")
@log_level_option
def api(port: int | None, log_level: str) -> None:
    """Answer credit checks and serve levels, alerts and decisions to other systems, until told to stop.

    Listens on CREDITPULSE_WEB_HOST (127.0.0.1) only. /docs shows every request with examples, /openapi.json is the
    contract. Callers need a key: creditpulse api-keys add NAME --role ROLE.

    \b
    Example:  creditpulse api --port 6070
    Exit codes: 0 stopped as told; 1 no broker answers, or the port is taken; 2 a setting is wrong.
    """
    # Imported when it runs: the help of `creditpulse` would wait for it.
    from desk.api.app import create_app
    from desk.api.services import open_services
    from desk.api.serving import serve

    settings = Settings()
    logging.config.dictConfig(logging_config(log_level))
    port = settings.api_port if port is None else port
    serve(create_app(settings, open_services), settings, settings.web_host, port, grace_seconds=10)
