"""What is simulated: how many customers, how long, from which day, from which seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from models.calendar import ms_of_day
from schemas.errors import InvalidInput

_EARLIEST, _LATEST = date(2001, 1, 1), date(2090, 1, 1)
_MOST_CUSTOMERS, _MOST_DAYS = 1_000_000, 3_660


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A book to simulate; equal portfolios give equal events, byte for byte.

    Raises:
        InvalidInput: a number is out of bounds.
    """

    customers: int = 2_000
    days: int = 365
    seed: int = 7
    start: date = date(2025, 1, 1)

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= _MOST_CUSTOMERS:
            raise InvalidInput("wrong_portfolio", f"customers: between 1 and {_MOST_CUSTOMERS:,}", "customers")
        if not 1 <= self.days <= _MOST_DAYS:
            raise InvalidInput("wrong_portfolio", f"days: between 1 and {_MOST_DAYS:,}", "days")
        if not _EARLIEST <= self.start <= _LATEST:
            raise InvalidInput("wrong_portfolio", f"start: between {_EARLIEST} and {_LATEST}", "start")

    @property
    def first_day(self) -> int:
        """Ordinal of the first day."""
        return self.start.toordinal()

    @property
    def end_ms(self) -> int:
        """No event becomes known at or after this time (ms)."""
        return ms_of_day(self.first_day + self.days)

    def random(self, *about: object) -> Random:
        """Random numbers for one matter: independent of all others, and of how many customers there are."""
        return Random("/".join(str(part) for part in (self.seed, *about)))
