"""While the payments feed is stale nobody is tightened for not having been seen to pay, and nothing is learned."""

from __future__ import annotations

from datetime import timedelta

from models.engine import CreditEngine, MemoryAccounts
from schemas.decisions import CreditAlert, ModelNote, OutEvent
from schemas.log import LogEntry, Source, TimePassed
from schemas.topics import ORDERS, PAYMENTS, TICKS
from tests.unit.models.build import at, invoiced, on, paid, placed, reported

RULES = "freshness: {stale_hours: 2, missed_payments: 0}\n"


class Feed:
    """Engine and log; payments come by their own topic."""

    def __init__(self, text: str = RULES) -> None:
        self.accounts = MemoryAccounts()
        self.engine = CreditEngine(self.accounts, text)
        self.offset = 0

    def see(self, event: object, topic: str = ORDERS, customer: str = "C1", known: object = None) -> list[OutEvent]:
        own = event.model_copy(update={"customer_id": customer}) if topic != TICKS else event  # type: ignore[attr-defined]
        self.offset += 1
        time = known or own.occurred_at
        source = Source(topic=topic, partition=0, offset=self.offset)
        return self.engine.apply(self.offset, LogEntry(time=time, received_at=time, source=source, event=own)).out

    def tick(self, day: int, hour: int = 0) -> list[OutEvent]:
        moment = at(day, hour)
        return self.see(TimePassed(version=1, event_id=f"t{moment}", occurred_at=moment), TICKS)

    def customers(self, *names: str) -> None:
        """With a good past and an invoice that is due on day 20."""
        for name in names:
            for number in range(4):
                self.see(invoiced(f"good-{number}", 1_000, due=10), customer=name)
                self.see(paid(f"good-{number}", 1_000, day=9), PAYMENTS, name)
            self.see(invoiced("open", 1_000, issued=9, due=20), customer=name)

    def days(self, first: int, last: int, *, heard: bool) -> list[OutEvent]:
        out = []
        for day in range(first, last + 1):
            out += self.tick(day)
            if heard:  # somebody pays something, in the last hour of the day
                late = at(day, 23)
                event = paid(f"x{day}", 1, day=day).model_copy(update={"occurred_at": late, "paid_at": late})
                out += self.see(event, PAYMENTS, "other")
            order = invoiced(f"o{day}", 1, issued=day, due=300)
            out += self.see(order, ORDERS, "other", known=at(day, 23) + timedelta(minutes=30))
        return out


def notes(out: list[OutEvent]) -> list[tuple[str, int]]:
    return [
        (e.data.kind, round(e.data.statistic)) for e in out if isinstance(e.data, ModelNote) and e.data.task == "book"
    ]


def tightened(out: list[OutEvent]) -> list[str]:
    return [e.data.cause_kind for e in out if isinstance(e.data, CreditAlert) and e.data.kind == "tightening"]


def test_a_stale_feed_stops_ageing_and_says_so() -> None:
    """Item by item 15 days past due on day 35; the feed is silent from the end of day 33."""
    feed = Feed()
    feed.customers("C1")
    feed.days(10, 33, heard=True)
    assert feed.accounts.by_id["C1"].level == "STANDARD"
    out = feed.days(34, 60, heard=False)
    assert notes(out) == [("payments_stale", 24)]
    assert not tightened(out)
    state = feed.engine.state
    assert state.feed.frozen == on(33).toordinal()
    # Other news still counts, and says to which day open items are aged.
    told = [e.data for e in feed.see(reported(as_of=60, day=60, score=1), ORDERS)]
    assert all(getattr(data, "ageing_as_of", None) in (None, on(33)) for data in told)
    order = feed.see(placed("o", 10, day=60))[0].data
    assert order.exposure.oldest_days_past_due == 13, "an order is not held for days that nobody has seen"  # type: ignore[union-attr]


def test_ageing_resumes_by_what_is_known_then() -> None:
    """Who had paid meanwhile was never touched; who had not is tightened when the feed is back."""
    feed = Feed()
    feed.customers("paid", "unpaid")
    feed.days(10, 33, heard=True)
    out = feed.days(34, 40, heard=False)
    late = paid("open", 1_000, day=34)
    out += feed.see(late, PAYMENTS, "paid", known=at(40, 23))
    out += feed.days(41, 41, heard=True)
    assert notes(out) == [("payments_stale", 24), ("payments_back", 0)]
    assert tightened(out) == ["DPD_15"]
    assert {name: feed.accounts.by_id[name].level for name in ("paid", "unpaid")} == {
        "paid": "STANDARD",
        "unpaid": "WATCH",
    }


def test_nothing_is_learned_of_what_was_not_seen() -> None:
    """An invoice counts as paid late only once the feed that would have told of its payment is back."""
    feed = Feed()
    feed.customers("C1")
    feed.days(10, 19, heard=True)
    before = feed.engine.risk.outcomes
    feed.days(20, 40, heard=False)
    assert feed.engine.risk.outcomes == before
    feed.see(paid("open", 1_000, day=20), PAYMENTS, "C1", known=at(40, 23))
    feed.tick(41)
    assert feed.engine.risk.outcomes == before + 1
    assert feed.accounts.by_id["C1"].behaviour.late_outcomes == 0


def test_a_small_book_is_quiet_without_being_stale() -> None:
    """Silence counts only where many payments are missing; and never before the first one."""
    rules = "freshness: {stale_hours: 2, missed_payments: 30}\n"
    feed = Feed(rules)
    feed.customers("C1")
    assert tightened(feed.days(10, 40, heard=False)) == ["DPD_15"]
    never = Feed()
    never.see(invoiced("open", 1_000, due=20))
    assert not notes(never.days(1, 40, heard=False))


def test_where_nothing_is_told_time_goes_on() -> None:
    """At the end of a past, or in a night, all topics are silent: that is no stale payments feed."""
    feed = Feed()
    feed.customers("C1")
    feed.days(10, 33, heard=True)
    out = [event for day in range(34, 60) for event in feed.tick(day)]
    assert not notes(out)
    assert tightened(out) == ["DPD_15", "DPD_30"]


def test_a_rate_is_learned_and_silence_measured_by_it() -> None:
    """Twenty payments a day: after two silent days forty are missing."""
    feed = Feed("freshness: {stale_hours: 2, missed_payments: 30}\n")
    for day in range(40):
        feed.tick(day)
        for number in range(20):
            feed.see(invoiced(f"i{day}", 1, issued=day, due=day + 10), customer=f"c{number}")
            feed.see(paid(f"i{day}", 1, day=day), PAYMENTS, f"c{number}")
    assert abs(feed.engine.state.feed.per_day - 20) < 4
    found = []
    for day, hour in ((40, 0), (40, 12), (41, 0), (41, 12)):
        feed.see(invoiced(f"n{day}-{hour}", 1, issued=day, due=day + 10), customer="c0", known=at(day, hour))
        found += [(day, hour)] if notes(feed.tick(day, hour)) else []
    assert found == [(41, 12)]
    assert at(41, 12) - at(39, 12) == timedelta(days=2)
