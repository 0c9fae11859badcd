"""What persons decide about the risk models: promotions and restorations, for command line, API and desk."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from desk.api.roles import Person, Role, may
from models.calendar import from_ms
from schemas.errors import InvalidInput
from schemas.log import ModelPromoted, ModelRestored
from schemas.topics import POLICY
from streams.sources.event_file import timed

if TYPE_CHECKING:
    from desk.api.services import Services  # brings the whole API: seconds, for a command that only sends an event

Task = Literal["A", "B"]
DECIDES = Role.ADMIN
"""The least role that promotes and restores models: it changes the levels of the whole book."""


class ModelActSent(BaseModel):
    """It is on its way; what each partition made of it stands in the model log: promoted, restored or refused."""

    event_id: str


def promotion(task: Task, model: str, by: str, at: datetime, reason: str | None = None) -> ModelPromoted:
    """The event by which a challenger leads; raises InvalidInput."""
    made: ModelPromoted = _made(ModelPromoted, "promote", at, task=task, model=model, by=by, reason=reason)
    return made


def restoration(task: Task, checkpoint: str, by: str, at: datetime, reason: str | None = None) -> ModelRestored:
    """The event that puts a model back; raises InvalidInput."""
    made: ModelRestored = _made(ModelRestored, "restore", at, task=task, checkpoint=checkpoint, by=by, reason=reason)
    return made


async def promote(services: Services, who: Person, task: Task, model: str, reason: str | None = None) -> ModelActSent:
    """Let a challenger lead in every partition; raises Refused (403), InvalidInput, Unavailable."""
    return await _send(services, who, promotion(task, model, who.name, _now(services), reason))


async def restore(
    services: Services, who: Person, task: Task, checkpoint: str, reason: str | None = None
) -> ModelActSent:
    """Put a task's model back to a checkpoint in every partition; raises as ``promote``."""
    return await _send(services, who, restoration(task, checkpoint, who.name, _now(services), reason))


async def _send(services: Services, who: Person, event: ModelPromoted | ModelRestored) -> ModelActSent:
    may(who, DECIDES)
    await services.publisher.send(timed(POLICY, event.occurred_at, event))
    await services.publisher.flush()
    return ModelActSent(event_id=event.event_id)


def _now(services: Services) -> datetime:
    """Of a replay, its own time."""
    if services.settings.clock != "events":
        return services.now()
    states = [services.book.state(number) for number in range(services.settings.partitions)]
    return from_ms(max((state.clock for state in states if state is not None), default=0))


def _made(kind: Any, verb: str, at: datetime, **fields: str | None) -> Any:
    try:
        return kind(version=1, event_id=f"{verb}-{uuid4()}", occurred_at=at, **fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("invalid_request", f"{field}: {first['msg']}", field) from error
