"""What time does to what others said, through the whole engine: confidence goes, levels do not fall by it."""

from __future__ import annotations

import pytest

from schemas.assessments import AgencyReportReceived, FinancialStatementFiled, QualitativeReviewed
from schemas.decisions import AlertKind, CreditLevelChanged
from tests.unit.models.book import Book, alerts, levels
from tests.unit.models.build import START, invoiced, master, paid, reported, reviewed, statement

ONLY = """
scorecard:
  default_risk: {{nodes: [{{at: 0, points: {rest}}}, {{at: 1, points: {rest}.5}}]}}
  ageing: {{weight: 0}}
  payment_index: {{weight: 0}}
  utilisation: {{weight: 0}}
  order_pattern: {{weight: 0}}
  {component}: {{weight: 90}}
"""
"""The score is a quarter ``rest`` and three quarters what others say, while they are heard."""
SOUND = {
    "current_assets": 900, "current_liabilities": 100, "total_liabilities": 150, "equity": 850, "ebit": 300,
    "retained_earnings": 700, "sales": 1900,
}  # fmt: skip
HOPELESS = {
    "current_assets": 100, "current_liabilities": 1200, "total_liabilities": 1400, "equity": -400, "ebit": -300,
    "retained_earnings": -600, "sales": 300,
}  # fmt: skip
SCALE = {"scale_worst": "0", "scale_best": "10"}
YEARS = 1000


def _moves(book: Book) -> list[tuple[int, str]]:
    """Day and new level of each change of level."""
    return [
        ((event.time.date() - START).days, event.data.level.value)
        for event in book.out
        if isinstance(event.data, CreditLevelChanged) and event.data.level is not event.data.level_before
    ]


@pytest.mark.parametrize(
    ("component", "said"),
    [
        ("financial", statement(**SOUND)),
        ("agency", reported(score="9.5", **SCALE)),
        ("qualitative", reviewed((5, 5, 5))),
    ],
)
def test_good_news_that_grows_old_never_tightens(
    component: str, said: FinancialStatementFiled | AgencyReportReceived | QualitativeReviewed
) -> None:
    """The score falls to what the rest says, far below the level; the level stays, and nobody is alarmed."""
    book = Book(ONLY.format(rest=450, component=component))
    book.see(said)
    book.good_payer()
    assert book.account.level == "STANDARD"
    scores = [book.account.score]
    for day in range(50, YEARS, 50):
        book.days(day - 29, day)
        book.see(master(day))  # nothing new, but reason enough to look at the customer
        scores.append(book.account.score)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] <= 451 < 640 < scores[0]
    assert book.account.level == "STANDARD"
    assert alerts(book.out) == []


def test_the_next_source_takes_over_without_tightening() -> None:
    """The first agency's good report has grown old, the second's of the same day is worse: that is no news."""
    ages = "agencies: {order: [A, B], mappings: {A: {fresh_days: 50, max_age_days: 90, scale: {worst: 0, best: 10}}}}"
    book = Book(ONLY.format(rest=450, component="agency") + ages)
    book.see(reported("A", score="9.5"), reported("B", score="3", **SCALE))
    book.good_payer()
    book.days(21, 200)
    assert book.account.level == "STANDARD"
    assert book.account.score < 400
    book.see(reported("B", as_of=201, score="3", **SCALE))
    assert book.account.level == "HIGH_RISK"


def test_old_good_news_does_not_stand_against_facts_nor_ease() -> None:
    """What is 15 days past due lowers the level, whatever a stale statement once said; and when it is paid, the
    statement that kept a level does not lead back to it."""
    book = Book(ONLY.format(rest=350, component="financial"))
    book.see(statement(**SOUND))
    book.good_payer()
    book.days(21, YEARS)
    book.see(invoiced("I1", 1_000, due=YEARS + 10, issued=YEARS + 1))
    book.days(YEARS + 2, YEARS + 30)
    assert _moves(book)[-1] == (YEARS + 25, "WATCH")
    book.see(paid("I1", 1_000, day=YEARS + 31))
    book.days(YEARS + 32, YEARS + 200)
    assert _moves(book)[-1] == (YEARS + 25, "WATCH")
    assert book.account.score == 350


def test_a_newer_bad_report_tightens() -> None:
    """The same customer, told something new and bad: that is no matter of age."""
    book = Book(ONLY.format(rest=450, component="agency"))
    book.see(reported(score="9.5", **SCALE))
    book.good_payer()
    book.days(21, YEARS)
    book.see(reported(as_of=YEARS + 1, score="3", **SCALE))
    assert book.account.level == "HIGH_RISK"
    assert [alert.kind for alert in alerts(book.out)] == [AlertKind.TIGHTENING]


def test_bad_news_that_grows_old_is_forgiven() -> None:
    """On the day a bad statement has lost all weight the customer is looked at, and eased after its probation."""
    book = Book(ONLY.format(rest=800, component="financial"))
    book.see(statement(**HOPELESS))
    book.good_payer()
    assert book.account.level == "BLOCKED"
    book.days(21, YEARS)
    assert [move for move in _moves(book) if move[0] > 30] == [(914 + 30, "HIGH_RISK"), (914 + 60, "WATCH")]


def test_opinions_are_told_with_the_decision() -> None:
    """The level tells each opinion with its value, confidence and sources, and what was not used."""
    book = Book()
    book.see(statement(), reported("A", score="5", **SCALE), reported("B", rating="AA"), reviewed((4, 4, 4)))
    book.good_payer()
    said = {opinion.code: opinion for opinion in levels(book.out)[-1].opinions}
    assert list(said) == ["FINANCIAL", "AGENCY", "QUALITATIVE"]
    assert said["FINANCIAL"].detail["current_ratio"] == "1.667"
    assert (said["AGENCY"].value, said["AGENCY"].confidence) == (0.5, 1.0)
    assert said["AGENCY"].detail["unused"] == "B: the policy maps no ratings of the agency"
    assert said["QUALITATIVE"].detail == {"reviewers": "ana"}
