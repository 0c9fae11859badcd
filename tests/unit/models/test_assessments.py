"""Laws of models.assessments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from models import assessments
from models.account import Master, Override
from schemas.assessments import AgencyReportReceived, CoverChanged, FinancialStatementFiled, QualitativeReviewed
from schemas.levels import Level
from tests.unit.models.build import CUSTOMER, DAY, account, at, master, on, overridden

HEAD = {"version": 1, "event_id": "e1", "occurred_at": at(400), "customer_id": CUSTOMER}


def _statement(as_of: int = 0, **changed: Any) -> FinancialStatementFiled:
    """Total assets 1000 = liabilities 600 + equity 400; sales 1500, EBIT 100."""
    return FinancialStatementFiled.model_validate(
        {
            **HEAD,
            "as_of": on(as_of),
            "currency": "EUR",
            "current_assets": 500,
            "total_assets": 1000,
            "current_liabilities": 300,
            "total_liabilities": 600,
            "equity": 400,
            "retained_earnings": 250,
            "sales": 1500,
            "ebit": 100,
            **changed,
        }
    )


def _report(score: str, worst: str, best: str, as_of: int = 0) -> AgencyReportReceived:
    return AgencyReportReceived.model_validate(
        {**HEAD, "agency": "A", "as_of": on(as_of), "score": score, "scale_worst": worst, "scale_best": best}
    )


def _review(grades: tuple[int, int, int], as_of: int, expires: int) -> QualitativeReviewed:
    management, position, reputation = grades
    return QualitativeReviewed.model_validate(
        {
            **HEAD,
            "reviewer": "ana",
            "as_of": on(as_of),
            "expires_on": on(expires),
            "management": management,
            "industry_position": position,
            "reputation": reputation,
        }
    )


def _cover(cover_id: str, amount: str, expires: int = 90) -> CoverChanged:
    return CoverChanged.model_validate(
        {
            **HEAD,
            "cover_id": cover_id,
            "kind": "credit_insurance",
            "amount": amount,
            "currency": "EUR",
            "expires_on": on(expires),
        }
    )


def test_altman_by_hand() -> None:
    """.717 x .2 + .847 x .25 + 3.107 x .1 + .420 x 2/3 + .998 x 1.5 = 2.44285."""
    assert assessments.altman_z(_statement()) == pytest.approx(0.1434 + 0.21175 + 0.3107 + 0.28 + 1.497, abs=1e-12)


def test_altman_of_half_a_year() -> None:
    """Sales and EBIT of six months count twice, the balance sheet once."""
    half = _statement(period_months=6, sales=750, ebit=50)
    assert assessments.altman_z(half) == pytest.approx(assessments.altman_z(_statement()), abs=1e-12)


def test_altman_of_a_loss_with_negative_equity() -> None:
    """.717 x -.3 + .847 x -.4 + 3.107 x -.1 + .420 x -200/1200 + .998 x .5 = -.4356."""
    failing = _statement(
        current_liabilities=800, total_liabilities=1200, equity=-200, retained_earnings=-400, sales=500, ebit=-100
    )
    assert assessments.altman_z(failing) == pytest.approx(-0.2151 - 0.3388 - 0.3107 - 0.07 + 0.499, abs=1e-12)


def test_altman_without_liabilities() -> None:
    """Without liabilities, or next to none, equity covers them ten times at most: 0.420 x 10."""
    none = _statement(current_liabilities=0, total_liabilities=0, equity=1000)
    few = _statement(current_liabilities=0, total_liabilities=1, equity=999)
    expected = 0.717 * 0.5 + 0.847 * 0.25 + 3.107 * 0.1 + 4.2 + 0.998 * 1.5
    assert assessments.altman_z(none) == pytest.approx(expected, abs=1e-12)
    assert assessments.altman_z(few) == pytest.approx(expected, abs=1e-12)


def test_altman_has_no_currency() -> None:
    """Ratios do not change with the unit of the amounts."""
    names = ("current_assets", "total_assets", "current_liabilities", "total_liabilities", "equity")
    plain = _statement()
    thousandfold = {name: getattr(plain, name) * 1000 for name in (*names, "retained_earnings", "sales", "ebit")}
    assert assessments.altman_z(_statement(**thousandfold)) == pytest.approx(assessments.altman_z(plain), rel=1e-12)


def test_newest_statement_counts() -> None:
    """An older statement that comes later changes nothing; one of the same day corrects."""
    known = account()
    assessments.file_statement(known, _statement(as_of=100))
    newest = known.external.altman_z
    assessments.file_statement(known, _statement(as_of=99, ebit=0))
    assert (known.external.altman_z, known.external.statement_day) == (newest, DAY + 100)
    assessments.file_statement(known, _statement(as_of=100, ebit=0))
    assert newest is not None
    assert known.external.altman_z == pytest.approx(newest - 0.3107, abs=1e-12)


@pytest.mark.parametrize(
    ("score", "worst", "best", "position"),
    [("250", "100", "600", 0.3), ("250", "600", "100", 0.7), ("0", "0", "7", 0.0), ("1", "5", "1", 1.0)],
)
def test_agency_score_is_its_position_on_the_scale(score: str, worst: str, best: str, position: float) -> None:
    """0 is the worst and 1 the best end, whether the agency's scale rises or falls."""
    known = account()
    assessments.receive_agency_report(known, _report(score, worst, best))
    assert known.external.agency == pytest.approx(position, abs=1e-12)


