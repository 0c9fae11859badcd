"""Submit what the gate refused once more, mended or as it was, for the API and the desk."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ValidationError

from desk import acts
from desk.api.roles import Person, Role, may
from desk.api.services import Services
from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)
from schemas.decisions import DeadLetterOut
from schemas.errors import InvalidInput
from schemas.events import DisputeResolved, InvoiceDisputed
from schemas.order_acts import OrderHoldForced, OrderHoldLifted, OrderRejected, OrderReleased
from schemas.review_acts import ReviewApproved, ReviewRejected
from schemas.topics import BY_NAME, POLICY
from streams.archive.errors import NotFound
from streams.control import Value
from streams.dead_letter_box import as_event, read_dead_letters
from streams.engine.audit import actor_of
from streams.sources.event_file import TimedEvent

KIND = "resubmission"
"""Of the records in the control topic: who submitted which dead letter again."""
SUBMITS = Role.ANALYST
"""The least role that submits again what systems had sent, as it was or mended."""
SUBMITS_LIMITS = Role.APPROVER
"""Mended master data and cover set limits, which is as much as to override a level."""
SUBMITS_ANYTHING = Role.ADMIN
"""What another person is said to have decided, a policy, and what is another event than the one that was refused."""
ACTS: Mapping[type[BaseModel], Role] = {
    OrderReleased: acts.RELEASES,
    OrderHoldLifted: acts.RELEASES,
    OrderHoldForced: acts.HOLDS,
    OrderRejected: acts.HOLDS,
    LevelOverridden: acts.OVERRIDES,
    ReviewApproved: acts.REVIEWS,
    ReviewRejected: acts.REVIEWS,
    InvoiceDisputed: acts.DISPUTES,
    DisputeResolved: acts.DISPUTES,
    FinancialStatementFiled: acts.ASSESSES,
    AgencyReportReceived: acts.ASSESSES,
    QualitativeReviewed: acts.ASSESSES,
}
"""What persons decide, with the least role for it: by way of a dead letter nobody may do more than without."""


class Resubmission(BaseModel):
    """That a dead letter was submitted again. Submitting twice does no harm: the second changes nothing."""

    id: str
    by: str
    at: datetime
    mended: bool


async def resubmit(services: Services, who: Person, ids: Sequence[str], value: str | None = None) -> list[Resubmission]:
    """Publish refused records with their first time, keyed by the customer that they name.

    ``value``: the mended event, of one letter.

    Raises:
        Refused: the role (403): see ``_needed``.
        NotFound: there is no such letter.
        InvalidInput: it would be refused again, and why.
        Unavailable: the broker does not answer.
    """
    may(who, SUBMITS)
    if value is not None and len(ids) != 1:
        raise InvalidInput("value", "a mended event replaces exactly one dead letter", "value")
    known = {letter.id: letter for letter in await read_dead_letters(services.settings)}
    chosen = [_known(known, letter_id) for letter_id in dict.fromkeys(ids)]
    # All are checked before any is sent.
    events = [_event(who, letter, None if value is None else value.encode()) for letter in chosen]
    for event in events:
        await services.publisher.send(event)
    await services.publisher.flush()
    done = [Resubmission(id=letter.id, by=who.name, at=services.now(), mended=value is not None) for letter in chosen]
    for each in done:
        await services.control.put(KIND, each.id, each.model_dump(mode="json", exclude={"id"}))
    return done


def resubmissions(records: dict[str, Value]) -> dict[str, Resubmission]:
    """Which letters were submitted again, by id; ``records``: all of the kind."""
    return {letter_id: Resubmission(id=letter_id, **value) for letter_id, value in records.items()}


def _known(letters: dict[str, DeadLetterOut], letter_id: str) -> DeadLetterOut:
    found = letters.get(letter_id)
    if found is None:
        raise NotFound(f"there is no dead letter {letter_id[:120]!r}")
    return found


def _event(who: Person, letter: DeadLetterOut, value: bytes | None) -> TimedEvent:
    event = as_event(letter.data, value=value)
    try:
        found = BY_NAME[event.topic].contract.validate_json(event.raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = first["msg"].removeprefix("Value error, ")
        told = f"{letter.id}: it would be refused again: {field}: {message}" if field else f"{letter.id}: {message}"
        raise InvalidInput("refused_again", told, field) from error
    may(who, _needed(who, letter, found, event, mended=value is not None))
    return event


def _needed(who: Person, letter: DeadLetterOut, found: BaseModel, event: TimedEvent, *, mended: bool) -> Role:
    """The least role that may submit this event in place of that letter."""
    actor = actor_of(found)
    if event.topic == POLICY:
        return SUBMITS_ANYTHING
    if actor is not None:
        # In one's own name, and not with a second person who was not asked.
        own = actor == who.name and getattr(found, "second_person", None) is None
        return ACTS.get(type(found), SUBMITS_ANYTHING) if own else SUBMITS_ANYTHING
    if mended and _subject(event.raw) != _subject(base64.b64decode(letter.data.value_base64 or "")):
        return SUBMITS_ANYTHING
    return SUBMITS_LIMITS if mended and isinstance(found, MasterDataChanged | CoverChanged) else SUBMITS


def _subject(raw: bytes) -> tuple[object, ...]:
    """The type of an event, whose it is and which person entered it, as far as that can be read."""
    try:
        said = json.loads(raw)
    except ValueError:
        return ()
    return (said.get("type"), said.get("customer_id"), said.get("by")) if isinstance(said, dict) else ()
