"""An open order as it stands now, as the engine holds it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, Field

from models.account import Account, OpenOrder
from models.calendar import from_ms
from schemas.decisions import Decision
from streams.archive.errors import NotFound
from streams.live_book import LiveBook


class Said(BaseModel):
    """A person's word that stands on an order: a forced hold, or a release within bounds."""

    by: str
    reason: str
    second_person: str | None = None
    released_up_to: Decimal | None = None
    valid_until: date | None = None


class OrderNow(BaseModel):
    """An open order. ``version`` is what a person who decides about it sends back."""

    customer_id: str
    order_id: str
    version: int
    standing: Decision = Field(description="hold or approve.")
    amount: Decimal
    currency: str
    placed: date
    held_since: datetime | None
    free: Decimal = Field(description="The part of a held order that may go all the same.")
    forced: Said | None = Field(description="A person's hold: only a person ends it.")
    release: Said | None


def order_now(book: LiveBook, customer_id: str, order_id: str) -> OrderNow:
    """The order; raises NotFound, Unavailable."""
    account = book.known(customer_id).account
    order = account.orders.get(order_id) if account is not None else None
    if account is None or order is None:
        raise NotFound(f"customer {customer_id!r} has no open order {order_id!r}")
    return shown(account, order_id, order)


def shown(account: Account, order_id: str, order: OpenOrder) -> OrderNow:
    """An order of the account."""
    forced = account.order_memory.forced.get(order_id) if account.order_memory is not None else None
    release = order.release
    return OrderNow(
        customer_id=account.customer_id,
        order_id=order_id,
        version=order.version,
        standing=Decision.HOLD if order.held else Decision.APPROVE,
        amount=order.amount,
        currency=order.currency,
        placed=date.fromordinal(order.placed),
        held_since=from_ms(order.held_since) if order.held and order.held_since else None,
        free=order.free,
        forced=None if forced is None else Said(by=forced.by, reason=forced.reason),
        release=None
        if release is None
        else Said(
            by=release.by,
            reason=release.reason,
            second_person=release.second,
            released_up_to=release.up_to,
            valid_until=date.fromordinal(release.until),
        ),
    )
