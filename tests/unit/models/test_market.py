"""Laws of models.market: what the whole sector shows is no sign of one customer, and a reading is no licence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import Master
from models.market import market_relief
from models.partition import MarketReading
from schemas.events import MarketIndexRead
from tests.unit.models.book import Book, levels
from tests.unit.models.build import DAY, at, entry, invoiced, master, on, paid, policy

RULES = policy().market
STEEL = Master(sector="steel", region="north")


def readings(**values: float) -> dict[str, MarketReading]:
    """Of today: sector=..., region=..."""
    return {f"{scope}:{getattr(STEEL, scope)}": MarketReading(value, DAY) for scope, value in values.items()}


@given(st.floats(1, 300), st.floats(1, 300), st.integers(0, 200))
def test_relief_falls_with_the_index_and_is_bounded(one: float, other: float, age: int) -> None:
    """A worse market never excuses less; 100 and above excuse nothing; never more than the policy allows."""
    reliefs = []
    for value in sorted((one, other)):
        found = market_relief(STEEL, readings(sector=value), DAY + age, RULES)
        reliefs.append(0.0 if found is None else found.points)
        assert found is None or value < 100
    assert 0.0 <= reliefs[1] <= reliefs[0] <= RULES.max_relief


@pytest.mark.parametrize(("values", "points"), [
    ({"sector": 90}, 5), ({"region": 84}, 8), ({"sector": 90, "region": 96}, 2), ({"sector": 90, "region": 101}, None),
    ({"sector": 40}, 10), ({}, None),
])  # fmt: skip
def test_the_weaker_of_sector_and_region_counts(values: dict[str, float], points: float | None) -> None:
    """Half of the points below 100, ten at most; where one of the two is sound there is no excuse."""
    found = market_relief(STEEL, readings(**values), DAY, RULES)
    assert (None if found is None else found.points) == points


@pytest.mark.parametrize(("age", "points"), [(45, 5.0), (60, 4.0), (120, None)])
def test_readings_grow_old(age: int, points: float | None) -> None:
    """Whole up to 45 days, nothing from 120 on."""
    found = market_relief(STEEL, readings(sector=90), DAY + age, RULES)
    assert (None if found is None else found.points) == pytest.approx(points)


def test_who_is_of_another_sector_is_not_excused() -> None:
    """Nor who is of none."""
    assert market_relief(Master(sector="wood"), readings(sector=50), DAY, RULES) is None
    assert market_relief(Master(), readings(sector=50), DAY, RULES) is None


def slide(index: int | None) -> Book:
    """A steel maker that paid on time and begins to pay 70 days late; the sector's index, if any, stands there."""
    weights = "scorecard: {default_risk: {weight: 1}, ageing: {weight: 0}}"
    book = Book(f"ladder: {{evidence_floor: 2}}\nknock_outs: {{ageing: [], early: []}}\n{weights}")
    book.see(master(sector="steel"))
    book.good_payer()
    if index is not None:
        reading = MarketIndexRead(
            version=1,
            event_id="m",
            occurred_at=at(21),
            scope="sector",
            name="steel",
            value=Decimal(index),
            as_of=on(21),
        )
        book.offset += 1
        book.out += book.engine.apply(book.offset, entry(reading, book.offset, topic="market")).out
    for number in range(4):
        book.see(invoiced(f"late-{number}", 1_000, due=25, issued=21))
    book.days(22, 94)
    for number in range(4):
        book.see(paid(f"late-{number}", 1_000, day=95))
    return book


def test_a_slide_of_the_whole_sector_costs_less_than_ones_own() -> None:
    """The same late payments: fewer points are lost where the index fell as well, and the reason says so."""
    alone, normal, together = slide(None), slide(100), slide(80)
    assert alone.account.points == normal.account.points
    assert together.account.points["payment_index"] > alone.account.points["payment_index"]
    told = [r for change in levels(together.out) for r in change.reasons if r.code == "PAYMENT_INDEX"]
    excused = [reason.detail for reason in told if "market" in reason.detail]
    assert {detail["market"] for detail in excused} == {"sector:steel 80"}
    assert all(float(detail["own"]) < float(detail["value"]) <= 80 for detail in excused)


def test_reasons_sum_to_the_change_with_an_excuse_too() -> None:
    """Exactly, as without."""
    for change in levels(slide(80).out):
        if change.score_before is not None:
            assert sum(reason.contribution for reason in change.reasons) == change.score - change.score_before
