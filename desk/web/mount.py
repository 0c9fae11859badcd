"""One application of REST API and pages: routes, sessions, security headers, and what runs behind them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from nicegui import app as toolkit
from nicegui import core, ui
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.api.app import create_app
from desk.api.roles import Role
from desk.api.services import Services
from desk.hold_queue import HoldQueue
from desk.web.desk import Desk
from desk.web.live import LiveNews
from desk.web.page import find_pages, serve
from desk.web.preferences import Preferences
from desk.web.sessions import SessionCookies, Sessions, session_in
from desk.web.sign_in import sign_in_routes
from desk.web.users import User
from desk.web.views import Views
from desk.web.watch import Watch
from streams.settings import Settings

STATIC = Path(__file__).with_name("static")
DEMO_USER = User("Demo user", Role.ADMIN, "demo")
_LOCAL_NAMES = ["127.0.0.1", "localhost"]
# The toolkit writes its start into the page and compiles templates in the browser: 'unsafe-inline' and 'unsafe-eval'
# cannot be left out (docs/desk.md). Nothing may come from or go to anywhere but us.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_SOCKET = re.compile(r"/_nicegui_ws(/|$)")


def create_desk(
    settings: Settings,
    opened: Callable[[Settings], AbstractAsyncContextManager[Services]],
    *,
    demo: bool = False,
) -> FastAPI:
    """API and pages; once per process, because the toolkit has one application. Raises InvalidInput for settings.

    ``demo``: whoever comes is the labelled demo user; the caller listens on 127.0.0.1 only.
    """
    provider = None
    if settings.oidc_issuer and not demo:
        from desk.web.oidc import Provider  # its library takes half a second to load

        provider = Provider(settings)
    sessions = Sessions()

    @asynccontextmanager
    async def with_desk(given: Settings) -> AsyncIterator[Services]:
        async with opened(given) as services, LiveNews(services.hub) as news, Watch(services) as watch:
            services.on_control.append(news.control_changed)
            toolkit.state.desk = Desk(
                services, sessions, news, watch, Views(services.archive), Preferences(services.control),
                HoldQueue(services), DEMO_USER if demo else None,
            )  # fmt: skip
            yield services

    app = create_app(settings, with_desk)
    app.include_router(sign_in_routes(provider))
    app.mount("/desk-static", StaticFiles(directory=STATIC), name="desk-static")

    @app.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def no_such_route(request: Request) -> None:
        raise HTTPException(404)  # a problem, not a page

    serve(find_pages())
    ui.add_head_html(
        '<link rel="stylesheet" href="/desk-static/desk.css"><script src="/desk-static/desk.js"></script>', shared=True
    )
    core.sio.eio.cors_allowed_origins = None  # a socket is opened by our own pages only
    ui.run_with(
        app, title="creditpulse", favicon=STATIC / "favicon.svg", tailwind=False, show_welcome_message=False,
        reconnect_timeout=30.0, binding_refresh_interval=None,
    )  # fmt: skip
    app.add_middleware(Shield)
    app.add_middleware(SessionCookies, sessions=sessions, secure=settings.desk_url.startswith("https://"))
    if demo:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_LOCAL_NAMES)
    return app


class Shield:
    """Security headers for all, and no socket for who is not signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # The toolkit writes this header of a caller into its pages.
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"x-forwarded-prefix"]
        session = session_in(scope)
        if _SOCKET.match(scope["path"]) and (session is None or session.user is None):
            await _turn_away(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
                headers["Referrer-Policy"] = "same-origin"
                headers["X-Frame-Options"] = "DENY"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4401})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
