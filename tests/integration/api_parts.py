"""The REST API served in the test's process, and clients with keys of a role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
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
from streams.sources.event_file import TimedEvent
from tests.integration.pipeline import Pipeline, publish


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
    """A client with a key of this role, which the API has heard of by now."""
    async with Control(settings) as control:
        key, _ = await create_key(control, name or f"test-{role.value}-{datetime.now(UTC).timestamp()}", role)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        while (await client.get("/v1/views")).status_code == 401:
            await asyncio.sleep(0.02)
        yield client


@asynccontextmanager
async def api_on_a_book(
    settings: Settings, policy: str, events: Iterable[TimedEvent], **staff: Role
) -> AsyncIterator[tuple[Pipeline, dict[str, httpx.AsyncClient]]]:
    """Gate, engine and API after these events, and a client for each name; the API has read the book."""
    assert settings.policy_file is not None
    settings.policy_file.write_text(policy)
    await publish(settings, events)
    async with AsyncExitStack() as stack:
        pipeline = stack.enter_context(Pipeline(settings))
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        url = await stack.enter_async_context(served(settings))
        clients = {
            name: await stack.enter_async_context(client_of(url, settings, role, name)) for name, role in staff.items()
        }
        while not (await next(iter(clients.values())).get("/health")).json()["ok"]:
            await asyncio.sleep(0.05)
        yield pipeline, clients
