"""What sector and region say: a decline that all of them show is no sign of this one customer.

Indices of payment behaviour stand at 100 in normal times and below when a whole sector or region pays later. The
payment index of a customer there is judged against theirs: a part of their decline is given back to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from models.account import Master
from models.opinions import confidence
from models.partition import MarketReading
from schemas.policy import Market

_NORMAL = 100.0
PROMPT = 80.0
"""The payment index of a prompt payer: relief makes nobody look better than that."""


class Relief(NamedTuple):
    """Points of payment index that the market accounts for, and by which reading (``sector:steel 92``)."""

    points: float
    by: str


def market_relief(master: Master, readings: Mapping[str, MarketReading], day: int, rules: Market) -> Relief | None:
    """The relief of a customer on a day (ordinal); None where nothing is known or nothing has declined.

    Of sector and region the weaker relief counts: a customer of a troubled region in a sound sector has less excuse.
    A good market gives nothing and takes nothing.
    """
    if not readings or rules.share == 0.0:
        return None
    found = []
    for scope, name in (("sector", master.sector), ("region", master.region)):
        reading = readings.get(f"{scope}:{name}") if name is not None else None
        if reading is None:
            continue
        weight = confidence(day - reading.as_of, rules.fresh_days, rules.max_age_days)
        if weight > 0.0:
            points = min(rules.max_relief, rules.share * max(0.0, _NORMAL - reading.value)) * weight
            found.append(Relief(points, f"{scope}:{name} {reading.value:g}"))
    weakest = min(found, default=None)
    return weakest if weakest is not None and weakest.points > 0.0 else None
