"""How the demo shows itself: a live view on a terminal, plain lines elsewhere, nothing but the result for JSON."""

from __future__ import annotations

import time

import click
from rich.console import Console, RenderableType
from rich.live import Live

from alerts.feed import FeedItem
from alerts.model_notes import note_sentence
from alerts.order_text import order_sentence
from alerts.plain import plain
from alerts.sentences import alert_sentence
from alerts.texts import Language, text
from desk.demo_run import DemoRun
from desk.labels import label
from desk.terminal_view import Screen, view
from schemas.decisions import CreditAlert, DeadLetter, ModelNote, OrderDecision

_SUMMARY_SECONDS = 5.0


class SilentShow:
    """Shows nothing: stdout belongs to the JSON object."""

    def item(self, item: FeedItem) -> None:
        """Nothing."""

    def beat(self, run: DemoRun) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class PlainShow:
    """One line per alert, order that waits or is freed, note of the model log and dead letter; figures now and then."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._next_summary = 0.0

    def item(self, item: FeedItem) -> None:
        """A line for what it is."""
        data = item.event.data
        if isinstance(data, CreditAlert):
            click.echo(f"{item.event.time:%Y-%m-%d %H:%M} {alert_sentence(item.event.subject, data, self._language)}")
        elif isinstance(data, OrderDecision):
            click.echo(f"{item.event.time:%Y-%m-%d %H:%M} {order_sentence(item.event.subject, data, self._language)}")
        elif isinstance(data, ModelNote):
            click.echo(f"{item.event.time:%Y-%m-%d %H:%M} {note_sentence(data, self._language)}")
        elif isinstance(data, DeadLetter):
            where = f"{data.source.topic}/{data.source.partition}/{data.source.offset}"
            click.echo(f"{text(data.reason_code, self._language)}: {where}: {plain(data.message, 300)}")

    def beat(self, run: DemoRun) -> None:
        """A line of figures when it is time."""
        now = time.monotonic()
        if now < self._next_summary:
            return
        self._next_summary = now + _SUMMARY_SECONDS
        language, board, pulse = self._language, run.board, run.pulse
        levels = ", ".join(f"{text(level.value, language)} {count:,}" for level, count in board.levels().items())
        figures = [
            f"-- {label(run.phase, language)}",
            f"{label('book_time', language)} {book_date(run)}",
            f"{label('published', language)} {run.published:,}",
            f"{label('applied', language)} {pulse.events:,} ({run.per_second:,.0f}{label('per_second', language)})",
            f"{label('lag', language)} {pulse.lag:,}",
            f"{label('dead_letters', language)} {board.dead_letters:,}",
            levels,
        ]
        click.echo(" · ".join(figures))

    def close(self) -> None:
        """Nothing is open."""


class LiveShow:
    """The live view, on the terminal's other screen; the last state is printed again when it closes."""

    def __init__(self, console: Console, language: Language, pace: str, desk: str = "") -> None:
        self._console, self._language, self._pace, self._desk = console, language, pace, desk
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._live.start()
        self._last: DemoRun | None = None

    def item(self, item: FeedItem) -> None:
        """The board has it already."""

    def beat(self, run: DemoRun) -> None:
        """Draw the view."""
        self._last = run
        self._live.update(self._view(run), refresh=True)

    def close(self) -> None:
        """Give the terminal back and leave the last view on it."""
        self._live.stop()
        if self._last is not None:
            self._console.print(self._view(self._last))

    def _view(self, run: DemoRun) -> RenderableType:
        pace = self._pace if run.phase == "live" else ""
        screen = Screen(run.phase, run.published, run.pulse, run.per_second, book_date(run), pace, self._desk)
        return view(run.board, screen, self._language, self._console.width, self._console.height)


def book_date(run: DemoRun) -> str:
    """Event time of the newest event published."""
    at = run.publisher.book_time if run.publisher is not None else None
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
