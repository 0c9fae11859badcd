"""How an alert begins, becomes worse, and ends: pending, firing, acknowledged, resolved, retracted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal

from alerts.routing.config import Routing
from alerts.routing.inputs import Acknowledged, AlertSeen, FreshnessSeen, PaymentsSeen
from alerts.routing.matchers import all_match
from alerts.routing.severity import ORDER, is_small, level_rank, rank, severity_of
from alerts.routing.state import ENDED, OPEN, Alert, Stage, State
from models.calendar import MS_PER_DAY
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.topics import PAYMENTS

_AGEING = re.compile(r"DPD_\d+")
_MOST_EVENTS = 20
KEEP_ENDED_MS = 7 * MS_PER_DAY
"""An alert that is over, and told, stays visible for so long."""


def alert_key(customer: str, cause_kind: str) -> str:
    """The one alert of a customer and cause kind. Ageing is one cause, whatever the number of days."""
    cause = "DPD" if _AGEING.fullmatch(cause_kind) else cause_kind
    return hashlib.sha256(f"{customer}\0{cause}".encode()).hexdigest()[:12]


class Lifecycle:
    """Changes alerts in the state. Each method yields the alerts that have to be routed, or told of at once."""

    def __init__(self, routing: Routing, state: State) -> None:
        self._routing, self._state = routing, state
        self._of_customer: dict[str, dict[str, None]] = {}
        self._pending: dict[str, None] = {}
        self._closed: dict[str, None] = {}
        """In the order of their ends."""
        for alert in sorted(state.alerts.values(), key=lambda alert: alert.ended):
            self._index(alert)

    def tightened(self, seen: AlertSeen, now: int) -> Iterator[Alert]:
        """A tightening: a new alert, or the one of this cause becomes worse or is brought up to date."""
        key = alert_key(seen.customer, seen.cause_kind)
        known = self._state.alerts.get(key)
        if known is None or known.stage in ENDED:
            yield from self._began(key, known, seen, now)
            return
        labels = self._labels(seen, known.labels["level_before"])
        if seen.review:  # what waits for long becomes no milder, and one step louder each time it is told again
            least = min(rank(known.labels["severity"]) + seen.aged, len(ORDER) - 1)
            labels["severity"] = ORDER[max(rank(labels["severity"]), least)].value
        worse = (
            seen.aged
            or rank(labels["severity"]) > rank(known.labels["severity"])
            or (level_rank(labels["level"]) > level_rank(known.labels["level"]))
        )
        known.labels, known.event, known.at_stake = labels, seen.event, _texts(seen.at_stake)
        known.events = [*known.events, seen.event_id][-_MOST_EVENTS:]
        self._state.touch("alert", key)
        if worse and known.stage != Stage.PENDING:
            self._worsened(known, seen.event_id, "escalated")
            yield known
        yield from self._ripe(known, now)

    def eased(self, seen: AlertSeen, now: int) -> Iterator[Alert]:
        """The customer is back at a level: what began at or below it is resolved, the rest has become milder."""
        if seen.level == Level.UNRATED:
            return
        for alert in self._alerts_of(seen.customer):
            if alert.stage in ENDED:
                continue
            if level_rank(seen.level) <= level_rank(alert.labels["level_before"]):
                self._end(alert, Stage.RESOLVED, seen, seen.event_id, now)
                yield alert
            elif level_rank(seen.level) < level_rank(alert.labels["level"]):
                self._milder(alert, seen)

    def retracted(self, seen: AlertSeen, now: int) -> Iterator[Alert]:
        """A tightening should not have been. Its alert is retracted, or goes on with what is left of it."""
        because = seen.because or seen.event_id
        for alert in self._alerts_of(seen.customer):
            if seen.retracts not in alert.events:
                continue
            alert.events = [event for event in alert.events if event != seen.retracts]
            back = level_rank(seen.level) <= level_rank(alert.labels["level_before"])
            if alert.events and not back and alert.stage not in ENDED:
                self._milder(alert, seen)
                alert.because = because
                self._worsened(alert, seen.event_id, "corrected")
            else:
                self._end(alert, Stage.RETRACTED, seen, because, now)
            yield alert
        yield from self.eased(seen, now)

    def reviewed(self, seen: AlertSeen, now: int) -> Iterator[Alert]:
        """A tightening waits for a person, as urgent as if it had come; or it waits no more."""
        if seen.review == "pending":
            yield from self.tightened(seen, now)
            return
        alert = self._state.alerts.get(alert_key(seen.customer, seen.cause_kind))
        if alert is not None and alert.stage not in ENDED:
            self._end(alert, Stage.RESOLVED, seen, seen.event_id, now)
            yield alert

    def acknowledged(self, ack: Acknowledged) -> Iterator[Alert]:
        """A person took note; of what has become worse meanwhile, nobody has."""
        alert = self._state.alerts.get(ack.key)
        if alert is not None and alert.stage == Stage.FIRING and alert.worsened == ack.worsened:
            alert.stage, alert.acked_by, alert.ack_reason = Stage.ACKNOWLEDGED, ack.by, ack.reason
            self._state.touch("alert", alert.key)
            yield alert

    def freshness(self, seen: FreshnessSeen, now: int) -> Iterator[Alert]:
        """A topic has no new records for longer than allowed, or has some again."""
        limit = {str(topic): most for topic, most in self._routing.freshness.items()}.get(seen.topic)
        stale = limit is not None and seen.at - seen.newest > limit
        facts = {"topic": seen.topic, "newest": str(seen.newest), "limit": str(limit or 0)}
        event_id = f"freshness/{seen.topic}/{seen.newest}"
        yield from self.condition(_fresh_key(seen.topic), stale, _fresh_labels(seen.topic), facts, event_id, now)

    def payments(self, seen: PaymentsSeen, now: int) -> Iterator[Alert]:
        """The engine ages open items of a partition no further, or does again: one alert while any partition is so."""
        key = _fresh_key(PAYMENTS)
        known = self._state.alerts.get(key) if self.is_open(key) else None
        frozen = set(known.facts["frozen"].split()) if known is not None else set()
        frozen = frozen | {seen.partition} if seen.stale else frozen - {seen.partition}
        facts = {"topic": PAYMENTS, "newest": str(seen.newest), "limit": str(seen.limit)}
        facts["frozen"] = " ".join(sorted(frozen))
        if known is not None and frozen:
            known.facts["frozen"] = facts["frozen"]
            self._state.touch("alert", key)
        else:
            yield from self.condition(key, bool(frozen), _fresh_labels(PAYMENTS), facts, seen.event_id, now)

    def condition(
        self, key: str, holds: bool, labels: dict[str, str], facts: dict[str, str], event_id: str, now: int
    ) -> Iterator[Alert]:
        """An alert that is not about a customer, and stands as long as its condition holds."""
        known, is_open = self._state.alerts.get(key), self.is_open(key)
        if holds and not is_open:
            alert = Alert(key, "", labels, Stage.PENDING, now, event_id, [event_id], facts=facts)
            yield from self._enter(alert, known, now)
        elif known is not None and is_open and not holds:
            known.stage, known.facts, known.because, known.ended = Stage.RESOLVED, facts, event_id, now
            self._state.touch("alert", key)
            yield known

    def lapse(self, now: int) -> Iterator[Alert]:
        """Another routing does not ask about some topics, or about sectors, any more: alerts about them end."""
        topics = {PAYMENTS, *map(str, self._routing.freshness)}
        for alert in self.open_alerts():
            kind = alert.labels["kind"]
            about_sectors = kind == "sector" and self._routing.sector_alert is None
            if about_sectors or (kind == "data_freshness" and alert.labels["topic"] not in topics):
                yield from self.condition(alert.key, False, alert.labels, alert.facts, "routing", now)

    def ripen(self, now: int) -> Iterator[Alert]:
        """Pending alerts whose time has come fire."""
        for key in list(self._pending):
            yield from self._ripe(self._state.alerts[key], now)

    def close(self, alert: Alert) -> None:
        """An alert has ended, and everybody was told who had to be."""
        alert.closed, alert.told, alert.event = True, {}, ""
        self._closed.pop(alert.key, None)
        self._closed[alert.key] = None
        self._state.touch("alert", alert.key)

    def forget(self, now: int) -> None:
        """Drop what was closed long ago."""
        for key in list(self._closed):
            if now - self._state.alerts[key].ended < KEEP_ENDED_MS:
                return
            self._drop(self._state.alerts[key])

    def _drop(self, alert: Alert) -> None:
        self._state.alerts.pop(alert.key, None)
        self._closed.pop(alert.key, None)
        self._pending.pop(alert.key, None)
        left = self._of_customer.get(alert.customer, {})
        left.pop(alert.key, None)
        if not left:
            self._of_customer.pop(alert.customer, None)
        self._state.touch("alert", alert.key)

    def is_open(self, key: str) -> bool:
        """Whether there is such an alert, and it has not ended."""
        alert = self._state.alerts.get(key)
        return alert is not None and alert.stage not in ENDED

    def open_alerts(self) -> list[Alert]:
        """Those that fire, acknowledged or not."""
        return [alert for alert in self._state.alerts.values() if alert.stage in OPEN]

    def _began(self, key: str, known: Alert | None, seen: AlertSeen, now: int) -> Iterator[Alert]:
        alert = Alert(
            key, seen.customer, self._labels(seen, seen.level_before), Stage.PENDING, now, seen.event_id,
            [seen.event_id], at_stake=_texts(seen.at_stake), event=seen.event,
        )  # fmt: skip
        yield from self._enter(alert, known, now)

    def _enter(self, alert: Alert, known: Alert | None, now: int) -> Iterator[Alert]:
        self._closed.pop(alert.key, None)
        if known is not None and known.told:  # its end was not told to all yet: for them, it has begun again
            alert.version, alert.told = known.version + 1, known.told
        self._state.alerts[alert.key] = alert
        waits = [rule.hold_for for rule in self._routing.pending if all_match(rule.matchers, alert.labels)]
        alert.pending_until = now + max(waits, default=0)
        self._index(alert)
        self._state.touch("alert", alert.key)
        yield from self._ripe(alert, now)

    def _ripe(self, alert: Alert, now: int) -> Iterator[Alert]:
        if alert.stage != Stage.PENDING:
            return
        held = any(all_match(rule.matchers, alert.labels) for rule in self._routing.pending)
        if held and now < alert.pending_until:
            return
        alert.stage = Stage.FIRING
        self._pending.pop(alert.key, None)
        self._state.touch("alert", alert.key)
        yield alert

    def _worsened(self, alert: Alert, event_id: str, change: str) -> None:
        alert.version += 1
        alert.worsened, alert.change = event_id, change
        if change == "escalated":
            alert.stage, alert.acked_by, alert.ack_reason = Stage.FIRING, "", ""
        self._state.touch("alert", alert.key)

    def _milder(self, alert: Alert, seen: AlertSeen) -> None:
        kept = {name: alert.labels[name] for name in ("kind", "cause_kind")}
        alert.labels = self._labels(seen, alert.labels["level_before"]) | kept
        alert.at_stake = _texts(seen.at_stake)
        self._state.touch("alert", alert.key)

    def _end(self, alert: Alert, stage: Stage, seen: AlertSeen, because: str, now: int) -> None:
        alert.stage, alert.because, alert.ended = stage, because, now
        alert.facts = {"level": seen.level}
        self._pending.pop(alert.key, None)
        self._state.touch("alert", alert.key)

    def _labels(self, seen: AlertSeen, level_before: str) -> dict[str, str]:
        rules, reached = self._routing.severity, seen.review_to or seen.level
        severity = severity_of(rules, reached, level_before, seen.at_stake, seen.caps)
        return seen.labels | {
            "customer": seen.customer,
            "kind": seen.kind.value,
            "cause_kind": seen.cause_kind,
            "level": seen.level,
            "level_before": level_before,
            "step": str(level_rank(seen.level) - level_rank(level_before)),
            "severity": max(severity, seen.at_least, key=rank).value,
            "size": "small" if is_small(rules, seen.at_stake) else "large",
        }

    def _alerts_of(self, customer: str) -> list[Alert]:
        return [self._state.alerts[key] for key in self._of_customer.get(customer, ())]

    def _index(self, alert: Alert) -> None:
        if alert.customer:
            self._of_customer.setdefault(alert.customer, {})[alert.key] = None
        if alert.stage == Stage.PENDING:
            self._pending[alert.key] = None
        if alert.closed:
            self._closed[alert.key] = None


def _texts(amounts: dict[str, Decimal]) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(amounts.items())}


def _fresh_key(topic: str) -> str:
    return alert_key("", f"FRESHNESS/{topic}")


def _fresh_labels(topic: str) -> dict[str, str]:
    return {"kind": "data_freshness", "topic": topic, "severity": Severity.WARNING.value}
