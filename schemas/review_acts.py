"""What a person decides about a tightening that waits for review, because the brake on mass tightening stopped it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.events import CustomerEvent
from schemas.fields import Identifier
from schemas.order_acts import Why


class ReviewAct(CustomerEvent):
    """Each is answered by an alert of kind ``review``, refused ones as well."""

    by: Identifier = Field(description="Who decides.")
    reason: Why
    expected_version: int | None = Field(
        default=None, ge=0, description="Of the review that the person saw; if it has another one by now, refused."
    )


class ReviewApproved(ReviewAct):
    """The tightening is right: it counts from now on, as it is by now."""

    type: Literal["review.approved"] = "review.approved"


class ReviewRejected(ReviewAct):
    """The tightening is wrong: the customer stays where it is, for the policy's days or until it gets worse."""

    type: Literal["review.rejected"] = "review.rejected"
