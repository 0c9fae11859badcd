"""Whether an event is for a subscription."""

from __future__ import annotations

from decimal import Decimal

from alerts.webhooks.subscription import Filters
from schemas.decisions import AlertKind, Assessment, CreditAlert, ModelNote, OrderDecision, OutEvent
from schemas.levels import Level


def wanted(filters: Filters, event: OutEvent) -> bool:
    """Whether the event passes all filters."""
    return (
        (not filters.kinds or _kind(event) in filters.kinds)
        and _level(filters, event)
        and _step(filters, event)
        and _drop(filters, event)
        and _exposure(filters, event)
        and _of(filters, event)
    )


def _kind(event: OutEvent) -> str | None:
    data = event.data
    if isinstance(data, CreditAlert):
        return data.kind.value
    if isinstance(data, OrderDecision):
        return data.decision.value
    return data.kind if isinstance(data, ModelNote) else None


def _is_retraction(event: OutEvent) -> bool:
    return isinstance(event.data, CreditAlert) and event.data.kind is AlertKind.RETRACTION


def _level(filters: Filters, event: OutEvent) -> bool:
    worst = filters.level_at_or_below
    if worst is None:
        return True
    data = event.data
    if not isinstance(data, Assessment | OrderDecision):
        return False
    levels = [data.level]
    if isinstance(data, Assessment) and _is_retraction(event):
        levels.append(data.level_before)  # who heard of the fall hears that it is taken back
    return any(level is worst or level.worse_than(worst) for level in levels)


def _step(filters: Filters, event: OutEvent) -> bool:
    if filters.min_level_step is None:
        return True
    data = event.data
    if not isinstance(data, Assessment) or Level.UNRATED in (data.level, data.level_before):
        return False
    return abs(data.level.rank - data.level_before.rank) >= filters.min_level_step


def _drop(filters: Filters, event: OutEvent) -> bool:
    if filters.min_score_drop is None or _is_retraction(event):
        return True
    data = event.data
    if not isinstance(data, Assessment) or data.score_before is None:
        return False
    return data.score_before - data.score >= filters.min_score_drop


def _exposure(filters: Filters, event: OutEvent) -> bool:
    if not filters.exposure_above:
        return True
    data = event.data
    if not isinstance(data, Assessment | OrderDecision):
        return False
    exposures = [data.exposure] if isinstance(data, OrderDecision) else data.exposures
    most = Decimal("Infinity")
    return any(item.exposure > filters.exposure_above.get(item.currency, most) for item in exposures)


def _of(filters: Filters, event: OutEvent) -> bool:
    if not (filters.segments or filters.sectors or filters.groups):
        return True
    data = event.data
    if not isinstance(data, Assessment | OrderDecision):
        return False
    known = data.master
    return (
        (not filters.segments or known.segment in filters.segments)
        and (not filters.sectors or known.sector in filters.sectors)
        and (not filters.groups or (known.group_parent or event.subject) in filters.groups)
    )
