"""What persons decide about orders, levels, reviews, disputes: one function each, for REST API and desk.

Each publishes the act's event on its source topic, so that it goes through gate, log and engine like everything else;
who acts comes from the key or session, and what the engine answers is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.texts import reason_text
from desk import proposals
from desk.act_sending import Act, IsLast, Sent, look_up, send_act
from desk.api.problems import Refused
from desk.api.roles import Person, Role, may
from desk.api.services import Services
from desk.proposals import Proposal
from schemas.assessments import (
    AgencyReportReceived,
    AgencyWord,
    FinancialStatementFiled,
    LevelOverridden,
    QualitativeReviewed,
    ReviewGrades,
    StatementFigures,
)
from schemas.decisions import CreditAlert, OrderCheck, OrderDecision, OutEvent, TighteningReview
from schemas.errors import Conflict, InvalidInput
from schemas.events import CustomerEvent, DisputeReason, DisputeResolved, InvoiceDisputed
from schemas.levels import Level
from schemas.order_acts import ActRefusal, OrderAct, OrderHoldForced, OrderHoldLifted, OrderRejected, OrderReleased
from schemas.review_acts import ReviewAct, ReviewApproved, ReviewRejected
from schemas.topics import ASSESSMENTS, ORDERS

HOLDS, RELEASES, OVERRIDES, DISPUTES = Role.ANALYST, Role.APPROVER, Role.APPROVER, Role.ANALYST
"""The least role that holds and rejects orders; releases them and lifts holds; overrides levels; enters disputes."""
REVIEWS = Role.APPROVER
"""The least role that decides on tightenings that the brake stopped."""
ASSESSES = Role.ANALYST
"""The least role that enters statements, agency reports and reviews."""

REFUSALS = frozenset(ActRefusal)


class ActRefused(Conflict):
    """The engine did not do it, ``check`` says why; ``decision`` is how the order stands."""

    def __init__(self, customer_id: str, check: OrderCheck, decision: OrderDecision) -> None:
        super().__init__(reason_text(check, "en"))
        self.customer_id, self.check, self.decision = customer_id, check, decision
        self.code = check.code.lower()

    @property
    def stands(self) -> dict[str, Any]:
        """The decision that stands."""
        return {"decision": self.decision.model_dump(mode="json")}


class ReviewRefused(Conflict):
    """The engine did not do it, ``check`` says why; ``review`` is how it stands."""

    def __init__(self, check: OrderCheck, review: TighteningReview) -> None:
        super().__init__(reason_text(check, "en"))
        self.check, self.review = check, review
        self.code = check.code.lower()

    @property
    def stands(self) -> dict[str, Any]:
        """The review that stands."""
        return {"review": self.review.model_dump(mode="json")}


class OrderSeen(NamedTuple):
    """An order as the person who decides saw it. ``version`` None: whatever has become of it."""

    customer_id: str
    order_id: str
    version: int | None


class ActAnswer(BaseModel):
    """``done``: the engine has decided, and what is read here shows it; ``pending``: not yet, look again under ``id``;
    ``proposed``: a second person has to agree."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Where to look: /v1/acts/{id}.")
    status: Literal["done", "pending", "proposed"]
    decisions: list[OutEvent] = Field(description="All that followed: levels, alerts, decisions on orders.")
    proposal: Proposal | None = None


async def release(
    services: Services,
    who: Person,
    order: OrderSeen,
    reason: str,
    *,
    up_to_amount: Decimal | None = None,
    currency: str | None = None,
    valid_until: date | None = None,
    key: str | None = None,
) -> ActAnswer:
    """Let a held order go, whole or up to an amount; above the policy's amount it becomes a proposal.

    Raises Refused (403), InvalidInput, ActRefused, Unavailable; so do those below.
    """
    may(who, RELEASES)
    more = {"up_to_amount": up_to_amount, "currency": currency, "valid_until": valid_until}
    sent = await _send_about(services, who, OrderReleased, order, reason, key, **more)
    refusal = _refusal(sent)
    if not isinstance(refusal, ActRefused) or refusal.check.code != ActRefusal.FOUR_EYES_NEEDED:
        return _answer(sent, refusal)
    proposal = Proposal(
        id=sent.act_id,
        customer_id=order.customer_id,
        order_id=order.order_id,
        version=refusal.decision.version or 0,
        reason=reason,
        above="{above} {currency}".format_map(refusal.check.detail),
        by=who.name,
        at=services.now(),
        **more,
    )
    kept = await proposals.propose(services.control, proposal)
    return ActAnswer(id=sent.act_id, status="proposed", decisions=[], proposal=kept)


