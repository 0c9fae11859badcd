"""Laws of models.payment_index."""

from __future__ import annotations

from itertools import pairwise

import pytest

from models.payment_index import MIN_PAYMENTS, payment_index


@pytest.mark.parametrize(
    ("days_late", "index"),
    [(-30, 100), (-20, 90), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20)],
)
def test_index_at_the_named_delays(days_late: float, index: float) -> None:
    """The index has the scale of the trade: 100 = 30 days early, 80 = prompt, 50 = 30 days late, 20 = 120 late."""
    assert payment_index(days_late) == index


@pytest.mark.parametrize(
    ("days_late", "index"), [(-25, 95), (-10, 85), (7.5, 75), (18.5, 65), (26, 55), (45, 45), (75, 35), (105, 25)]
)
def test_index_is_linear_in_between(days_late: float, index: float) -> None:
    """Half-way between two named delays the index is half-way too."""
    assert payment_index(days_late) == pytest.approx(index, rel=1e-15)


@pytest.mark.parametrize(("days_late", "index"), [(-31, 100), (-365, 100), (121, 20), (1000, 20)])
def test_index_is_bounded(days_late: float, index: float) -> None:
    """No payment is better than 100 or worse than 20."""
    assert payment_index(days_late) == index


def test_later_never_raises_the_index() -> None:
    """Within the scale each day later lowers the index."""
    indices = [payment_index(day) for day in range(-30, 121)]
    assert all(later < earlier for earlier, later in pairwise(indices))


def test_index_needs_three_payments() -> None:
    """The smallest number of payments behind an index is three."""
    assert MIN_PAYMENTS == 3