def test_newest_agency_report_counts() -> None:
    """An older report that comes later changes nothing."""
    known = account()
    assessments.receive_agency_report(known, _report("9", "0", "10", as_of=50))
    assessments.receive_agency_report(known, _report("1", "0", "10", as_of=49))
    assert (known.external.agency, known.external.agency_day) == (0.9, DAY + 50)


def test_review_is_the_mean_of_its_grades() -> None:
    """5, 4 and 2 make 11/3, until the day they expire."""
    known = account()
    assessments.review(known, _review((5, 4, 2), as_of=0, expires=365))
    assert known.external.qualitative == pytest.approx(11 / 3)
    assert known.external.qualitative_expires == DAY + 365


def test_newer_review_replaces() -> None:
    """A newer review that lasts longer replaces; an older one that comes later and ended sooner does not."""
    known = account()
    assessments.review(known, _review((5, 5, 5), as_of=0, expires=365))
    assessments.review(known, _review((1, 1, 1), as_of=100, expires=465))
    assert known.external.qualitative == 1.0
    assessments.review(known, _review((4, 4, 4), as_of=-50, expires=315))
    assert (known.external.qualitative, known.external.qualitative_expires) == (1.0, DAY + 465)


def test_a_newer_review_counts_even_if_it_holds_for_less_time() -> None:
    """What is newest is said by its date, not by how long it claims to hold."""
    known = account()
    assessments.review(known, _review((5, 5, 5), as_of=0, expires=365))
    assessments.review(known, _review((2, 2, 2), as_of=100, expires=130))
    assert (known.external.qualitative, known.external.qualitative_expires) == (2.0, DAY + 130)


def test_cover_is_kept_by_id_until_zero() -> None:
    """A cover of the same id replaces, another stands beside it, an amount of zero ends it."""
    known = account()
    assessments.change_cover(known, _cover("K1", "100"))
    assessments.change_cover(known, _cover("K2", "5"))
    assessments.change_cover(known, _cover("K1", "70.50", expires=30))
    assert known.external.covers == {
        "K1": ("credit_insurance", Decimal("70.50"), "EUR", DAY + 30),
        "K2": ("credit_insurance", Decimal(5), "EUR", DAY + 90),
    }
    assessments.change_cover(known, _cover("K1", "0"))
    assessments.change_cover(known, _cover("K9", "0"))
    assert list(known.external.covers) == ["K2"]


def test_master_data_replace_all_that_was_known() -> None:
    """What a later change does not name is unknown again: master data are whole."""
    known = account()
    assessments.change_master_data(
        known, master(name="Müller", sector="steel", base_limits={"USD": "5", "EUR": "7.50"}, terms_days=30)
    )
    assert known.master == Master(
        name="Müller", sector="steel", base_limits={"EUR": Decimal("7.50"), "USD": Decimal(5)}, terms_days=30
    )
    assert list(known.master.base_limits) == ["EUR", "USD"]
    assessments.change_master_data(known, master(region="north"))
    assert known.master == Master(region="north")


def test_override_is_set_replaced_and_taken_back() -> None:
    """The latest override stands with its person and expiry; null takes it back."""
    known = account()
    assessments.override_level(known, overridden(Level.BLOCKED, expires=10))
    assert known.override == Override("BLOCKED", "ana", DAY + 10)
    assessments.override_level(known, overridden(Level.PRIME, expires=20))
    assert known.override == Override("PRIME", "ana", DAY + 20)
    assessments.override_level(known, overridden(None, expires=20))
    assert known.override is None
