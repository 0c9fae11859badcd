"""Reading the book: levels, customers, alerts, order decisions and every view of the archive, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from desk.api.guard import Asked, Reader
from desk.api.services import Services
from schemas.fields import Identifier
from streams.archive.catalog import MAX_LIMIT, MAX_OFFSET, VIEWS
from streams.archive.migrations import view_descriptions
from streams.archive.reads import DEFAULT_TIMELINE

router = APIRouter(tags=["reading"])

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows of a page.")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Rows before the page.")]


class Page(BaseModel):
    """A page of rows; ``next_offset`` is null on the last one. Money is exact text, times are ISO 8601 in UTC."""

    view: str
    limit: int
    offset: int
    next_offset: int | None
    rows: list[dict[str, Any]]


class ViewInfo(BaseModel):
    """A view of the archive, in words."""

    name: str
    about: str
    per_customer: bool = Field(description="Whether customer_id narrows it.")
    order: str
    options: list[str] = Field(description="Query parameters that narrow it, or that it counts by.")
    sorts: list[str] = Field(description="Columns for the query parameter `sort`; downwards with - before it.")


@router.get("/v1/views", summary="The views that can be read")
async def views(who: Reader) -> list[ViewInfo]:
    """Each is documented in the archive and has the same numbers in CLI, API and desk."""
    about = view_descriptions()
    return [
        ViewInfo(
            name=name,
            about=about[name],
            per_customer=view.per_customer,
            order=view.order,
            options=list(view.options),
            sorts=list(view.sorts),
        )
        for name, view in VIEWS.items()
    ]


_OPTIONS = {
    "name": "options",
    "in": "query",
    "description": "`sort`, and the options that `/v1/views` lists for the view, each by its name.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "style": "form",
    "explode": True,
}


@router.get("/v1/views/{name}", summary="A page of a view", openapi_extra={"parameters": [_OPTIONS]})
async def view(
    services: Asked,
    who: Reader,
    request: Request,
    name: Annotated[str, Path(max_length=80)],
    customer_id: Annotated[Identifier | None, Query()] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page:
    """In a stable order, or by `sort`; other query parameters are options of the view (`/v1/views` lists them)."""
    options = {
        key: value for key, value in request.query_params.items() if key not in ("customer_id", "limit", "offset")
    }
    return await _page(services, name, customer_id, limit, offset, options)


async def _page(
    services: Services,
    name: str,
    customer_id: str | None,
    limit: int,
    offset: int,
    options: Mapping[str, str] | None = None,
) -> Page:
    # One row more than asked for tells whether there is a next page.
    most = min(limit + 1, MAX_LIMIT)
    rows = await services.archive.view(name, customer_id, most, offset, options)
    more = len(rows) > limit or (most == limit == len(rows))
    return Page(view=name, limit=limit, offset=offset, next_offset=offset + limit if more else None, rows=rows[:limit])


@router.get("/v1/customers", summary="All customers with their latest level")
async def customers(services: Asked, who: Reader, limit: Limit = 100, offset: Offset = 0) -> Page:
    """The view `current_levels`."""
    return await _page(services, "current_levels", None, limit, offset)


@router.get("/v1/customers/{customer_id:path}", summary="All about one customer")
async def customer(
    services: Asked,
    who: Reader,
    customer_id: Annotated[Identifier, Path()],
    timeline: Annotated[int, Query(ge=0, le=MAX_LIMIT)] = DEFAULT_TIMELINE,
) -> dict[str, Any]:
    """Level, score, reasons, exposures, limit, way back, and the newest entries of its timeline."""
    return await services.archive.customer(customer_id, timeline)


@router.get("/v1/alerts", summary="Alerts, newest first")
async def alerts(
    services: Asked,
    who: Reader,
    customer_id: Annotated[Identifier | None, Query()] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page:
    """The view `alerts`."""
    return await _page(services, "alerts", customer_id, limit, offset)


@router.get("/v1/order-decisions", summary="Order decisions, newest first")
async def order_decisions(
    services: Asked,
    who: Reader,
    customer_id: Annotated[Identifier | None, Query()] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page:
    """The view `order_decisions`."""
    return await _page(services, "order_decisions", customer_id, limit, offset)
