"""Laws of models.curve."""

from __future__ import annotations

import pytest

from models.curve import Curve

BENT = Curve([(-10, 4.0), (0, 0.0), (5, 10.0), (25, 20.0)])


@pytest.mark.parametrize(("x", "y"), [(-10, 4.0), (0, 0.0), (5, 10.0), (25, 20.0)])
def test_curve_goes_through_its_nodes(x: float, y: float) -> None:
    """At a node the value is the one of the node."""
    assert BENT(x) == y


@pytest.mark.parametrize(("x", "y"), [(-5, 2.0), (2.5, 5.0), (1, 2.0), (10, 12.5), (20, 17.5)])
def test_curve_is_linear_between_nodes(x: float, y: float) -> None:
    """Between two nodes the value lies on their straight line."""
    assert BENT(x) == pytest.approx(y, rel=1e-15)


@pytest.mark.parametrize(("x", "y"), [(-11, 4.0), (-1e9, 4.0), (26, 20.0), (1e9, 20.0), (float("inf"), 20.0)])
def test_curve_is_constant_beyond_its_ends(x: float, y: float) -> None:
    """Outside the nodes the value of the nearest end holds."""
    assert BENT(x) == y


def test_curve_of_one_node_is_constant() -> None:
    """One node makes a constant."""
    flat = Curve([(3, 7)])
    assert [flat(2), flat(3), flat(4)] == [7.0, 7.0, 7.0]


def test_curve_keeps_its_own_nodes() -> None:
    """Changing the list given to a curve does not bend it."""
    nodes: list[tuple[float, float]] = [(0, 0), (10, 100)]
    curve = Curve(nodes)
    nodes[1] = (10, 0)
    assert curve(5) == 50.0
