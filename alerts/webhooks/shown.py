"""Subscriptions and deliveries as they are shown: by the command line, as JSON for programs, over the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from pydantic import BaseModel

from alerts.plain import plain
from alerts.webhooks.sender import Outcome
from alerts.webhooks.state import DeliveryState
from alerts.webhooks.subscription import NewSubscription, Status, Subscription
from models.calendar import from_ms
from schemas.deliveries import DeliveryError


class SecretShown(BaseModel):
    """A secret, without itself."""

    created_at: datetime
    expires_at: datetime | None


class DeliveriesShown(BaseModel):
    """How the deliveries stand. ``failing_since``: none has arrived since then."""

    attempts: int
    waiting: int
    dead: int
    failing_since: datetime | None


class SubscriptionShown(NewSubscription):
    """A subscription without what its secrets are made from; ``deliveries`` null: none was tried yet, or not asked."""

    id: str
    status: Status
    reason: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    secrets: list[SecretShown]
    deliveries: DeliveriesShown | None = None


class TrialShown(BaseModel):
    """What a test delivery came to."""

    arrived: bool
    status: int | None
    error: DeliveryError | None
    latency_ms: int
    response: str | None


def shown(subscription: Subscription, state: DeliveryState | None = None) -> SubscriptionShown:
    """What may be seen of a subscription, and how its deliveries stand."""
    known = {
        name: getattr(subscription, name)
        for name in SubscriptionShown.model_fields
        if name not in ("secrets", "deliveries")
    }
    secrets = [SecretShown(created_at=ref.created_at, expires_at=ref.expires_at) for ref in subscription.secrets]
    deliveries = None
    if state is not None:
        deliveries = DeliveriesShown(
            attempts=state.sequence,
            waiting=len(state.waiting),
            dead=len(state.dead),
            failing_since=from_ms(state.failing_since_ms) if state.failing_since_ms else None,
        )
    return SubscriptionShown(**known, secrets=secrets, deliveries=deliveries)


def trial_shown(outcome: Outcome) -> TrialShown:
    """An outcome as it is told."""
    return TrialShown(
        arrived=outcome.error is None,
        status=outcome.status,
        error=outcome.error,
        latency_ms=outcome.latency_ms,
        response=outcome.response,
    )


def as_json(subscription: Subscription, state: DeliveryState | None = None) -> dict[str, Any]:
    """``shown`` for programs, with those filters that are set."""
    found = shown(subscription, state).model_dump(mode="json", exclude=None if state else {"deliveries"})
    found["filters"] = subscription.filters.model_dump(mode="json", exclude_defaults=True) | {
        "topics": sorted(subscription.filters.topics)
    }
    return found


def show(subscription: Subscription, state: DeliveryState | None) -> None:
    """All of it, a line each."""
    for name, value in _flat(as_json(subscription, state)).items():
        click.echo(f"{name:24} {plain(str(value), 300)}")


def one_line(subscription: Subscription) -> str:
    """Id, status, URL, topics."""
    topics = ",".join(sorted(subscription.filters.topics))
    why = f" ({subscription.reason})" if subscription.reason else ""
    return plain(f"{subscription.id}  {subscription.status}{why}  {subscription.url}  {topics}", 400)


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= _flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {f"{prefix}{name}": item}
    return {name: item for name, item in found.items() if item is not None}
