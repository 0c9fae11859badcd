"""Laws of models.statements."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.statements import altman_z, ratios
from tests.unit.models.build import statement

FULL = {"inventory": 200, "interest_expense": 25, "operating_cash_flow": 120, "net_income": 50}
AMOUNTS = (
    "current_assets",
    "inventory",
    "total_assets",
    "current_liabilities",
    "total_liabilities",
    "equity",
    "retained_earnings",
    "sales",
    "ebit",
    "interest_expense",
    "operating_cash_flow",
    "net_income",
)


def test_ratios_by_hand() -> None:
    """All figures known: 500/300, 300/300, 600/1000, 100/25, 100/1500, 50/1000, 120/300 and Z'."""
    assert ratios(statement(**FULL)) == pytest.approx(
        {
            "current_ratio": 5 / 3,
            "quick_ratio": 1.0,
            "liabilities_to_assets": 0.6,
            "interest_cover": 4.0,
            "ebit_margin": 1 / 15,
            "return_on_assets": 0.05,
            "cash_flow_cover": 0.4,
            "altman_z": 0.1434 + 0.21175 + 0.3107 + 0.28 + 1.497,
        },
        abs=1e-12,
    )


@pytest.mark.parametrize(
    ("missing", "ratio"),
    [
        ("inventory", "quick_ratio"),
        ("interest_expense", "interest_cover"),
        ("net_income", "return_on_assets"),
        ("operating_cash_flow", "cash_flow_cover"),
    ],
)
def test_what_is_not_known_is_absent(missing: str, ratio: str) -> None:
    """A figure that is not in the statement is unknown, not zero: its ratio alone is left out."""
    full = ratios(statement(**FULL))
    assert ratios(statement(**{**FULL, missing: None})) == {k: v for k, v in full.items() if k != ratio}


def test_no_sales_no_margin() -> None:
    """A firm without sales has no margin, and no division by zero."""
    assert "ebit_margin" not in ratios(statement(sales=0))


@given(st.integers(1, 24))
def test_flows_are_brought_to_a_year(months: int) -> None:
    """With flows in proportion to the period, every ratio is that of the year."""
    year = statement(**FULL)
    flows = {name: getattr(year, name) * 24 for name in ("sales", "ebit", "interest_expense")}
    flows |= {name: getattr(year, name) * 24 for name in ("net_income", "operating_cash_flow")}
    stocks = {name: getattr(year, name) * 24 for name in AMOUNTS if name not in flows}
    part = {name: amount * months / 12 for name, amount in flows.items()}
    assert ratios(statement(**stocks, **part, period_months=months)) == pytest.approx(ratios(year), rel=1e-9)


@given(st.sampled_from([Decimal("0.5"), 3, 1000, 10**9]))
def test_ratios_have_no_currency(unit: Decimal | int) -> None:
    """Ratios do not change with the unit of the amounts."""
    plain = statement(**FULL)
    scaled = {name: getattr(plain, name) * unit for name in AMOUNTS}
    assert ratios(statement(**scaled)) == pytest.approx(ratios(plain), rel=1e-12)


def test_altman_of_a_loss_with_negative_equity() -> None:
    """.717 x -.3 + .847 x -.4 + 3.107 x -.1 + .420 x -200/1200 + .998 x .5 = -.4356."""
    failing = statement(
        current_liabilities=800, total_liabilities=1200, equity=-200, retained_earnings=-400, sales=500, ebit=-100
    )
    assert altman_z(failing) == pytest.approx(-0.2151 - 0.3388 - 0.3107 - 0.07 + 0.499, abs=1e-12)


def test_altman_without_liabilities() -> None:
    """Without liabilities, or next to none, equity covers them ten times at most: 0.420 x 10."""
    none = statement(current_liabilities=0, total_liabilities=0, equity=1000)
    few = statement(current_liabilities=0, total_liabilities=1, equity=999)
    expected = 0.717 * 0.5 + 0.847 * 0.25 + 3.107 * 0.1 + 4.2 + 0.998 * 1.5
    assert altman_z(none) == pytest.approx(expected, abs=1e-12)
    assert altman_z(few) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("ebit", "flow", "sign"), [(100, 120, 1), (-100, -120, -1), (0, 0, 1)])
def test_without_debts_covers_are_at_their_limit(ebit: int, flow: int, sign: int) -> None:
    """To owe nothing is what owing next to nothing tends to: full cover, or none at all for a loss."""
    debt_free = {"current_liabilities": 0, "ebit": ebit, "operating_cash_flow": flow}
    none = ratios(statement(**{**FULL, **debt_free, "interest_expense": 0}))
    assert (none["current_ratio"], none["quick_ratio"]) == (10.0, 10.0)
    assert (none["interest_cover"], none["cash_flow_cover"]) == (sign * 100.0, sign * 10.0)
    if ebit:
        little = {**debt_free, "current_liabilities": "0.01", "interest_expense": "0.01"}
        next_to_none = ratios(statement(**{**FULL, **little}))
        for name in ("current_ratio", "quick_ratio", "interest_cover", "cash_flow_cover"):
            assert next_to_none[name] == none[name]
