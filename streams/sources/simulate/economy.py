"""The economy around the customers: sectors with their seasons, regions with their currencies, and their indices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from models.calendar import from_ms, ms_of_day
from schemas.events import MarketIndexRead
from schemas.topics import MARKET
from streams.sources.event_file import TimedEvent, timed
from streams.sources.simulate.portfolio import Portfolio

_HOUR_MS = 3_600_000
_NORMAL = 100.0

SEASONS: dict[str, tuple[float, ...]] = {
    "retail": (0.7, 0.7, 0.9, 1.0, 1.0, 0.9, 0.9, 1.0, 1.2, 1.4, 1.5, 0.8),
    "food": (0.9, 0.9, 1.0, 1.0, 1.0, 1.1, 1.1, 1.0, 1.0, 1.0, 1.1, 1.1),
    "construction": (0.5, 0.6, 0.9, 1.2, 1.3, 1.4, 1.3, 1.1, 1.2, 1.1, 0.8, 0.5),
    "machinery": (1.0, 1.0, 1.2, 1.0, 1.0, 1.1, 0.9, 0.6, 1.1, 1.0, 1.1, 0.9),
    "chemicals": (1.0, 1.0, 1.1, 1.1, 1.0, 1.0, 0.9, 0.8, 1.0, 1.1, 1.0, 0.9),
    "agriculture": (0.5, 0.9, 1.6, 1.7, 1.3, 0.8, 0.7, 0.9, 1.4, 1.2, 0.6, 0.4),
    "health": (1.0,) * 12,
    "electronics": (0.8, 0.7, 0.9, 0.9, 0.9, 1.0, 1.1, 1.2, 1.3, 1.3, 1.1, 0.8),
}
"""Orders per month of the year, beside an average month."""


@dataclass(frozen=True, slots=True)
class Region:
    """``units`` of the currency buy what one US dollar buys; ``opens`` is the hour (UTC) at which work begins."""

    share: float
    currency: str
    units: float
    opens: int
    legal_forms: tuple[str, ...]


REGIONS: dict[str, Region] = {
    "europe": Region(0.34, "EUR", 0.9, 7, ("GmbH", "SA", "BV", "SpA")),
    "north-america": Region(0.28, "USD", 1.0, 13, ("Inc.", "LLC", "Corp.")),
    "china": Region(0.16, "CNY", 7.0, 1, ("Co., Ltd.",)),
    "united-kingdom": Region(0.12, "GBP", 0.8, 8, ("Ltd", "plc")),
    "japan": Region(0.06, "JPY", 150.0, 0, ("KK",)),
    "canada": Region(0.04, "CAD", 1.35, 13, ("Ltd.", "Inc.")),
}


def season(sector: str, day: int) -> float:
    """Orders of a sector on a day, beside its average."""
    return SEASONS[sector][date.fromordinal(day).month - 1]


def is_working_day(day: int) -> bool:
    """Monday to Friday, for the ordinal of a day."""
    return (day + 6) % 7 < 5


def working_day(day: int) -> int:
    """This day, or the Monday after it."""
    while not is_working_day(day):
        day += 1
    return day


class Economy:
    """Each sector and region has an index of payment behaviour; one sector of the portfolio goes through a slump."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        random = portfolio.random("economy")
        self.slump_sector = random.choice(sorted(SEASONS))
        self.slump_from = portfolio.first_day + int(portfolio.days * random.uniform(0.35, 0.6))
        names = [("sector", name) for name in SEASONS] + [("region", name) for name in REGIONS]
        self._waves = {name: (random.uniform(2, 5), random.uniform(0, math.tau)) for _, name in names}

    def index(self, name: str, day: int) -> float:
        """The index of a sector or region: 100 is normal, less is worse."""
        height, phase = self._waves[name]
        return _NORMAL + height * math.sin(phase + math.tau * day / 400.0) - self._slump(name, day)

    def days_later(self, sector: str, region: str, day: int) -> float:
        """Days by which everybody of a sector and region pays later than in normal times."""
        return 0.3 * (_NORMAL - self.index(sector, day)) + 0.2 * (_NORMAL - self.index(region, day))

    def readings(self) -> Iterator[TimedEvent]:
        """The published indices: each month, as of its first day, three days later, with an error of measurement."""
        first = self._portfolio.first_day
        for day in range(first, first + self._portfolio.days):
            as_of = date.fromordinal(day - 3)
            if as_of.day != 1 and day != first:
                continue
            for number, name in enumerate((*SEASONS, *REGIONS)):
                scope: Literal["sector", "region"] = "sector" if name in SEASONS else "region"
                noise = self._portfolio.random("index", name, day).gauss(0, 0.5)
                at = from_ms(ms_of_day(day) + _HOUR_MS // 60 * (1 + number))
                reading = MarketIndexRead(
                    version=1, event_id=f"index:{name}:{as_of}", occurred_at=at, origin="market", scope=scope, name=name,
                    value=Decimal(f"{self.index(name, as_of.toordinal()) + noise:.1f}"), as_of=as_of,
                )  # fmt: skip
                yield timed(MARKET, at, reading)

    def _slump(self, name: str, day: int) -> float:
        """25 points down in two months, two months at the bottom, then slowly up again."""
        if name != self.slump_sector or day < self.slump_from:
            return 0.0
        since = day - self.slump_from
        return 25.0 * min(1.0, since / 60.0, max(0.0, (240.0 - since) / 120.0))
