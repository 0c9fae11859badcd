"""Credit checks for order entry: what an order would get, answered from the book as the engine holds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from desk.api.guard import Asked, OrderEntry
from desk.api.services import Services, day_of_question
from models.account import SCHEMA, Account, OpenOrder
from models.order_checks.facts import ASKED
from models.what_if import check_order
from schemas.decisions import Decision, OrderCheck
from schemas.events import MAX_TERMS_DAYS
from schemas.fields import Currency, Identifier, PositiveAmount, SaneDate
from schemas.order_answer import OrderAnswer
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
    requested_terms_days: int | None = Field(default=None, strict=True, ge=0, le=MAX_TERMS_DAYS)
    delivery_date: SaneDate | None = Field(
        default=None, description="Orders to be delivered beyond the credit horizon do not count as exposure."
    )


class CheckAnswer(OrderAnswer):
    """The decision and its numbers, as of ``data_as_of``: everything known until then is in it.

    ``known`` is false for a customer of whom nothing has been heard: it is treated as a new one. ``stale``: the data
    is older than CREDITPULSE_API_STALE_MINUTES (check STALE_DATA), and an order that is not rejected gets what
    CREDITPULSE_API_WHEN_STALE says.
    """

    customer_id: str
    order_id: str | None
    score: int | None
    known: bool
    stale: bool
    data_as_of: datetime
    standing: Decision | None = Field(
        default=None, description="For an order that is booked: whether it is held (hold) or free (approve) now."
    )


class OrderAsked(BaseModel):
    """Whose order it is."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Identifier


@router.post("/v1/credit-checks", summary="What an order would get; nothing is booked")
async def credit_check(body: CreditCheck, services: Asked, who: OrderEntry) -> CheckAnswer:
    """Answers from the current state, also while workers restart, with what the order would get if it came now: also
    where the brake would stop its hold (approve, check HOLD_STOPPED). What hangs on an order's id, a hold by a person
    that waits for it or the share drawn by `holdout_share`, is not in it."""
    return answer(services, body)


@router.post("/v1/orders/{order_id:path}/check", summary="What a booked order would get if it were placed now")
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
    day = day_of_question(services, known.as_of)
    # By the wall clock all of a replay would be stale.
    stale = settings.clock != "events" and services.now() - known.as_of > timedelta(minutes=settings.api_stale_minutes)
    account = known.account or Account(SCHEMA, asked.customer_id)
    delivery = None if asked.delivery_date is None else asked.delivery_date.toordinal()
    order = OpenOrder(asked.amount, asked.currency, day, delivery, asked_terms=asked.requested_terms_days)
    brake = services.book.brake(asked.customer_id)
    found = check_order(account, order, day, known.policy, known.groups, order_id or ASKED, known.aged_to, brake)
    decision, checks = found.decision, found.checks
    if stale:
        checks = [*checks, OrderCheck(code="STALE_DATA", detail={"as_of": known.as_of.isoformat()})]
        if decision is not Decision.REJECT:
            decision = Decision(settings.api_when_stale)
    standing = None
    if order_id is not None:
        standing = Decision.HOLD if account.orders[order_id].held else Decision.APPROVE
    return CheckAnswer(
        **{name: getattr(found, name) for name in OrderAnswer.model_fields} | {"decision": decision, "checks": checks},
        customer_id=asked.customer_id,
        order_id=order_id,
        score=account.score if account.points else None,
        known=known.account is not None,
        stale=stale,
        data_as_of=known.as_of,
        standing=standing,
    )
