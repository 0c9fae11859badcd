"""Laws of models.opinions: what others say, weighed by policy and age."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import assessments
from models.account import Account, AgencyReport, External, Review, Statement
from models.opinions import DAYS_PER_MONTH, Opinion, OpinionRules, confidence, next_change, panel
from tests.unit.models.build import DAY, account, policy, reported, reviewed, statement

RULES = OpinionRules(policy())
MAPPED = """
agencies:
  order: [first, second]
  unmapped: true
  fresh_days: 100
  max_age_days: 200
  mappings:
    first: {fresh_days: 10, max_age_days: 20, scale: {worst: 600, best: 100}}
    second: {fresh_days: 50, max_age_days: 90, ratings: {A: 1000, B: 600, C: 0}}
"""
BY_TABLE = OpinionRules(policy(MAPPED))


def _told(*reports: tuple[str, int, dict[str, object]]) -> Account:
    """An account with agency reports: agency, day, what it said."""
    known = account()
    for agency, as_of, said in reports:
        assessments.receive_agency_report(known, reported(agency, as_of=as_of, **said))
    return known


def _agency(rules: OpinionRules, known: Account, day: int) -> Opinion:
    return rules.opinions(known.external, DAY + day)["agency"]


def _graded(**grades: tuple[int, int, int]) -> dict[str, Review]:
    return {who: Review(DAY, DAY + 365, *map(float, given)) for who, given in grades.items()}


def test_who_says_nothing_has_no_opinion() -> None:
    """Without statement, reports and reviews there is nothing to weigh."""
    assert RULES.opinions(External(), DAY) == {}


@pytest.mark.parametrize(
    ("age", "left"), [(-5, 1.0), (0, 1.0), (10, 1.0), (15, 0.5), (17.5, 0.25), (20, 0.0), (99, 0.0)]
)
def test_confidence_fades_between_two_ages(age: float, left: float) -> None:
    """Fresh up to 10, gone from 20 on, evenly between."""
    assert confidence(age, 10, 20) == left


@given(st.floats(0, 100), st.floats(0, 100))
def test_confidence_never_rises_with_age(one: float, other: float) -> None:
    """Who is older is trusted no more."""
    assert confidence(max(one, other), 20, 60) <= confidence(min(one, other), 20, 60)


def test_statement_points_by_hand() -> None:
    """Weights 10 and 25: current ratio 2 has 900 points, Z' 1.23 has 350; (9000 + 8750) / 35."""
    assert RULES.statement_points({"current_ratio": 2.0, "altman_z": 1.23}) == pytest.approx(17_750 / 35)


def test_unknown_ratios_share_out_their_weight() -> None:
    """One ratio alone is the whole statement, whatever its weight; none is no statement."""
    assert RULES.statement_points({"current_ratio": 2.0}) == pytest.approx(900)
    assert RULES.statement_points({}) is None


def test_ratio_without_weight_is_not_counted() -> None:
    """A firm that gives a ratio no weight does not score by it, even if it is the only one that is known."""
    rules = OpinionRules(policy("statements: {ratios: {altman_z: {weight: 0}}}"))
    assert rules.statement_points({"altman_z": 9.0}) is None
    known = External(statement=Statement(DAY, {"altman_z": 9.0}))
    assert rules.opinions(known, DAY)["financial"].value is None


def test_a_better_statement_never_has_fewer_points() -> None:
    """From failing over middling to sound, with all figures: points rise from nothing to nearly all."""
    flows = {"interest_expense": 20, "operating_cash_flow": 0, "net_income": 0, "inventory": 100}
    failing = statement(
        current_assets=200, current_liabilities=800, total_liabilities=1300, equity=-300, retained_earnings=-500,
        sales=300, ebit=-100, inventory=150, interest_expense=60, operating_cash_flow=-150, net_income=-160,
    )  # fmt: skip
    sound = statement(
        current_assets=900, current_liabilities=150, total_liabilities=200, equity=800, retained_earnings=700,
        sales=2000, ebit=320, inventory=200, interest_expense=5, operating_cash_flow=300, net_income=230,
    )  # fmt: skip
    points = []
    for filed in (failing, statement(**flows), sound):
        known = account()
        assessments.file_statement(known, filed)
        points.append(RULES.opinions(known.external, DAY)["financial"].value or 0.0)
    assert points[0] < 50
    assert 400 < points[1] < 700
    assert points[2] > 950


