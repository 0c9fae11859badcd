"""Laws of models.assessments."""

from __future__ import annotations

from decimal import Decimal

from models import assessments
from models.account import AgencyReport, Master, Override, Review, Statement
from models.calendar import ms_of_day
from models.statements import ratios
from schemas.assessments import CoverChanged
from schemas.levels import Level
from tests.unit.models.build import (
    CUSTOMER,
    DAY,
    account,
    at,
    master,
    on,
    overridden,
    reported,
    reviewed,
    statement,
)

HEAD = {"version": 1, "event_id": "e1", "occurred_at": at(400), "customer_id": CUSTOMER}


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


def test_newest_statement_counts() -> None:
    """An older statement that comes later changes nothing; one of the same day corrects."""
    known = account()
    known.clock = ms_of_day(DAY + 120)
    size = (DAY + 120, "EUR", Decimal(400), Decimal(1500))
    assessments.file_statement(known, statement(as_of=100))
    assessments.file_statement(known, statement(as_of=99, ebit=0))
    assert known.external.statement == Statement(DAY + 100, ratios(statement()), *size)
    assessments.file_statement(known, statement(as_of=100, ebit=0))
    assert known.external.statement == Statement(DAY + 100, ratios(statement(ebit=0)), *size)


def test_size_of_a_statement_is_that_of_a_year() -> None:
    """Sales of 6 months count twice; net worth is a balance and stays what it is."""
    known = account()
    assessments.file_statement(known, statement(period_months=6, sales=750))
    assert known.external.statement is not None
    assert (known.external.statement.sales, known.external.statement.equity) == (1500, 400)


def test_agency_report_is_kept_as_it_was_said() -> None:
    """Score, scale and rating stay exact: what they mean is said by the policy, which may change."""
    known = account()
    assessments.receive_agency_report(
        known, reported("A", as_of=50, score="9.10", scale_worst="0", scale_best="10", rating="BB+")
    )
    assert known.external.agencies == {
        "A": AgencyReport(DAY + 50, Decimal("9.10"), Decimal(0), Decimal(10), "BB+"),
    }


def test_newest_report_of_each_agency_counts() -> None:
    """An older report that comes later changes nothing, one of the same day corrects, other agencies stand beside."""
    known = account()
    for agency, as_of, rating in (("A", 50, "A1"), ("B", 10, "B1"), ("A", 49, "A2"), ("B", 10, "B2")):
        assessments.receive_agency_report(known, reported(agency, as_of=as_of, rating=rating))
    assert {name: report.rating for name, report in known.external.agencies.items()} == {"A": "A1", "B": "B2"}


def test_newest_review_of_each_reviewer_counts() -> None:
    """What is newest is said by its date, not by how long it claims to hold."""
    known = account()
    assessments.review(known, reviewed((5, 5, 5), as_of=0, expires=365))
    assessments.review(known, reviewed((2, 3, 4), as_of=100, expires=130))
    assessments.review(known, reviewed((1, 1, 1), as_of=99, expires=900))
    assessments.review(known, reviewed((4, 4, 4), as_of=5, expires=300, reviewer="bo"))
    assert known.external.reviews == {
        "ana": Review(DAY + 100, DAY + 130, 2.0, 3.0, 4.0),
        "bo": Review(DAY + 5, DAY + 300, 4.0, 4.0, 4.0),
    }


def test_voices_are_bounded() -> None:
    """Of more than twelve agencies the one that spoke longest ago is forgotten: the state does not grow for ever."""
    known = account()
    for number in range(20):
        assessments.receive_agency_report(known, reported(f"A{number:02d}", as_of=100 - number, rating="A"))
    assert sorted(known.external.agencies) == [f"A{number:02d}" for number in range(12)]


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


def test_expired_cover_is_forgotten_when_new_cover_comes() -> None:
    """The state of an account does not grow with cover that has ended; the last day of cover still counts."""
    known = account()
    assessments.change_cover(known, _cover("K1", "100", expires=30))
    known.clock = ms_of_day(DAY + 30)
    assessments.change_cover(known, _cover("K2", "100", expires=90))
    assert sorted(known.external.covers) == ["K1", "K2"]
    known.clock = ms_of_day(DAY + 31)
    assessments.change_cover(known, _cover("K3", "100", expires=90))
    assert sorted(known.external.covers) == ["K2", "K3"]


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
