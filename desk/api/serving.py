"""Serve an application of ours over HTTP until told to stop: the API alone, or the desk with it."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI


def serve(app: FastAPI, host: str, port: int, grace_seconds: int) -> None:
    """Return when stopped as told; ``grace_seconds``: for requests under way then.

    Raises SystemExit(1) when it could not start: no broker answers, or the port is taken; the log says which.
    """
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
    try:
        server.run()
    except SystemExit as error:  # uvicorn's own code for it is 3
        raise SystemExit(1) from error
    if not server.started:
        raise SystemExit(1)
