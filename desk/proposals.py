"""Releases that one person has asked for and a second has to agree to; kept in the control topic until then."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.errors import Conflict
from schemas.fields import Currency, SaneDate
from streams.archive.errors import NotFound
from streams.control import Control

KIND = "proposal"
LASTS = timedelta(days=7)
"""How long a proposal waits for its second person."""
_KEPT = timedelta(days=30)
_MOST_FORGOTTEN = 5
_WAITING = ("open", "sent")


class Proposal(BaseModel):
    """A release as the first person asked for it. ``sent``: ``decided_by`` has agreed, the engine has not answered yet;
    ``void``: the order had changed when the second person agreed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    customer_id: str
    order_id: str
    version: int = Field(description="Of the order, as the first person saw it.")
    reason: str
    up_to_amount: Decimal | None
    currency: Currency | None
    valid_until: SaneDate | None
    above: str = Field(description="The policy's amount from which on a second person is needed.")
    by: str
    at: AwareDatetime
    state: Literal["open", "sent", "approved", "declined", "void"] = "open"
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    why: str | None = Field(default=None, description="Of what was declined.")


def list_proposals(control: Control, now: datetime, state: str | None = "open") -> list[Proposal]:
    """Those in a state (None: any), the oldest first. Those that wait are ``open``, also if they are under way; what
    has waited too long is not any more."""
    found = [Proposal.model_validate(value) for value in control.all(KIND).values()]
    wanted = [item for item in found if (_waits(item, now) if state == "open" else state in (None, item.state))]
    return sorted(wanted, key=lambda item: (item.at, item.id))


def known_proposal(control: Control, proposal_id: str) -> Proposal:
    """One as it stands; raises NotFound."""
    value = control.get(KIND, proposal_id)
    if value is None:
        raise NotFound(f"there is no proposal {proposal_id[:80]!r}")
    return Proposal.model_validate(value)


def open_proposal(control: Control, proposal_id: str, now: datetime) -> Proposal:
    """One that waits for its second person, or for what the engine says; raises NotFound, Conflict."""
    found = known_proposal(control, proposal_id)
    if found.state not in _WAITING:
        raise decided_already(found)
    if not _waits(found, now):
        message = f"{proposal_id} has waited longer than {LASTS.days} days: ask for the release again"
        raise Conflict(message, "proposal_expired", days=str(LASTS.days))
    return found


def decided_already(proposal: Proposal) -> Conflict:
    """Somebody else has decided about it: what to raise."""
    message = f"{proposal.id} was {proposal.state} by {proposal.decided_by} already"
    return Conflict(message, "proposal_decided", by=proposal.decided_by or "")


async def propose(control: Control, proposal: Proposal) -> Proposal:
    """Keep a proposal; one that is there already stays as it is. Raises Unavailable."""
    known = control.get(KIND, proposal.id)
    if known is not None:
        return Proposal.model_validate(known)
    old = [name for name, value in control.all(KIND).items() if proposal.at - Proposal.model_validate(value).at > _KEPT]
    for name in old[:_MOST_FORGOTTEN]:
        await control.delete(KIND, name)
    await control.put(KIND, proposal.id, proposal.model_dump(mode="json"))
    return proposal


async def decide(
    control: Control,
    proposal: Proposal,
    state: Literal["sent", "approved", "declined", "void"],
    by: str,
    now: datetime,
    why: str | None = None,
) -> Proposal:
    """Note what became of a proposal; raises Unavailable."""
    decided = proposal.model_copy(update={"state": state, "decided_by": by, "decided_at": now, "why": why})
    await control.put(KIND, proposal.id, decided.model_dump(mode="json"))
    return decided


def _waits(proposal: Proposal, now: datetime) -> bool:
    return proposal.state in _WAITING and now - proposal.at <= LASTS
