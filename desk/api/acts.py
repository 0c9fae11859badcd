"""What persons decide, over HTTP: orders released, rejected, held; proposals; levels; reviews; disputes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from desk import acts, proposals
from desk.acts import ActAnswer, OrderSeen
from desk.api.guard import Analyst, Approver, Asked, Reader
from desk.api.problems import problem_response
from desk.open_orders import OrderNow, order_now
from desk.proposals import Proposal
from schemas.events import DisputeReason
from schemas.fields import Currency, Identifier, PositiveAmount, SaneDate
from schemas.levels import LADDER, Level
from schemas.order_acts import Why

router = APIRouter(tags=["decisions of persons"])

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Of your choice, one for each act: sent again within a day, nothing happens twice and the first "
        "answer is given.",
    ),
]
OrderId = Annotated[Identifier, Path()]
InvoiceId = Annotated[Identifier, Path()]
CustomerId = Annotated[Identifier, Path()]
ActId = Annotated[str, Path(max_length=80)]
Answers = dict[int | str, dict[str, Any]]
PENDING: Answers = {
    202: {
        "description": "Sent; not decided, or not to be seen here, yet: `Location` is where to look again.",
        "model": ActAnswer,
    },
}
CONFLICT: Answers = {
    409: problem_response(
        "Nothing was done: things stand otherwise than the person saw them, or do not allow it. `code` says why; "
        "`decision` or `review`, where there is one, is how they stand now."
    ),
}
PENDING_OR_CONFLICT: Answers = PENDING | CONFLICT
PROPOSED_OR_CONFLICT: Answers = CONFLICT | {
    202: {
        "description": "`proposed`: a second person has to agree. `pending`: sent, but not decided, or not to be "
        "seen here, yet. `Location` is where to look again.",
        "model": ActAnswer,
    },
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer_id: Identifier
    reason: Why


class OrderSaid(_Body):
    """A person's word on an order, at the version that the person saw."""

    version: int = Field(strict=True, ge=0, le=10**10, description="If it is another one by now, nothing is done: 409.")


class HoldSaid(_Body):
    """A forced hold. Without a version it holds whatever the order has become, also one that is still to come."""

    version: int | None = Field(default=None, strict=True, ge=0, le=10**10)


class ReleaseSaid(OrderSaid):
    """A release, in whole or within bounds."""

    up_to_amount: PositiveAmount | None = Field(default=None, description="Absent: the order's amount of now.")
    currency: Currency | None = None
    valid_until: SaneDate | None = Field(default=None, description="Last day; absent: what the policy grants.")

    @model_validator(mode="after")
    def _amount_with_currency(self) -> ReleaseSaid:
        if (self.up_to_amount is None) != (self.currency is None):
            raise ValueError("up_to_amount and currency are given together or not at all")
        return self


class OverrideSaid(BaseModel):
    """A level set by hand."""

    model_config = ConfigDict(extra="forbid")

    level: Level | None = Field(description="null takes an earlier setting back.", examples=list(LADDER))
    reason: Why
    expires_on: SaneDate = Field(description="Last day of the setting.")


class ReviewSaid(BaseModel):
    """A person's word on a tightening that the brake stopped."""

    model_config = ConfigDict(extra="forbid")

    reason: Why
    version: int | None = Field(
        default=None, strict=True, ge=0, le=10**10,
        description="Of the review that the person saw: if it is another one by now, nothing is done: 409.",
    )  # fmt: skip


class Declined(BaseModel):
    """Why a proposal is declined."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class DisputeSaid(BaseModel):
    """An invoice is contested, in whole or up to an amount."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Identifier
    reason: DisputeReason
    amount: PositiveAmount | None = None
    currency: Currency | None = None


class ResolvedSaid(BaseModel):
    """How a dispute ended; with 'accepted' the amount of the credit note."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Identifier
    outcome: Literal["accepted", "rejected"]
    amount: PositiveAmount | None = None
    currency: Currency | None = None


@router.get("/v1/open-orders/{order_id:path}", summary="An open order as it stands, with its version")
async def order(
    services: Asked, who: Reader, order_id: OrderId, customer_id: Annotated[Identifier, Query()]
) -> OrderNow:
    """What a person decides about an order names the version shown here."""
    return order_now(services.book, customer_id, order_id)


@router.post("/v1/orders/{order_id:path}/release", summary="Let a held order go", responses=PROPOSED_OR_CONFLICT)
async def release(
    services: Asked, who: Approver, response: Response, order_id: OrderId, body: ReleaseSaid, key: Key = None
) -> ActAnswer:
    """Above the policy's `four_eyes_above` it becomes a proposal, which another person has to approve."""
    answer = await acts.release(
        services, who, _seen(order_id, body), body.reason, up_to_amount=body.up_to_amount, currency=body.currency,
        valid_until=body.valid_until, key=key,
    )  # fmt: skip
    return told(answer, response)


@router.post("/v1/orders/{order_id:path}/reject", summary="Refuse an order", responses=PENDING_OR_CONFLICT)
async def reject(
    services: Asked, who: Analyst, response: Response, order_id: OrderId, body: OrderSaid, key: Key = None
) -> ActAnswer:
    """Placed again under the same id, it waits for a person."""
    return told(await acts.reject(services, who, _seen(order_id, body), body.reason, key=key), response)


