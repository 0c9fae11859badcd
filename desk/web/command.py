"""``creditpulse desk``: serve the pages of the credit team, and the REST API with them."""

from __future__ import annotations

import logging.config

import click

from streams.commands.options import log_level_option
from streams.log_format import logging_config
from streams.settings import Settings


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="Listen here instead of CREDITPULSE_DESK_PORT.")
@click.option("--demo", is_flag=True, help="Nobody signs in: all are one labelled demo user. On 127.0.0.1 only.")
@log_level_option
def desk(port: int | None, demo: bool, log_level: str) -> None:
    """Serve the risk desk and the REST API, until told to stop.

    Listens on CREDITPULSE_WEB_HOST (127.0.0.1) only; put a proxy with TLS before it and name its address in
    CREDITPULSE_DESK_URL. People sign in with a password (creditpulse users add NAME --role ROLE) or through an
    identity provider (CREDITPULSE_OIDC_...).

    \b
    Example:  creditpulse desk --port 6072
    Exit codes: 0 stopped as told; 1 no broker answers, or the port is taken; 2 a setting is wrong.
    """
    # Imported when it runs: the help of `creditpulse` would wait for it.
    from desk.api.services import open_services
    from desk.api.serving import serve
    from desk.web.mount import create_desk

    settings = Settings()
    logging.config.dictConfig(logging_config(log_level))
    host = "127.0.0.1" if demo else settings.web_host
    port = settings.desk_port if port is None else port
    serve(create_desk(settings, open_services, demo=demo), settings, host, port, grace_seconds=5)
