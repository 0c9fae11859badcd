"""The book as it stands now over HTTP: the list of customers, and its sums; the same numbers as on the desk."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from desk.api.customer_book import SORTABLE, Asked
from desk.api.customer_row import AGEING, CustomerRow
from desk.api.guard import Asked as AskedServices
from desk.api.guard import Reader
from desk.api.reads import Limit, Offset, Page
from schemas.levels import Level
from streams.archive.catalog import jsonable

router = APIRouter(tags=["reading"])

Text = Annotated[str, Query(max_length=120)]
Sort = Annotated[str, Query(max_length=40, description=f"One of {', '.join(SORTABLE)}; with - before it downwards.")]


class LevelNow(BaseModel):
    """A level: its customers, and what they owe or have ordered per currency."""

    level: Level
    customers: int
    exposure: dict[str, Decimal]
    overdue: dict[str, Decimal]


class BookNow(BaseModel):
    """The whole book. ``held_since``: of the order that waits longest, null when none does."""

    data_as_of: datetime
    customers: int
    exposure: dict[str, Decimal]
    overdue: dict[str, Decimal]
    overdue_customers: int
    levels: list[LevelNow]
    ageing: dict[str, dict[str, Decimal]] = Field(
        description="Open invoices per currency and days past due, without what is disputed."
    )
    holds: int
    held_customers: int
    held_since: datetime | None


@router.get("/v1/book", summary="Sums of the whole book as it stands now")
async def book(services: AskedServices, who: Reader) -> BookNow:
    """From the accounts as the engine holds them; at most a second old."""
    found = services.customers.sum()
    return BookNow(
        data_as_of=services.book.clock(),
        customers=found.customers,
        exposure=found.exposure,
        overdue=found.overdue,
        overdue_customers=found.overdue_customers,
        levels=[
            LevelNow(level=level, customers=sums.customers, exposure=sums.exposure, overdue=sums.overdue)
            for level, sums in found.levels.items()
        ],
        ageing={name: dict(zip(AGEING, amounts, strict=True)) for name, amounts in found.ageing.items()},
        holds=found.holds,
        held_customers=found.held_customers,
        held_since=found.held_since,
    )


@router.get("/v1/book/customers", summary="Customers as they stand now: searched, filtered, sorted")
async def customers(
    services: AskedServices,
    who: Reader,
    search: Text = "",
    level: Annotated[list[Level] | None, Query()] = None,
    owner: Text = "",
    sector: Text = "",
    segment: Text = "",
    region: Text = "",
    group_parent: Text = "",
    held: bool = False,
    overdue: bool = False,
    sort: Sort = "-exposure",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Page:
    """Level, score, exposure, limit, utilisation, oldest days past due, days beyond terms, payment index, holds, owner
    and next action of each customer, from the accounts as the engine holds them."""
    levels = frozenset(item.value for item in level or ())
    asked = Asked(
        search, levels, owner=owner, sector=sector, segment=segment, region=region, group_parent=group_parent,
        held=held, overdue=overdue, sort=sort,
    )  # fmt: skip
    rows = services.customers.find(asked)
    more = len(rows) > offset + limit
    return Page(
        view="book_customers", limit=limit, offset=offset, next_offset=offset + limit if more else None,
        rows=[as_json(row) for row in rows[offset : offset + limit]],
    )  # fmt: skip


def as_json(row: CustomerRow) -> dict[str, Any]:
    """A row as JSON can hold it."""
    found: dict[str, Any] = jsonable(asdict(row))
    return found
