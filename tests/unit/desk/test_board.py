"""The demo's board: what it counts is what came."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.feed import FeedItem
from desk.board import CHANGE_DAYS, Board, Latencies
from schemas.decisions import Decision, OrderCheck
from schemas.levels import Level
from schemas.topics import ALERTS, DEAD_LETTERS, LEVELS, MODEL_LOG, ORDER_DECISIONS
from tests.unit.alerts.samples import AT, alert, dead_letter, envelope, level, note, order

MOVES = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.sampled_from(list(Level)), st.integers(0, 30)))


def _moved(customer: str, to: Level, day: int = 0) -> FeedItem:
    return FeedItem(LEVELS, 0, 0, envelope(level(level=to), subject=customer, at=AT + timedelta(days=day)))


@given(MOVES)
def test_customers_by_level_are_the_last_level_of_each(moves: list[tuple[str, Level, int]]) -> None:
    """However often customers move, each counts once, at its last level."""
    board = Board()
    for customer, to, day in moves:
        board.apply(_moved(customer, to, day))
    last = Counter({customer: to for customer, to, _ in moves}.values())
    assert board.levels() == {each: last[each] for each in Level}


def test_changes_look_back_some_days_of_book_time() -> None:
    """The change of a level compares with the counts of the day so long ago, and forgets what is older."""
    board = Board()
    board.apply(_moved("A", Level.PRIME, 0))
    board.apply(_moved("B", Level.PRIME, 1))
    assert board.changes()[Level.PRIME] == 2
    board.apply(_moved("A", Level.WATCH, 1 + CHANGE_DAYS))
    assert board.changes()[Level.PRIME] == 0  # since the beginning of day 1: B came, A went
    assert board.changes()[Level.WATCH] == 1


def test_everything_is_counted_by_its_kind() -> None:
    """Decisions, kinds of alert, kinds of order decision and dead letters have counts of their own."""
    board = Board()
    for topic, data in (
        (ALERTS, alert()),
        (ORDER_DECISIONS, order()),
        (ORDER_DECISIONS, order(decision=Decision.APPROVE)),
        (DEAD_LETTERS, dead_letter()),
    ):
        board.apply(FeedItem(topic, 0, 0, envelope(data)))
    board.apply(_moved("A", Level.WATCH))
    assert board.total_decisions == 4
    assert board.alert_kinds == {"tightening": 1}
    assert board.order_kinds == {"hold": 1, "approve": 1}
    assert board.dead_letters == 1
    assert [line.order.decision for line in board.orders] == [Decision.HOLD]  # approvals are no news


def test_quantiles_are_nearest_rank() -> None:
    """p50 and p99 of 1 to 100 ms; none without samples; the newest samples alone when asked."""
    latencies = Latencies()
    assert latencies.quantile_ms(0.5) is None
    for milliseconds in range(1, 101):
        latencies.add(milliseconds / 1000)
    assert (latencies.quantile_ms(0.5), latencies.quantile_ms(0.99)) == (50.0, 99.0)
    assert latencies.quantile_ms(0.5, newest=10) == 95.0


def test_notes_of_the_models_are_no_decisions() -> None:
    """A note is kept for the screen, newest first, and counts neither as a decision nor moves the book's time."""
    board = Board()
    for number, kind in enumerate(("quality", "promoted")):
        board.apply(FeedItem(MODEL_LOG, 0, number, envelope(note(kind=kind), subject="partition-1")))
    assert [each.kind for each in board.notes] == ["promoted", "quality"]
    assert (board.total_decisions, board.book_time) == (0, None)


def test_an_order_is_news_when_what_became_of_it_changes() -> None:
    """Held once more for other numbers is no news; that it has waited long, is released, or is held anew, is."""
    board = Board()
    aged = order(checks=[OrderCheck(code="HOLD_AGED", detail={"days": "3"})])
    steps = [
        (order(), True),
        (order(), False),
        (aged, True),
        (aged, False),
        (order(decision=Decision.RELEASE, checks=[]), True),
        (order(), True),
        (order(decision=Decision.APPROVE, checks=[]), False),
    ]
    assert [board.apply(FeedItem(ORDER_DECISIONS, 0, 0, envelope(step))) for step, _ in steps] == [
        news for _, news in steps
    ]
    assert len(board.orders) == 4
