"""Events about suppliers (topic ``supply``): what they delivered and what they ask; the account is the supplier's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.events import CustomerEvent
from schemas.fields import Amount, Currency, Identifier, PastDate, PositiveAmount, SaneDate, ShortText


class DeliveryReceived(CustomerEvent):
    """What came of one promise to deliver; ``customer_id`` is the supplier's.

    Nothing came by the promised date: tell it as quantity 0, or a supplier that stops delivering looks punctual.
    """

    type: Literal["delivery.received"] = "delivery.received"
    purchase_order_id: Identifier
    promised_date: SaneDate
    delivered_date: PastDate = Field(description="Of a quantity of 0: the date by which nothing had come.")
    quantity_ordered: PositiveAmount = Field(description="What was promised for that date.")
    quantity_delivered: Amount
    quantity_rejected: Amount = Field(default=0, validate_default=True, description="Part of what was delivered.")
    quantity_unit: ShortText | None = None

    @model_validator(mode="after")
    def _rejected_was_delivered(self) -> DeliveryReceived:
        if self.quantity_rejected > self.quantity_delivered:
            raise ValueError(
                f"quantity_rejected {self.quantity_rejected} is more than quantity_delivered {self.quantity_delivered}"
            )
        return self


class PriceQuoted(CustomerEvent):
    """What the supplier asks for an item, beside what it is worth; both prices in one currency, for one unit."""

    type: Literal["price.quoted"] = "price.quoted"
    item: ShortText
    unit_price: PositiveAmount
    currency: Currency
    reference_price: PositiveAmount = Field(description="The market's price, or the one agreed before.")
    quantity: PositiveAmount | None = Field(default=None, description="How much is bought; absent counts as 1 unit.")
    quantity_unit: ShortText | None = Field(default=None, description="What both prices are for: piece, kg, ...")


SupplyEvent = Annotated[DeliveryReceived | PriceQuoted, Field(discriminator="type")]
