"""An alert about a sector, when many of its customers are tightened within a short time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerts.routing.config import SectorRules
from alerts.routing.lifecycle import Lifecycle, alert_key
from alerts.routing.state import Alert
from schemas.decisions import AlertKind
from schemas.envelope import Severity


def sector_alerts(rules: SectorRules, life: Lifecycle, sectors: Iterable[str], now: int) -> Iterator[Alert]:
    """Begin or end the alerts of these sectors: begun by so many customers within the time, ended when fewer than
    that have open alerts. Yields what changed."""
    found: dict[str, tuple[set[str], set[str]]] = {sector: (set(), set()) for sector in sectors}
    for alert in life.open_alerts():
        sector = alert.labels.get("sector", "")
        if sector in found and alert.labels["kind"] == AlertKind.TIGHTENING:
            standing, recent = found[sector]
            standing.add(alert.customer)
            if alert.since > now - rules.within:
                recent.add(alert.customer)
    for sector, (standing, recent) in found.items():
        key = alert_key("", f"SECTOR/{sector}")
        counted = standing if life.is_open(key) else recent
        labels = {"kind": "sector", "sector": sector, "severity": Severity.WARNING.value}
        facts = {"sector": sector, "customers": str(len(counted))}
        yield from life.condition(key, len(counted) >= rules.customers, labels, facts, f"sector/{sector}/{now}", now)
