"""Laws of models.supply: deliveries and prices of a supplier, smoothed, faded, and weighed where the policy says so."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import Account, Supply
from models.supply import SupplyRules, known_outcomes, next_change, quote_price, receive_delivery
from schemas.levels import Level
from schemas.supply import DeliveryReceived, PriceQuoted
from tests.unit.models.book import Book, alerts, levels, orders
from tests.unit.models.build import DAY, account, delivered, placed, policy, quoted, reported

STEADY = policy("behaviour: {half_life_days: 1e12}\n")
"""Nothing fades."""
RULES = SupplyRules(STEADY)
SUPPLIER = "pack: supplier\n"


def seen(*events: DeliveryReceived | PriceQuoted) -> Supply:
    """A supplier's sums after the events."""
    known = account()
    for event in events:
        if isinstance(event, DeliveryReceived):
            receive_delivery(known, event, STEADY)
        else:
            quote_price(known, event, STEADY)
    assert known.supply is not None
    return known.supply


def test_delivery_measures_by_hand() -> None:
    """Four deliveries beside five usual ones (0.85 on time in full, 1 day late, 1 % rejected).

    Punctual; two days early; four days late; punctual but 10 of 100 rejected, so not in full.
    """
    supply = seen(delivered(10), delivered(20, late=-2), delivered(30, late=4), delivered(40, rejected=10))
    measures = RULES.delivery_measures(supply)
    assert measures["on_time_in_full"] == pytest.approx((2 + 5 * 0.85) / 9)
    assert measures["days_late"] == pytest.approx((4 + 5 * 1) / 9)
    assert measures["rejected"] == pytest.approx((0.1 + 5 * 0.01) / 9)


@pytest.mark.parametrize(
    ("event", "good"),
    [
        (delivered(10), 1.0),
        (delivered(10, late=-3), 1.0),
        (delivered(10, late=1), 0.0),
        (delivered(10, got=98), 1.0),
        (delivered(10, got=97), 0.0),
        (delivered(10, got=110, rejected=12), 1.0),
        (delivered(10, got=110, rejected=13), 0.0),
        (delivered(10, got=0), 0.0),
    ],
)
def test_on_time_in_full(event: DeliveryReceived, good: float) -> None:
    """By the promised date and 98 % of the quantity, rejects off; what never came is told as zero."""
    assert seen(event).on_time_in_full == good


def test_price_ratio_is_weighed_by_quantity_within_a_currency() -> None:
    """Paasche: (110 x 3 + 90 x 1) / (100 x 4) = 1.05, of 2 prices beside 5 usual; the dearest currency counts."""
    supply = seen(quoted(110, quantity=3), quoted(90, quantity=1))
    assert RULES.price_ratio(supply) == (pytest.approx(1 + 0.05 * 2 / 7), "EUR")
    supply = seen(quoted(110, quantity=3), quoted(90, quantity=1), quoted(1, 2, currency="USD", quantity=10_000_000))
    assert RULES.price_ratio(supply) == (pytest.approx(1 + 0.05 * 2 / 7), "EUR")


def test_too_few_tell_nothing() -> None:
    """Two deliveries and two prices are shown, without a value; the third makes one."""
    few = [delivered(10), delivered(11), quoted(120), quoted(120)]
    found = RULES.opinions(seen(*few), DAY + 20)
    assert {name: (opinion.value, opinion.confidence) for name, opinion in found.items()} == {
        "delivery": (None, 0.0),
        "price": (None, 0.0),
    }
    assert found["delivery"].detail["deliveries"] == "2"
    found = RULES.opinions(seen(*few, delivered(12), quoted(120)), DAY + 20)
    assert found["delivery"].value == found["delivery"].unaged
    assert found["price"].value == pytest.approx(1 + 0.2 * 3 / 8)
    assert found["price"].detail["currency"] == "EUR"


def test_a_supplier_of_whom_nothing_is_heard_is_not_judged() -> None:
    """Full confidence for 180 days after the last delivery, none after 365; the points stay what they were."""
    supply = seen(*(delivered(day, late=5) for day in (1, 2, 3)))
    opinions = [RULES.opinions(supply, DAY + 3 + days)["delivery"] for days in (180, 272, 365)]
    assert [opinion.confidence for opinion in opinions] == [1.0, pytest.approx(93 / 185), 0.0]
    assert len({opinion.value for opinion in opinions}) == 1
    assert next_change(supply, DAY + 10, STEADY) == DAY + 3 + 365
    assert next_change(supply, DAY + 3 + 365, STEADY) is None


_DELIVERY = st.builds(
    delivered,
    day=st.integers(0, 400),
    late=st.integers(-5, 20),
    got=st.integers(0, 150),
    known=st.just(400),
)
_PRICE = st.builds(quoted, price=st.integers(50, 200), day=st.integers(0, 400), quantity=st.sampled_from([None, 5]))


