"""Groups: alerts that one receiver hears of together, and when each group is looked at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from alerts.routing.config import Routing
from alerts.routing.quiet_hours import quiet_until
from alerts.routing.repeat import next_look
from alerts.routing.state import Alert, Group, State
from alerts.routing.tree import Destination, all_destinations, destinations


class Groups:
    """The groups of the state. An alert stays in a group until it has ended and its receiver has heard of it: who was
    told that it began is told how it went on, wherever its labels would lead by then."""

    def __init__(self, routing: Routing, state: State) -> None:
        self._routing, self._state = routing, state
        self._destinations = all_destinations(routing.route)
        self._of: dict[str, dict[str, None]] = {}
        for group in state.groups.values():
            for member in group.members:
                self._of.setdefault(member, {})[group.key] = None

    def destination(self, group: Group) -> Destination:
        """The node of the tree that the group belongs to."""
        return self._destinations[group.path]

    def join(self, alert: Alert, now: int) -> None:
        """Put an alert into the groups that it belongs to; a receiver gets it once."""
        has = {self._state.groups[key].receiver for key in self._of.get(alert.key, ())}
        for where in destinations(self._routing.route, alert.labels):
            if where.receiver in has:
                continue
            has.add(where.receiver)
            labels = where.group_labels(alert.labels)
            key = _group_key(where, labels)
            group = self._state.groups.get(key)
            if group is None:
                group = Group(key, where.path, where.receiver, labels, now + where.group_wait)
                self._state.groups[key] = group
            group.members.append(alert.key)
            self._of.setdefault(alert.key, {})[key] = None
            self._state.touch("group", key)

    def hurry(self, alert: Alert) -> None:
        """Have the groups of the alert looked at, at once."""
        for key in self._of.get(alert.key, ()):
            self._state.groups[key].urgent = True
            self._state.touch("group", key)

    def leave(self, group: Group, keys: Iterable[str]) -> None:
        """Take alerts out of a group; an empty group is no more."""
        gone = set(keys)
        if not gone:
            return
        group.members = [key for key in group.members if key not in gone]
        for key in gone:
            left = self._of.get(key, {})
            left.pop(group.key, None)
            if not left:
                self._of.pop(key, None)
        if not group.members:
            del self._state.groups[group.key]
        self._state.touch("group", group.key)

    def is_in_one(self, alert: Alert) -> bool:
        """Whether the alert is in any group."""
        return alert.key in self._of

    def due(self, now: int) -> list[Group]:
        """The groups to be looked at by ``now``, when all were that were due by the clock of the state."""
        return [group for group in self._state.groups.values() if self._look_at(group) <= now]

    def regroup(self, alerts: Iterable[Alert], now: int) -> None:
        """The tree is another one: put all alerts into its groups. What receivers know, they keep."""
        notified: dict[tuple[str, str], tuple[int, int]] = {}
        for group in self._state.groups.values():
            for key in group.members:
                notified[group.receiver, key] = (group.notified, group.repeats)
            self._state.touch("group", group.key)
        self._state.groups.clear()
        self._of.clear()
        for alert in alerts:
            self.join(alert, now)
        for group in self._state.groups.values():
            last = [notified[group.receiver, key] for key in group.members if (group.receiver, key) in notified]
            group.notified, group.repeats = max(last, default=(0, 0))

    def _look_at(self, group: Group) -> int:
        clock = self._state.head.clock
        if group.urgent:
            return clock
        look = next_look(group.first, self.destination(group).group_interval, clock)
        receiver = self._routing.receiver(group.receiver)
        if receiver is None or not receiver.quiet_hours or clock < group.first:
            return look
        end = quiet_until(receiver.quiet_hours, clock)
        return look if end is None else min(look, end)


def _group_key(where: Destination, labels: dict[str, str]) -> str:
    named = json.dumps([where.path, where.receiver, labels], sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()[:12]
