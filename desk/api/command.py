"""``creditpulse api``: serve the REST API."""

from __future__ import annotations

import logging.config

import click
import uvicorn

from desk.api.app import create_app
from desk.api.services import open_services
from streams.log_format import logging_config
from streams.settings import Settings


@click.command()
@click.option("--port", type=int, help="Listen here instead of CREDITPULSE_API_PORT.")
@click.option("--log-level", default="INFO", show_default=True)
def api(port: int | None, log_level: str) -> None:
    """Answer credit checks and serve levels, alerts and decisions to other systems, until told to stop.

    Listens on CREDITPULSE_WEB_HOST (127.0.0.1) only. /docs shows every request with examples, /openapi.json is the
    contract. Callers need a key: creditpulse api-keys add NAME --role ROLE.

    \b
    Example:  creditpulse api --port 6070
    Exit codes: 0 stopped as told; 1 no broker answers, or the port is taken; 2 a setting is wrong.
    """
    settings = Settings()
    config = logging_config(log_level)
    logging.config.dictConfig(config)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, open_services),
            host=settings.web_host,
            port=settings.api_port if port is None else port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    )
    server.run()
    if not server.started:
        raise SystemExit(1)
