"""Whether the API can answer, for whoever restarts or routes to it."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel

from desk.api.guard import Asked
from models.calendar import from_ms

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """``ok``: the book has been read. ``data_as_of``: the oldest of the partitions' clocks; null before the first."""

    ok: bool
    customers: int
    data_as_of: datetime | None


@router.get("/health", summary="200 while credit checks can be answered, else 503")
async def health(services: Asked, response: Response) -> Health:
    """Needs no key."""
    book = services.book
    states = [book.state(number) for number in range(services.settings.partitions)]
    clocks = [state.clock for state in states if state is not None]
    whole = len(clocks) == len(states)
    if not book.ready.is_set():
        response.status_code = 503
    return Health(
        ok=book.ready.is_set(), customers=len(book), data_as_of=from_ms(min(clocks)) if whole and clocks else None
    )
