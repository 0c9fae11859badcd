"""Who is signed in: sessions kept in this process, found by a random cookie; a restart signs everybody out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.web.users import User

COOKIE = "creditpulse_session"
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
_MOST = 10_000
_KEY = "desk_session"


@dataclass(slots=True)
class Session:
    """One browser. ``user`` is None until it signs in; ``csrf`` must come back with each form."""

    token: str
    created: datetime
    seen: datetime
    user: User | None = None
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    data: dict[str, Any] = field(default_factory=dict)
    """What the identity provider's library remembers between leaving for it and coming back."""

    def accepts(self, csrf: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())  # text that is not ASCII would raise


class Sessions:
    """All sessions of this process, by the hash of their token: who reads our memory by mistake cannot use them."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._sessions: dict[str, Session] = {}

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie, if it has not ended."""
        found = self._sessions.get(_digest(token)) if token else None
        if found is None or not self.is_alive(found):
            return None
        found.seen = self._now()
        return found

    def is_alive(self, session: Session) -> bool:
        """Whether it goes on: it was used within ``IDLE``, is younger than ``LONGEST``, and was not ended."""
        now = self._now()
        known = self._sessions.get(_digest(session.token)) is session
        return known and now - session.seen < IDLE and now - session.created < LONGEST

    def start(self, user: User | None = None) -> Session:
        """A new session; signing in always starts one, so that a token known before is worth nothing after."""
        now = self._now()
        if len(self._sessions) >= _MOST:
            self._sessions = {key: found for key, found in self._sessions.items() if self.is_alive(found)}
            while len(self._sessions) >= _MOST:
                del self._sessions[next(iter(self._sessions))]
        session = Session(secrets.token_urlsafe(32), now, now, user)
        self._sessions[_digest(session.token)] = session
        return session

    def end(self, session: Session) -> None:
        """Sign out."""
        self._sessions.pop(_digest(session.token), None)


class SessionCookies:
    """Finds the session of each request, and sets the cookie when a request starts another one (``change_session``)."""

    def __init__(self, app: ASGIApp, sessions: Sessions, *, secure: bool) -> None:
        self._app, self._sessions, self._secure = app, sessions, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        session = self._sessions.find(HTTPConnection(scope).cookies.get(COOKIE))
        scope.setdefault("state", {})[_KEY] = session
        scope["session"] = session.data if session is not None else {}

        async def send_with_cookie(message: Message) -> None:
            now: Session | None = scope["state"].get(_KEY)
            if message["type"] == "http.response.start" and now is not session:
                MutableHeaders(scope=message).append("Set-Cookie", self._cookie(now))
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _cookie(self, session: Session | None) -> str:
        # Lax, not Strict: coming back from the identity provider is a navigation from elsewhere.
        rest = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self._secure else "")
        if session is None:
            return f"{COOKIE}=; Max-Age=0{rest}"
        return f"{COOKIE}={session.token}; Max-Age={int(LONGEST.total_seconds())}{rest}"


def session_in(scope: Scope) -> Session | None:
    """The session of a request by its scope."""
    found: Session | None = scope["state"].get(_KEY)
    return found


def session_of(connection: HTTPConnection) -> Session | None:
    """The session of a request."""
    return session_in(connection.scope)


def change_session(connection: HTTPConnection, session: Session | None) -> None:
    """Answer the request with the cookie of this session, or with none."""
    connection.scope["state"][_KEY] = session
    if session is not None:
        connection.scope["session"] = session.data


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
