"""How each webhook endpoint stands, from its subscription, the dispatcher's state and the log."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.webhooks import positions, service
from alerts.webhooks.state import DeadDelivery, DeliveryState, read_states
from alerts.webhooks.subscription import WEBHOOK_TOPICS, Subscription
from desk.web.frame import Frame
from desk.web.views import Row
from schemas.errors import Unavailable

_FRESH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``unread``: records of its topics that were not looked at yet, ``waiting``: events that were, and come again.

    ``log``: its row of the view `webhook_endpoints`, empty before the first attempt, and while the archive is away.
    """

    subscription: Subscription
    dead: tuple[DeadDelivery, ...]
    waiting: int
    unread: int
    log: Row

    @property
    def id(self) -> str:
        """Of the subscription."""
        return self.subscription.id


async def all_endpoints(frame: Frame) -> list[Endpoint]:
    """The oldest first; raises Unavailable without a broker."""
    settings = frame.services.settings
    subscriptions = service.list_subscriptions(frame.services.control)
    if not subscriptions:
        return []
    states = await frame.desk.views.shared(("webhook states",), _FRESH_SECONDS, lambda: read_states(settings))
    ends = await frame.desk.views.shared(
        ("webhook ends",), _FRESH_SECONDS, lambda: positions.now_in(settings, WEBHOOK_TOPICS)
    )
    try:
        log = {row["subscription_id"]: row for row in await frame.view("webhook_endpoints", limit=1_000)}
    except Unavailable:
        log = {}  # the rest is known all the same; the banner says that the archive is away
    return [endpoint_of(found, states.get(found.id), ends, log.get(found.id, {})) for found in subscriptions]


def endpoint_of(found: Subscription, state: DeliveryState | None, ends: dict[str, int], log: Row) -> Endpoint:
    """One of them; ``state`` None: the dispatcher has not seen it yet, it will begin where the subscription says."""
    read = found.start if state is None else found.start | state.positions
    unread = sum(
        max(0, end - read.get(place, end)) for place, end in ends.items() if place.split("/")[0] in found.filters.topics
    )
    if state is None:
        return Endpoint(found, (), 0, unread, log)
    return Endpoint(found, tuple(state.dead), len(state.waiting), unread, log)