@router.post(
    "/v1/orders/{order_id:path}/hold", summary="Hold an order, whatever the checks say", responses=PENDING_OR_CONFLICT
)
async def hold(
    services: Asked, who: Analyst, response: Response, order_id: OrderId, body: HoldSaid, key: Key = None
) -> ActAnswer:
    """Only a person frees it again."""
    return told(await acts.hold(services, who, _seen(order_id, body), body.reason, key=key), response)


@router.post("/v1/orders/{order_id:path}/lift-hold", summary="End a forced hold", responses=PENDING_OR_CONFLICT)
async def lift_hold(
    services: Asked, who: Approver, response: Response, order_id: OrderId, body: OrderSaid, key: Key = None
) -> ActAnswer:
    """From here on the checks decide again."""
    return told(await acts.lift_hold(services, who, _seen(order_id, body), body.reason, key=key), response)


@router.get("/v1/proposals", summary="Releases that wait for a second person")
async def list_proposals(
    services: Asked,
    who: Reader,
    state: Annotated[Literal["open", "sent", "approved", "declined", "void"] | None, Query()] = "open",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> list[Proposal]:
    """The oldest first; decided ones are kept for a month."""
    return proposals.list_proposals(services.control, services.now(), state)[offset : offset + limit]


@router.post("/v1/proposals/{proposal_id}/approve", summary="Agree to a release", responses=PENDING_OR_CONFLICT)
async def approve(services: Asked, who: Approver, response: Response, proposal_id: ActId) -> ActAnswer:
    """By another person than the one who proposed it. If the order has changed since, nothing is done."""
    return told(await acts.approve(services, who, proposal_id), response)


@router.post("/v1/proposals/{proposal_id}/decline", summary="Say no to a release, or take it back", responses=CONFLICT)
async def decline(services: Asked, who: Analyst, proposal_id: ActId, body: Declined) -> Proposal:
    """The order stays held."""
    return await acts.decline(services, who, proposal_id, body.why)


@router.post("/v1/customers/{customer_id:path}/override", summary="Set a customer's level by hand", responses=PENDING)
async def override(
    services: Asked, who: Approver, response: Response, customer_id: CustomerId, body: OverrideSaid, key: Key = None
) -> ActAnswer:
    """Until it expires or is taken back; the level event that follows, if it changes, is in the answer."""
    answer = await acts.override_level(services, who, customer_id, body.level, body.reason, body.expires_on, key=key)
    return told(answer, response)


@router.post(
    "/v1/customers/{customer_id:path}/review/approve",
    summary="Let a tightening count that the brake stopped",
    responses=PENDING_OR_CONFLICT,
)
async def approve_review(
    services: Asked, who: Approver, response: Response, customer_id: CustomerId, body: ReviewSaid, key: Key = None
) -> ActAnswer:
    """What waits is listed by the view `tightening_reviews`."""
    answer = await acts.approve_review(services, who, customer_id, body.reason, version=body.version, key=key)
    return told(answer, response)


@router.post(
    "/v1/customers/{customer_id:path}/review/reject",
    summary="Leave a customer where it is, whose tightening the brake stopped",
    responses=PENDING_OR_CONFLICT,
)
async def reject_review(
    services: Asked, who: Approver, response: Response, customer_id: CustomerId, body: ReviewSaid, key: Key = None
) -> ActAnswer:
    """For the policy's days, or until it gets worse."""
    answer = await acts.reject_review(services, who, customer_id, body.reason, version=body.version, key=key)
    return told(answer, response)


@router.post("/v1/invoices/{invoice_id:path}/dispute", summary="Enter that an invoice is disputed", responses=PENDING)
async def dispute(
    services: Asked, who: Analyst, response: Response, invoice_id: InvoiceId, body: DisputeSaid, key: Key = None
) -> ActAnswer:
    """Until resolved, the contested part is owed but not held against the customer."""
    answer = await acts.dispute(
        services, who, body.customer_id, invoice_id, body.reason, amount=body.amount, currency=body.currency, key=key
    )
    return told(answer, response)


@router.post("/v1/invoices/{invoice_id:path}/resolve-dispute", summary="Enter how a dispute ended", responses=PENDING)
async def resolve_dispute(
    services: Asked, who: Analyst, response: Response, invoice_id: InvoiceId, body: ResolvedSaid, key: Key = None
) -> ActAnswer:
    """`accepted` lowers what is open by the credit note; the rest, if any, is due as before."""
    answer = await acts.resolve_dispute(
        services, who, body.customer_id, invoice_id, body.outcome, amount=body.amount, currency=body.currency, key=key
    )
    return told(answer, response)


@router.get("/v1/acts/{act_id}", summary="What became of a decision that was sent", responses=PENDING_OR_CONFLICT)
async def act(services: Asked, who: Reader, response: Response, act_id: ActId) -> ActAnswer:
    """For those that were answered by 202: as it would have been answered then."""
    return told(await acts.act_answer(services, act_id), response)


def _seen(order_id: str, body: OrderSaid | HoldSaid) -> OrderSeen:
    return OrderSeen(body.customer_id, order_id, body.version)


def told(answer: ActAnswer, response: Response) -> ActAnswer:
    """The answer, with 202 and where to look while it is not done."""
    if answer.status != "done":
        response.status_code = 202
        response.headers["Location"] = f"/v1/acts/{answer.id}"
    return answer
