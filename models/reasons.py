"""Reasons of a decision: what each component added to or took from the score, largest first, summing exactly."""

from __future__ import annotations

from collections.abc import Mapping

from models.opinions import NO_OPINIONS, Opinion
from schemas.decisions import Reason

SHOWN = 4
OTHER = "OTHER"


def reason_code(component: str) -> str:
    """The stable code of a scorecard component, e.g. ``PAYMENT_INDEX``."""
    return component.upper()


def reasons(
    before: dict[str, int],
    after: dict[str, int],
    measures: dict[str, float],
    opinions: Mapping[str, Opinion] = NO_OPINIONS,
) -> list[Reason]:
    """At most four reasons and ``OTHER``; their contributions sum to ``sum(after) - sum(before)``."""
    changes = {
        name: after.get(name, 0) - before.get(name, 0)
        for name in sorted({*before, *after})
        if after.get(name, 0) != before.get(name, 0)
    }
    largest = sorted(changes.items(), key=lambda change: (-abs(change[1]), change[0]))
    shown = [
        Reason(code=reason_code(name), contribution=change, detail=_detail(name, measures, opinions))
        for name, change in largest[:SHOWN]
    ]
    rest = sum(change for _, change in largest[SHOWN:])
    if rest:
        shown.append(Reason(code=OTHER, contribution=rest))
    return shown


def _detail(component: str, measures: dict[str, float], opinions: Mapping[str, Opinion]) -> dict[str, str]:
    detail = {"value": f"{measures[component]:.4g}"} if component in measures else {}
    opinion = opinions.get(component)
    if opinion is None:
        return detail
    # A component that has dropped out has no value any more; its confidence of 0 tells why.
    aged = {"confidence": f"{opinion.confidence:.2f}"} if opinion.confidence < 1 else {}
    return {**detail, **aged, **opinion.detail}
