"""Submit what the gate refused once more, mended or as it was, for the API and the desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ValidationError

from desk.api.roles import Person, Role, may
from desk.api.services import Services
from schemas.decisions import DeadLetterOut
from schemas.errors import InvalidInput
from schemas.topics import BY_NAME, POLICY
from streams.archive.errors import NotFound
from streams.control import Value
from streams.dead_letter_box import as_event, read_dead_letters
from streams.engine.audit import actor_of
from streams.sources.event_file import TimedEvent

KIND = "resubmission"
"""Of the records in the control topic: who submitted which dead letter again."""
SUBMITS, SUBMITS_ACTS = Role.ANALYST, Role.ADMIN
"""The least role that submits again what systems had sent; and what somebody else had decided."""


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
        Refused: the role (403); what another person decided is submitted again by an admin only.
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
    # Else whoever mends records could decide in another person's name.
    actor = actor_of(found)
    if event.topic == POLICY or (actor is not None and actor != who.name):
        may(who, SUBMITS_ACTS)
    return event
