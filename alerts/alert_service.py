"""What people do with alerts, for the command line, the REST API and the desk alike: see them, take note, silence.

``control`` holds what people set, ``live`` what the dispatcher made of it: what was just set is shown at once, whether
or not a dispatcher runs.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from alerts.live_alerts import LiveAlerts
from alerts.routing import acknowledgement, silences
from alerts.routing.severity import rank
from alerts.routing.silences import SilenceRecord
from alerts.routing.state import ENDED, Alert, Group, Silence, Stage
from models.calendar import from_ms, to_ms
from schemas.envelope import Severity
from schemas.errors import Conflict, InvalidInput
from streams.archive.errors import NotFound
from streams.control import Control


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class AlertView(_View):
    """An alert as it stands.

    ``subject``: the customer, sector or topic that it is about. ``muted_by_*``: nobody is told because of that
    silence or alert. ``because``: the id of the event that ended, corrected or retracted it. ``told``: receivers.
    """

    id: str
    state: Stage
    severity: Severity
    kind: str
    subject: str
    customer: str | None
    labels: dict[str, str]
    at_stake: dict[str, Decimal]
    since: datetime
    ended: datetime | None
    acknowledged_by: str | None
    acknowledged_reason: str | None
    muted_by_silence: str | None
    muted_by_alert: str | None
    because: str | None
    events: list[str]
    groups: list[str]
    told: list[str]


class GroupView(_View):
    """Alerts that a receiver is told of together; ``repeats``: so many times again since there was news."""

    id: str
    receiver: str
    labels: dict[str, str]
    alerts: list[str]
    told_at: datetime | None
    repeats: int


class SilenceView(_View):
    """A silence; ``ended_by``: who ended it before its time."""

    id: str
    state: Literal["active", "planned", "expired"]
    matchers: list[str]
    author: str
    reason: str
    starts: datetime
    ends: datetime
    ended_by: str | None


def list_alerts(
    live: LiveAlerts,
    control: Control,
    *,
    now: datetime,
    customer: str | None = None,
    state: Stage | None = None,
    group: str | None = None,
) -> list[AlertView]:
    """Alerts, those that are over (of the last days) last, the most severe first, the oldest of them on top."""
    groups, muting = _groups_of(live), _muting(control)
    shown = [
        _alert_view(alert, live, control, now, groups, muting)
        for alert in live.state.alerts.values()
        if customer in (None, alert.customer) and (group is None or group in groups.get(alert.key, ()))
    ]
    found = [alert for alert in shown if state in (None, alert.state)]
    return sorted(found, key=lambda alert: (alert.state in ENDED, -rank(alert.severity), alert.since, alert.id))


def get_alert(live: LiveAlerts, control: Control, alert_id: str, *, now: datetime) -> AlertView:
    """One alert; raises NotFound."""
    return _alert_view(_alert(live, alert_id), live, control, now, _groups_of(live), _muting(control))


def list_groups(live: LiveAlerts) -> list[GroupView]:
    """The groups of alerts, by receiver."""
    found = [_group_view(group) for group in live.state.groups.values()]
    return sorted(found, key=lambda group: (group.receiver, sorted(group.labels.items()), group.id))


async def acknowledge(
    live: LiveAlerts, control: Control, alert_id: str, *, by: str, reason: str = "", now: datetime
) -> AlertView:
    """Take note of an alert: it is not repeated any more, until it becomes worse.

    Raises:
        NotFound: there is no such alert.
        Conflict: it is not firing: pending, over, or acknowledged already.
        InvalidInput: ``by`` or ``reason`` is wrong; names the field.
        Unavailable: the broker did not take it.
    """
    alert = _alert(live, alert_id)
    stage = _stage(alert, control)
    if stage != Stage.FIRING:
        raise Conflict(f"alert {alert_id} is {stage}: only one that is firing can be acknowledged", "alert_not_firing")
    record = acknowledgement.ack_record({"of": alert.worsened, "by": by, "reason": reason, "at": now})
    await control.put(acknowledgement.KIND, alert_id, record.model_dump(mode="json"))
    return get_alert(live, control, alert_id, now=now)


def list_silences(control: Control, *, now: datetime, with_expired: bool = False) -> list[SilenceView]:
    """Silences, the one that ends first on top; those that are over stay for some days."""
    found = [_silence_view(one, record, now) for one, record in _silences(control).items()]
    shown = [one for one in found if with_expired or one.state != "expired"]
    return sorted(shown, key=lambda one: (one.ends, one.id))


async def add_silence(
    control: Control,
    *,
    matchers: Sequence[str],
    reason: str,
    by: str,
    ends: datetime,
    now: datetime,
    starts: datetime | None = None,
) -> SilenceView:
    """Mute what matches until ``ends``, from ``starts`` or now on; evaluation goes on.

    Raises:
        InvalidInput: a matcher, the reason, the author or a time is wrong; names the field.
        Unavailable: the broker did not take it.
    """
    values = {"matchers": tuple(matchers), "author": by, "reason": reason, "starts": starts or now, "ends": ends}
    record = silences.silence_record(values)
    if record.ends <= now:
        raise InvalidInput("silence_invalid", "silence: ends: must lie in the future", "ends")
    silence_id = secrets.token_hex(4)
    await control.put(silences.KIND, silence_id, record.model_dump(mode="json"))
    return _silence_view(silence_id, record, now)


async def expire_silence(control: Control, silence_id: str, *, by: str, now: datetime) -> SilenceView:
    """End a silence now: what it muted and still stands is told.

    Raises NotFound, Conflict (it is over already), InvalidInput (``by``) and Unavailable.
    """
    value = control.get(silences.KIND, silence_id)
    if value is None:
        raise NotFound(f"there is no silence {silence_id[:80]!r}")
    known = silences.silence_record(value)
    if known.ends <= now:
        raise Conflict(f"silence {silence_id} is over since {known.ends:%Y-%m-%d %H:%M} UTC", "silence_over")
    ended = silences.silence_record({**value, "starts": min(known.starts, now), "ends": now, "ended_by": by})
    await control.put(silences.KIND, silence_id, ended.model_dump(mode="json"))
    return _silence_view(silence_id, ended, now)


def _alert(live: LiveAlerts, alert_id: str) -> Alert:
    alert = live.state.alerts.get(alert_id)
    if alert is None:
        raise NotFound(f"there is no alert {alert_id[:80]!r}")
    return alert


def _stage(alert: Alert, control: Control) -> Stage:
    """The stage, with an acknowledgement that the dispatcher has not taken in yet."""
    value = control.get(acknowledgement.KIND, alert.key)
    noted = alert.stage == Stage.FIRING and value is not None and value.get("of") == alert.worsened
    return Stage.ACKNOWLEDGED if noted else Stage(alert.stage)


def _alert_view(
    alert: Alert,
    live: LiveAlerts,
    control: Control,
    now: datetime,
    groups: dict[str, list[str]],
    muting: list[Silence],
) -> AlertView:
    labels, stage = alert.labels, _stage(alert, control)
    by, reason = alert.acked_by, alert.ack_reason
    if stage != alert.stage:
        value = control.get(acknowledgement.KIND, alert.key) or {}
        by, reason = value.get("by", ""), value.get("reason", "")
    silence = inhibitor = None
    if stage not in ENDED:
        silence = silences.silenced_by(muting, labels, to_ms(now))
        inhibitor = live.inhibited_by(alert)
    return AlertView(
        id=alert.key,
        state=stage,
        severity=Severity(labels["severity"]),
        kind=labels.get("cause_kind", labels["kind"]),
        subject=alert.customer or labels.get("sector") or labels.get("topic", ""),
        customer=alert.customer or None,
        labels=labels,
        at_stake={currency: Decimal(amount) for currency, amount in alert.at_stake.items()},
        since=from_ms(alert.since),
        ended=from_ms(alert.ended) if alert.ended else None,
        acknowledged_by=by or None,
        acknowledged_reason=reason or None,
        muted_by_silence=silence.id if silence else None,
        muted_by_alert=inhibitor.key if inhibitor else None,
        because=alert.because or None,
        events=alert.events,
        groups=groups.get(alert.key, []),
        told=sorted(alert.told),
    )


def _muting(control: Control) -> list[Silence]:
    return [silences.silence_of(one, record.model_dump()) for one, record in _silences(control).items()]


def _groups_of(live: LiveAlerts) -> dict[str, list[str]]:
    """Ids of groups by alert."""
    found: dict[str, list[str]] = {}
    for group in live.state.groups.values():
        for member in group.members:
            found.setdefault(member, []).append(group.key)
    return found


def _group_view(group: Group) -> GroupView:
    told_at = from_ms(group.notified) if group.notified else None
    return GroupView(
        id=group.key, receiver=group.receiver, labels=group.labels, alerts=group.members, told_at=told_at,
        repeats=group.repeats,
    )  # fmt: skip


def _silences(control: Control) -> dict[str, SilenceRecord]:
    """All silences by id; one that cannot be read (of a newer creditpulse) is left out, as the dispatcher does."""
    found = {}
    for silence_id, value in control.all(silences.KIND).items():
        with suppress(InvalidInput):
            found[silence_id] = silences.silence_record(value)
    return found


def _silence_view(silence_id: str, record: SilenceRecord, now: datetime) -> SilenceView:
    return SilenceView(
        id=silence_id,
        state="expired" if now >= record.ends else "active" if now >= record.starts else "planned",
        matchers=list(record.matchers),
        author=record.author,
        reason=record.reason,
        starts=record.starts,
        ends=record.ends,
        ended_by=record.ended_by,
    )