@pytest.mark.parametrize(("months", "left"), [(0, 1.0), (18, 1.0), (24, 0.5), (30, 0.0), (300, 0.0)])
def test_a_statement_fades_and_its_points_stay(months: int, left: float) -> None:
    """Age takes weight, never points: a statement of last century says what it said, and is not heard."""
    known = account()
    assessments.file_statement(known, statement())
    young = RULES.opinions(known.external, DAY)["financial"]
    old = RULES.opinions(known.external, DAY + round(months * DAYS_PER_MONTH))["financial"]
    assert old.value == young.value
    assert old.confidence == pytest.approx(left, abs=0.003)


def test_ratios_are_shown() -> None:
    """The opinion names the date of the statement and each ratio."""
    known = account()
    assessments.file_statement(known, statement())
    assert RULES.opinions(known.external, DAY)["financial"].detail == {
        "as_of": "2024-03-04",
        "current_ratio": "1.667",
        "liabilities_to_assets": "0.6",
        "ebit_margin": "0.06667",
        "altman_z": "2.443",
    }


@pytest.mark.parametrize(
    ("score", "worst", "best", "position"),
    [("250", "100", "600", 0.3), ("250", "600", "100", 0.7), ("0", "0", "7", 0.0), ("1", "5", "1", 1.0)],
)
def test_without_mapping_a_score_is_its_position_on_its_scale(
    score: str, worst: str, best: str, position: float
) -> None:
    """0 is the worst and 1 the best end, whether the agency's scale rises or falls."""
    known = _told(("A", 0, {"score": score, "scale_worst": worst, "scale_best": best}))
    found = _agency(RULES, known, 0)
    assert (found.value, found.unaged) == (pytest.approx(position, abs=1e-12),) * 2
    assert (found.confidence, found.detail) == (1.0, {"agency": "A", "as_of": "2024-03-04"})


def test_the_policy_maps_scores_and_ratings() -> None:
    """225 on 600 (worst) to 100 (best) is three quarters; a B is worth its 600 points."""
    assert _agency(BY_TABLE, _told(("first", 0, {"score": "225"})), 0).value == pytest.approx(0.75)
    assert _agency(BY_TABLE, _told(("second", 0, {"rating": "B"})), 0).value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("agency", "said", "because"),
    [
        ("first", {"score": "601"}, "score 601 is off the policy's scale 600 to 100"),
        ("first", {"score": "99.9"}, "score 99.9 is off the policy's scale 600 to 100"),
        ("first", {"rating": "A"}, "the policy maps no ratings of the agency"),
        ("first", {"score": "5", "scale_worst": "0", "scale_best": "9"}, "it is on the scale 0 to 9, the policy's is"),
        ("second", {"rating": "b"}, "the policy's table has no rating 'b'"),
        ("second", {"score": "5", "scale_worst": "0", "scale_best": "9"}, "the report names no rating"),
        ("other", {"score": "5"}, "neither the report nor the policy names the scale"),
        ("other", {"rating": "A"}, "the policy maps no ratings of the agency"),
    ],
)
def test_what_the_policy_cannot_read_is_kept_and_shown(agency: str, said: dict[str, object], because: str) -> None:
    """Such a report has no value and no weight; the opinion tells why, and a policy that can read it will."""
    known = _told((agency, 0, said))
    found = _agency(BY_TABLE, known, 0)
    assert (found.value, found.confidence) == (None, 0.0)
    assert found.detail["unused"].startswith(f"{agency}: {because}")
    assert agency in known.external.agencies


