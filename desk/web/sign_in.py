"""Signing in and out: a plain page without any script, with a password or through the company's identity provider."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated
from weakref import WeakValueDictionary

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from alerts.texts import LANGUAGES, Language
from desk.web.desk import Desk, desk_of
from desk.web.sessions import Session, change_session, session_of
from desk.web.texts import translate
from desk.web.users import LONGEST_PASSWORD, SignInRefused, User, check_password, user_of

if TYPE_CHECKING:
    from desk.web.oidc import Provider

log = logging.getLogger("creditpulse.sign_in")

_PER_NAME, _PER_ADDRESS = RateLimitItemPerMinute(5), RateLimitItemPerMinute(30)
_STRICT = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_pages = Environment(loader=PackageLoader("desk.web", "templates"), autoescape=True, undefined=StrictUndefined)


def signed_in(desk: Desk, request: Request) -> User | None:
    """Who opens a page; in demo mode everybody is the demo user."""
    session = session_of(request)
    if desk.demo is not None:
        if session is None:
            change_session(request, desk.sessions.start(desk.demo))
        return desk.demo
    return None if session is None else current_user(desk, session)


def current_user(desk: Desk, session: Session) -> User | None:
    """The session's user with the role of this moment; None when the session or the user's access has ended."""
    user = session.user
    if user is None or not desk.sessions.is_alive(session):
        return None
    return user_of(desk.services.control, user.name) if user.source == "password" else user


def sign_in_routes(provider: Provider | None) -> APIRouter:
    """The routes; ``provider`` is the identity provider, if there is one."""
    router = APIRouter(include_in_schema=False)
    limiter = MovingWindowRateLimiter(MemoryStorage())
    turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @router.get("/sign-in")
    async def page(request: Request, next_: Annotated[str, Query(alias="next", max_length=2_000)] = "/") -> Response:
        if signed_in(desk_of(), request) is not None:
            return RedirectResponse(_local(next_), 303)
        return _page(request, provider, next_)

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=64)],
        password: Annotated[str, Form(max_length=LONGEST_PASSWORD)],
        csrf: Annotated[str, Form(max_length=100)],
        next_: Annotated[str, Form(alias="next", max_length=2_000)] = "/",
    ) -> Response:
        session = session_of(request)
        if session is None or not session.accepts(csrf):
            return _page(request, provider, next_, "expired", 403)
        address = request.client.host if request.client else "unknown"
        # One after the other: of many at once, none would know of the others' failures.
        async with turns.setdefault(address, asyncio.Lock()):
            return await attempt(request, address, name, password, next_)

    async def attempt(request: Request, address: str, name: str, password: str, next_: str) -> Response:
        desk = desk_of()
        if not (await limiter.test(_PER_ADDRESS, address) and await limiter.test(_PER_NAME, address, name)):
            log.warning("sign-in refused: too many attempts from %s", address)
            return _page(request, provider, next_, "too_many", 429)
        user = await check_password(desk.services.control, name, password)
        if user is None:
            await limiter.hit(_PER_ADDRESS, address)
            await limiter.hit(_PER_NAME, address, name)
            log.warning("sign-in refused: wrong name or password from %s for %r", address, name)
            return _page(request, provider, next_, "wrong", 401)
        return _let_in(desk, request, user, next_)

    @router.post("/sign-out")
    async def sign_out(request: Request, csrf: Annotated[str, Form(max_length=100)]) -> Response:
        desk, session = desk_of(), session_of(request)
        if session is None or not session.accepts(csrf):
            return RedirectResponse("/", 303)
        log.info("signed out: %r", session.user.name if session.user else None)
        desk.sessions.end(session)
        change_session(request, None)
        return RedirectResponse("/sign-in", 303)

    if provider is not None:
        _add_provider(router, provider)
    return router


def _add_provider(router: APIRouter, provider: Provider) -> None:
    @router.get("/sign-in/company")
    async def leave(request: Request, next_: Annotated[str, Query(alias="next", max_length=2_000)] = "/") -> Response:
        if session_of(request) is None:
            change_session(request, desk_of().sessions.start())
        request.session["next"] = next_
        try:
            return await provider.leave(request)
        except SignInRefused as refused:
            return _page(request, provider, next_, refused.code, 503)

    @router.get("/sign-in/company/back")
    async def back(request: Request) -> Response:
        next_ = str(request.session.get("next", "/"))
        try:
            user = await provider.back(request)
        except SignInRefused as refused:
            log.warning("sign-in refused by or after the identity provider: %s", refused)
            return _page(request, provider, next_, refused.code, 403)
        return _let_in(desk_of(), request, user, next_)


def _let_in(desk: Desk, request: Request, user: User, next_: str) -> Response:
    before = session_of(request)
    language = before.data.get("language") if before is not None else None
    if before is not None:
        desk.sessions.end(before)
    session = desk.sessions.start(user)
    session.data["language"] = language or _language(request)
    change_session(request, session)
    log.info("signed in: %r, role %s, by %s", user.name, user.role.value, user.source)
    return RedirectResponse(_local(next_), 303)


def _page(request: Request, provider: Provider | None, next_: str, wrong: str = "", status: int = 200) -> HTMLResponse:
    session = session_of(request)
    if session is None:
        session = desk_of().sessions.start()
        change_session(request, session)
    language = _language(request)
    session.data["language"] = language

    def say(key: str, **named: str) -> str:
        return translate(f"sign_in.{key}", language, **named)

    body = _pages.get_template("sign_in.html.j2").render(
        t=say, language=language, other="zh" if language == "en" else "en", csrf=session.csrf, next=_local(next_),
        wrong=wrong, provider=provider.name if provider is not None else "",
    )  # fmt: skip
    return HTMLResponse(body, status, headers={"Content-Security-Policy": _STRICT, "Cache-Control": "no-store"})


def _language(request: Request) -> Language:
    asked = request.query_params.get("lang")
    for language in LANGUAGES:
        if language == asked:
            return language
    known = session_of(request)
    if known is not None and known.data.get("language") in LANGUAGES:
        found: Language = known.data["language"]
        return found
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def _local(target: str) -> str:
    """A path of ours to go on to; anything else would let a link lead from our sign-in to a stranger's page."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target else "/"
