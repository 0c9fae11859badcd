"""Parts of the pages of a customer, of models and of data that need no browser: texts, typed input, verdicts."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from desk.web.customer.entry import AGENCY, REVIEW, STATEMENT, said_of
from desk.web.pages.data_quality import verdict_of
from desk.web.texts import messages
from schemas.assessments import StatementFigures
from schemas.errors import InvalidInput

WEB = Path(__file__).parents[4] / "desk" / "web"
TYPED = {
    "as_of": "2024-12-31", "currency": "EUR", "current_assets": "1,500", "total_assets": " 3000 ",
    "current_liabilities": "700", "total_liabilities": "1800", "equity": "1200", "retained_earnings": "-50",
    "sales": "9,000.50", "ebit": "240", "inventory": "", "interest_expense": None,
}  # fmt: skip


def test_each_text_that_a_part_asks_for_is_in_the_file_of_its_page() -> None:
    """Parts lie in folders of their own, and their texts in the file of the page that shows them."""
    known, asked = messages(), 0
    for folder, files in (("customer", "customer"), ("oversight", "models data_quality")):
        for module in WEB.glob(f"{folder}/*.py"):
            for key in re.findall(r"""\bt\(\s*"([a-z0-9_.]+)\"""", module.read_text(encoding="utf-8")):
                asked += 1
                names = [key] if "." in key else [f"{file}.{key}" for file in files.split()]
                assert any(name in known for name in names), f"{module.name}: {key}"
    assert asked > 100


@pytest.mark.parametrize("kind", [STATEMENT, AGENCY, REVIEW], ids=lambda kind: kind.name)
def test_the_fields_of_a_dialog_are_those_of_the_contract(kind: object) -> None:
    contract = kind.contract.model_fields  # type: ignore[attr-defined]
    asked = {*kind.fields, *kind.optional}  # type: ignore[attr-defined]
    assert asked <= set(contract)
    assert all(f"customer.field_{name}" in messages() for name in asked)
    assert {name for name, field in contract.items() if field.is_required()} <= set(kind.fields)  # type: ignore[attr-defined]


def test_what_was_typed_becomes_what_is_entered() -> None:
    """Amounts as people write them; what is left empty is unknown, not zero."""
    said = said_of(STATEMENT, TYPED)
    assert isinstance(said, StatementFigures)
    assert (said.sales, said.total_assets, said.inventory) == (Decimal("9000.50"), Decimal(3000), None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"equity": "9999"}, "equity"), ({"sales": "much"}, "sales"), ({"currency": "XXQ"}, "currency")],
)
def test_what_is_wrong_is_named(changed: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        said_of(STATEMENT, TYPED | changed)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("validity", "behind", "verdict"),
    [(1.0, 0.5, "fine"), (0.9, 0.5, "refuses"), (1.0, 9.0, "quiet"), (None, None, "quiet"), (0.0, None, "refuses")],
)
def test_a_source_is_fine_quiet_or_refused(validity: float | None, behind: float | None, verdict: str) -> None:
    assert verdict_of({"validity": validity, "behind_days": behind}) == verdict
