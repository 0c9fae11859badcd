"""The interval of a level: it holds the level, narrows with evidence, and is carried by every decision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.level_range import level_range
from models.policy import default_policy
from models.scorecard import Scorecard
from schemas.levels import LADDER, Level
from tests.unit.models.book import Book, levels

POLICY = default_policy()
CARD = Scorecard(POLICY)


def found(level: Level, low: float, high: float, cap: Level = Level.PRIME, **measures: float):  # type: ignore[no-untyped-def]
    return level_range(level, cap, (low, high), measures, {}, CARD, POLICY.ladder)


def test_scores_are_those_at_both_ends() -> None:
    """PD 1 % is 1000 points, 25 % 600; the other measure, 1000 points, has 35 of 65 parts of the weight."""
    span = found(Level.STANDARD, 0.01, 0.25, ageing=0.0)
    assert (span.score_low, span.score_high) == (538 + 276, 538 + 461)
    assert (span.worst, span.best) == (Level.STANDARD, Level.PRIME)


def test_facts_that_hold_the_level_hold_both_ends() -> None:
    span = found(Level.HIGH_RISK, 0.01, 0.9, cap=Level.HIGH_RISK)
    assert (span.worst, span.best) == (Level.BLOCKED, Level.HIGH_RISK)


def test_an_unrated_customer_shows_what_its_first_rating_may_be() -> None:
    span = found(Level.UNRATED, 0.01, 0.9)
    assert (span.worst, span.best) == (Level.BLOCKED, Level.STANDARD)


@given(
    st.sampled_from(LADDER),
    st.sampled_from(LADDER),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 100),
    st.floats(0, 1),
)
def test_the_level_lies_within_and_a_narrower_interval_within_the_wider(
    level: Level, cap: Level, one: float, other: float, index: float, shrink: float
) -> None:
    low, high = min(one, other), max(one, other)
    wide = found(level, low, high, cap, payment_index=index)
    assert not level.worse_than(wide.worst)
    assert not wide.best.worse_than(level)
    middle = (low + high) / 2
    narrow = found(level, middle - shrink * (middle - low), middle + shrink * (high - middle), cap, payment_index=index)
    assert not narrow.worst.worse_than(wide.worst)
    assert not wide.best.worse_than(narrow.best)


@pytest.mark.parametrize("level", LADDER)
def test_without_doubt_there_is_one_score(level: Level) -> None:
    span = found(level, 0.1, 0.1)
    assert span.score_low == span.score_high


def test_decisions_carry_it_and_evidence_narrows_it() -> None:
    few, many = Book(), Book()
    few.good_payer(3)
    many.good_payer(60)
    spans = [levels(book.out)[-1].level_range for book in (few, many)]
    assert all(span is not None and span.score_low < span.score_high for span in spans)
    widths = [span.score_high - span.score_low for span in spans if span is not None]
    assert widths[1] < widths[0] / 2
