"""What becomes of a customer: each story says how paying and ordering depart from the customer's own habits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import ClassVar


class StoryKind(StrEnum):
    """The stories of a portfolio."""

    STEADY = "steady"
    SEASONAL_SQUEEZE = "seasonal_squeeze"
    RECOVERING = "recovering"
    DETERIORATING = "deteriorating"
    SUDDEN_DISTRESS = "sudden_distress"
    BUST_OUT = "bust_out"


@dataclass(frozen=True, slots=True)
class Story:
    """Nothing changes. Days are ordinals; ``onset`` None: the story has no beginning.

    ``until`` is the day on which paying is back to the customer's habit; None: never, or it never left it.
    """

    onset: int | None = None
    until: int | None = None
    depth: float = 0.0
    kind: ClassVar[StoryKind] = StoryKind.STEADY

    @property
    def loses_money(self) -> bool:
        """Whether something stays unpaid for ever."""
        return False

    def days_later(self, day: int) -> float:
        """Days by which invoices due on this day are paid later than the customer's habit."""
        return 0.0

    def pays_from(self, day: int) -> int | None:
        """The first day, this one or later, on which the customer pays at all; None: never again."""
        return day

    def order_rate(self, day: int) -> float:
        """How many orders, beside the habit."""
        return 1.0

    def order_size(self, day: int) -> float:
        """How large an order is, beside the habit."""
        return 1.0

    def strain(self, day: int) -> float:
        """0 = as ever, 1 = finished; shows in partial payments, statements and agency scores."""
        return 0.0

    def _since(self, day: int) -> int:
        return day - self.onset if self.onset is not None else -1


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True)
class SeasonalSqueeze(Story):
    """Short of cash for some weeks each year, then punctual again: late, and yet no danger."""

    kind: ClassVar[StoryKind] = StoryKind.SEASONAL_SQUEEZE
    _WEEKS: ClassVar[int] = 10

    def days_later(self, day: int) -> float:
        return self.depth * self._swell(day)

    def strain(self, day: int) -> float:
        return 0.2 * self._swell(day)

    def _swell(self, day: int) -> float:
        into_the_year = self._since(day) % 365
        return math.sin(math.pi * into_the_year / (7 * self._WEEKS)) if into_the_year < 7 * self._WEEKS else 0.0


@dataclass(frozen=True, slots=True)
class Recovering(Story):
    """Begins badly and gets better: from ``onset`` on the delays shrink, at ``until`` they are gone."""

    kind: ClassVar[StoryKind] = StoryKind.RECOVERING

    def days_later(self, day: int) -> float:
        return self.depth * (1.0 - self._progress(day))

    def strain(self, day: int) -> float:
        return 0.5 * (1.0 - self._progress(day))

    def _progress(self, day: int) -> float:
        return _share(self._since(day) / max(1, (self.until or day) - (self.onset or day)))


@dataclass(frozen=True, slots=True)
class Deteriorating(Story):
    """Pays later and later over ``slide_days``, in parts; ``defaults`` says whether it stops paying in the end."""

    slide_days: int = 120
    defaults: bool = False
    kind: ClassVar[StoryKind] = StoryKind.DETERIORATING
    _GRACE: ClassVar[int] = 30

    @property
    def loses_money(self) -> bool:
        return self.defaults

    def days_later(self, day: int) -> float:
        return self.depth * self.strain(day)

    def pays_from(self, day: int) -> int | None:
        return None if self.defaults and self._since(day) >= self.slide_days + self._GRACE else day

    def order_rate(self, day: int) -> float:
        return 1.0 - 0.5 * self.strain(day)

    def strain(self, day: int) -> float:
        return _share(self._since(day) / self.slide_days) if self.onset is not None else 0.0


@dataclass(frozen=True, slots=True)
class SuddenDistress(Story):
    """Stops paying from one day to the next; pays everything at ``until``, or never."""

    kind: ClassVar[StoryKind] = StoryKind.SUDDEN_DISTRESS
    _STILL_ORDERS: ClassVar[int] = 14

    @property
    def loses_money(self) -> bool:
        return self.until is None

    def pays_from(self, day: int) -> int | None:
        return self.until if self._down(day) else day

    def order_rate(self, day: int) -> float:
        return 0.05 if self._down(day) and self._since(day) > self._STILL_ORDERS else 1.0

    def strain(self, day: int) -> float:
        return 0.9 if self._down(day) else 0.0

    def _down(self, day: int) -> bool:
        return self._since(day) >= 0 and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class BustOut(Story):
    """Earns trust by paying promptly, then orders many times as much for some weeks and vanishes."""

    kind: ClassVar[StoryKind] = StoryKind.BUST_OUT
    _SPREE_DAYS: ClassVar[int] = 28

    @property
    def loses_money(self) -> bool:
        return True

    def pays_from(self, day: int) -> int | None:
        return None if self._since(day) >= 5 else day

    def order_rate(self, day: int) -> float:
        if self._since(day) < 0:
            return 1.0
        return 4.0 if self._since(day) < self._SPREE_DAYS else 0.0

    def order_size(self, day: int) -> float:
        return self.depth if 0 <= self._since(day) < self._SPREE_DAYS else 1.0

    def strain(self, day: int) -> float:
        return 1.0 if self._since(day) >= self._SPREE_DAYS else 0.0


def _squeeze(random: Random, first: int, days: int) -> Story:
    return SeasonalSqueeze(first + random.randrange(max(1, days)) - 365, None, random.uniform(10, 25))


def _recovering(random: Random, first: int, days: int) -> Story:
    onset = first + int(days * random.uniform(0.2, 0.5))
    return Recovering(onset, onset + random.randint(45, 120), random.uniform(20, 45))


def _deteriorating(random: Random, first: int, days: int) -> Story:
    onset = first + int(days * random.uniform(0.25, 0.65))
    return Deteriorating(onset, None, random.uniform(25, 70), random.randint(60, 150), random.random() < 0.35)


def _distress(random: Random, first: int, days: int) -> Story:
    onset = first + int(days * random.uniform(0.3, 0.8))
    return SuddenDistress(onset, onset + random.randint(45, 120) if random.random() < 0.5 else None)


def _bust_out(random: Random, first: int, days: int) -> Story:
    return BustOut(first + int(days * random.uniform(0.4, 0.8)), None, random.uniform(2.5, 4.0))


SHARES: dict[StoryKind, tuple[float, Callable[[Random, int, int], Story]]] = {
    StoryKind.STEADY: (0.76, lambda random, first, days: Story()),
    StoryKind.SEASONAL_SQUEEZE: (0.06, _squeeze),
    StoryKind.RECOVERING: (0.04, _recovering),
    StoryKind.DETERIORATING: (0.08, _deteriorating),
    StoryKind.SUDDEN_DISTRESS: (0.04, _distress),
    StoryKind.BUST_OUT: (0.02, _bust_out),
}
"""Share of the customers, and how the story of one is drawn from a random source, the first day and the days."""


def draw_story(random: Random, first: int, days: int) -> Story:
    """The story of a customer in a simulation of ``days`` from the ordinal ``first`` on."""
    kinds = list(SHARES)
    (kind,) = random.choices(kinds, weights=[SHARES[kind][0] for kind in kinds])
    return SHARES[kind][1](random, first, days)
