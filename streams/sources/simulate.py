"""A believable portfolio as events: who orders, ships, pays, deteriorates, fails or cheats. See docs/simulate.md.

One queue of scheduled happenings in order of time; memory holds one entry per customer and open item. The
same portfolio gives the same bytes: each customer has random numbers of its own, from the seed and its id.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from pydantic import BaseModel

from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    MasterDataChanged,
    QualitativeReviewed,
)
from schemas.errors import InvalidInput
from schemas.events import (
    MarketIndexRead,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.topics import ASSESSMENTS, MARKET, ORDERS, OVERDUE, PAYMENTS
from streams.sources.event_file import TimedEvent, timed
from streams.sources.habits import REGIONS, SECTORS, Customer, make_customer

_NEVER = 10_000.0
"""Days: behind the end of every portfolio."""
_DUNNED_AFTER = (10, 30, 60)
_AFTERMATH = timedelta(days=120)
"""After the last order: what is open is shipped, paid or not paid, so that its outcome can be known."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What to simulate; ``start`` is a midnight, UTC."""

    customers: int = 2_000
    days: int = 365
    seed: int = 7
    start: datetime = datetime(2025, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= 1_000_000:
            raise InvalidInput("customers", f"customers must be 1 to 1,000,000, is {self.customers}", "customers")
        if not 1 <= self.days <= 3_650:
            raise InvalidInput("days", f"days must be 1 to 3,650, is {self.days}", "days")
        if not 2001 <= self.start.year <= 2080:
            raise InvalidInput("start", f"start must lie in the years 2001 to 2080, is {self.start.date()}", "start")

    @property
    def end(self) -> datetime:
        """From here on nobody orders any more."""
        return self.start + timedelta(days=self.days)

    @property
    def days_with_aftermath(self) -> int:
        """Days on which events may become known."""
        return self.days + _AFTERMATH.days


def customers_of(portfolio: Portfolio) -> Iterator[Customer]:
    """The customers with their stories, which the events do not tell."""
    for number in range(portfolio.customers):
        yield make_customer(number, portfolio.seed, portfolio.days)


def simulate(portfolio: Portfolio) -> Iterator[TimedEvent]:
    """Events in order of the time at which they become known, without ticks."""
    world = _World(portfolio)
    for customer in customers_of(portfolio):
        _Life(world, customer).begin()
    _schedule_markets(world)
    return world.run()


class _World:
    """The queue of happenings; a happening publishes events and schedules others."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.start, self.end = portfolio.start, portfolio.end
        self.days, self.seed = portfolio.days, portfolio.seed
        self._queue: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._count = 0
        self._out: list[TimedEvent] = []

    def at(self, when: datetime, happening: Callable[[datetime], None]) -> None:
        """Let something happen, unless it lies too far behind the end."""
        if when < self.end + _AFTERMATH:
            self._count += 1
            heapq.heappush(self._queue, (when, self._count, happening))

    def publish(self, topic: str, now: datetime, event: BaseModel) -> None:
        """An event becomes known now."""
        self._out.append(timed(topic, now, event))

    def run(self) -> Iterator[TimedEvent]:
        while self._queue:
            now, _, happening = heapq.heappop(self._queue)
            happening(now)
            yield from self._out
            self._out.clear()


def _schedule_markets(world: _World) -> None:
    """A monthly index per sector and region; a sector in a downturn falls below 100 before its customers pay late."""

    def read(scope: str, name: str, day: int) -> Callable[[datetime], None]:
        def happening(now: datetime) -> None:
            dice = random.Random(f"{world.seed}:{scope}:{name}:{day}")
            stress = SECTORS[name].stress(day / world.days) if scope == "sector" else 0.0
            value = Decimal(str(round(100 - 25 * stress + dice.uniform(-2, 2), 1)))
            event = MarketIndexRead(
                version=1, event_id=f"mkt:{scope}:{name}:{day}", occurred_at=now, origin="simulation",
                scope=scope, name=name, value=value, as_of=now.date(),
            )  # fmt: skip
            world.publish(MARKET, now, event)

        return happening

    for day in range(0, world.days, 30):
        for scope, names in (("sector", SECTORS), ("region", REGIONS)):
            for name in names:
                world.at(world.start + timedelta(days=day, hours=6), read(scope, name, day))


class _Life:
    """One customer from its first day to the last."""

    def __init__(self, world: _World, customer: Customer) -> None:
        self._world, self._customer = world, customer
        self._dice = random.Random(f"{world.seed}:{customer.customer_id}:life")
        self._number = 0
        self._head = {"version": 1, "origin": "simulation", "customer_id": customer.customer_id}

    def begin(self) -> None:
        """Schedule the joining, what is known from outside, and the first order."""
        joined = self._world.start + timedelta(days=self._customer.joins, minutes=self._dice.randrange(60, 400))
        self._world.at(joined, self._join)
        self._world.at(joined + timedelta(hours=1), self._assess)
        first = self._next_order(joined)
        if first < self._world.end:
            self._world.at(first, self._order)

    def _day(self, now: datetime) -> int:
        return (now - self._world.start).days

    def _money(self, amount: Decimal) -> dict[str, object]:
        return {"amount": amount, "currency": self._customer.currency}

    def _join(self, now: datetime) -> None:
        who = self._customer
        event = MasterDataChanged(
            **self._head, event_id=f"{who.customer_id}-master", occurred_at=now, name=who.name, segment=who.segment,
            sector=who.sector, region=who.region, owner=who.owner, terms_days=who.terms_days,
            base_limits={who.currency: who.base_limit},
        )  # fmt: skip
        self._world.publish(ASSESSMENTS, now, event)

    def _assess(self, now: datetime) -> None:
        """What is known of some customers from outside: statements, agencies, reviews, cover."""
        who, dice, day = self._customer, self._dice, now.date()
        head = {**self._head, "occurred_at": now}
        if dice.random() < 0.3:
            self._world.publish(ASSESSMENTS, now, _statement(head, who, day, dice))
        if dice.random() < 0.4:
            score = Decimal(max(1, min(100, round(dice.gauss(70 - 35 * who.weakness, 10)))))
            report = AgencyReportReceived(
                **head, event_id=f"{who.customer_id}-agency", agency="agency-a", as_of=day, score=score,
                scale_worst=Decimal(1), scale_best=Decimal(100),
            )  # fmt: skip
            self._world.publish(ASSESSMENTS, now, report)
        if dice.random() < 0.1:
            grades = [max(1, min(5, round(dice.gauss(4 - 2 * who.weakness, 0.8)))) for _ in range(3)]
            review = QualitativeReviewed(
                **head, event_id=f"{who.customer_id}-review", reviewer="reviewer-1", as_of=day,
                expires_on=day + timedelta(days=365), management=grades[0], industry_position=grades[1],
                reputation=grades[2],
            )  # fmt: skip
            self._world.publish(ASSESSMENTS, now, review)
        if dice.random() < 0.08:
            cover = CoverChanged(
                **head, event_id=f"{who.customer_id}-cover", cover_id=f"{who.customer_id}-c1", kind="credit_insurance",
                amount=who.base_limit / 2, currency=who.currency, expires_on=day + timedelta(days=365),
            )  # fmt: skip
            self._world.publish(ASSESSMENTS, now, cover)

    def _next_order(self, after: datetime) -> datetime:
        """Orders come at the customer's rhythm, more in its season, on working days, in office hours."""
        when = after + self._gap(self._day(after))
        turn = self._world.start + timedelta(days=self._customer.turns)
        if after < turn < when:  # from the turn on another rhythm holds
            when = turn + self._gap(self._customer.turns)
        if when.weekday() >= 5:
            when += timedelta(days=7 - when.weekday())
        return when.replace(hour=8 + self._dice.randrange(9), minute=self._dice.randrange(60), second=0, microsecond=0)

    def _gap(self, day: int) -> timedelta:
        rate = self._customer.orders_per_day(day, self._world.days)
        return timedelta(days=min(self._dice.expovariate(rate), _NEVER)) if rate > 0 else timedelta(days=_NEVER)

    def _order(self, now: datetime) -> None:
        who, dice = self._customer, self._dice
        self._number += 1
        order_id = f"{who.customer_id}-O{self._number:05d}"
        amount = who.order_amount(self._day(now), dice)
        placed = OrderPlaced(
            **self._head, event_id=f"{order_id}-placed", occurred_at=now, order_id=order_id,
            quantity=Decimal(dice.randrange(1, 200)), requested_terms_days=who.terms_days, **self._money(amount),
        )  # fmt: skip
        self._world.publish(ORDERS, now, placed)
        later = now + timedelta(days=dice.randrange(1, 5), hours=dice.uniform(0, 3))
        if dice.random() < 0.03:
            self._world.at(later, lambda at: self._cancel(at, order_id))
        else:
            self._world.at(later, lambda at: self._invoice(at, order_id, amount))
        following = self._next_order(now)
        following = max(following, now + timedelta(hours=3))
        if following < self._world.end:
            self._world.at(following, self._order)

    def _cancel(self, now: datetime, order_id: str) -> None:
        event = OrderCancelled(**self._head, event_id=f"{order_id}-cancelled", occurred_at=now, order_id=order_id)
        self._world.publish(ORDERS, now, event)

    def _invoice(self, now: datetime, order_id: str, amount: Decimal) -> None:
        who, dice = self._customer, self._dice
        invoice_id = order_id.replace("-O", "-I")
        due = now.date() + timedelta(days=who.terms_days)
        event = OrderInvoiced(
            **self._head, event_id=f"{invoice_id}-issued", occurred_at=now, invoice_id=invoice_id, order_id=order_id,
            issue_date=now.date(), due_date=due, terms_days=who.terms_days, **self._money(amount),
        )  # fmt: skip
        self._world.publish(ORDERS, now, event)
        days_late = who.days_late(self._day(now) + who.terms_days, self._world.days, dice)
        if days_late is None:
            self._dun(invoice_id, amount, due, until=None)
            return
        paid = datetime.combine(due, datetime.min.time(), UTC) + timedelta(days=days_late, hours=dice.uniform(9, 17))
        paid = max(paid, now + timedelta(hours=4))
        self._settle(invoice_id, amount, paid, due)

    def _settle(self, invoice_id: str, amount: Decimal, paid: datetime, due: date) -> None:
        """Most invoices are paid at once; some in parts, some bounce, some are booked to nothing at first."""
        dice, known = self._dice, paid
        kind = dice.random()
        if kind < self._customer.splits:
            part = (amount * Decimal(str(round(dice.uniform(0.3, 0.7), 2)))).quantize(Decimal("0.01"))
            self._pay(invoice_id, 1, part, paid)
            self._pay(invoice_id, 2, amount - part, paid + timedelta(days=dice.randrange(3, 15)))
        elif kind < self._customer.splits + 0.01:
            self._bounce(invoice_id, amount, paid, due)
        elif kind < self._customer.splits + 0.02:
            self._misbook(invoice_id, amount, paid)
        else:
            known = self._pay(invoice_id, 1, amount, paid)
        last = self._dun(invoice_id, amount, due, until=known)
        if last is not None and last >= paid:
            self._take_back(invoice_id, due, known + timedelta(hours=1))

    def _pay(
        self, invoice_id: str | None, part: int, amount: Decimal, paid: datetime, name: str | None = None
    ) -> datetime:
        """Schedule a payment and say when it becomes known: for one in twenty-five days after it was made."""
        payment_id = name or f"{invoice_id}-P{part}"
        late = self._dice.random() < 0.04
        known = paid + timedelta(days=self._dice.randrange(1, 6)) if late else paid
        event = PaymentReceived(
            **self._head, event_id=f"{payment_id}-received", occurred_at=paid, payment_id=payment_id,
            invoice_id=invoice_id, paid_at=paid, value_date=paid.date(), **self._money(amount),
        )  # fmt: skip
        self._world.at(known, lambda at: self._world.publish(PAYMENTS, at, event))
        return known

    def _bounce(self, invoice_id: str, amount: Decimal, paid: datetime, due: date) -> None:
        """Paid, taken back a week later, paid again a week after."""
        self._pay(invoice_id, 1, amount, paid)
        self._reverse(f"{invoice_id}-P1", invoice_id, amount, paid + timedelta(days=7), due)
        self._pay(invoice_id, 2, amount, paid + timedelta(days=14))

    def _misbook(self, invoice_id: str, amount: Decimal, paid: datetime) -> None:
        """Cash that was not applied to its invoice at first, and corrected a week later."""
        self._pay(None, 1, amount, paid, name=f"{invoice_id}-U1")
        corrected = paid + timedelta(days=8)
        self._reverse(f"{invoice_id}-U1", None, amount, corrected)
        event = PaymentReceived(
            **self._head, event_id=f"{invoice_id}-P1-received", occurred_at=corrected, payment_id=f"{invoice_id}-P1",
            invoice_id=invoice_id, paid_at=paid, value_date=paid.date(), **self._money(amount),
        )  # fmt: skip
        self._world.at(corrected, lambda at: self._world.publish(PAYMENTS, at, event))

    def _reverse(
        self, payment_id: str, invoice_id: str | None, amount: Decimal, when: datetime, due: date | None = None
    ) -> None:
        event = PaymentReversed(
            **self._head, event_id=f"{payment_id}-reversed", occurred_at=when, payment_id=payment_id,
            invoice_id=invoice_id, due_date=due, **self._money(amount),
        )  # fmt: skip
        self._world.at(when, lambda at: self._world.publish(PAYMENTS, at, event))

    def _dun(self, invoice_id: str, amount: Decimal, due: date, until: datetime | None) -> datetime | None:
        """The ledger's notices, at 10, 30 and 60 days past due while we know of no cash; when the last one goes."""
        last = None
        for days in _DUNNED_AFTER:
            when = datetime.combine(due + timedelta(days=days), time(8), UTC)
            if until is not None and when >= until:
                break
            self._notice(f"{invoice_id}-dun{days}", invoice_id, amount, due, when)
            last = when
        return last

    def _take_back(self, invoice_id: str, due: date, when: datetime) -> None:
        """A notice went out although the invoice was paid: the ledger says so when it hears of the cash."""
        self._notice(f"{invoice_id}-undun", invoice_id, Decimal(0), due, when)

    def _notice(self, notice_id: str, invoice_id: str, open_amount: Decimal, due: date, when: datetime) -> None:
        event = OverdueNoticed(
            **self._head, event_id=notice_id, occurred_at=when, invoice_id=invoice_id, outstanding_amount=open_amount,
            currency=self._customer.currency, days_past_due=(when.date() - due).days, as_of=when.date(),
        )  # fmt: skip
        self._world.at(when, lambda at: self._world.publish(OVERDUE, at, event))


def _statement(head: dict[str, object], who: Customer, day: date, dice: random.Random) -> FinancialStatementFiled:
    """Last year's statement; weak customers have little equity and little profit."""
    sales = Decimal(round(who.order_value * 12 * dice.uniform(8, 20)))
    assets = Decimal(round(float(sales) * dice.uniform(0.5, 0.9)))
    equity_share = max(0.02, dice.gauss(0.45 - 0.3 * who.weakness, 0.08))
    equity = Decimal(round(float(assets) * equity_share))
    liabilities = assets - equity
    margin = dice.gauss(0.08 - 0.1 * who.weakness, 0.03)
    as_of = day.replace(month=1, day=1) - timedelta(days=1)
    current_liabilities = Decimal(round(float(liabilities) * (0.6 + 0.2 * who.weakness)))
    ebit = Decimal(round(float(sales) * margin))
    # Long-term debt costs 6 %; a quarter of the profit is tax; what is earned comes in, less some of it in stock.
    interest = Decimal(round(float(liabilities - current_liabilities) * 0.06))
    return FinancialStatementFiled(
        **head, event_id=f"{who.customer_id}-statement", as_of=as_of, currency=who.currency,
        current_assets=Decimal(round(float(assets) * 0.55)), total_assets=assets,
        current_liabilities=current_liabilities, inventory=Decimal(round(float(assets) * 0.22)),
        total_liabilities=liabilities, equity=equity, retained_earnings=Decimal(round(float(equity) * 0.6)),
        sales=sales, ebit=ebit, interest_expense=interest, operating_cash_flow=ebit * 4 / 5,
        net_income=(ebit - interest) * 3 / 4,
    )  # fmt: skip