@given(st.lists(_DELIVERY | _PRICE, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(events: list[DeliveryReceived | PriceQuoted], random: object) -> None:
    """Late news fades as if it had come in time: whatever the order, the measures are the same (up to rounding)."""
    fading = policy()

    def measures(order: list[DeliveryReceived | PriceQuoted]) -> tuple[dict[str, float], tuple[float, str], Account]:
        known = account()
        for event in order:
            if isinstance(event, DeliveryReceived):
                receive_delivery(known, event, fading)
            else:
                quote_price(known, event, fading)
        assert known.supply is not None
        rules = SupplyRules(fading)
        return rules.delivery_measures(known.supply), rules.price_ratio(known.supply), known

    first, price, known = measures(events)
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again, price_again, other = measures(shuffled)
    assert again == pytest.approx(first)
    assert price_again[0] == pytest.approx(price[0])
    assert known.supply is not None
    assert other.supply is not None
    for name in ("day", "deliveries", "quotes", "last_delivery", "last_quote"):
        assert getattr(known.supply, name) == getattr(other.supply, name)
    assert 0 <= first["on_time_in_full"] <= 1
    assert 0 <= first["rejected"] <= 1


def test_worse_deliveries_never_have_more_points() -> None:
    """Later, shorter or more rejected: at most the same points."""
    base = [delivered(day) for day in (1, 2, 3, 4)]
    good = RULES.opinions(seen(*base, delivered(5)), DAY + 9)["delivery"].value
    assert good is not None
    for worse in (delivered(5, late=6), delivered(5, got=40), delivered(5, rejected=50), delivered(5, got=0)):
        found = RULES.opinions(seen(*base, worse), DAY + 9)["delivery"].value
        assert found is not None
        assert found < good


def test_deliveries_are_evidence_where_they_weigh() -> None:
    """By the default policy only outcomes count; by the supplier's pack deliveries too."""
    known = account()
    known.behaviour.outcomes = 2
    for day in (1, 2, 3):
        receive_delivery(known, delivered(day), STEADY)
    assert known_outcomes(known, policy()) == 2
    assert known_outcomes(known, policy(SUPPLIER)) == 5


def test_by_the_default_policy_a_customer_is_not_judged_by_deliveries() -> None:
    """They weigh nothing: no level, no points, whatever comes."""
    book = Book()
    book.see(*(delivered(day, late=20, got=10) for day in range(1, 15)))
    book.days(15, 60)
    assert not alerts(book.out)
    assert book.account.level == "UNRATED"
    assert not {"delivery", "price"} & set(book.account.points)


def test_a_supplier_that_begins_to_fail_is_tightened_and_recovers() -> None:
    """By the pack: punctual, PRIME or STANDARD; then late and short, and the level falls with DELIVERY as reason."""
    book = Book(SUPPLIER + "limits: {base: {EUR: 1000}}\n")
    for week in range(12):
        book.see(delivered(week * 7), quoted(100, day=week * 7))
        book.days(week * 7 + 1, week * 7 + 7)
    assert not Level(book.account.level).worse_than(Level.STANDARD)
    for week in range(12, 24):
        book.see(delivered(week * 7, late=9, got=60))
        book.days(week * 7 + 1, week * 7 + 7)
    tightened = alerts(book.out)
    assert tightened
    assert tightened[-1].kind == "tightening"
    assert tightened[-1].reasons[0].code == "DELIVERY"
    assert Level(book.account.level).worse_than(Level.STANDARD)
    (order,) = orders(book.see(placed("PO-1", 900, day=170)))
    assert order.decision == "hold"
    for week in range(26, 70):
        book.see(delivered(week * 7))
        book.days(week * 7 + 1, week * 7 + 7)
    assert not Level(book.account.level).worse_than(Level.STANDARD)


def test_silence_never_lowers_a_suppliers_level() -> None:
    """Good deliveries that grow too old lose their weight; a middling report that stays does not pull it down."""
    book = Book(SUPPLIER)
    book.see(reported(score=60, scale_worst=0, scale_best=100))
    for week in range(12):
        book.see(delivered(week * 7))
        book.days(week * 7 + 1, week * 7 + 7)
    before = Level(book.account.level)
    assert before is not Level.UNRATED
    book.days(85, 84 + 400)
    assert not Level(book.account.level).worse_than(before)
    assert levels(book.out)[-1].opinions


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_repeated_event_counts_once(order: tuple[int, ...]) -> None:
    """The same event ids again change nothing."""
    events = [delivered(day) for day in (1, 2, 3)]
    book = Book(SUPPLIER)
    book.see(*events)
    book.see(*(events[number] for number in order))
    assert book.account.supply is not None
    assert book.account.supply.deliveries == 3
