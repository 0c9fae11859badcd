"""Reasons of a decision: what each component added to or took from the score, largest first, summing exactly."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.exposure import Position
from schemas.decisions import Reason

SHOWN = 4
OTHER = "OTHER"
NOWHERE: Final[Mapping[str, Position]] = MappingProxyType({})


def reason_code(component: str) -> str:
    """The stable code of a scorecard component, e.g. ``PAYMENT_INDEX``."""
    return component.upper()


def reasons(
    before: dict[str, int],
    after: dict[str, int],
    measures: dict[str, float],
    relief: tuple[float, str] | None = None,
    positions: Mapping[str, Position] = NOWHERE,
) -> list[Reason]:
    """At most four reasons and ``OTHER``; their contributions sum to ``sum(after) - sum(before)``.

    ``relief``: the payment index as it is by itself, and the reading of the market that excuses the rest. The ageing
    names what is disputed in ``positions``, and so does not count.
    """
    changes = {
        name: after.get(name, 0) - before.get(name, 0)
        for name in sorted({*before, *after})
        if after.get(name, 0) != before.get(name, 0)
    }
    largest = sorted(changes.items(), key=lambda change: (-abs(change[1]), change[0]))
    shown = [
        Reason(code=reason_code(name), contribution=change, detail=measure_detail(name, measures, relief, positions))
        for name, change in largest[:SHOWN]
    ]
    rest = sum(change for _, change in largest[SHOWN:])
    if rest:
        shown.append(Reason(code=OTHER, contribution=rest))
    return shown


def measure_detail(
    component: str,
    measures: dict[str, float],
    relief: tuple[float, str] | None,
    positions: Mapping[str, Position],
) -> dict[str, str]:
    """The numbers behind a component, as text; arguments as in ``reasons``."""
    if component == "payment_index" and relief is not None and component in measures:
        own, market = relief
        return {"value": f"{measures[component]:.4g}", "own": f"{own:.4g}", "market": market}
    if component not in measures:
        return {}
    detail = {"value": f"{measures[component]:.4g}"}
    if component == "ageing":
        disputed = [f"{where.disputed} {currency}" for currency, where in sorted(positions.items()) if where.disputed]
        if disputed:
            detail["disputed"] = " + ".join(disputed)
    return detail
