"""Who a simulated customer is: where, how large, how it pays and orders, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from streams.sources.simulate.economy import REGIONS, SEASONS, is_working_day
from streams.sources.simulate.portfolio import Portfolio
from streams.sources.simulate.stories import BustOut, Story, draw_story


@dataclass(frozen=True, slots=True)
class Segment:
    """``gap_days`` between orders and ``amount`` (US dollars) of one, in the middle; ``terms`` to choose from."""

    share: float
    gap_days: float
    amount: float
    terms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Habit:
    """How many days after the due date the customer pays: in the middle, and how widely spread."""

    name: str
    share: float
    mean: tuple[float, float]
    spread: float
    quality: float


SEGMENTS: dict[str, Segment] = {
    "small": Segment(0.60, 18.0, 1_500.0, (14, 30, 30)),
    "medium": Segment(0.32, 9.0, 8_000.0, (30, 30, 45)),
    "large": Segment(0.08, 3.5, 40_000.0, (30, 60, 60)),
}
HABITS: tuple[Habit, ...] = (
    Habit("early", 0.15, (-18.0, -6.0), 3.0, 0.85),
    Habit("prompt", 0.52, (-3.0, 0.0), 2.0, 0.75),
    Habit("usually_late", 0.23, (3.0, 14.0), 4.0, 0.55),
    Habit("erratic", 0.10, (0.0, 6.0), 11.0, 0.45),
)
_WHOLE_UNITS = frozenset({"JPY"})
_NAMES = (
    "Arden Bellmore Calder Dorn Estrell Farrow Gantry Harwin Ivora Jorvik Kestrel Lumen Marlowe Nordal Orsa Pellam "
    "Quillon Ravel Senna Tarn Ulmer Vesper Wexley Yarrow Zephyr"
).split()
_NO_LIMIT, _SECOND_CURRENCY, _INVOICES_ONLY, _JOINS_LATER, _DEDUCTS = 0.08, 0.05, 0.20, 0.12, 0.08


@dataclass(frozen=True, slots=True)
class Customer:
    """A simulated customer; ``joined`` is the ordinal of its first day, amounts are in its main currency."""

    id: str
    name: str
    segment: str
    sector: str
    region: str
    currency: str
    second_currency: str | None
    terms_days: int
    habit: Habit
    usual_days_late: float
    pays_on: str
    gap_days: float
    order_amount: float
    base_limit: Decimal | None
    joined: int
    tells_orders: bool
    deducts: bool
    story: Story

    def truth(self) -> dict[str, Any]:
        """What a model cannot see, for judging it: plain data for a line of the truth file."""
        story = self.story
        return {
            "customer_id": self.id,
            "story": story.kind.value,
            "onset": date.fromordinal(story.onset).isoformat() if story.onset is not None else None,
            "until": date.fromordinal(story.until).isoformat() if story.until is not None else None,
            "loses_money": story.loses_money,
            "habit": self.habit.name,
            "usual_days_late": round(self.usual_days_late, 1),
            "joined": date.fromordinal(self.joined).isoformat(),
            "segment": self.segment,
            "sector": self.sector,
            "region": self.region,
        }

    def next_payment_day(self, day: int) -> int:
        """The first day from ``day`` on which the customer transfers money."""
        while not is_working_day(day) or (self.pays_on == "fridays" and (day + 6) % 7 != 4):
            day += 1
        return day


def money(value: float, currency: str) -> Decimal:
    """A positive amount in whole cents, or whole units where the currency has no cents."""
    if currency in _WHOLE_UNITS:
        return Decimal(max(1, round(value)))
    return Decimal(max(1, round(value * 100))).scaleb(-2)


def customers(portfolio: Portfolio) -> Iterator[Customer]:
    """All customers, each drawn by itself."""
    for number in range(portfolio.customers):
        customer_id = f"C{number:05d}"
        yield _draw(customer_id, portfolio.random(customer_id), portfolio)


def _draw(customer_id: str, random: Random, portfolio: Portfolio) -> Customer:
    region = _pick(random, {name: region.share for name, region in REGIONS.items()})
    segment = _pick(random, {name: segment.share for name, segment in SEGMENTS.items()})
    sector = random.choice(sorted(SEASONS))
    story = draw_story(random, portfolio.first_day, portfolio.days)
    habit = HABITS[1] if isinstance(story, BustOut) else random.choices(HABITS, [h.share for h in HABITS])[0]
    joined = portfolio.first_day
    if random.random() < _JOINS_LATER and story.onset is None:
        joined += random.randrange(max(1, portfolio.days // 2))
    place, size = REGIONS[region], SEGMENTS[segment]
    gap = size.gap_days * random.lognormvariate(0.0, 0.3)
    amount = size.amount * random.lognormvariate(0.0, 0.5) * place.units
    terms = random.choice(size.terms)
    others = sorted({r.currency for r in REGIONS.values()} - {place.currency})
    second = random.choice(others) if random.random() < _SECOND_CURRENCY else None
    name = f"{random.choice(_NAMES)} {sector.capitalize()} {customer_id[1:]} {random.choice(place.legal_forms)}"
    return Customer(
        customer_id, name, segment, sector, region, place.currency, second, terms, habit,
        random.uniform(*habit.mean), random.choice(("daily", "daily", "fridays")), gap, amount,
        _limit(random, amount, gap, terms), joined, random.random() >= _INVOICES_ONLY, random.random() < _DEDUCTS, story,
    )  # fmt: skip


def _limit(random: Random, amount: float, gap: float, terms: int) -> Decimal | None:
    """What is open at a time, with room for two to four times as much; some were never given a limit."""
    usually_open = amount * max(1.0, (terms + 15) / gap)
    room = random.uniform(2.0, 4.0)
    return None if random.random() < _NO_LIMIT else Decimal(max(1, round(usually_open * room / 500)) * 500)


def _pick(random: Random, shares: dict[str, float]) -> str:
    return random.choices(list(shares), weights=list(shares.values()))[0]
