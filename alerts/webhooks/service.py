"""What people do with subscriptions, for the command line and the REST API alike."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.webhooks import requests
from alerts.webhooks.addresses import AddressRules, checked_url
from alerts.webhooks.requests import MOST_AGAIN, DeliveryRequest
from alerts.webhooks.signing import SecretKeys, new_salt
from alerts.webhooks.subscription import KIND, WEBHOOK_TOPICS, NewSubscription, SecretRef, Status, Subscription
from alerts.webhooks.transport import Resolver, resolve
from schemas.errors import Conflict, InvalidInput
from streams.archive.errors import NotFound
from streams.control import Control
from streams.settings import Settings

MOST_SECRETS = 5
OVERLAP = timedelta(hours=24)
"""How long an old secret goes on signing beside the new one, unless told otherwise."""
_PORTS = {"https": 443, "http": 80}


class TooManySubscriptions(Conflict):
    """There are as many as there may be: remove one, or raise CREDITPULSE_WEBHOOK_MOST_SUBSCRIPTIONS."""

    code = "too_many_subscriptions"

    def __init__(self, most: int) -> None:
        message = f"there are {most:,} subscriptions already (CREDITPULSE_WEBHOOK_MOST_SUBSCRIPTIONS): remove one first"
        super().__init__(message, self.code, most=f"{most:,}")


@dataclass(frozen=True, slots=True)
class Created:
    """A subscription and its newest secret, ``whsec_...``: give it to the receiver."""

    subscription: Subscription
    secret: str


async def check_target(settings: Settings, url: str, resolver: Resolver = resolve) -> None:
    """Raises InvalidInput for a URL that no webhook may have: wrong, not https, or at an address that is not public."""
    parts = checked_url(url)
    host = str(parts.hostname)
    try:
        addresses = await resolver(host, parts.port or _PORTS[parts.scheme])
    except OSError as error:
        raise InvalidInput("webhook_url", f"the name {host!r} cannot be resolved: {error}", "url") from error
    AddressRules.parse(settings.webhook_allow).check(host, addresses, plain_http=parts.scheme == "http")


async def create_subscription(
    control: Control,
    settings: Settings,
    new: NewSubscription,
    *,
    by: str,
    now: datetime,
    start: dict[str, int],
    resolver: Resolver = resolve,
) -> Created:
    """Make a subscription that gets what comes from ``start`` on (``positions.now_in``, ``positions.at_beginning``).

    Raises:
        InvalidInput: the URL, a topic, or CREDITPULSE_SECRET_KEY is wrong.
        TooManySubscriptions: no further one may be made.
        Unavailable: the broker did not take it.
    """
    # Two who ask in the same moment may both pass: it bounds the load, and one more is no harm.
    if len(control.all(KIND)) >= settings.webhook_most_subscriptions:
        raise TooManySubscriptions(settings.webhook_most_subscriptions)
    check_topics(new)
    await check_target(settings, new.url, resolver)
    keys = SecretKeys(settings.secret_key)
    subscription = Subscription(
        **dict(new), id=f"sub-{secrets.token_hex(6)}", secrets=(_new_secret(keys, now),), created_at=now, created_by=by,
        changed_at=now, start=start,
    )  # fmt: skip
    await _put(control, subscription)
    return Created(subscription, newest_secret(settings, subscription))


def list_subscriptions(control: Control) -> list[Subscription]:
    """All of them, oldest first."""
    found = [Subscription.model_validate(value) for value in control.all(KIND).values()]
    return sorted(found, key=lambda subscription: (subscription.created_at, subscription.id))


def get_subscription(control: Control, subscription_id: str) -> Subscription:
    """One subscription; raises NotFound."""
    value = control.get(KIND, subscription_id)
    if value is None:
        raise NotFound(f"there is no subscription {subscription_id[:80]!r}")
    return Subscription.model_validate(value)


def newest_secret(settings: Settings, subscription: Subscription) -> str:
    """The secret that the receiver should check with; raises InvalidInput without the key that it is made from."""
    ref = subscription.secrets[0]
    return SecretKeys(settings.secret_key).secret(subscription.id, ref.key, ref.salt)


async def change_subscription(
    control: Control,
    settings: Settings,
    subscription_id: str,
    new: NewSubscription,
    *,
    now: datetime,
    start: dict[str, int],
    resolver: Resolver = resolve,
) -> Subscription:
    """Replace what a person gave to make it; secrets and status stay. A topic that is new to it begins at ``start``.

    Raises NotFound, InvalidInput (as ``create_subscription``), Unavailable.
    """
    subscription = get_subscription(control, subscription_id)
    check_topics(new)
    await check_target(settings, new.url, resolver)
    kept = subscription.model_copy(update={"start": start | subscription.start, "changed_at": now})
    changed = kept.model_copy(update=dict(new))
    await _put(control, changed)
    return changed


async def rotate_secret(
    control: Control, settings: Settings, subscription_id: str, *, now: datetime, overlap: timedelta = OVERLAP
) -> Created:
    """Make a new secret; those before it sign as well until ``overlap`` has passed.

    Raises NotFound, InvalidInput (the key is not set), Conflict (too many secrets are still valid).
    """
    subscription = get_subscription(control, subscription_id)
    ends = now + overlap
    valid = [
        ref.model_copy(update={"expires_at": min(ref.expires_at or ends, ends)})
        for ref in subscription.valid_secrets(now)
    ]
    if len(valid) >= MOST_SECRETS:
        message = f"{subscription_id} has {len(valid)} valid secrets already: wait until one has expired"
        raise Conflict(message, "secrets_overlap")
    fresh = _new_secret(SecretKeys(settings.secret_key), now)
    changed = subscription.model_copy(update={"secrets": (fresh, *valid), "changed_at": now})
    await _put(control, changed)
    return Created(changed, newest_secret(settings, changed))


async def pause(control: Control, subscription_id: str, *, reason: str | None = None, now: datetime) -> Subscription:
    """Deliver nothing until resumed; nothing is lost meanwhile. Raises NotFound, Conflict (it was disabled)."""
    subscription = get_subscription(control, subscription_id)
    if subscription.status == "disabled":
        raise Conflict(f"{subscription_id} is disabled: {subscription.reason}", "endpoint_disabled")
    return await _set_status(control, subscription, "paused", reason, now)


async def resume(
    control: Control, settings: Settings, subscription_id: str, *, now: datetime, resolver: Resolver = resolve
) -> Subscription:
    """Go on where it stopped, paused or disabled. Raises NotFound, InvalidInput (its address is refused by now)."""
    subscription = get_subscription(control, subscription_id)
    await check_target(settings, subscription.url, resolver)
    return await _set_status(control, subscription, "active", None, now)


async def remove(control: Control, subscription_id: str) -> None:
    """Forget a subscription, and what waits for it; raises NotFound."""
    get_subscription(control, subscription_id)
    for request_id in control.all(requests.KIND):
        if request_id.startswith(f"{subscription_id}/"):
            await control.delete(requests.KIND, request_id)
    await control.delete(KIND, subscription_id)


async def send_again(
    control: Control, subscription_id: str, places: Sequence[tuple[str, int, int]], *, by: str, now: datetime
) -> str:
    """Have events (topic, partition, offset) sent again, with their ids; the id of the request.

    Raises NotFound, InvalidInput (none, or too many).
    """
    get_subscription(control, subscription_id)
    if not places:
        raise InvalidInput("no_events", "there is no such event: nothing to send again")
    if len(places) > MOST_AGAIN:
        message = f"at most {MOST_AGAIN} events can be sent again at once, not {len(places)}: go back to a time instead"
        raise InvalidInput("too_many_events", message)
    request = DeliveryRequest(subscription=subscription_id, again=tuple(places), by=by, at=now)
    return await _ask(control, request)


async def go_back(control: Control, subscription_id: str, positions: dict[str, int], *, by: str, now: datetime) -> str:
    """Have everything from these positions on sent again, with its ids; the id of the request. Raises NotFound."""
    get_subscription(control, subscription_id)
    return await _ask(control, DeliveryRequest(subscription=subscription_id, positions=positions, by=by, at=now))


async def _ask(control: Control, request: DeliveryRequest) -> str:
    request_id = f"{request.subscription}/{secrets.token_hex(8)}"
    await control.put(requests.KIND, request_id, request.model_dump(mode="json"))
    return request_id


async def _set_status(
    control: Control, subscription: Subscription, status: Status, reason: str | None, now: datetime
) -> Subscription:
    changed = subscription.model_copy(update={"status": status, "reason": reason, "changed_at": now})
    if (changed.status, changed.reason) != (subscription.status, subscription.reason):
        await _put(control, changed)
    return changed


async def _put(control: Control, subscription: Subscription) -> None:
    value: dict[str, Any] = subscription.model_dump(mode="json")
    await control.put(KIND, subscription.id, value)


def check_topics(new: NewSubscription) -> None:
    """Raises InvalidInput for a topic that cannot be subscribed to."""
    unknown = new.filters.topics - set(WEBHOOK_TOPICS)
    if unknown:
        known = ", ".join(WEBHOOK_TOPICS)
        raise InvalidInput("webhook_topic", f"{min(unknown)!r} cannot be subscribed to; there are: {known}", "topics")


def _new_secret(keys: SecretKeys, now: datetime) -> SecretRef:
    return SecretRef(key=keys.newest, salt=new_salt(), created_at=now)
