"""Credit checks for order entry: what an order would get, answered from the book as the engine holds it."""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from desk.api.guard import Asked, OrderEntry
from desk.api.services import Services
from models.account import SCHEMA, Account
from models.calendar import day_of
from models.exposure import Position, positions
from models.out_events import exposure_out
from models.what_if import check_order
from schemas.decisions import Decision, Exposure, OrderCheck
from schemas.fields import Currency, Identifier, PositiveAmount
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


class CheckAnswer(BaseModel):
    """The decision and its numbers, as of ``data_as_of``: everything known until then is in it.

    ``known`` is false for a customer of whom nothing has been heard: it is treated as a new one. ``stale``: the data
    is older than CREDITPULSE_API_STALE_MINUTES (check STALE_DATA), and an order that is not rejected gets what
    CREDITPULSE_API_WHEN_STALE says.
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
    settings, known = services.settings, services.book.known(asked.customer_id)
    # What is asked of a replay is asked of its past: by the wall clock all of it would be stale.
    age = services.now() - known.as_of if settings.clock == "wall" else timedelta(0)
    stale = age > timedelta(minutes=settings.api_stale_minutes)
    account = known.account or Account(SCHEMA, asked.customer_id)
    standing = None
    if order_id is not None:
        standing = Decision.HOLD if account.orders[order_id].held else Decision.APPROVE
        account = copy(account)  # without the order itself
        account.orders = {name: order for name, order in account.orders.items() if name != order_id}
    day = day_of(known.as_of if settings.clock == "events" else services.now())
    decision, checks = check_order(account, asked.amount, asked.currency, day, known.policy)
    if stale:
        checks = [*checks, OrderCheck(code="STALE_DATA", detail={"as_of": known.as_of.isoformat()})]
        if decision is not Decision.REJECT:
            decision = Decision(settings.api_when_stale)
    position = positions(account, day, known.policy).get(asked.currency, Position())
    return CheckAnswer(
        customer_id=asked.customer_id,
        order_id=order_id,
        decision=decision,
        checks=checks,
        level=Level(account.level),
        score=account.score if account.points else None,
        exposure=exposure_out(asked.currency, position, account.limits.get(asked.currency)),
        known=known.account is not None,
        stale=stale,
        data_as_of=known.as_of,
        policy_version=known.policy.version,
        standing=standing,
    )
