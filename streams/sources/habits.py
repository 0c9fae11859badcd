"""The customers of the simulation: sector, size, rhythm, habit of paying, and the story that befalls some of them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Story = Literal["steady", "deteriorating", "distress", "bust_out", "recovering"]
STORIES: dict[Story, float] = {
    "steady": 0.86, "deteriorating": 0.06, "distress": 0.03, "bust_out": 0.01, "recovering": 0.04,
}  # fmt: skip
"""How often each story is told: share of the customers."""


@dataclass(frozen=True, slots=True)
class Sector:
    """``season``: swing of orders over the year, highest at ``peak`` (0 = January). ``downturn``: span of the
    simulated time (0-1) in which the sector suffers."""

    season: float
    peak: float
    downturn: tuple[float, float] | None = None

    def stress(self, at: float) -> float:
        """0 (normal) to 1 (the worst of a downturn), at a share 0-1 of the simulated time."""
        if self.downturn is None:
            return 0.0
        begin, end = self.downturn
        return math.sin(math.pi * (at - begin) / (end - begin)) if begin < at < end else 0.0


SECTORS: dict[str, Sector] = {
    "food": Sector(0.15, 0.95),
    "construction": Sector(0.45, 0.5, (0.45, 0.85)),
    "electronics": Sector(0.30, 0.9),
    "textiles": Sector(0.35, 0.2, (0.6, 1.0)),
    "logistics": Sector(0.10, 0.8),
}
REGIONS: tuple[str, ...] = ("north", "south", "east", "west")
_CURRENCIES, _CURRENCY_WEIGHTS = ("USD", "EUR", "CNY"), (60, 30, 10)
_TERMS = (14, 30, 30, 30, 45, 60)
_HABITS: tuple[tuple[float, float, float], ...] = ((-3, 2, 25), (0, 2, 40), (4, 4, 22), (9, 6, 10), (18, 10, 3))
"""Usual days late, spread, and weight of each habit."""
_WORDS = (
    "Alder",
    "Birch",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Grove",
    "Harbour",
    "Iris",
    "Juniper",
    "Kestrel",
    "Linden",
)
_KINDS = ("Foods", "Supply", "Trading", "Works", "Logistics", "Partners", "Retail", "Systems")


@dataclass(slots=True)
class Customer:
    """One customer; what the events never say is ``story``, ``turns`` (the day on which it begins) and the habit."""

    customer_id: str
    name: str
    segment: str
    sector: str
    region: str
    owner: str
    currency: str
    terms_days: int
    order_value: float
    rhythm: float
    joins: int
    usual_days_late: float
    spread: float
    splits: float
    story: Story
    turns: int

    @property
    def weakness(self) -> float:
        """0 sound to 1 weak: what statements and agencies could have known before the story begins."""
        return min(
            1.0, max(0.0, self.usual_days_late / 20) + (0.4 if self.story in ("deteriorating", "distress") else 0.0)
        )

    @property
    def base_limit(self) -> Decimal:
        """About two and a half times what is usually open, rounded to 500."""
        usual = self.order_value * self.rhythm * (self.terms_days + 10)
        return Decimal(max(1, math.ceil(usual * 2.5 / 500)) * 500)

    def orders_per_day(self, day: int, days: int) -> float:
        """Rate of orders on a day of the simulation."""
        sector = SECTORS[self.sector]
        rate = self.rhythm * (1 + sector.season * math.cos(2 * math.pi * (day / 365 - sector.peak)))
        rate *= 1 - 0.4 * sector.stress(day / days)
        since = day - self.turns
        if self.story == "bust_out" and since >= 0:
            return rate * 7 if since < 25 else 0.0
        if self.story == "distress" and since >= 0:
            return rate * max(0.0, 0.6 - since / 100)
        return rate

    def order_amount(self, day: int, dice: random.Random) -> Decimal:
        """Value of an order; bust-outs grow."""
        growth = 1.8 if self.story == "bust_out" and 0 <= day - self.turns < 25 else 1.0
        return Decimal(str(round(max(20.0, dice.lognormvariate(0, 0.5) * self.order_value * growth), 2)))

    def days_late(self, due_day: int, days: int, dice: random.Random) -> float | None:
        """How late an invoice due on that day is paid; None: it is not paid at all."""
        usual, since = self.usual_days_late, due_day - self.turns
        usual += 6 * SECTORS[self.sector].stress(due_day / days)
        if self.story == "bust_out" and since >= -20:
            return None
        if self.story == "distress" and since >= 0 and dice.random() < min(0.95, 0.5 + since / 60):
            return None
        if self.story == "deteriorating" and since > 0:
            usual += min(60.0, since * 0.35)
            if since > 150 and dice.random() < 0.3:
                return None
        if self.story == "recovering":
            usual += 25 if since < 0 else max(0.0, 25 - since * 0.4)
        return max(-25.0, dice.gauss(usual, self.spread))


def make_customer(number: int, seed: int, days: int) -> Customer:
    """The customer of this number: the same for the same seed."""
    dice = random.Random(f"{seed}:{number}:customer")
    usual, spread, _ = dice.choices(_HABITS, [habit[2] for habit in _HABITS])[0]
    story = dice.choices(list(STORIES), list(STORIES.values()))[0]
    size = dice.lognormvariate(0, 1.0)
    segment = "key" if size > 4 else "mid" if size > 0.8 else "small"
    name = f"{dice.choice(_WORDS)} {dice.choice(_KINDS)} {number:05d}"
    return Customer(
        customer_id=f"C{number:05d}",
        name=name,
        segment=segment,
        sector=dice.choice(list(SECTORS)),
        region=dice.choice(REGIONS),
        owner=f"analyst-{dice.randrange(1, 6)}",
        currency=dice.choices(_CURRENCIES, _CURRENCY_WEIGHTS)[0],
        terms_days=dice.choice(_TERMS),
        order_value=round(900 * size, 2),
        rhythm=dice.uniform(0.05, 0.35),
        joins=dice.randrange(0, 3)
        if dice.random() < 0.9 or story != "steady"
        else dice.randrange(0, max(1, days - 30)),
        usual_days_late=usual + dice.gauss(0, 1),
        spread=spread,
        splits=0.15 if dice.random() < 0.1 else 0.02,
        story=story,
        turns=dice.randrange(max(1, days // 3), max(2, days * 9 // 10)),
    )