def test_unmapped_agencies_may_be_refused() -> None:
    """A firm may listen to those agencies only that it knows."""
    rules = OpinionRules(policy("agencies: {unmapped: false}"))
    known = _told(("A", 0, {"score": "5", "scale_worst": "0", "scale_best": "9"}))
    assert _agency(rules, known, 0) == Opinion(None, 0.0, {"unused": "A: the policy does not know the agency"})


def test_the_first_usable_source_wins() -> None:
    """In order, until it is too old; then the next; unnamed agencies last, the newest of them first."""
    scale = {"scale_worst": "0", "scale_best": "10"}
    known = _told(
        ("zeta", 1, {"score": "2", **scale}),
        ("beta", 0, {"score": "1", **scale}),
        ("second", 0, {"rating": "B"}),
        ("first", 0, {"score": "350"}),
    )
    heard = [(found.detail["agency"], found.value) for found in (_agency(BY_TABLE, known, d) for d in (0, 19, 20, 90))]
    assert heard == [("first", 0.5), ("first", 0.5), ("second", 0.6), ("zeta", 0.2)]
    assert _agency(BY_TABLE, known, 20).detail["unused"] == "first: too old"


def test_reports_fade_by_their_agency() -> None:
    """Each agency by its own ages: 15 days are half of the way from 10 to 20, and nothing for the second."""
    assert _agency(BY_TABLE, _told(("first", 0, {"score": "225"})), 15).confidence == 0.5
    assert _agency(BY_TABLE, _told(("second", 0, {"rating": "B"})), 15).confidence == 1.0
    assert _agency(BY_TABLE, _told(("second", 0, {"rating": "B"})), 70).confidence == 0.5


def test_when_all_are_too_old_the_first_is_shown_without_weight() -> None:
    """A stale report lowers confidence only: its value stays what it was."""
    known = _told(("first", 0, {"score": "225"}), ("second", 0, {"rating": "C"}))
    found = _agency(BY_TABLE, known, 500)
    assert (found.value, found.confidence) == (pytest.approx(0.75), 0.0)
    assert found.detail["unused"] == "first: too old; second: too old"


@pytest.mark.parametrize(("second_as_of", "unaged"), [(0, 0.75), (1, 0.6)])
def test_a_stale_source_gives_way_to_newer_news_only(second_as_of: int, unaged: float) -> None:
    """The second source is heard when the first is too old; unaged is the first's word, if none is newer."""
    known = _told(("first", 0, {"score": "225"}), ("second", second_as_of, {"rating": "B"}))
    found = _agency(BY_TABLE, known, 30)
    assert (found.value, found.unaged) == (pytest.approx(0.6), pytest.approx(unaged))


@pytest.mark.parametrize(("ana_as_of", "unaged"), [(0, 3.0), (2, 3.5)])
def test_an_expired_review_gives_way_to_newer_reviews_only(ana_as_of: int, unaged: float) -> None:
    """Ana's review has expired: it is unaged beside Bo's only if his is not newer than hers."""
    known = account()
    assessments.review(known, reviewed((4, 4, 4), as_of=ana_as_of, expires=10))
    assessments.review(known, reviewed((3, 3, 3), as_of=1, expires=100, reviewer="bo"))
    found = RULES.opinions(known.external, DAY + 20)["qualitative"]
    assert (found.value, found.unaged) == (3.0, unaged)


def test_mean_of_reviewers_who_agree() -> None:
    """One reviewer: the mean of the grades; several near each other: the mean of them all."""
    assert panel(_graded(ana=(5, 4, 2)), 1.5) == (pytest.approx(11 / 3), [])
    assert panel(_graded(ana=(5, 4, 2), bo=(4, 4, 3)), 1.5) == (pytest.approx((4.5 + 4 + 2.5) / 3), [])


def test_the_worse_half_counts_where_reviewers_disagree() -> None:
    """Management 5 and 2 is disputed and counts 2; the grades they agree on are not touched."""
    assert panel(_graded(ana=(5, 4, 3), bo=(2, 4, 3)), 1.5) == (pytest.approx(3.0), ["management"])
    three = _graded(ana=(5, 3, 3), bo=(1, 3, 3), cy=(4, 3, 3))
    assert panel(three, 1.5) == (pytest.approx((2.5 + 3 + 3) / 3), ["management"])


