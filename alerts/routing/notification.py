"""What a receiver is to be told, before it is put into words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from alerts.routing.severity import rank
from alerts.routing.state import ENDED, Alert, Hold, Silence

MOST_ITEMS = 30
"""Alerts that one notification shows; of more, it says how many."""


@dataclass(frozen=True, slots=True)
class Item:
    """An alert as it stood when the notification was made, and what is new about it.

    ``change``: new, escalated, corrected (in part retracted), resolved, retracted, or standing (nothing is new).
    """

    change: str
    key: str
    stage: str
    severity: str
    customer: str
    labels: dict[str, str]
    at_stake: dict[str, str]
    since: int
    event: str
    facts: dict[str, str]
    because: str = ""
    acked_by: str = ""

    @classmethod
    def of(cls, alert: Alert, change: str) -> Item:
        """The alert as it stands."""
        return cls(
            change, alert.key, alert.stage, alert.labels["severity"], alert.customer, dict(alert.labels),
            dict(alert.at_stake), alert.since, alert.event, dict(alert.facts), alert.because, alert.acked_by,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Digest:
    """The book on one page; ``date``: where the receiver is; ``top``: per currency, the alerts with most at stake."""

    date: str
    by_level: dict[str, int]
    by_kind: dict[str, int]
    top: dict[str, list[Item]]
    holds: dict[str, tuple[int, str]]
    """Orders held and their sum, per currency."""
    ending: list[Silence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one receiver; ``id`` is the same however often it is made or sent.

    ``items``: the worst, at most ``MOST_ITEMS``; ``counts``: how many there are, by change.
    """

    id: str
    at: int
    receiver: str
    kind: Literal["alerts", "repeat", "digest", "silence_ending"]
    labels: dict[str, str] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    silence: Silence | None = None
    digest: Digest | None = None

    @property
    def more(self) -> int:
        """Items that are not shown."""
        return sum(self.counts.values()) - len(self.items)

    @property
    def severity(self) -> str:
        """The worst severity of what is told and still open; info without any."""
        return max((item.severity for item in self.items if item.change not in ENDED), key=rank, default="info")


def open_holds(holds: Iterable[Hold]) -> dict[str, tuple[int, str]]:
    """Count and sum per currency."""
    found: dict[str, tuple[int, Decimal]] = {}
    for hold in holds:
        count, total = found.get(hold.currency, (0, Decimal(0)))
        found[hold.currency] = (count + 1, total + Decimal(hold.amount))
    return {currency: (count, str(total)) for currency, (count, total) in sorted(found.items())}
