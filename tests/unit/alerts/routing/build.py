"""Routings, inputs and a driver for the tests of the notification engine; times are given in seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import yaml

from alerts.routing.config import Routing
from alerts.routing.engine import NotificationEngine
from alerts.routing.inputs import AlertSeen, Input
from alerts.routing.notification import Notification
from alerts.routing.routing_text import parse_routing
from alerts.routing.state import State
from schemas.decisions import AlertKind

T0 = 1_770_000_000_000
"""2026-02-02 02:40 UTC, a Monday."""

_SEVERITY = {"by_level": {"STANDARD": "info", "WATCH": "notice", "HIGH_RISK": "warning", "BLOCKED": "critical"}}
_ROOT = {
    "receiver": "desk", "group_by": ["customer"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h",
    "repeat_factor": 1,
}  # fmt: skip


def routing(route: dict[str, Any] | None = None, **sections: Any) -> Routing:
    """One receiver ``desk``, groups by customer, waits 30 s / 5 m / 4 h, unless told otherwise."""
    values = {
        "version": "t", "receivers": [{"name": "desk"}], "severity": _SEVERITY, "route": {**_ROOT, **(route or {})},
    } | sections  # fmt: skip
    return parse_routing(yaml.safe_dump(values), "test.yaml")


_numbers: Counter[str] = Counter()


def seen(
    customer: str = "C1",
    level: str = "WATCH",
    before: str = "STANDARD",
    *,
    cause: str = "AGEING",
    event_id: str = "",
    retracts: str | None = None,
    stake: int = 0,
    **labels: str,
) -> AlertSeen:
    """A tightening; each event has the customer's next sequence."""
    _numbers[customer] += 1
    number = _numbers[customer]
    return AlertSeen(
        event_id=event_id or f"{customer}-{number}", customer=customer, sequence=number, kind=AlertKind.TIGHTENING,
        cause_kind=cause, level=level, level_before=before, labels=labels, at_stake={"EUR": Decimal(stake)},
        retracts=retracts, because="late-payment-7" if retracts else None,
    )  # fmt: skip


def eased(customer: str = "C1", level: str = "STANDARD", before: str = "WATCH") -> AlertSeen:
    """An easing."""
    return replace(seen(customer, level, before, cause="PAYMENT_INDEX"), kind=AlertKind.EASING)


def retracted(retracts: str, customer: str = "C1", level: str = "STANDARD", before: str = "WATCH") -> AlertSeen:
    """A retraction, because of a late payment."""
    return replace(seen(customer, level, before, cause="LATE_NEWS", retracts=retracts), kind=AlertKind.RETRACTION)


class Driver:
    """Takes inputs and ticks once a second; with ``restart`` the state is stored and read again after each step."""

    def __init__(self, rules: Routing, *, restart: bool = False) -> None:
        self.rules, self._restart = rules, restart
        self.engine = NotificationEngine(rules)
        self.now = 0
        self.told: list[tuple[int, Notification]] = []

    def take(self, *items: Input) -> Driver:
        """At the present time."""
        for item in items:
            self.engine.take(item, T0 + self.now * 1000)
            self._maybe_restart()
        return self

    def run(self, until: int, step: int = 1) -> Driver:
        """Let time pass."""
        while self.now < until:
            self.tick()
            self.now = min(self.now + step, until)
        return self.tick()

    def tick(self) -> Driver:
        """Once, now."""
        self.told += [(self.now, note) for note in self.engine.tick(T0 + self.now * 1000)]
        self._maybe_restart()
        return self

    def restart(self, rules: Routing | None = None) -> Driver:
        """Store the state, and go on with what was stored."""
        self.rules = rules or self.rules
        state = State.of(self.engine.state.records())
        self.engine = NotificationEngine(self.rules, state, T0 + self.now * 1000)
        return self

    def _maybe_restart(self) -> None:
        if self._restart:
            self.restart()

    @property
    def log(self) -> list[tuple[int, str, str]]:
        """(second, receiver, items) of what was told: ``C1:new C2:resolved``, in order of customers."""
        return [(at, note.receiver, _brief(note)) for at, note in self.told]

    def stages(self) -> dict[str, str]:
        """Stage by customer and cause."""
        alerts = self.engine.state.alerts.values()
        return {f"{one.customer}/{one.labels.get('cause_kind', one.labels['kind'])}": one.stage for one in alerts}


def _brief(note: Notification) -> str:
    items = sorted(f"{item.customer or item.labels['kind']}:{item.change}" for item in note.items)
    return " ".join(items) if note.kind == "alerts" else " ".join([note.kind, *items])
