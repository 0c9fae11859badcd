"""Laws of models.level_ladder."""

from __future__ import annotations

import pytest

from models.level_ladder import Standing, earliest_easing, level_kept, level_on_merit, next_standing
from schemas.levels import LADDER, Level
from tests.unit.models.build import DAY, policy

P, S, W, H, B, U = Level.PRIME, Level.STANDARD, Level.WATCH, Level.HIGH_RISK, Level.BLOCKED, Level.UNRATED
RULES = policy(
    "ladder: {PRIME: {enter: 900, exit: 850}, STANDARD: {enter: 720, exit: 640}, WATCH: {enter: 500, exit: 420},"
    " HIGH_RISK: {enter: 300, exit: 150}, dwell_days: 14, probation_days: 30, evidence_floor: 3}"
).ladder


def _next(
    standing: Standing, score: int, day: int = 0, cap: Level = P, evidence: int = 10, *, may_tighten: bool = True
) -> Standing:
    return next_standing(
        standing, score=score, cap=cap, evidence=evidence, day=DAY + day, may_tighten=may_tighten, ladder=RULES
    )


@pytest.mark.parametrize(
    ("score", "level"),
    [(1000, P), (900, P), (899, S), (720, S), (719, W), (500, W), (499, H), (300, H), (299, B), (0, B)],
)
def test_levels_are_entered_at_their_threshold(score: int, level: Level) -> None:
    """A level on merit needs its entry points; below those of HIGH_RISK there is only BLOCKED."""
    assert level_on_merit(score, P, RULES) is level


@pytest.mark.parametrize(
    ("current", "score", "level"),
    [
        (P, 850, P),
        (P, 849, S),
        (P, 639, W),
        (P, 149, B),
        (S, 640, S),
        (S, 639, W),
        (W, 420, W),
        (W, 419, H),
        (H, 150, H),
        (H, 149, B),
        (B, 1000, B),
        (S, 1000, S),
    ],
)
def test_levels_are_kept_down_to_their_exit(current: Level, score: int, level: Level) -> None:
    """A level is kept down to its exit points, lower than its entry; nothing is gained by keeping."""
    assert level_kept(current, score, P, RULES) is level


@pytest.mark.parametrize("cap", LADDER)
def test_cap_beats_any_score(cap: Level) -> None:
    """With the best score the level is the cap, on merit and kept; with the worst it is BLOCKED."""
    assert level_on_merit(1000, cap, RULES) is cap
    assert level_kept(P, 1000, cap, RULES) is cap
    assert level_on_merit(0, cap, RULES) is B
    assert level_kept(P, 0, cap, RULES) is B


def test_score_between_exit_and_entry_changes_nothing() -> None:
    """Between 640 and 719 a STANDARD customer stays STANDARD and a WATCH customer stays WATCH."""
    for score in (640, 700, 719):
        assert _next(Standing(S, DAY), score, day=100) == Standing(S, DAY)
        assert _next(Standing(W, DAY), score, day=100) == Standing(W, DAY)


def test_tightening_is_at_once_and_as_deep_as_it_must_be() -> None:
    """A fall takes effect on its day without dwell, by several steps if need be."""
    assert _next(Standing(P, DAY), 400, day=1) == Standing(H, DAY + 1)
    assert _next(Standing(P, DAY), 1000, day=1, cap=B) == Standing(B, DAY + 1)


def test_tightening_forgets_the_way_up() -> None:
    """Whoever falls starts the probation anew."""
    assert _next(Standing(W, DAY, better_since=DAY + 1), 300, day=20) == Standing(H, DAY + 20, None)


def test_late_news_never_tightens() -> None:
    """What arrives late leaves the level, its day and the probation as they are."""
    for standing in (Standing(P, DAY), Standing(W, DAY, DAY + 5)):
        assert _next(standing, 0, day=9, cap=B, may_tighten=False) == standing


def test_late_news_may_ease() -> None:
    """News that may not tighten still counts towards better."""
    assert _next(Standing(W, DAY), 800, day=9, may_tighten=False) == Standing(W, DAY, DAY + 9)


