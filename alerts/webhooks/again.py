"""Looking at what was delivered and having it sent again, for the command line, the REST API and the desk alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.webhooks import positions, service
from alerts.webhooks.state import DeadDelivery, read_states
from schemas.deliveries import DeliveryOut
from streams.control import Control
from streams.settings import Settings


async def delivery_log(
    control: Control, settings: Settings, subscription_id: str, *, failed: bool = False
) -> list[DeliveryOut]:
    """The newest attempts, oldest first; raises NotFound, Unavailable."""
    service.get_subscription(control, subscription_id)
    found = await positions.attempts_of(settings, subscription_id)
    return [entry for entry in found if not failed or entry.data.outcome != "delivered"]


async def dead_deliveries(control: Control, settings: Settings, subscription_id: str) -> list[DeadDelivery]:
    """What was given up and has not arrived since, oldest first; raises NotFound, Unavailable."""
    service.get_subscription(control, subscription_id)
    state = (await read_states(settings)).get(subscription_id)
    return list(state.dead) if state is not None else []


async def redeliver(
    control: Control, settings: Settings, subscription_id: str, event_ids: Sequence[str], *, by: str, now: datetime
) -> int:
    """Have events sent again that stand in the log; how many. Raises NotFound, InvalidInput, Unavailable."""
    service.get_subscription(control, subscription_id)
    places = await positions.places_of(settings, subscription_id, event_ids)
    await service.send_again(control, subscription_id, places, by=by, now=now)
    return len(places)


async def redeliver_dead(control: Control, settings: Settings, subscription_id: str, *, by: str, now: datetime) -> int:
    """Have everything sent again that was given up; how many. Raises NotFound, Unavailable."""
    dead = await dead_deliveries(control, settings, subscription_id)
    places = [(item.topic, item.partition, item.offset) for item in dead]
    if places:
        await service.send_again(control, subscription_id, places, by=by, now=now)
    return len(places)


async def replay_since(
    control: Control, settings: Settings, subscription_id: str, since: datetime, *, by: str, now: datetime
) -> None:
    """Have everything sent again from a time on (that of the events); raises NotFound, Unavailable."""
    topics = service.get_subscription(control, subscription_id).filters.topics
    found = await positions.at_time(settings, topics, since)
    await service.go_back(control, subscription_id, found, by=by, now=now)


async def replay_customer(
    control: Control,
    settings: Settings,
    subscription_id: str,
    customer: str,
    from_sequence: int,
    *,
    by: str,
    now: datetime,
) -> int:
    """Have a customer's events sent again from a sequence on; how many. Raises NotFound, InvalidInput, Unavailable."""
    topics = service.get_subscription(control, subscription_id).filters.topics
    places = await positions.of_customer(settings, topics, customer, from_sequence)
    await service.send_again(control, subscription_id, places, by=by, now=now)
    return len(places)