async def approve(services: Services, who: Person, proposal_id: str) -> ActAnswer:
    """Agree, as the second person, to a release; raises NotFound and Conflict as well.

    One that was sent and not answered is asked about again, in the name of whoever agreed first.
    """
    may(who, RELEASES)
    control = services.control
    async with _turns.setdefault(proposal_id, asyncio.Lock()):
        proposal = proposals.open_proposal(control, proposal_id, services.now())
        if proposal.by == who.name:
            raise Refused(403, "second_person_needed", "somebody else has to agree to what you have asked for")
        if proposal.state == "open":
            # Noted before it is sent: from then on nobody can decline what the engine may have done.
            proposal = await proposals.decide(control, proposal, "sent", who.name, services.now())
        second = _Second(proposal.decided_by or who.name, RELEASES)
        order = OrderSeen(proposal.customer_id, proposal.order_id, proposal.version)
        more = {name: getattr(proposal, name) for name in ("up_to_amount", "currency", "valid_until")}
        more |= {"by": proposal.by, "second_person": second.name}
        key = f"approve {proposal.id}"
        sent = await _send_about(services, second, OrderReleased, order, proposal.reason, key, **more)
        refusal = _refusal(sent)
        if sent.decisions is not None:
            proposal = await _settled(services, proposal, second, released=refusal is None)
    return _answer(sent, refusal).model_copy(update={"proposal": proposal})


async def _settled(services: Services, proposal: Proposal, second: Person, *, released: bool) -> Proposal:
    """Note what the engine did. That it released the order is true whatever another process has noted meanwhile; that
    it did not may be because another second person was a moment faster, and then that is what is told."""
    stands = proposals.known_proposal(services.control, proposal.id)
    if not released and (stands.state, stands.decided_by) != ("sent", second.name):
        raise proposals.decided_already(stands)
    state: Literal["approved", "void"] = "approved" if released else "void"
    return await proposals.decide(services.control, proposal, state, second.name, services.now())


class _Second(NamedTuple):
    """Who has agreed to a proposal."""

    name: str
    role: Role


_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""One at a time decides about a proposal, as far as this process can see."""


async def decline(services: Services, who: Person, proposal_id: str, why: str) -> Proposal:
    """Say no to a proposal, or take one's own back; nothing is sent. Raises Refused, NotFound, Conflict."""
    proposal = proposals.open_proposal(services.control, proposal_id, services.now())
    if proposal.by != who.name:
        may(who, RELEASES)
    if proposal.state == "sent":
        message = f"{proposal.decided_by} has agreed to {proposal_id}, it is under way"
        raise Conflict(message, "proposal_sent", by=proposal.decided_by or "")
    return await proposals.decide(services.control, proposal, "declined", who.name, services.now(), why)


async def reject(
    services: Services, who: Person, order: OrderSeen, reason: str, *, key: str | None = None
) -> ActAnswer:
    """Refuse an order."""
    may(who, HOLDS)
    return await _decide(services, who, OrderRejected, order, reason, key)


async def hold(services: Services, who: Person, order: OrderSeen, reason: str, *, key: str | None = None) -> ActAnswer:
    """Hold an order, whatever the checks say; it need not be open yet."""
    may(who, HOLDS)
    return await _decide(services, who, OrderHoldForced, order, reason, key)


async def lift_hold(
    services: Services, who: Person, order: OrderSeen, reason: str, *, key: str | None = None
) -> ActAnswer:
    """End a forced hold: the checks decide again."""
    may(who, RELEASES)
    return await _decide(services, who, OrderHoldLifted, order, reason, key)


async def override_level(
    services: Services,
    who: Person,
    customer_id: str,
    level: Level | None,
    reason: str,
    expires_on: date,
    *,
    key: str | None = None,
) -> ActAnswer:
    """Set a customer's level through ``expires_on``; ``level`` None takes an earlier setting back."""
    may(who, OVERRIDES)

    def check(at: datetime) -> None:
        if level is not None and expires_on < at.date():
            raise InvalidInput("expires_on", f"expires_on {expires_on} has passed: today is {at.date()}", "expires_on")

    sent = await _send(
        services, who, ASSESSMENTS, LevelOverridden, customer_id, key, check=check, by=who.name, reason=reason,
        level=level, expires_on=expires_on,
    )  # fmt: skip
    return _answer(sent, None)


async def approve_review(
    services: Services,
    who: Person,
    customer_id: str,
    reason: str,
    *,
    version: int | None = None,
    key: str | None = None,
) -> ActAnswer:
    """Let a tightening count that the brake stopped; ``version``: of the review as the person saw it.

    Raises ReviewRefused when it is another one by now, or nothing waits.
    """
    return await _review(services, who, ReviewApproved, customer_id, reason, version, key)


async def reject_review(
    services: Services,
    who: Person,
    customer_id: str,
    reason: str,
    *,
    version: int | None = None,
    key: str | None = None,
) -> ActAnswer:
    """Leave the customer where it is, for the policy's days or until it gets worse; as ``approve_review``."""
    return await _review(services, who, ReviewRejected, customer_id, reason, version, key)


async def dispute(
    services: Services,
    who: Person,
    customer_id: str,
    invoice_id: str,
    reason: DisputeReason,
    *,
    amount: Decimal | None = None,
    currency: str | None = None,
    key: str | None = None,
) -> ActAnswer:
    """Enter that the customer contests an invoice, or a part of it."""
    return await _dispute(
        services, who, InvoiceDisputed, customer_id, key, invoice_id=invoice_id, reason=reason, amount=amount,
        currency=currency,
    )  # fmt: skip


