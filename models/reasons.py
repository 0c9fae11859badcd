"""Reasons of a decision: what each component added to or took from the score, largest first, summing exactly."""

from __future__ import annotations

from schemas.decisions import Reason

SHOWN = 4
OTHER = "OTHER"


def reason_code(component: str) -> str:
    """The stable code of a scorecard component, e.g. ``PAYMENT_INDEX``."""
    return component.upper()


def reasons(
    before: dict[str, int], after: dict[str, int], measures: dict[str, float], relief: tuple[float, str] | None = None
) -> list[Reason]:
    """At most four reasons and ``OTHER``; their contributions sum to ``sum(after) - sum(before)``.

    ``relief``: the payment index as it is by itself, and the reading of the market that excuses the rest.
    """
    changes = {
        name: after.get(name, 0) - before.get(name, 0)
        for name in sorted({*before, *after})
        if after.get(name, 0) != before.get(name, 0)
    }
    largest = sorted(changes.items(), key=lambda change: (-abs(change[1]), change[0]))
    shown = [
        Reason(code=reason_code(name), contribution=change, detail=_detail(name, measures, relief))
        for name, change in largest[:SHOWN]
    ]
    rest = sum(change for _, change in largest[SHOWN:])
    if rest:
        shown.append(Reason(code=OTHER, contribution=rest))
    return shown


def _detail(component: str, measures: dict[str, float], relief: tuple[float, str] | None) -> dict[str, str]:
    if component == "payment_index" and relief is not None and component in measures:
        own, market = relief
        return {"value": f"{measures[component]:.4g}", "own": f"{own:.4g}", "market": market}
    return {"value": f"{measures[component]:.4g}"} if component in measures else {}
