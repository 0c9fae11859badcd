"""Events in about an order after it was placed: it changes, and what a person decides about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.events import (
    MAX_TERMS_DAYS,
    CustomerEvent,
    DisputeResolved,
    InvoiceDisputed,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
)
from schemas.fields import Currency, Identifier, PositiveAmount, SaneDate

Why = Annotated[str, StringConstraints(min_length=3, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
"""A person's reason, in words."""


class ActRefusal(StrEnum):
    """Codes of the checks by which the engine says that it did not do what a person decided about an order."""

    ORDER_NOT_OPEN = "ORDER_NOT_OPEN"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    NOT_HELD = "NOT_HELD"
    NOT_FORCED = "NOT_FORCED"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    RELEASE_OVER = "RELEASE_OVER"
    FOUR_EYES_NEEDED = "FOUR_EYES_NEEDED"


class OrderChanged(CustomerEvent):
    """An order is another one now: what stands here replaces what was known of it, and it is checked anew, as a whole.

    An order that is not open is placed by it.
    """

    type: Literal["order.changed"] = "order.changed"
    order_id: Identifier
    amount: PositiveAmount = Field(description="What is still to be delivered and invoiced.")
    currency: Currency
    quantity: PositiveAmount | None = None
    requested_terms_days: int | None = Field(default=None, ge=0, le=MAX_TERMS_DAYS)
    delivery_date: SaneDate | None = None


class OrderAct(CustomerEvent):
    """What a person decides about an order; each is answered by an ``OrderDecision``, refused ones as well."""

    order_id: Identifier
    by: Identifier = Field(description="Who decides.")
    reason: Why
    expected_version: int | None = Field(
        default=None, ge=0, description="The version the person saw; if the order has another one by now, refused."
    )


class OrderReleased(OrderAct):
    """A person lets an order go, within bounds: beyond them it is checked again."""

    type: Literal["order.released"] = "order.released"
    up_to_amount: PositiveAmount | None = Field(default=None, description="Absent: the order's amount of now.")
    currency: Currency | None = None
    valid_until: SaneDate | None = Field(default=None, description="Last day; absent: what the policy grants.")
    second_person: Identifier | None = Field(default=None, description="Who agrees, where four eyes are asked for.")

    @model_validator(mode="after")
    def _amount_with_currency(self) -> OrderReleased:
        if (self.up_to_amount is None) != (self.currency is None):
            raise ValueError("up_to_amount and currency are given together or not at all")
        return self


class OrderRejected(OrderAct):
    """A person refuses an order. Placed again under the same id, it waits for a person."""

    type: Literal["order.rejected"] = "order.rejected"


class OrderHoldForced(OrderAct):
    """A person holds an order, whatever the checks say; only a person frees it again."""

    type: Literal["order.hold_forced"] = "order.hold_forced"


class OrderHoldLifted(OrderAct):
    """A forced hold ends: from here on the checks decide again."""

    type: Literal["order.hold_lifted"] = "order.hold_lifted"


OrderEvent = Annotated[
    OrderPlaced
    | OrderInvoiced
    | OrderCancelled
    | InvoiceDisputed
    | DisputeResolved
    | OrderChanged
    | OrderReleased
    | OrderRejected
    | OrderHoldForced
    | OrderHoldLifted,
    Field(discriminator="type"),
]
