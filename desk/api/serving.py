"""Serve an application of ours over HTTP until told to stop: the API alone, or the desk with it."""

from __future__ import annotations

import asyncio
import signal

import uvicorn
from fastapi import FastAPI

from schemas.topics import CONTROL
from streams.kafka_client import open_consumer
from streams.settings import Settings
from streams.topic_presence import need_topic


def serve(app: FastAPI, settings: Settings, host: str, port: int, grace_seconds: int) -> None:
    """Return when stopped as told; ``grace_seconds``: for requests under way then.

    Raises Unavailable without a broker or its topics; SystemExit(1) when it could not start for another reason, such as
    a port that is taken: the log says which.
    """
    asyncio.run(_need_broker(settings))  # asked here, it is one line; in the start of the app, uvicorn logs tracebacks
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace_seconds,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn stops by its own, then raises it once more: that is no failure
    try:
        server.run()
    except SystemExit as error:  # uvicorn's own code for it is 3
        raise SystemExit(1) from error
    if not server.started:
        raise SystemExit(1)


async def _need_broker(settings: Settings) -> None:
    async with open_consumer(settings) as consumer:
        await need_topic(consumer, settings.topic(CONTROL))
