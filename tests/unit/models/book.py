"""One customer before an engine: events are given, decisions come out."""

from __future__ import annotations

from models.account import Account
from models.default_risk.risk import Outcome
from models.engine import CreditEngine, MemoryAccounts
from schemas.decisions import CreditAlert, CreditLevelChanged, OrderDecision, OutEvent
from schemas.log import CustomerLogEvent, PolicyActivated, TimePassed
from tests.unit.models.build import CUSTOMER, entry, invoiced, paid, tick


class Book:
    """Each event gets the next offset, in the log and in its topic."""

    def __init__(self, text: str = "{}") -> None:
        self.accounts = MemoryAccounts()
        self.engine = CreditEngine(self.accounts, text)
        self.offset = -1
        self.out: list[OutEvent] = []
        self.outcomes: list[Outcome] = []

    def see(self, *events: CustomerLogEvent | TimePassed | PolicyActivated, day: int | None = None) -> list[OutEvent]:
        """Apply events, which become known when they happen, or all on ``day``; what they led to."""
        before = len(self.out)
        for event in events:
            self.offset += 1
            effects = self.engine.apply(self.offset, entry(event, self.offset, day=day))
            self.out += effects.out
            self.outcomes += effects.outcomes
        return self.out[before:]

    def days(self, first: int, last: int) -> list[OutEvent]:
        """A tick for each day from first to last; what they led to."""
        return self.see(*(tick(day) for day in range(first, last + 1)))

    def good_payer(self, invoices: int = 4) -> None:
        """Enough punctual payments to be rated: they end on day 20."""
        for number in range(invoices):
            self.see(invoiced(f"good-{number}", 1_000, due=10))
        for number in range(invoices):
            self.see(paid(f"good-{number}", 1_000, day=9))
        self.days(10, 20)

    @property
    def account(self) -> Account:
        """The customer."""
        return self.accounts.by_id[CUSTOMER]


def levels(out: list[OutEvent]) -> list[CreditLevelChanged]:
    """The changes of level, limit or terms among what came out."""
    return [event.data for event in out if isinstance(event.data, CreditLevelChanged)]


def alerts(out: list[OutEvent]) -> list[CreditAlert]:
    """The alerts among what came out."""
    return [event.data for event in out if isinstance(event.data, CreditAlert)]


def orders(out: list[OutEvent]) -> list[OrderDecision]:
    """The order decisions among what came out."""
    return [event.data for event in out if isinstance(event.data, OrderDecision)]
