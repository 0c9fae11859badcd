"""Webhook subscriptions over HTTP: made, changed, paused, tested, and their deliveries seen and sent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.webhooks import again, positions, service
from alerts.webhooks.service import Created
from alerts.webhooks.shown import SubscriptionShown, TrialShown, shown, trial_shown
from alerts.webhooks.state import read_states
from alerts.webhooks.subscription import NewSubscription
from alerts.webhooks.trial import send_test
from desk.api.guard import Admin, Analyst, Asked
from desk.api.problems import problem_response
from models.calendar import from_ms
from schemas.deliveries import DeliveryOut
from schemas.fields import Identifier, ShortText, UtcTime

router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])

Id = Annotated[str, Path(max_length=80)]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Rows of a page.")]
Offset = Annotated[int, Query(ge=0, le=100_000, description="Rows before the page.")]
EventId = Annotated[str, Field(min_length=1, max_length=300)]


class SubscriptionAsked(NewSubscription):
    """A new subscription; ``from_beginning``: it also gets what is in the topics already."""

    from_beginning: bool = Field(default=False, strict=True)


class WithSecret(BaseModel):
    """A subscription and its newest secret: the receiver checks signatures with it."""

    subscription: SubscriptionShown
    secret: str


class Paused(BaseModel):
    """Why it is paused."""

    model_config = ConfigDict(extra="forbid")

    reason: ShortText | None = None


class Rotated(BaseModel):
    """How long the old secret goes on signing beside the new one."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(default=24.0, strict=True, ge=0, le=24 * 90, allow_inf_nan=False)


class Redelivery(BaseModel):
    """Events to send again: by their ids, or everything that was given up."""

    model_config = ConfigDict(extra="forbid")

    event_ids: list[EventId] = Field(default_factory=list, max_length=1_000)
    dead: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _one_of_them(self) -> Redelivery:
        if bool(self.event_ids) == self.dead:
            raise ValueError("give event_ids, or dead, one of them")
        return self


class Replay(BaseModel):
    """From where to send everything again: from a time on, or a customer's events from a sequence on."""

    model_config = ConfigDict(extra="forbid")

    since: UtcTime | None = None
    customer_id: Identifier | None = None
    from_sequence: int | None = Field(default=None, strict=True, ge=1, le=10**10)

    @model_validator(mode="after")
    def _one_of_them(self) -> Replay:
        by_customer = self.customer_id is not None and self.from_sequence is not None
        if (self.since is None) != by_customer or (self.customer_id is None) != (self.from_sequence is None):
            raise ValueError("give since, or customer_id with from_sequence, one of them")
        return self


class AskedAgain(BaseModel):
    """How many events will be sent again; null: all from there on."""

    events: int | None


class DeadShown(BaseModel):
    """An event that was given up."""

    event_id: str
    event_type: str
    customer: str
    sequence: str
    attempts: int
    at: datetime
    error: str


@router.get("", summary="Subscriptions, the oldest first")
async def list_all(services: Asked, who: Analyst, limit: Limit = 100, offset: Offset = 0) -> list[SubscriptionShown]:
    """Secrets are not shown."""
    found = service.list_subscriptions(services.control)[offset : offset + limit]
    return [shown(item) for item in found]


@router.post(
    "",
    status_code=201,
    summary="Make a subscription",
    responses={409: problem_response("There are as many as there may be: `too_many_subscriptions`.")},
)
async def add(services: Asked, who: Admin, body: SubscriptionAsked) -> WithSecret:
    """The secret is told here, and once more with each rotation."""
    service.check_topics(body)  # they are looked for below
    find = positions.at_beginning if body.from_beginning else positions.now_in
    start = await find(services.settings, body.filters.topics)
    created = await service.create_subscription(
        services.control, services.settings, _new(body), by=who.name, now=services.now(), start=start
    )
    return _with_secret(created)


@router.get("/{subscription_id}", summary="A subscription, and how its deliveries stand")
async def show(services: Asked, who: Analyst, subscription_id: Id) -> SubscriptionShown:
    """Its secrets are not shown."""
    found = service.get_subscription(services.control, subscription_id)
    return shown(found, (await read_states(services.settings)).get(subscription_id))


@router.put("/{subscription_id}", summary="Change where to, what, and how")
async def change(services: Asked, who: Admin, subscription_id: Id, body: NewSubscription) -> SubscriptionShown:
    """The whole of it is replaced; secrets and status stay. A topic that is new to it begins now."""
    service.get_subscription(services.control, subscription_id)
    service.check_topics(body)
    start = await positions.now_in(services.settings, body.filters.topics)
    return shown(
        await service.change_subscription(
            services.control, services.settings, subscription_id, _new(body), now=services.now(), start=start
        )
    )


