"""Laws of the report's parts: calibration, batch model, segments, levels, groups, fairness."""

from __future__ import annotations

from array import array
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, poisson

from models.account import Master
from models.default_risk.risk import Outcome
from streams.backtesting.batch_model import batch_probabilities
from streams.backtesting.fairness import MINIMUM_CUSTOMERS, fairness_report, poisson_interval
from streams.backtesting.groups import customer_groups
from streams.backtesting.intervals import wilson
from streams.backtesting.levels import levels_over_time, migration
from streams.backtesting.quality import calibration, prediction_report, segments_report
from streams.backtesting.truth import Invoice

FIRST = date(2025, 1, 1).toordinal()


def outcome(day: int, customer: str = "C1", model: float = 0.5, bad: bool = False, acted: bool = False) -> Outcome:
    """An invoice issued so many days after the first; its feature says whether it turns out bad."""
    features = array("f", [1.0 if bad else 0.0, 0.5]).tobytes()
    issued = FIRST + day
    return Outcome(customer, f"I{day}", issued, issued + 20, model, 0.3, bad, "A", features, acted)


def invoice(customer: str, issued: int, amount: int = 100, paid: int | None = 10, currency: str = "EUR") -> Invoice:
    """Due ten days after its issue, paid so many days after that."""
    start = FIRST + issued
    done = None if paid is None else start + 10 + paid
    return Invoice(customer, start, start + 10, Decimal(amount), currency, paid=done)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_calibration_bins_hold_every_row_once(pairs: list[tuple[float, bool]]) -> None:
    """Their counts add up, and so do rate and probability, weighted; bins ascend."""
    bins = calibration([p for p, _ in pairs], [bad for _, bad in pairs])
    assert sum(b["n"] for b in bins) == len(pairs)
    assert sum(b["n"] * b["rate"] for b in bins) == pytest.approx(sum(bad for _, bad in pairs))
    assert sum(b["n"] * b["mean_probability"] for b in bins) == pytest.approx(sum(p for p, _ in pairs))
    assert all(b["from"] <= b["mean_probability"] + 1e-12 and b["low"] <= b["rate"] <= b["high"] for b in bins)
    assert [b["from"] for b in bins] == sorted(b["from"] for b in bins)


@given(st.integers(0, 40), st.integers(0, 40))
def test_wilson_is_the_known_interval(positives: int, others: int) -> None:
    """The one that scipy gives."""
    n = max(1, positives + others)
    expected = binomtest(min(positives, n), n).proportion_ci(method="wilson")
    assert wilson(min(positives, n), n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_poisson_interval_is_exact(count: int) -> None:
    """At either end, a count as far out as this one has 2.5 %."""
    low, high = poisson_interval(count)
    assert poisson.cdf(count, high) == pytest.approx(0.025)
    assert count == 0 or poisson.sf(count - 1, low) == pytest.approx(0.025)


def test_the_batch_model_learns_only_what_was_certain_before_the_month() -> None:
    """Of two laws, one that turns around on the 1st of June: June is foretold by the old one, and wrongly."""
    dice = Random(1)
    past = [outcome(dice.randrange(120), bad=dice.random() < 0.5) for _ in range(400)]
    june = date(2025, 6, 1).toordinal() - FIRST
    turned = outcome(june + 3, bad=False)
    turned.features = array("f", [1.0, 0.5]).tobytes()
    later = [outcome(june + 2, bad=True), turned]
    assert [p > 0.9 for p in batch_probabilities([*past, *later], later)] == [True, True]


def test_a_batch_model_without_a_past_is_the_naive_rate() -> None:
    """Fewer outcomes than a fit needs."""
    tested = [outcome(100), outcome(101, bad=True)]
    assert batch_probabilities(tested, tested) == [0.3, 0.3]


def test_the_largest_customer_is_left_out_once() -> None:
    """The one with most rows; the rest is scored as it stands."""
    rows = [outcome(day, "big", 0.9, True) for day in range(90, 100)] + [outcome(day, "small") for day in (92, 94)]
    found = prediction_report([outcome(0), *rows])["A"]["without_largest"]
    assert (found["customer_id"], found["share_of_rows"]) == ("big", pytest.approx(10 / 12))
    assert (found["model"]["n"], found["model"]["positives"]) == (2, 0)


def test_what_we_acted_on_is_counted_and_not_scored() -> None:
    """Our own hand was in it."""
    found = prediction_report([outcome(0), outcome(90), outcome(95, acted=True)])["A"]
    assert (found["model"]["n"], found["acted_on"]) == (1, 1)


def test_segments_divide_the_rows() -> None:
    """Each group has its own rows and its own alerts."""
    rows = [outcome(0), *(outcome(day, "a", 0.8, True) for day in (90, 91)), outcome(92, "b")]
    (found,) = segments_report(rows, {"region": {"a": "north", "b": "south"}}, {"a": [FIRST + 91]}).values()
    assert [(g["name"], g["n"], g["positives"], g["tightenings"]) for g in found] == [
        ("north", 2, 2, 1),
        ("south", 1, 0, 0),
    ]


def test_levels_at_the_ends_of_months_and_the_way_between() -> None:
    """The last decision of a month stands; whoever came after the middle has no place in the matrix."""
    history = {"a": [(FIRST, "STANDARD"), (FIRST + 40, "WATCH")], "b": [(FIRST + 50, "PRIME")]}
    found = levels_over_time(history, FIRST + 60)
    assert [(m["month"], m["STANDARD"], m["WATCH"], m["PRIME"]) for m in found] == [
        ("2025-01", 1, 0, 0), ("2025-02", 0, 1, 1), ("2025-03", 0, 1, 1),
    ]  # fmt: skip
    moved = migration(history, FIRST + 60)
    assert moved is not None
    assert moved["matrix"]["STANDARD"]["WATCH"] == 1
    assert sum(sum(row.values()) for row in moved["matrix"].values()) == 1


def test_groups_leave_out_what_tells_nobody_apart() -> None:
    """One currency for all is no dimension; size counts within the currency."""
    customers = {f"c{n}": [invoice(f"c{n}", 0, 100 * n)] for n in range(1, 9)}
    masters = {"c1": Master(sector="steel"), "c2": Master(sector="wood")}
    found = customer_groups(customers, masters, FIRST + 30)
    assert set(found) == {"sector", "size"}
    assert (found["size"]["c1"], found["size"]["c8"]) == ("EUR Q1", "EUR Q4")
    assert found["sector"] == {"c1": "steel", "c2": "wood"}


def test_small_groups_show_no_rates() -> None:
    """One customer fewer than the minimum says more of chance than of us."""
    customers = {f"c{n}": [invoice(f"c{n}", 0, paid=80)] for n in range(2 * MINIMUM_CUSTOMERS - 1)}
    members = {c: "large" if n < MINIMUM_CUSTOMERS else "small" for n, c in enumerate(sorted(customers))}
    warned = {c: [FIRST + 40] for c in customers}
    large, small = fairness_report(customers, {"size": members}, warned, FIRST + 100)["groups"]["size"]
    years = MINIMUM_CUSTOMERS * 90 / 365.25
    assert large["per_customer_year"] == pytest.approx(MINIMUM_CUSTOMERS / years)
    assert large["low"] < large["per_customer_year"] < large["high"]
    assert (large["share_of_customers"], large["median_lead_days"]) == (1.0, 31)
    assert (small["tightenings"], small["per_customer_year"], small["enough"]) == (MINIMUM_CUSTOMERS - 1, None, False)
