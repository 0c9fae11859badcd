"""Laws of models.reasons."""

from __future__ import annotations

from random import Random

import pytest

from models.reasons import OTHER, reason_code, reasons
from models.scorecard import COMPONENTS


def test_largest_change_first() -> None:
    """Reasons are ordered by the size of their contribution, good or bad."""
    before = {"ageing": 300, "payment_index": 100, "utilisation": 50}
    after = {"ageing": 200, "payment_index": 250, "utilisation": 60}
    found = reasons(before, after, {})
    assert [(r.code, r.contribution) for r in found] == [("PAYMENT_INDEX", 150), ("AGEING", -100), ("UTILISATION", 10)]


def test_equal_changes_are_ordered_by_name() -> None:
    """Ties do not depend on the order in which components came."""
    found = reasons({"k2": 5, "k1": 9, "k3": 1}, {"k3": 3, "k1": 7, "k2": 3}, {})
    assert [r.code for r in found] == ["K1", "K2", "K3"]


def test_what_did_not_change_is_no_reason() -> None:
    """A component with the same points before and after is not shown."""
    assert [r.code for r in reasons({"ageing": 300, "agency": 9}, {"ageing": 300, "agency": 8}, {})] == ["AGENCY"]
    assert reasons({"ageing": 300}, {"ageing": 300}, {}) == []


def test_components_that_come_and_go_count_whole() -> None:
    """A component that became known adds its points, one that became unknown takes them."""
    found = reasons({"qualitative": 40}, {"financial": 70}, {})
    assert [(r.code, r.contribution) for r in found] == [("FINANCIAL", 70), ("QUALITATIVE", -40)]


def test_at_most_four_and_other() -> None:
    """Six changes make four reasons and OTHER, which sums the rest: 5 - 4 = 1."""
    before = dict.fromkeys(("k1", "k2", "k3", "k4", "k5", "k6"), 100)
    after = {"k1": 110, "k2": 80, "k3": 130, "k4": 60, "k5": 105, "k6": 96}
    found = reasons(before, after, {})
    assert [(r.code, r.contribution) for r in found] == [
        ("K4", -40),
        ("K3", 30),
        ("K2", -20),
        ("K1", 10),
        (OTHER, 1),
    ]


def test_other_of_zero_is_left_out() -> None:
    """A rest that cancels out is not shown."""
    before = dict.fromkeys(("k1", "k2", "k3", "k4", "k5", "k6"), 100)
    after = {"k1": 110, "k2": 80, "k3": 130, "k4": 60, "k5": 105, "k6": 95}
    assert [r.code for r in reasons(before, after, {})] == ["K4", "K3", "K2", "K1"]


@pytest.mark.parametrize("seed", range(30))
def test_contributions_sum_exactly_to_the_change(seed: int) -> None:
    """Whatever changed, the contributions sum to the change of score, in at most five reasons."""
    dice = Random(seed)
    before = {name: dice.randint(0, 300) for name in COMPONENTS if dice.random() < 0.7}
    after = {name: dice.randint(0, 300) for name in COMPONENTS if dice.random() < 0.7}
    found = reasons(before, after, {})
    assert sum(r.contribution for r in found) == sum(after.values()) - sum(before.values())
    assert len(found) <= 5
    assert [r.code for r in found].count(OTHER) <= 1


def test_detail_is_the_measure() -> None:
    """A reason carries the value behind it in four digits; one whose measure is unknown now carries none."""
    found = reasons({"agency": 9}, {"default_risk": 700}, {"default_risk": 0.123456})
    assert [(r.code, r.detail) for r in found] == [("DEFAULT_RISK", {"value": "0.1235"}), ("AGENCY", {})]


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_has_a_code(name: str) -> None:
    """Each component makes a reason that the contract accepts."""
    (found,) = reasons({}, {name: 1}, {})
    assert found.code == reason_code(name) == name.upper()