@router.delete("/{subscription_id}", status_code=204, summary="Remove a subscription and what waits for it")
async def remove(services: Asked, who: Admin, subscription_id: Id) -> None:
    """Its deliveries stay in the log."""
    await service.remove(services.control, subscription_id)


@router.post(
    "/{subscription_id}/pause",
    summary="Deliver nothing until resumed",
    responses={409: problem_response("It was disabled.")},
)
async def pause(services: Asked, who: Admin, subscription_id: Id, body: Paused) -> SubscriptionShown:
    """Nothing is lost meanwhile."""
    return shown(await service.pause(services.control, subscription_id, reason=body.reason, now=services.now()))


@router.post("/{subscription_id}/resume", summary="Go on where it stopped, paused or disabled")
async def resume(services: Asked, who: Admin, subscription_id: Id) -> SubscriptionShown:
    """Its address is checked again."""
    return shown(await service.resume(services.control, services.settings, subscription_id, now=services.now()))


@router.post(
    "/{subscription_id}/rotate-secret",
    summary="Make a new secret",
    responses={409: problem_response("Too many secrets are still valid.")},
)
async def rotate(services: Asked, who: Admin, subscription_id: Id, body: Rotated) -> WithSecret:
    """The old one signs beside it for a while, so that the receiver can change over."""
    overlap = timedelta(hours=body.overlap_hours)
    return _with_secret(
        await service.rotate_secret(
            services.control, services.settings, subscription_id, now=services.now(), overlap=overlap
        )
    )


@router.post("/{subscription_id}/test", summary="Send a signed test event now")
async def test(services: Asked, who: Admin, subscription_id: Id) -> TrialShown:
    """Answers 200 whatever the receiver said: that stands in the answer."""
    found = service.get_subscription(services.control, subscription_id)
    return trial_shown(await send_test(services.settings, found, services.now))


@router.get("/{subscription_id}/deliveries", summary="Attempts to deliver, newest first")
async def deliveries(
    services: Asked,
    who: Analyst,
    subscription_id: Id,
    outcome: Annotated[Literal["all", "failed"], Query()] = "all",
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[DeliveryOut]:
    """Of the newest; the view `webhook_deliveries` has all of them."""
    failed = outcome == "failed"
    found = await again.delivery_log(services.control, services.settings, subscription_id, failed=failed)
    return found[::-1][offset : offset + limit]


@router.get("/{subscription_id}/dead-deliveries", summary="Events that were given up, newest first")
async def dead_deliveries(
    services: Asked, who: Analyst, subscription_id: Id, limit: Limit = 100, offset: Offset = 0
) -> list[DeadShown]:
    """And have not arrived since."""
    found = await again.dead_deliveries(services.control, services.settings, subscription_id)
    return [
        DeadShown(
            event_id=item.event_id, event_type=item.event_type, customer=item.subject, sequence=item.sequence,
            attempts=item.attempts, at=from_ms(item.at_ms), error=item.error,
        )
        for item in found[::-1][offset : offset + limit]
    ]  # fmt: skip


@router.post("/{subscription_id}/redeliver", status_code=202, summary="Send events again, with the same webhook-id")
async def redeliver(services: Asked, who: Admin, subscription_id: Id, body: Redelivery) -> AskedAgain:
    """The dispatcher sends them."""
    control, settings = services.control, services.settings
    if body.dead:
        count = await again.redeliver_dead(control, settings, subscription_id, by=who.name, now=services.now())
    else:
        count = await again.redeliver(
            control, settings, subscription_id, body.event_ids, by=who.name, now=services.now()
        )
    return AskedAgain(events=count)


@router.post("/{subscription_id}/replay", status_code=202, summary="Send everything again from some place on")
async def replay(services: Asked, who: Admin, subscription_id: Id, body: Replay) -> AskedAgain:
    """Ids stay the same. The dispatcher sends them."""
    control, settings = services.control, services.settings
    if body.since is not None:
        await again.replay_since(control, settings, subscription_id, body.since, by=who.name, now=services.now())
        return AskedAgain(events=None)
    count = await again.replay_customer(
        control, settings, subscription_id, str(body.customer_id), body.from_sequence or 1, by=who.name,
        now=services.now(),
    )  # fmt: skip
    return AskedAgain(events=count)


def _new(body: NewSubscription) -> NewSubscription:
    return NewSubscription(**{name: getattr(body, name) for name in NewSubscription.model_fields})


def _with_secret(created: Created) -> WithSecret:
    return WithSecret(subscription=shown(created.subscription), secret=created.secret)
