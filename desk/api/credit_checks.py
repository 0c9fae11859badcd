"""Credit checks for order entry: what an order would get, answered from the book as the engine holds it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from desk.api.guard import Asked, OrderEntry
from desk.api.services import Services
from schemas.decisions import Decision, Exposure, OrderCheck
from schemas.events import MAX_TERMS_DAYS
from schemas.fields import Currency, Identifier, PositiveAmount, SaneDate
from schemas.levels import Level
from streams.archive.errors import NotFound

router = APIRouter(tags=["credit checks"])


class CreditCheck(BaseModel):
    """An order that may be placed. Nothing is booked."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"customer_id": "C-17", "amount": "12400.00", "currency": "EUR"}
    ]})  # fmt: skip

    customer_id: Identifier
    amount: PositiveAmount
    currency: Currency
    requested_terms_days: int | None = Field(default=None, ge=0, le=MAX_TERMS_DAYS)
    delivery_date: SaneDate | None = None


class CheckAnswer(BaseModel):
    """The decision and its numbers, as of ``data_as_of``: everything known until then is in it.

    ``known`` is false for a customer of whom nothing has been heard: it is treated as a new one. ``stale``: the data
    is older than the policy allows, and ``decision`` is what the policy says for that (check STALE_DATA).
    """

    customer_id: str
    order_id: str | None
    decision: Decision
    checks: list[OrderCheck]
    level: Level
    score: int | None
    exposure: Exposure
    known: bool
    stale: bool
    data_as_of: datetime
    policy_version: str
    standing: Decision | None = Field(
        default=None, description="For an order that is booked: whether it is held (hold) or free (approve) now."
    )


class OrderAsked(BaseModel):
    """Whose order it is."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Identifier


@router.post("/v1/credit-checks", summary="What an order would get; nothing is booked")
async def credit_check(body: CreditCheck, services: Asked, who: OrderEntry) -> CheckAnswer:
    """Answers from the current state, also while workers restart."""
    return answer(services, body)


@router.post("/v1/orders/{order_id}/check", summary="What a booked order would get if it were placed now")
async def check_booked(
    order_id: Annotated[Identifier, Path()], body: OrderAsked, services: Asked, who: OrderEntry
) -> CheckAnswer:
    """Checks an open order again, with its own amount taken out of the exposure; ``standing`` is how it stands now."""
    known = services.book.known(body.customer_id)
    order = known.account.orders.get(order_id) if known.account is not None else None
    if known.account is None or order is None:
        raise NotFound(f"customer {body.customer_id!r} has no open order {order_id!r}")
    asked = CreditCheck(customer_id=body.customer_id, amount=order.amount, currency=Currency(order.currency))
    return answer(services, asked, order_id)


def answer(services: Services, asked: CreditCheck, order_id: str | None = None) -> CheckAnswer:
    """The answer to a credit check, from the live book; raises Unavailable."""
    raise NotImplementedError
