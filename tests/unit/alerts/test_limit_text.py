"""A limit tells where it comes from, in every language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from alerts.limit_text import limit_line
from alerts.texts import LANGUAGES, Language, texts
from schemas.decisions import LimitBasis


def _basis(**changes: Any) -> LimitBasis:
    values: dict[str, Any] = {
        "currency": "USD", "source": "statement", "base": Decimal(40_000), "factor": Decimal("0.70"),
        "limit": Decimal(28_000),
        "figures": {"figure": "equity", "amount": "50000", "share": "0.8", "as_of": "2025-12-31"},
    }  # fmt: skip
    return LimitBasis(**{**values, **changes})


def test_a_statement_names_its_figure_share_and_date() -> None:
    """The reader can compute the limit from the line."""
    assert limit_line(_basis(), "en") == "28,000 USD = net worth of 2025-12-31 50,000 x 0.8 x 0.7"


def test_cover_says_how_much_counts_until_when_and_what_is_left() -> None:
    """At factor 0.7 seven tenths of the cover count; a factor above 1 does not multiply cover."""
    cover = {"cover": Decimal(10_000), "cover_until": date(2026, 5, 31), "limit_after": Decimal(28_000)}
    told = limit_line(_basis(limit=Decimal(35_000), **cover), "en")
    assert told.endswith(" x 0.7 + cover 7,000 until 2026-05-31, then 28,000")
    assert " + cover 10,000 " in limit_line(_basis(factor=Decimal("1.5"), **cover), "en")


@pytest.mark.parametrize("source", ["agreed", "policy", "orders", "statement"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_source_is_told_also_without_its_figures(source: str, language: Language) -> None:
    """A newer sender may tell other figures: the base limit is still there."""
    told = limit_line(_basis(source=source, figures={"order_days": "45"}), language)
    assert "28,000 USD = " in told
    assert "40,000" in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_and_figures_have_texts(language: Language) -> None:
    """What the models may name is known here."""
    for code in (
        "limit.equity",
        "limit.sales",
        *(f"terms.{n}" for n in ("level", "agreed", "pays_late", "pays_early")),
    ):
        assert texts(language)[code]
