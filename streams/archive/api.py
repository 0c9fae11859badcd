"""The archive's HTTP API: health, metrics, the views and one customer, read-only, JSON."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.errors import CreditPulseError, InvalidInput, Unavailable
from streams.archive.answers import Answers
from streams.archive.catalog import DEFAULT_LIMIT, VIEWS
from streams.archive.errors import NotFound
from streams.archive.migrations import view_descriptions
from streams.archive.reads import DEFAULT_TIMELINE
from streams.archive.status import SERVICE, Status

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Handlers over what answers; ``status`` says whether it can be asked yet."""

    def __init__(self, answers: Answers, status: Status) -> None:
        self._answers, self._status = answers, status
        self._descriptions = view_descriptions()

    def application(self) -> web.Application:
        """The routes, with errors as JSON."""
        app = web.Application(middlewares=[errors_as_json])
        app.router.add_get("/health", self.health)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/v1/views", self.views)
        app.router.add_get("/v1/views/{name}", self.view)
        app.router.add_get("/v1/customers/{customer_id}", self.customer)
        app.router.add_get("/v1/audit/{kind}", self.audit)
        return app

    async def health(self, request: web.Request) -> web.Response:
        """200 while it archives, else 503; the body says what it waits for."""
        status = self._status
        body = {
            "service": SERVICE,
            "pid": os.getpid(),
            "status": status.state,
            "problems": dict(status.problems),
            **status.summary(),
            "lag_by_topic": status.lag,
            "audit": {"sealed": status.sealed, "lag": status.unsealed},
        }
        return web.json_response(body, status=200 if status.state == "ok" else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus text format."""
        return web.Response(body=generate_latest(self._status.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def views(self, request: web.Request) -> web.Response:
        """What can be read, in words."""
        _only(request, ())
        rows = [
            {
                "name": name,
                "per_customer": view.per_customer,
                "order": view.order,
                "options": list(view.options),
                "sorts": list(view.sorts),
                "about": self._descriptions[name],
            }
            for name, view in VIEWS.items()
        ]
        return web.json_response({"views": rows})

    async def view(self, request: web.Request) -> web.Response:
        """A page of one view; what is not said here is an option of the view."""
        name, customer = request.match_info["name"], request.query.get("customer_id")
        limit, offset = _number(request, "limit", DEFAULT_LIMIT), _number(request, "offset", 0)
        options = {key: value for key, value in request.query.items() if key not in _PAGE}
        rows, computed_at = await self._ready().view(name, customer, limit, offset, options)
        body = {"view": name, "limit": limit, "offset": offset, "computed_at": computed_at.isoformat(), "rows": rows}
        return web.json_response(body)

    async def customer(self, request: web.Request) -> web.Response:
        """One customer; see ``read_customer``."""
        _only(request, ("timeline",))
        newest = _number(request, "timeline", DEFAULT_TIMELINE)
        return web.json_response(await self._ready().customer(request.match_info["customer_id"], newest))

    async def audit(self, request: web.Request) -> web.Response:
        """Pages of the audit trail; see ``read_audit``."""
        return web.json_response({"rows": await self._ready().audit(request.match_info["kind"], request.query)})

    def _ready(self) -> Answers:
        if not self._status.ready:
            waits = "; ".join(self._status.problems.values()) or "the archive is starting"
            raise Unavailable(f"the views are not there yet: {waits}")
        return self._answers


_PAGE = ("customer_id", "limit", "offset")


def _only(request: web.Request, known: tuple[str, ...]) -> None:
    for name in request.query:
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "there are none"
            raise InvalidInput("unknown_parameter", f"there is no parameter {name[:80]!r}; {there}", field=name[:80])


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InvalidInput(name, f"{name} must be a whole number, is {text[:40]!r}", field=name)
    return int(text)


_CODES: Mapping[type[CreditPulseError], tuple[int, str]] = {
    NotFound: (404, "not_found"),
    Unavailable: (503, "unavailable"),
}


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error as ``{code, message, field}``."""
    try:
        return await handler(request)
    except InvalidInput as error:
        return _error(400, error.code, error.message, error.field)
    except CreditPulseError as error:
        status, code = _CODES.get(type(error), (500, "failed"))
        if status == 500:
            log.error("%s: %s", request.path, error)
        return _error(status, code, str(error))
    except web.HTTPException as error:
        return _error(
            error.status,
            error.reason.lower().replace(" ", "_"),
            f"{request.method} {request.path[:200]}: {error.reason}",
        )
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return _error(500, "internal", "the archive could not answer; its log says why")


def _error(status: int, code: str, message: str, field: str | None = None) -> web.Response:
    body: dict[str, Any] = {"code": code, "message": message, "field": field}
    return web.json_response(body, status=status)
