"""The daily digest: open alerts by level and kind, most at stake, orders held, silences about to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

from alerts.routing.config import DigestRules
from alerts.routing.matchers import all_match
from alerts.routing.notification import Digest, Item, open_holds
from alerts.routing.silences import is_active
from alerts.routing.state import Alert, Hold, Silence
from models.calendar import MS_PER_DAY, from_ms

HOLD_DAYS = 30
"""Holds older than this are left out: an order that was cancelled gets no decision any more."""


def digest(
    rules: DigestRules, alerts: Iterable[Alert], holds: Iterable[Hold], silences: Iterable[Silence], now: int
) -> Digest:
    """The digest of ``alerts`` (those open) at ``now``. Amounts are ranked within their currency."""
    shown = [alert for alert in alerts if all_match(rules.matchers, alert.labels)]
    levels = Counter(alert.labels["level"] for alert in shown if "level" in alert.labels)
    kinds = Counter(alert.labels.get("cause_kind", alert.labels["kind"]) for alert in shown)
    at_stake: dict[str, list[tuple[Decimal, Alert]]] = {}
    for alert in shown:
        for currency, amount in alert.at_stake.items():
            if Decimal(amount) > 0:
                at_stake.setdefault(currency, []).append((Decimal(amount), alert))
    top = {
        currency: [Item.of(alert, "standing") for _, alert in sorted(found, key=_most_first)[: rules.top]]
        for currency, found in sorted(at_stake.items())
    }
    recent = [hold for hold in holds if now - hold.since <= HOLD_DAYS * MS_PER_DAY]
    ending = [one for one in silences if is_active(one, now) and one.ends - now <= MS_PER_DAY]
    date = from_ms(now).astimezone(ZoneInfo(rules.time_zone)).date().isoformat()
    return Digest(
        date, dict(sorted(levels.items())), dict(kinds.most_common()), top, open_holds(recent),
        sorted(ending, key=lambda one: (one.ends, one.id)),
    )  # fmt: skip


def _most_first(ranked: tuple[Decimal, Alert]) -> tuple[Decimal, str]:
    return -ranked[0], ranked[1].key
