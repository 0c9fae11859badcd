"""What people ask of the dispatcher: send single events again, or go back; it carries each out once."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.webhooks.state import DeliveryState, Waiting
from models.calendar import to_ms
from schemas.fields import ShortText

KIND = "webhook-request"
"""Of the records in the control topic; their ids begin with the subscription's."""
MOST_AGAIN = 1_000
_REMEMBERED = 50


class DeliveryRequest(BaseModel):
    """``again``: places (topic, partition, offset) of events to send again. ``positions``: by topic/partition, where to
    go back to; everything from there is sent again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subscription: str
    again: Annotated[tuple[tuple[str, int, int], ...], Field(max_length=MOST_AGAIN)] = ()
    positions: dict[str, int] = Field(default_factory=dict)
    by: ShortText
    at: AwareDatetime


def carry_out(state: DeliveryState, request_id: str, request: DeliveryRequest) -> bool:
    """Change the state as asked; False when that was done before."""
    if request_id in state.applied:
        return False
    for key, position in request.positions.items():
        if position < state.positions.get(key, 0):
            state.positions[key] = position
            state.waiting = [
                item for item in state.waiting if f"{item.topic}/{item.partition}" != key or item.offset < position
            ]
    waiting = {(item.topic, item.partition, item.offset) for item in state.waiting}
    for topic, partition, offset in request.again:
        read = offset < state.positions.get(f"{topic}/{partition}", 0)  # else it is still to come
        if read and (topic, partition, offset) not in waiting:
            waiting.add((topic, partition, offset))
            state.waiting.append(Waiting(topic, partition, offset, 0, to_ms(request.at)))
    state.applied = [*state.applied, request_id][-_REMEMBERED:]
    return True
