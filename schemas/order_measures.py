"""What an order's answer holds beside the decision: the mildest measure that is enough, and what would let it pass."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from schemas.envelope import OutData
from schemas.fields import Currency

SoftMeasure = Literal["shorter_terms", "deposit", "partial"]


class OrderMeasure(OutData):
    """The mildest measure of the policy that is enough, with its numbers.

    ``shorter_terms``: on ``terms_days``. ``deposit``: with ``deposit`` (``deposit_share`` of the order) paid before.
    ``partial``: ``release_amount`` may go now. ``hold``: a person decides. ``refuse``: no business. A measure may need
    a milder one beside it: a deposit on shorter terms names both.
    """

    kind: Literal["shorter_terms", "deposit", "partial", "hold", "refuse"]
    currency: Currency
    terms_days: int | None = Field(default=None, ge=0)
    deposit_share: Decimal | None = Field(default=None, ge=0, le=1)
    deposit: Decimal | None = None
    release_amount: Decimal | None = Field(default=None, description="This part is free to go, the rest waits.")


class WayToPass(OutData):
    """One way in which the order would pass; all that it names has to happen.

    ``pay``: so much of the open invoices, the oldest due first. ``deposit``: so much paid in advance. ``reduce_to``:
    the order at most so large. ``terms_days``: terms no longer than that. ``person``: none of these is enough, and a
    person decides on what ``needs`` names.
    """

    kind: Literal["pay", "deposit", "reduce", "terms", "person"]
    currency: Currency
    pay: Decimal | None = None
    invoices: list[str] = Field(default_factory=list, max_length=10, description="The first of those to be paid.")
    deposit: Decimal | None = None
    deposit_share: Decimal | None = Field(default=None, description="The deposit as a share of the order.")
    reduce_to: Decimal | None = None
    terms_days: int | None = None
    needs: list[str] = Field(default_factory=list, description="Codes of the checks that only a person can settle.")
