"""Levels, alerts and order decisions as they come: server-sent events that resume where a listener was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from desk.api.guard import Asked, Reader
from desk.api.hub import Heard, Hub, read_cursor
from desk.api.keys import Caller, is_valid
from desk.api.services import Services
from schemas.decisions import CREDIT_ALERT, CREDIT_LEVEL, ORDER_DECISION
from schemas.fields import Identifier
from streams.tasks import end_task

router = APIRouter(tags=["events"])

_NAMES = {CREDIT_LEVEL: "level", CREDIT_ALERT: "alert", ORDER_DECISION: "order"}
_PING_SECONDS = 15
_QUEUE_SECONDS = 30.0
"""How long an event waits for a listener that does not read; then it is disconnected, and may resume."""


@router.get(
    "/v1/events",
    summary="Level changes, alerts and order decisions as server-sent events",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    services: Asked,
    who: Reader,
    kind: Annotated[list[Literal["level", "alert", "order"]] | None, Query(description="Only these kinds.")] = None,
    customer_id: Annotated[Identifier | None, Query()] = None,
    last_event_id: Annotated[str | None, Header(max_length=4_000)] = None,
) -> EventSourceResponse:
    """Each event's `data` is a CloudEvent, its `id` a cursor: send it as `Last-Event-ID` to miss and double nothing.

    Without it the stream begins now. A comment comes every 15 s while nothing happens.
    """
    if last_event_id is not None:
        read_cursor(last_event_id, services.settings.partitions)  # refused before the stream has begun
    stream = _stream(services.hub, last_event_id, frozenset(kind or _NAMES.values()), customer_id)
    heard = _while_valid(services, who, stream)
    return EventSourceResponse(heard, ping=_PING_SECONDS, send_timeout=_QUEUE_SECONDS)


async def _while_valid(
    services: Services, who: Caller, stream: AsyncGenerator[ServerSentEvent, None]
) -> AsyncIterator[ServerSentEvent]:
    """Nothing after the key was revoked, has expired or got another role; the stream ends with the next ping then."""

    async def following() -> ServerSentEvent:
        return await anext(stream)

    coming: asyncio.Task[ServerSentEvent] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(following())
            await asyncio.wait({coming}, timeout=_PING_SECONDS)
            if not is_valid(services.control, who, now=services.now()):
                return
            if coming.done():
                came, coming = coming, None
                try:
                    event = came.result()
                except StopAsyncIteration:
                    return
                yield event
    finally:
        await end_task(coming)
        await stream.aclose()


async def _stream(
    hub: Hub, after: str | None, kinds: frozenset[str], customer_id: str | None
) -> AsyncGenerator[ServerSentEvent, None]:
    async for heard in hub.listen(after):
        if customer_id in (None, heard.item.event.subject) and _NAMES[heard.item.event.type] in kinds:
            yield _event(heard)


def _event(heard: Heard) -> ServerSentEvent:
    event = heard.item.event
    return ServerSentEvent(data=event.model_dump_json(), id=heard.cursor, event=_NAMES[event.type])
