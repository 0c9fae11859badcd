"""Subscriptions and deliveries as the command line shows them, and as JSON for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from alerts.plain import plain
from alerts.webhooks.state import DeliveryState
from alerts.webhooks.subscription import Subscription
from models.calendar import from_ms


def as_json(subscription: Subscription, state: DeliveryState | None = None) -> dict[str, Any]:
    """A subscription without what its secrets are made from, and how its deliveries stand."""
    shown = subscription.model_dump(mode="json", exclude={"secrets", "start"})
    shown["filters"] = subscription.filters.model_dump(mode="json", exclude_defaults=True) | {
        "topics": sorted(subscription.filters.topics)
    }
    shown["secrets"] = [
        {"created_at": ref.created_at.isoformat(), "expires_at": _time(ref.expires_at)} for ref in subscription.secrets
    ]
    if state is not None:
        shown["deliveries"] = {
            "attempts": state.sequence,
            "waiting": len(state.waiting),
            "dead": len(state.dead),
            "failing_since": _time(from_ms(state.failing_since_ms)) if state.failing_since_ms else None,
        }
    return shown


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


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