def test_probation_begins_when_better_is_deserved() -> None:
    """The day on which the better level is deserved first is kept while it is deserved."""
    first = _next(Standing(W, DAY), 720, day=10)
    assert first == Standing(W, DAY, DAY + 10)
    assert _next(first, 750, day=25) == Standing(W, DAY, DAY + 10)


def test_probation_is_lost_with_the_score() -> None:
    """One day below the entry, though above the exit, starts the probation anew."""
    waiting = _next(Standing(W, DAY), 720, day=10)
    lost = _next(waiting, 719, day=20)
    assert lost == Standing(W, DAY, None)
    assert _next(lost, 720, day=21) == Standing(W, DAY, DAY + 21)


@pytest.mark.parametrize(("day", "level"), [(39, W), (40, S)])
def test_easing_after_probation(day: int, level: Level) -> None:
    """Deserved from day 10 on, the better level is given 30 days later, not one day sooner."""
    assert _next(Standing(W, DAY, DAY + 10), 720, day=day).level is level


@pytest.mark.parametrize(("day", "level"), [(13, W), (14, S)])
def test_no_easing_within_the_dwell(day: int, level: Level) -> None:
    """With the probation passed already, 14 days since the last change are needed."""
    assert _next(Standing(W, DAY, DAY - 100), 720, day=day).level is level


def test_easing_is_one_step_at_a_time() -> None:
    """From HIGH_RISK with the best score: WATCH first, and the probation for STANDARD begins that day."""
    eased = _next(Standing(H, DAY, DAY), 1000, day=30)
    assert eased == Standing(W, DAY + 30, DAY + 30)
    assert _next(eased, 1000, day=59) == eased
    assert _next(eased, 1000, day=60) == Standing(S, DAY + 60, DAY + 60)


def test_easing_to_what_is_deserved_ends_the_probation() -> None:
    """At the level on merit nothing better is waiting."""
    assert _next(Standing(W, DAY, DAY), 800, day=30) == Standing(S, DAY + 30, None)


def test_cap_holds_the_easing() -> None:
    """While a cap holds, no probation runs, whatever the score."""
    assert _next(Standing(W, DAY, DAY), 1000, day=30, cap=W) == Standing(W, DAY, None)


@pytest.mark.parametrize(("evidence", "level"), [(0, U), (2, U), (3, S), (50, S)])
def test_evidence_floor_holds_unrated(evidence: int, level: Level) -> None:
    """With fewer than 3 known outcomes a customer stays UNRATED; with 3 it is rated."""
    assert _next(Standing(U, DAY), 800, day=5, evidence=evidence).level is level


def test_unrated_never_tightens() -> None:
    """Below the floor neither the worst score nor the hardest cap gives a level."""
    assert _next(Standing(U, DAY), 0, day=5, cap=B, evidence=2) == Standing(U, DAY)


@pytest.mark.parametrize(("score", "level"), [(1000, S), (720, S), (600, W), (350, H), (0, B)])
def test_first_rating_is_at_most_standard(score: int, level: Level) -> None:
    """The first rating is the one on merit, PRIME excepted: that has to be earned by probation."""
    assert _next(Standing(U, DAY), score, day=5) == Standing(level, DAY + 5)


def test_late_news_gives_no_first_rating() -> None:
    """A first rating may be bad news: it waits for punctual news."""
    assert _next(Standing(U, DAY), 800, day=5, may_tighten=False) == Standing(U, DAY)


def test_earliest_easing_is_the_later_of_dwell_and_probation() -> None:
    """The day of easing is known beforehand: since + 14 or deserved + 30, whichever is later."""
    assert earliest_easing(Standing(W, DAY, DAY + 10), RULES) == DAY + 40
    assert earliest_easing(Standing(W, DAY, DAY - 100), RULES) == DAY + 14
    assert earliest_easing(Standing(W, DAY), RULES) is None


@pytest.mark.parametrize("better_since", [-50, -17, -16, -15, 0, 5])
def test_earliest_easing_is_when_it_happens(better_since: int) -> None:
    """On the named day the customer is eased, on the day before not."""
    standing = Standing(W, DAY, DAY + better_since)
    day = earliest_easing(standing, RULES)
    assert day is not None
    assert _next(standing, 800, day=day - DAY - 1).level is W
    assert _next(standing, 800, day=day - DAY).level is S
