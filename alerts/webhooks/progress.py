"""What an attempt leads to: the rules of retry, death and disabling, on a subscription's state; no I/O."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.webhooks.schedule import Schedule
from alerts.webhooks.sender import Outcome
from alerts.webhooks.state import MOST_DEAD, DeadDelivery, DeliveryState, Waiting
from alerts.webhooks.window import Pending, Window
from models.calendar import from_ms, to_ms
from schemas.deliveries import (
    DELIVERY_ATTEMPT,
    DELIVERY_DATASCHEMA,
    DeliveryAttempt,
    DeliveryOut,
    DeliveryOutcome,
)
from schemas.envelope import Severity

DOWN_AFTER = 3
"""Failures in a row after which an endpoint counts as down: it gets one attempt at a time."""
_SEVERITY = {
    "delivered": Severity.INFO,
    "retry": Severity.NOTICE,
    "dead": Severity.WARNING,
    "disabled": Severity.WARNING,
}


class Progress:
    """The window and the state of one subscription, changed together by each outcome."""

    def __init__(self, subscription_id: str, state: DeliveryState, schedule: Schedule) -> None:
        self.window = Window()
        self.disabled_for: str | None = None
        """Why the subscription has to be disabled, once it has to be."""
        self._id, self._state, self._schedule = subscription_id, state, schedule
        self._failures = 0

    @property
    def is_down(self) -> bool:
        """Whether the endpoint has failed several times in a row."""
        return self._failures >= DOWN_AFTER

    def snapshot(self, positions: dict[str, int]) -> DeliveryState:
        """The state to store, with what waits and what is under way."""
        state = self._state
        state.positions = dict(positions)
        state.waiting = [
            Waiting(item.topic, item.partition, item.offset, item.attempts, to_ms(item.due)) for item in self.window
        ]
        return state

    def judge(self, item: Pending, outcome: Outcome, now: datetime) -> DeliveryOut:
        """Take an attempt into account; the entry for the log of deliveries."""
        attempt = item.attempts + 1
        due: datetime | None = None
        if outcome.error is None:
            result: DeliveryOutcome = "delivered"
            self._arrived(item, now)
        else:
            self._failures += 1
            self._state.failing_since_ms = self._state.failing_since_ms or to_ms(now)
            due = self._schedule.next_attempt(attempt, now, outcome.retry_after)
            self.disabled_for = self.disabled_for or self._reason_to_disable(outcome, now)
            result = self._failed(item, outcome, now, due)
        return self._entry(item, outcome, attempt, result, due if result == "retry" else None, now)

    def _arrived(self, item: Pending, now: datetime) -> None:
        self.window.settle(item)
        if self.is_down:
            self.window.hasten(now)
        self._failures, self._state.failing_since_ms = 0, None
        place = (item.topic, item.partition, item.offset)
        self._state.dead = [dead for dead in self._state.dead if (dead.topic, dead.partition, dead.offset) != place]

    def _failed(self, item: Pending, outcome: Outcome, now: datetime, due: datetime | None) -> DeliveryOutcome:
        if self.disabled_for is not None:
            self.window.again(item, now)  # tried at once when somebody resumes the subscription
            return "disabled"
        item.attempts += 1
        if due is not None:
            self.window.again(item, due)
            return "retry"
        self.window.settle(item)
        said = f"{outcome.status or outcome.error}: {outcome.response or ''}".rstrip(": ")
        dead = DeadDelivery(
            item.topic, item.partition, item.offset, item.event_id, item.event_type, item.subject, item.sequence,
            item.attempts, to_ms(now), said,
        )  # fmt: skip
        self._state.dead = [*self._state.dead, dead][-MOST_DEAD:]
        return "dead"

    def _reason_to_disable(self, outcome: Outcome, now: datetime) -> str | None:
        if outcome.gone:
            return "the endpoint answered 410 Gone"
        since = from_ms(self._state.failing_since_ms or to_ms(now))
        if now - since >= self._schedule.disable_after:
            return f"nothing could be delivered since {since:%Y-%m-%d %H:%M}Z ({_days(self._schedule.disable_after)})"
        return None

    def _entry(
        self,
        item: Pending,
        outcome: Outcome,
        attempt: int,
        result: DeliveryOutcome,
        due: datetime | None,
        now: datetime,
    ) -> DeliveryOut:
        self._state.sequence += 1
        sequence = f"{self._state.sequence:010d}"
        data = DeliveryAttempt(
            event_id=item.event_id, event_type=item.event_type, customer=item.subject, topic=item.topic,
            partition=item.partition, offset=item.offset, attempt=attempt, outcome=result, status=outcome.status,
            error=outcome.error, latency_ms=outcome.latency_ms, next_attempt=due, response=outcome.response,
            text=self.disabled_for if result == "disabled" else None,
        )  # fmt: skip
        return DeliveryOut(
            id=f"deliveries/{self._id}/{sequence}", source="/creditpulse/webhooks", type=DELIVERY_ATTEMPT,
            subject=self._id, time=now, recordedtime=now, severity=_SEVERITY[result], sequence=sequence,
            dataschema=DELIVERY_DATASCHEMA, data=data,
        )  # fmt: skip


def _days(span: timedelta) -> str:
    return f"{span.total_seconds() / 86_400:.3g} days"
