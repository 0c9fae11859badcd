"""Look at one group: what its receiver has to be told now, as in Alertmanager's pipeline (mute, then only news)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alerts.routing.repeat import repeat_after
from alerts.routing.state import ENDED, Alert, Group, Stage
from alerts.routing.tree import Destination


@dataclass(frozen=True, slots=True)
class Flush:
    """``fresh`` begins or became worse, ``ended`` is over, ``standing`` goes on; ``leaves`` is done with the group."""

    fresh: list[Alert] = field(default_factory=list)
    ended: list[Alert] = field(default_factory=list)
    standing: list[Alert] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)
    is_repeat: bool = False

    @property
    def tells(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.fresh or self.ended or self.is_repeat)


def look(
    group: Group,
    where: Destination,
    alerts: Sequence[Alert],
    now: int,
    *,
    mute: Callable[[Alert], bool],
    waits: Callable[[Alert], bool],
    send_resolved: bool = True,
) -> Flush:
    """What to tell of the group's ``alerts`` at ``now``.

    ``mute``: silenced or inhibited: as if it were not there. ``waits``: held back by quiet hours: told later. An end
    is told to those who were told of the beginning; a repeat leaves out what is acknowledged.
    """
    fresh: list[Alert] = []
    ended: list[Alert] = []
    standing: list[Alert] = []
    leaves: list[str] = []
    for alert in alerts:
        told = alert.told.get(group.receiver, 0)
        if alert.stage in ENDED:
            news = bool(told) and send_resolved and not mute(alert)
            if news and waits(alert):
                continue
            leaves.append(alert.key)
            if news:
                ended.append(alert)
        elif not mute(alert) and not waits(alert):
            is_news = told < alert.version and alert.stage != Stage.ACKNOWLEDGED
            (fresh if is_news else standing).append(alert)
    if fresh or ended:
        return Flush(fresh, ended, standing, leaves)
    again = [alert for alert in standing if alert.stage == Stage.FIRING]
    due = group.notified and now >= group.notified + repeat_after(where, group.repeats)
    return Flush(standing=again, leaves=leaves, is_repeat=True) if again and due else Flush(leaves=leaves)
