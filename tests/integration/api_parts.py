"""The REST API served in the test's process, and clients with keys of a role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import uvicorn

from desk.api.app import create_app
from desk.api.keys import create_key
from desk.api.roles import Role
from desk.api.services import open_services
from streams.control import Control
from streams.embedded.broker import free_port
from streams.settings import Settings


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """The API's URL while it is served in this process."""
    port = free_port()
    config = uvicorn.Config(create_app(settings, open_services), port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the API did not start"
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def client_of(
    url: str, settings: Settings, role: Role, name: str | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key of this role."""
    async with Control(settings) as control:
        key, _ = await create_key(control, name or f"test-{role.value}-{datetime.now(UTC).timestamp()}", role)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client
