"""Events in: what other systems tell us about orders, payments, overdue invoices and markets.

Every event carries ``version`` and ``type``; a type is the past tense of what happened. Unknown fields are
refused, so that a typing error never silently drops a value.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.fields import (
    Amount,
    Currency,
    Identifier,
    PastDate,
    PastTime,
    PositiveAmount,
    SaneDate,
    ShortText,
    UtcTime,
)

VERSION = 1
MAX_TERMS_DAYS = 730
MAX_POSTDATED_DAYS = 366

DisputeReason = Literal["price", "quantity", "quality", "delivery", "duplicate", "terms", "other"]


class InEvent(BaseModel):
    """What all events in have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(description="Version of this contract.")
    event_id: Identifier = Field(description="Unique per event; a second event with the same id changes nothing.")
    occurred_at: UtcTime = Field(description="When it happened in the business, not when it was sent.")
    origin: ShortText | None = Field(default=None, description="The system that knows it, e.g. 'erp-eu'.")


class CustomerEvent(InEvent):
    """An event about one customer; the record key on Kafka is the same id."""

    customer_id: Identifier


class OrderPlaced(CustomerEvent):
    """A customer ordered goods on open terms; counts as exposure until invoiced or cancelled."""

    type: Literal["order.placed"] = "order.placed"
    order_id: Identifier
    amount: PositiveAmount
    currency: Currency
    quantity: PositiveAmount | None = None
    requested_terms_days: int | None = Field(default=None, ge=0, le=MAX_TERMS_DAYS)
    delivery_date: SaneDate | None = Field(
        default=None, description="Orders to be delivered beyond the credit horizon do not count as exposure."
    )


class OrderInvoiced(CustomerEvent):
    """Goods were shipped and invoiced: the order, if named, turns into a receivable."""

    type: Literal["order.invoiced"] = "order.invoiced"
    invoice_id: Identifier
    order_id: Identifier | None = None
    amount: PositiveAmount
    currency: Currency
    quantity: PositiveAmount | None = None
    issue_date: SaneDate
    due_date: SaneDate
    terms_days: int = Field(ge=0, le=MAX_TERMS_DAYS)

    @model_validator(mode="after")
    def _due_after_issue(self) -> OrderInvoiced:
        if self.due_date < self.issue_date:
            raise ValueError(f"due_date {self.due_date} lies before issue_date {self.issue_date}")
        if (self.due_date - self.issue_date).days > MAX_TERMS_DAYS:
            raise ValueError(f"due_date lies more than {MAX_TERMS_DAYS} days after issue_date")
        if (self.issue_date - self.occurred_at.date()).days > MAX_POSTDATED_DAYS:
            raise ValueError(f"issue_date lies more than {MAX_POSTDATED_DAYS} days after occurred_at")
        return self


class OrderCancelled(CustomerEvent):
    """An order, or the given part of it, will not be shipped."""

    type: Literal["order.cancelled"] = "order.cancelled"
    order_id: Identifier
    amount: PositiveAmount | None = Field(default=None, description="The part cancelled; absent = the rest of it.")
    currency: Currency | None = None

    @model_validator(mode="after")
    def _amount_with_currency(self) -> OrderCancelled:
        if (self.amount is None) != (self.currency is None):
            raise ValueError("amount and currency are given together or not at all")
        return self


class InvoiceDisputed(CustomerEvent):
    """The customer contests an invoice, or a part of it: until resolved, that part is owed but not held against it.

    A later dispute of the same invoice takes the place of the earlier one.
    """

    type: Literal["invoice.disputed"] = "invoice.disputed"
    invoice_id: Identifier
    amount: PositiveAmount | None = Field(default=None, description="The part contested; absent = all that is open.")
    currency: Currency | None = None
    reason: DisputeReason = Field(description="What is contested.")
    by: Identifier | None = Field(default=None, description="The person who enters it; absent: a system.")

    @model_validator(mode="after")
    def _amount_with_currency(self) -> InvoiceDisputed:
        if (self.amount is None) != (self.currency is None):
            raise ValueError("amount and currency are given together or not at all")
        return self


class DisputeResolved(CustomerEvent):
    """A dispute is over. ``accepted``: a credit note lowers what is open, the rest, if any, is due as before.

    ``rejected``: all of it is due as before.
    """

    type: Literal["dispute.resolved"] = "dispute.resolved"
    invoice_id: Identifier
    outcome: Literal["accepted", "rejected"]
    amount: PositiveAmount | None = Field(default=None, description="Of the credit note; with 'accepted' only.")
    currency: Currency | None = None
    by: Identifier | None = Field(default=None, description="The person who enters it; absent: a system.")

    @model_validator(mode="after")
    def _credit_note_if_accepted(self) -> DisputeResolved:
        given = self.amount is not None, self.currency is not None
        if given != ((self.outcome == "accepted"),) * 2:
            raise ValueError("amount and currency (of the credit note) are given if, and only if, outcome is accepted")
        return self


class PaymentReceived(CustomerEvent):
    """Cash came in, for one invoice (whole or in part) or not yet applied to any."""

    type: Literal["payment.received"] = "payment.received"
    payment_id: Identifier
    amount: PositiveAmount
    currency: Currency
    invoice_id: Identifier | None = Field(default=None, description="Absent: unapplied cash.")
    paid_at: PastTime = Field(description="When the customer paid; decides how many days late.")
    value_date: SaneDate | None = Field(default=None, description="When the bank credits the money.")


class PaymentReversed(CustomerEvent):
    """A payment was taken back (bounced, charged back, booked by mistake)."""

    type: Literal["payment.reversed"] = "payment.reversed"
    payment_id: Identifier
    amount: PositiveAmount
    currency: Currency
    invoice_id: Identifier | None = None
    due_date: SaneDate | None = Field(default=None, description="Due date of the invoice, to open it again.")


class OverdueNoticed(CustomerEvent):
    """The ledger says that an invoice is past due; the amount is what is still open as of that date."""

    type: Literal["overdue.noticed"] = "overdue.noticed"
    invoice_id: Identifier
    outstanding_amount: Amount = Field(description="0 takes an earlier notice back.")
    currency: Currency
    days_past_due: int = Field(ge=0, le=36_500)
    as_of: PastDate

    @property
    def due_date(self) -> date:
        """The due date that follows from ``as_of`` and ``days_past_due``."""
        return date.fromordinal(self.as_of.toordinal() - self.days_past_due)

    @model_validator(mode="after")
    def _due_is_sane(self) -> OverdueNoticed:
        if self.as_of.toordinal() - self.days_past_due < date(2000, 1, 1).toordinal():
            raise ValueError("days_past_due puts the due date before the year 2000")
        return self


class MarketIndexRead(InEvent):
    """A reading of a sector's or region's index of payment behaviour (100 = its long-run normal, lower = worse)."""

    type: Literal["market.index"] = "market.index"
    scope: Literal["sector", "region"]
    name: Identifier
    value: Decimal = Field(gt=0, lt=10_000, allow_inf_nan=False)
    as_of: PastDate


PaymentEvent = Annotated[PaymentReceived | PaymentReversed, Field(discriminator="type")]
OverdueEvent = OverdueNoticed
MarketEvent = MarketIndexRead
