"""Event out: what became of each attempt to deliver an event to a webhook."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.envelope import CloudEvent, OutData

DeliveryOutcome = Literal["delivered", "retry", "dead", "disabled"]
DeliveryError = Literal["timeout", "connect", "address", "redirect", "status", "protocol"]


class DeliveryAttempt(OutData):
    """One attempt. The envelope's subject is the subscription, its sequence counts the subscription's attempts.

    ``delivered``: answered with 2xx. ``retry``: failed, and comes again at ``next_attempt``. ``dead``: failed for the
    last time; it can be redelivered. ``disabled``: failed, and the subscription was disabled; the event waits.
    After a crash of the dispatcher an attempt may be logged once more, with the same id.
    """

    event_id: str = Field(description="Id of the event, which is what webhook-id is made of.")
    event_type: str
    customer: str = Field(description="Subject of the event.")
    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    attempt: int = Field(ge=1)
    outcome: DeliveryOutcome
    status: int | None = Field(description="HTTP status; null: no answer.")
    error: DeliveryError | None = Field(
        description="timeout; connect (includes DNS and TLS); address (not allowed to be connected to); redirect (not "
        "followed); status (4xx, 5xx); protocol (not HTTP)."
    )
    latency_ms: int = Field(ge=0)
    next_attempt: datetime | None
    response: str | None = Field(max_length=300, description="Beginning of what a failed answer said.")
    text: str | None = Field(default=None, max_length=300, description="Why the subscription was disabled.")


DELIVERY_ATTEMPT = "creditpulse.delivery-attempt.v1"
DELIVERY_DATASCHEMA = "urn:creditpulse:schema:delivery-attempt:1"
DeliveryOut = CloudEvent[DeliveryAttempt]
