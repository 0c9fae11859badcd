"""Errors as problem+json (RFC 9457): one place says which error of ours is which status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from schemas.errors import Conflict, CreditPulseError, InvalidInput, Unavailable
from streams.archive.errors import NotFound

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_LONGEST = 500


class FieldError(BaseModel):
    """What is wrong, and where."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem by RFC 9457; some have further members."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    errors: list[FieldError] = []


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


def problem_response(description: str) -> dict[str, Any]:
    """A problem as the OpenAPI document tells of it."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with problems as what every operation may answer in place of FastAPI's own errors."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        parts = found["components"]["schemas"]
        made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts |= made.pop("$defs") | {"Problem": made}
        for unused in ("HTTPValidationError", "ValidationError"):
            parts.pop(unused, None)
        for operation in (item for path in found["paths"].values() for item in path.values()):
            responses = operation["responses"]
            responses.pop("422", None)
            responses["4XX"] = problem_response("The request is refused; `code` says why.")
            responses["503"] = problem_response("A part does not answer: try again.")
        app.openapi_schema = found
    return app.openapi_schema


def install(app: FastAPI) -> None:
    """Answer every error of the app as a problem. What we did not expect says nothing but its request id."""
    app.openapi = lambda: document(app)  # type: ignore[method-assign]

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
        if error.status_code == 400:  # FastAPI's word for a body that is not UTF-8, or nested without end
            message = "is not JSON that can be read"
            errors = [{"field": "body", "message": message}]
            return problem(request, 422, "invalid_request", f"body: {message}", errors=errors)
        code = str(error.detail).lower().replace(" ", "_")[:60] or "failed"
        return problem(request, error.status_code, code, str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("%s %s", request.method, request.url.path, exc_info=error)
        return problem(request, 500, "internal", "this could not be answered; our log says why under the request id")
