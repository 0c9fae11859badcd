"""Errors as problem+json (RFC 9457): one place says which error of ours is which status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from schemas.errors import Conflict, CreditPulseError, InvalidInput, Unavailable
from streams.archive.errors import NotFound

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_LONGEST = 500


class Refused(CreditPulseError):
    """The caller may not do this, or not now: ``status`` 401, 403, 409 or 429, ``code`` stable."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, dict(headers or {})


def problem(
    request: Request, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """A problem: ``type, title, status, detail, code, request_id`` and, where a field is wrong, ``errors``."""
    body = {
        "type": f"urn:creditpulse:problem:{code}",
        "title": code.replace("_", " ").replace("-", " "),
        "status": status,
        "detail": detail[:_LONGEST],
        "code": code,
        "request_id": getattr(request.state, "request_id", None),
        **more,
    }
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Answer every error of the app as a problem. What we did not expect says nothing but its request id."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return problem(request, error.status, error.code, str(error), headers=error.headers)

    @app.exception_handler(InvalidInput)
    async def invalid(request: Request, error: InvalidInput) -> JSONResponse:
        errors = [{"field": error.field, "message": error.message[:_LONGEST]}] if error.field else []
        return problem(request, 422, error.code, error.message, errors=errors)

    @app.exception_handler(NotFound)
    async def not_found(request: Request, error: NotFound) -> JSONResponse:
        return problem(request, 404, "not_found", str(error))

    @app.exception_handler(Conflict)
    async def conflict(request: Request, error: Conflict) -> JSONResponse:
        return problem(request, 409, error.code, str(error), **error.stands)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> JSONResponse:
        log.warning("%s %s: %s", request.method, request.url.path, error)
        return problem(
            request,
            503,
            "unavailable",
            "a part that this needs does not answer; try again",
            headers={"Retry-After": "2"},
        )

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"].removeprefix("Value error, ")}
            for item in error.errors()[:20]
        ]
        first = errors[0] if errors else {"field": "request", "message": "is not valid"}
        return problem(request, 422, "invalid_request", f"{first['field']}: {first['message']}", errors=errors)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code = str(error.detail).lower().replace(" ", "_")[:60] or "failed"
        return problem(request, error.status_code, code, str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("%s %s", request.method, request.url.path, exc_info=error)
        return problem(request, 500, "internal", "this could not be answered; our log says why under the request id")
