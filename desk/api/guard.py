"""Who calls, and how often: API keys, roles, rates and request ids."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.api.keys import Caller, caller_of
from desk.api.problems import Refused
from desk.api.roles import Role
from desk.api.services import Services, services_of

_WRONG_KEYS_PER_MINUTE = 30
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_bearer = HTTPBearer(auto_error=False, description="An API key: creditpulse api-keys add NAME --role ROLE")


class Rates:
    """Requests per key, and wrong keys per address, within a sliding minute."""

    def __init__(self, per_minute: int, wrong_per_minute: int = _WRONG_KEYS_PER_MINUTE) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._calls, self._wrong = RateLimitItemPerMinute(per_minute), RateLimitItemPerMinute(wrong_per_minute)

    async def count(self, caller: Caller) -> None:
        """Count a request; raises Refused (429) beyond the rate."""
        if not await self._limiter.hit(self._calls, "key", caller.key_id):
            raise Refused(429, "too_many_requests", "this key has used up its requests of this minute", _LATER)

    async def count_wrong(self, address: str) -> None:
        """Count a wrong key; raises Refused (429) for an address that keeps guessing."""
        if not await self._limiter.hit(self._wrong, "wrong", address):
            raise Refused(429, "too_many_requests", "too many wrong keys from this address", _LATER)


_LATER = {"Retry-After": "60"}


async def caller(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    """The caller of a request; raises Refused (401, 429)."""
    services, rates = services_of(request), _rates(request)
    challenge = {"WWW-Authenticate": "Bearer"}
    if bearer is None:
        raise Refused(401, "no_key", "an API key is needed: Authorization: Bearer cpk_...", challenge)
    found = caller_of(services.control, bearer.credentials, now=services.now())
    if found is None:
        await rates.count_wrong(request.client.host if request.client else "unknown")
        raise Refused(401, "wrong_key", "this API key is not known, was revoked or has expired", challenge)
    await rates.count(found)
    return found


async def known_parameters(request: Request) -> None:
    """Nothing but query parameters that the document names; raises RequestValidationError.

    A filter with a slip in its name, ignored, would answer for the whole book. ``/v1/views/{name}`` documents an object
    of further ones: which there are depends on the view, and the archive refuses the others.
    """
    if not request.query_params:
        return
    operation = request.app.openapi()["paths"][request.scope["route"].path_format][request.method.lower()]
    documented = [item for item in operation.get("parameters", ()) if item["in"] == "query"]
    known = {item["name"] for item in documented}
    unknown = [name for name in request.query_params if name not in known]
    if unknown and not any(item["schema"].get("additionalProperties") for item in documented):
        wrong = [{"loc": ("query", name[:80]), "msg": "this request has no such parameter"} for name in unknown]
        raise RequestValidationError(wrong)


def needs(role: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who must hold ``role``; raises Refused (403)."""

    async def held(
        who: Annotated[Caller, Depends(caller)], checked: Annotated[None, Depends(known_parameters)]
    ) -> Caller:
        if not who.role.holds(role):
            raise Refused(403, "role_needed", f"this needs the role {role.value}; this key has {who.role.value}")
        return who

    return held


def _rates(request: Request) -> Rates:
    rates: Rates = request.app.state.rates
    return rates


class RequestIds:
    """Gives each request an id, the caller's if it sent one, and tells it in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_id)


Asked = Annotated[Services, Depends(services_of)]
Reader = Annotated[Caller, Depends(needs(Role.READER))]
OrderEntry = Annotated[Caller, Depends(needs(Role.ORDER_ENTRY))]
Analyst = Annotated[Caller, Depends(needs(Role.ANALYST))]
Approver = Annotated[Caller, Depends(needs(Role.APPROVER))]
Admin = Annotated[Caller, Depends(needs(Role.ADMIN))]
