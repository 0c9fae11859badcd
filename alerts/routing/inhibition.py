"""Inhibition as in Alertmanager: an open alert mutes others that have the same values in some labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from alerts.routing.config import InhibitRule
from alerts.routing.matchers import all_match
from alerts.routing.state import Alert


class Inhibitor:
    """The open alerts that mute others; made anew when alerts have changed."""

    def __init__(self, rules: Sequence[InhibitRule], open_alerts: Iterable[Alert]) -> None:
        self._rules = rules
        self._sources: list[dict[tuple[str, ...], list[Alert]]] = [{} for _ in rules]
        for alert in open_alerts:
            for rule, sources in zip(rules, self._sources, strict=True):
                if all_match(rule.source, alert.labels):
                    sources.setdefault(_values(rule, alert.labels), []).append(alert)

    def muted_by(self, alert: Alert) -> Alert | None:
        """The alert that mutes this one. One that is itself a source is not muted by another that is also a target:
        they would mute each other, and nobody would hear of either."""
        for rule, sources in zip(self._rules, self._sources, strict=True):
            if not all_match(rule.target, alert.labels):
                continue
            is_source = all_match(rule.source, alert.labels)
            for source in sources.get(_values(rule, alert.labels), ()):
                if source.key != alert.key and not (is_source and all_match(rule.target, source.labels)):
                    return source
        return None


def _values(rule: InhibitRule, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