async def resolve_dispute(
    services: Services,
    who: Person,
    customer_id: str,
    invoice_id: str,
    outcome: Literal["accepted", "rejected"],
    *,
    amount: Decimal | None = None,
    currency: str | None = None,
    key: str | None = None,
) -> ActAnswer:
    """Enter how a dispute ended; the amount is the credit note's."""
    return await _dispute(
        services, who, DisputeResolved, customer_id, key, invoice_id=invoice_id, outcome=outcome, amount=amount,
        currency=currency,
    )  # fmt: skip


async def act_answer(services: Services, act_id: str) -> ActAnswer:
    """What became of an act that was sent before; raises NotFound, ActRefused, Unavailable."""

    def is_last(event: CustomerEvent) -> IsLast:
        return _about(event.order_id) if isinstance(event, OrderAct) else lambda _: False

    sent = await look_up(services, act_id, is_last)
    return _answer(sent, _refusal(sent))


async def assess(
    services: Services,
    who: Person,
    customer_id: str,
    said: StatementFigures | AgencyWord | ReviewGrades,
    *,
    key: str | None = None,
) -> ActAnswer:
    """Enter what is known of a customer: the same event as an import publishes, with who entered it."""
    may(who, ASSESSES)
    fields = {name: getattr(said, name) for name in type(said).model_fields}
    kind: type[CustomerEvent]
    if isinstance(said, StatementFigures):
        kind, fields["by"] = FinancialStatementFiled, who.name
    elif isinstance(said, AgencyWord):
        kind, fields["by"] = AgencyReportReceived, who.name
    else:
        kind, fields["reviewer"] = QualitativeReviewed, who.name
    return _answer(await _send(services, who, ASSESSMENTS, kind, customer_id, key, **fields), None)


async def _decide(
    services: Services, who: Person, kind: type[OrderAct], order: OrderSeen, reason: str, key: str | None
) -> ActAnswer:
    sent = await _send_about(services, who, kind, order, reason, key)
    return _answer(sent, _refusal(sent))


async def _send_about(
    services: Services,
    who: Person,
    kind: type[OrderAct],
    order: OrderSeen,
    reason: str,
    key: str | None,
    **more: Any,
) -> Sent:
    fields = {"by": who.name, "order_id": order.order_id, "reason": reason, "expected_version": order.version} | more
    is_last = _about(order.order_id)
    return await _send(services, who, ORDERS, kind, order.customer_id, key, is_last=is_last, **fields)


async def _review(
    services: Services,
    who: Person,
    kind: type[ReviewAct],
    customer_id: str,
    reason: str,
    version: int | None,
    key: str | None,
) -> ActAnswer:
    may(who, REVIEWS)
    sent = await _send(
        services, who, ASSESSMENTS, kind, customer_id, key, by=who.name, reason=reason, expected_version=version
    )
    return _answer(sent, _refusal(sent))


async def _dispute(
    services: Services, who: Person, kind: type[CustomerEvent], customer_id: str, key: str | None, **fields: Any
) -> ActAnswer:
    may(who, DISPUTES)
    return _answer(await _send(services, who, ORDERS, kind, customer_id, key, by=who.name, **fields), None)


async def _send(
    services: Services,
    who: Person,
    topic: str,
    kind: type[CustomerEvent],
    customer_id: str,
    key: str | None,
    *,
    is_last: IsLast = lambda _: False,
    check: Callable[[datetime], None] = lambda _: None,
    **fields: Any,
) -> Sent:
    """Make the event and send it; ``check`` is told the event's time and may refuse it."""

    def make(event_id: str, at: datetime) -> CustomerEvent:
        check(at)
        try:
            return kind(version=1, event_id=event_id, occurred_at=at, customer_id=customer_id, **fields)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or None
            message = first["msg"].removeprefix("Value error, ")
            raise InvalidInput("invalid_request", f"{field}: {message}" if field else message, field) from error

    return await send_act(services, who, Act(topic, customer_id, make, is_last), key)


def _about(order_id: str) -> IsLast:
    return lambda out: isinstance(out.data, OrderDecision) and out.data.order_id == order_id


def _refusal(sent: Sent) -> ActRefused | ReviewRefused | None:
    for out in sent.decisions or ():
        data = out.data
        if isinstance(data, CreditAlert) and data.review is not None and data.review.refusal is not None:
            return ReviewRefused(data.review.refusal, data.review)
        for check in data.checks if isinstance(data, OrderDecision) else ():
            if check.code in REFUSALS and isinstance(data, OrderDecision):
                return ActRefused(out.subject, check, data)
    return None


def _answer(sent: Sent, refusal: Conflict | None) -> ActAnswer:
    if refusal is not None:
        raise refusal
    status: Literal["done", "pending"] = "done" if sent.shown else "pending"
    return ActAnswer(id=sent.act_id, status=status, decisions=sent.decisions or [])
