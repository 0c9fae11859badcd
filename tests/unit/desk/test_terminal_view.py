"""The live view: everything that matters is on it, and no customer can steer the terminal through it."""

from __future__ import annotations

import io
import re
from decimal import Decimal

import pytest
from rich.console import Console

from alerts.feed import FeedItem
from alerts.texts import LANGUAGES, Language
from desk.board import Board
from desk.demo_progress import Pulse
from desk.terminal_view import Screen, view
from schemas.decisions import OrderCheck, WayBack
from schemas.levels import Level
from schemas.topics import ALERTS, DEAD_LETTERS, LEVELS, MODEL_LOG, ORDER_DECISIONS
from tests.unit.alerts.samples import alert, dead_letter, envelope, level, note, order

EVIL = "[red]x[/red]\x1b]0;owned\x07\x9b2J\u202e"
SCREEN = Screen(
    "live",
    1_234,
    Pulse(events=1_200, entries=1_300, lag=34),
    512.0,
    "2025-03-14 17:00",
    "1 d = 2 s",
    "http://127.0.0.1:6072",
)


def _board(customer: str, invoice: str = "INV-1", order_id: str = "O1") -> Board:
    board = Board()
    way = WayBack(to_level=Level.STANDARD, pay={"USD": Decimal(4_200)}, invoices=[invoice], not_before=None)
    for topic, data in (
        (LEVELS, level()),
        (ALERTS, alert(way_back=way)),
        (
            ORDER_DECISIONS,
            order(order_id=order_id, checks=[OrderCheck(code="LEVEL_HOLD", detail={"level": "HIGH_RISK"})]),
        ),
        (DEAD_LETTERS, dead_letter()),
        (MODEL_LOG, note(kind="promoted", model=customer)),
    ):
        board.apply(FeedItem(topic, 0, 0, envelope(data, subject=customer, event_id=topic)))
    board.since_publish.add(0.042)
    return board


def _rendered(board: Board, language: Language, width: int = 200, height: int = 40, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), record=True, width=width, height=height, force_terminal=colour, color_system="truecolor"
    )
    console.print(view(board, SCREEN, language, width, height))
    return console.export_text(styles=colour)


def test_all_figures_and_lines_are_shown() -> None:
    """Figures, levels with their change, an alert with why and way back, an order with its check."""
    shown = _rendered(_board("C1"), "en")
    for part in (
        "2025-03-14 17:00", "events published 1,234", "applied 1,200", "512/s", "lag 34", "p50 42 ms", "dead letters 1",
        "tightened 1", "C1", "standard -> watch", "score 712 -> 598", "12,500 USD",
        "oldest item 17 days past due in USD", "back to standard: pay 4,200 USD", "Ctrl-C leaves",
        "model of late payment (A), partition 1: C1 leads from now on",
        "held 1", "O1  300.00 USD  orders at level high risk wait for a person",
    ):  # fmt: skip
        assert part in shown
    assert re.search(r"watch +1 +\+1 \(7 days\) █", shown)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("colour", [False, True])
def test_hostile_names_steer_nothing(language: Language, colour: bool) -> None:
    """Only our own colours reach the terminal: escape sequences are gone, and markup is shown as text."""
    shown = _rendered(_board(EVIL, EVIL, EVIL), language, colour=colour)
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert all(sign.isprintable() or sign == "\n" for sign in without_colours)
    assert "[red]x[/red]" in without_colours


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), [(200, 60), (100, 30), (80, 24)])
def test_the_view_fits_its_terminal(language: Language, width: int, height: int) -> None:
    """A full board is never larger than the terminal, so that nothing scrolls."""
    board = _board("C1")
    for number in range(60):
        for topic, data in ((ALERTS, alert()), (ORDER_DECISIONS, order())):
            board.apply(FeedItem(topic, 0, 0, envelope(data, subject=f"C{number}", event_id=f"{topic}{number}")))
    assert len(_rendered(board, language, width, height).splitlines()) <= height


def test_an_empty_board_says_why() -> None:
    """Before the first alert the view explains that levels need evidence."""
    assert "some paid invoices" in _rendered(Board(), "en")
