"""The notification engine: takes in what happened, and says at each tick who has to be told what."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

import msgspec

from alerts.routing.config import Receiver, Routing
from alerts.routing.digest import HOLD_DAYS, digest
from alerts.routing.flush import Flush, look
from alerts.routing.grouping import Groups
from alerts.routing.inhibition import Inhibitor
from alerts.routing.inputs import (
    Acknowledged,
    AlertSeen,
    FreshnessSeen,
    Input,
    OrderSeen,
    PaymentsSeen,
    SilenceSet,
)
from alerts.routing.lifecycle import Lifecycle
from alerts.routing.notification import MOST_ITEMS, Item, Notification
from alerts.routing.quiet_hours import last_digest, quiet_until
from alerts.routing.sector import sector_alerts
from alerts.routing.severity import rank
from alerts.routing.silences import is_active, silenced_by
from alerts.routing.state import ENDED, Alert, Group, Hold, RoutingUsed, Seen, Silence, Stage, State
from models.calendar import MS_PER_DAY
from schemas.decisions import AlertKind

KEEP_SILENCES_MS = 5 * MS_PER_DAY
"""A silence that is over stays visible for so long."""


class NotificationEngine:
    """Pure: the same inputs and times give the same notifications, whether or not the state was stored in between.

    Times are ms since 1970 and never go back.
    """

    def __init__(self, routing: Routing, state: State | None = None, now: int = 0) -> None:
        """``now`` matters only for a state that was made by another routing: its alerts are grouped anew."""
        self._routing = routing
        self.state = State() if state is None else state
        self._life = Lifecycle(routing, self.state)
        self._groups = Groups(routing, self.state)
        self._inhibitor: Inhibitor | None = None
        # All of them once: which had changed before the state was stored is not known any more.
        self._sectors = {alert.labels.get("sector", "") for alert in self.state.alerts.values()}
        used = RoutingUsed(routing.model_dump_json(by_alias=True))
        before = self.state.routing.get("routing")
        if before != used:
            if before is not None and self.state.alerts:
                self._regroup(now)
                self._changed(self._life.lapse(now), now)
            self.state.routing["routing"] = used
            self.state.touch("routing", "routing")

    def take(self, item: Input, now: int) -> None:
        """Take something in."""
        if isinstance(item, AlertSeen):
            self._alert(item, now)
        elif isinstance(item, OrderSeen):
            self._order(item)
        elif isinstance(item, Acknowledged):
            self._changed(self._life.acknowledged(item), now)
        elif isinstance(item, FreshnessSeen):
            self._changed(self._life.freshness(item, now), now)
        elif isinstance(item, PaymentsSeen):
            self._changed(self._life.payments(item, now), now)
        elif isinstance(item, SilenceSet):
            self._silence(item.silence)
        elif item.silence_id in self.state.silences:
            del self.state.silences[item.silence_id]
            self.state.touch("silence", item.silence_id)

    def tick(self, now: int) -> list[Notification]:
        """What is to be told at ``now``; each notification is given once."""
        self._changed(self._life.ripen(now), now)
        self._life.forget(now)
        self._watch_sectors(now)
        told = [note for group in self._groups.due(now) if (note := self._flush(group, now)) is not None]
        told += self._ending_silences(now)
        told += self._digests(now)
        self.state.head.clock = max(now, self.state.head.clock)
        return told

    def silenced_by(self, alert: Alert, now: int) -> Silence | None:
        """The silence that mutes the alert now."""
        return silenced_by(self.state.silences.values(), alert.labels, now)

    def inhibited_by(self, alert: Alert) -> Alert | None:
        """The alert that mutes the alert now."""
        if self._inhibitor is None:
            self._inhibitor = Inhibitor(self._routing.inhibit, self._life.open_alerts())
        return self._inhibitor.muted_by(alert)

    def _alert(self, seen: AlertSeen, now: int) -> None:
        known = self.state.seen.get(seen.customer)
        if known is not None and seen.sequence <= known.sequence:
            return  # sent again after a crash of its sender
        self.state.seen[seen.customer] = Seen(seen.sequence)
        self.state.touch("seen", seen.customer)
        if seen.kind is AlertKind.TIGHTENING:
            self._changed(self._life.tightened(seen, now), now)
        elif seen.kind is AlertKind.EASING:
            self._changed(self._life.eased(seen, now), now)
        elif seen.kind is AlertKind.RETRACTION:
            self._changed(self._life.retracted(seen, now), now)
        else:
            self._changed(self._life.reviewed(seen, now), now)
        self._inhibitor = None  # labels may have changed though nothing is to be told

    def _changed(self, alerts: Iterable[Alert], now: int) -> None:
        for alert in list(alerts):
            self._inhibitor = None
            self._sectors.add(alert.labels.get("sector", ""))
            if alert.stage == Stage.FIRING:
                self._groups.join(alert, now)
                if alert.version > 1:
                    self._groups.hurry(alert)
            elif alert.stage in ENDED and not self._groups.is_in_one(alert):
                self._life.close(alert)  # nobody has to be told: it was pending, or closed before it was retracted

    def _order(self, seen: OrderSeen) -> None:
        key = f"{seen.customer}/{seen.order_id}"
        if seen.held:
            self.state.holds[key] = Hold(seen.customer, seen.order_id, seen.amount, seen.currency, seen.at)
        elif self.state.holds.pop(key, None) is None:
            return
        self.state.touch("hold", key)

    def _silence(self, silence: Silence) -> None:
        known = self.state.silences.get(silence.id)
        if known is not None:
            noticed = known.noticed and silence.ends <= known.ends
            silence = msgspec.structs.replace(silence, noticed=noticed)
        if silence != known:
            self.state.silences[silence.id] = silence
            self.state.touch("silence", silence.id)

    def _watch_sectors(self, now: int) -> None:
        sectors, self._sectors = self._sectors - {""}, set()
        rules = self._routing.sector_alert
        if rules is not None and sectors:
            self._changed(sector_alerts(rules, self._life, sorted(sectors), now), now)
            self._sectors.clear()  # what has just changed are the sectors' own alerts

    def _flush(self, group: Group, now: int) -> Notification | None:
        where, receiver = self._groups.destination(group), self._receiver(group.receiver)
        quiet = quiet_until(receiver.quiet_hours, now) is not None
        passes = {severity.value for severity in receiver.passes_quiet_hours}
        found = look(
            group, where, [self.state.alerts[key] for key in group.members], now,
            mute=lambda alert: self.silenced_by(alert, now) is not None or self.inhibited_by(alert) is not None,
            waits=lambda alert: quiet and alert.labels["severity"] not in passes,
            send_resolved=receiver.send_resolved,
        )  # fmt: skip
        if group.urgent:
            group.urgent = False
            self.state.touch("group", group.key)
        note = self._told(group, found, now) if found.tells else None
        self._groups.leave(group, found.leaves)
        for key in found.leaves:
            if not self._groups.is_in_one(self.state.alerts[key]):
                self._life.close(self.state.alerts[key])
        return note

    def _told(self, group: Group, found: Flush, now: int) -> Notification:
        news = [Item.of(one, one.change if one.told.get(group.receiver) else "new") for one in found.fresh]
        news += [Item.of(alert, alert.stage) for alert in found.ended]
        standing = [Item.of(alert, "standing") for alert in found.standing]
        for alert in found.fresh:
            alert.told[group.receiver] = alert.version
            self.state.touch("alert", alert.key)
        group.notified = now
        group.repeats = 0 if found.fresh else group.repeats + found.is_repeat
        self.state.touch("group", group.key)
        ordered = sorted(news, key=_worst_first) + sorted(standing, key=_worst_first)
        return Notification(
            self._next_id(group.key, now), now, group.receiver, "repeat" if found.is_repeat else "alerts",
            dict(group.labels), tuple(ordered[:MOST_ITEMS]), dict(Counter(item.change for item in ordered)),
        )  # fmt: skip

    def _ending_silences(self, now: int) -> list[Notification]:
        rules, found = self._routing.silences, []
        for silence in list(self.state.silences.values()):
            if now >= silence.ends + KEEP_SILENCES_MS:
                del self.state.silences[silence.id]
                self.state.touch("silence", silence.id)
            near = is_active(silence, now) and now >= silence.ends - rules.notice_before
            lasts = silence.ends - silence.starts > rules.notice_before
            if near and lasts and not silence.noticed and rules.receiver:
                silence = msgspec.structs.replace(silence, noticed=True)
                self.state.silences[silence.id] = silence
                self.state.touch("silence", silence.id)
                note_id = self._next_id(silence.id, now)
                found.append(Notification(note_id, now, rules.receiver, "silence_ending", silence=silence))
        return found

    def _digests(self, now: int) -> list[Notification]:
        found, sent, state = [], self.state.head.digests, self.state
        for receiver in self._routing.receivers:
            due = last_digest(receiver.digest, now) if receiver.digest else None
            if receiver.digest is None or due is None or sent.get(receiver.name) == due:
                continue
            first = receiver.name not in sent
            sent[receiver.name] = due
            state.touch("head")
            if first:
                continue  # begun today: the next one is the first
            self._forget_holds(now)
            silences = state.silences.values()
            told = digest(receiver.digest, self._life.open_alerts(), state.holds.values(), silences, now)
            found.append(Notification(self._next_id(receiver.name, now), now, receiver.name, "digest", digest=told))
        return found

    def _forget_holds(self, now: int) -> None:
        for key, hold in list(self.state.holds.items()):
            if now - hold.since > HOLD_DAYS * MS_PER_DAY:
                del self.state.holds[key]
                self.state.touch("hold", key)

    def _receiver(self, name: str) -> Receiver:
        return self._routing.receiver(name) or Receiver(name=name)

    def _next_id(self, about: str, now: int) -> str:
        self.state.head.notifications += 1
        mark = hashlib.sha256(f"{about}/{now}".encode()).hexdigest()[:8]
        return f"{self.state.head.notifications:08d}-{mark}"

    def _regroup(self, now: int) -> None:
        stands = [alert for alert in self.state.alerts.values() if alert.stage != Stage.PENDING and not alert.closed]
        self._groups.regroup(stands, now)


def _worst_first(item: Item) -> tuple[bool, int, str, str]:
    return item.change in ENDED, -rank(item.severity), item.customer, item.key