def test_disagreement_begins_above_the_threshold() -> None:
    """A spread as large as the policy allows is no dispute yet."""
    assert panel(_graded(ana=(5, 3, 3), bo=(3, 3, 3)), 2) == (pytest.approx(10 / 3), [])


@given(st.lists(st.tuples(*[st.integers(1, 5)] * 3), min_size=1, max_size=6), st.floats(0, 4))
def test_disagreement_never_helps(given_grades: list[tuple[int, int, int]], threshold: float) -> None:
    """Whatever the threshold, the panel's grade is at most the plain mean and at least the worst reviewer's."""
    reviews = _graded(**{f"r{index}": grades for index, grades in enumerate(given_grades)})
    grade, disputed = panel(reviews, threshold)
    plain, _ = panel(reviews, 4)
    worst = sum(min(column) for column in zip(*given_grades, strict=True)) / 3
    assert worst - 1e-9 <= grade <= plain + 1e-9
    if not disputed:
        assert grade == plain


def test_reviews_count_through_their_last_day() -> None:
    """Each until it expires; when the last has expired they are shown, without weight."""
    known = account()
    assessments.review(known, reviewed((4, 4, 4), expires=10))
    assessments.review(known, reviewed((5, 5, 5), expires=20, reviewer="bo"))
    found = {day: RULES.opinions(known.external, DAY + day)["qualitative"] for day in (10, 11, 20, 21)}
    assert [(opinion.value, opinion.confidence) for opinion in found.values()] == [
        (4.5, 1.0), (5.0, 1.0), (5.0, 1.0), (4.5, 0.0),
    ]  # fmt: skip
    assert found[11].detail == {"reviewers": "bo", "expired": "ana"}


def test_disputes_are_shown() -> None:
    """Which grades are disputed, and by whom."""
    known = account()
    assessments.review(known, reviewed((1, 4, 2)))
    assessments.review(known, reviewed((4, 4, 5), reviewer="bo"))
    detail = RULES.opinions(known.external, DAY)["qualitative"].detail
    assert detail == {"reviewers": "ana, bo", "disputed": "management, reputation"}


def test_unknown_reviewers_are_not_heard() -> None:
    """A policy that names its reviewers uses no others, and shows that there are some."""
    rules = OpinionRules(policy("reviews: {reviewers: [bo]}"))
    known = account()
    assessments.review(known, reviewed((5, 5, 5)))
    assert rules.opinions(known.external, DAY)["qualitative"] == Opinion(None, 0.0, {"unknown_reviewers": "ana"})
    assessments.review(known, reviewed((2, 2, 2), reviewer="bo"))
    assert rules.opinions(known.external, DAY)["qualitative"].value == 2.0


def test_the_next_change_is_the_first_that_time_brings() -> None:
    """A statement's or report's last day, or the day after a review's; nothing is ever planned for the past."""
    said = External(
        statement=Statement(DAY, {}),
        agencies={"first": AgencyReport(DAY), "other": AgencyReport(DAY - 60)},
        reviews={"ana": Review(DAY, DAY + 15, 3.0, 3.0, 3.0)},
    )
    rules = policy(MAPPED)
    days, found = [], next_change(said, DAY, rules)
    while found is not None:
        days.append(found - DAY)
        found = next_change(said, found, rules)
    assert days == [16, 20, 140, 914]
    assert next_change(External(), DAY, rules) is None


@given(st.decimals(0, 10, places=2), st.decimals(0, 10, places=2))
def test_a_better_score_never_has_fewer_points(one: Decimal, other: Decimal) -> None:
    """Points follow the scale from its worst to its best end."""
    worse, better = sorted((one, other))
    scale = {"scale_worst": "0", "scale_best": "10"}
    values = [_agency(RULES, _told(("A", 0, {"score": score, **scale})), 0).value for score in (worse, better)]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0] <= values[1]
