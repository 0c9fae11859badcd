"""The API as an application: its routes, its guard, its errors, its documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from desk.api import (
    acts,
    alert_routes,
    book_routes,
    credit_checks,
    customers,
    events,
    oversight,
    problems,
    reads,
    subscriptions,
)
from desk.api.guard import Rates, RequestIds
from desk.api.health import router as health
from desk.api.services import Services
from streams.settings import Settings

_ABOUT = """Credit checks and holds for order entry; levels, alerts and decisions for everybody who acts on them.

Every request carries an API key as `Authorization: Bearer cpk_...`; its role says what it may do. Errors are problems
(RFC 9457) with a stable `code` and a `request_id`. Lists come in pages. Money is exact text with its currency."""


def create_app(settings: Settings, opened: Callable[[Settings], AbstractAsyncContextManager[Services]]) -> FastAPI:
    """The application; ``opened`` gives the services that it works with for as long as it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(title="creditpulse", version="1", description=_ABOUT, lifespan=lifespan, redoc_url=None)
    app.state.rates = Rates(settings.api_requests_per_minute)
    app.add_middleware(RequestIds)
    problems.install(app)
    for part in (
        credit_checks,
        acts,
        alert_routes,
        book_routes,
        customers,
        oversight,
        reads,
        events,
        subscriptions,
    ):
        app.include_router(part.router)
    app.include_router(health)
    return app
