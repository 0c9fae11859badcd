"""The live view of the demo: header, customers by level, latest alerts with reasons, orders that had to wait."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from alerts.model_notes import note_sentence
from alerts.order_text import order_why
from alerts.plain import plain
from alerts.sentences import alert_why, amounts, money, score_before, way_back_text
from alerts.texts import Language, text
from desk.board import AlertLine, Board, OrderLine
from desk.demo_progress import Pulse
from desk.labels import label
from schemas.decisions import AlertKind, Decision, ModelNote
from schemas.levels import Level

LEVEL_STYLE: dict[Level, str] = {
    Level.PRIME: "green",
    Level.STANDARD: "cyan",
    Level.WATCH: "yellow",
    Level.HIGH_RISK: "red",
    Level.BLOCKED: "bold red",
    Level.UNRATED: "bright_black",
}
_KIND_STYLE = {
    AlertKind.TIGHTENING: "red",
    AlertKind.EASING: "green",
    AlertKind.RETRACTION: "magenta",
    AlertKind.REVIEW: "yellow",
}
_DECISION_STYLE = {Decision.HOLD: "yellow", Decision.REJECT: "red", Decision.RELEASE: "green"}
_ID_WIDTH = 22
_ORDERS_SHOWN = 4
_FIXED_LINES = 3 + 3 + len(Level) + 1
"""Header, headings, levels and a last line; the rest of the screen is for alerts (two lines each) and orders."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What the view shows beside the board. ``phase`` is the name of a label; ``desk``: where the risk desk is."""

    phase: str
    published: int
    pulse: Pulse
    per_second: float
    book_date: str
    pace: str
    desk: str = ""


def view(board: Board, screen: Screen, language: Language, width: int, height: int) -> RenderableType:
    """The whole view for a terminal of this size. Customers' text enters only as ``Text``: markup is not read."""
    notes = [
        Text(f"  {note_sentence(note, language)}", style="dim", no_wrap=True, overflow="ellipsis")
        for note in list(board.notes)[:1]
    ]
    alerts = max(2, (height - _FIXED_LINES - _ORDERS_SHOWN - len(notes)) // 2)
    return Group(
        _header(board, screen, language),
        _heading(label("customers", language)),
        _levels(board, language, width),
        _heading(label("alerts", language) + _counts(board, language)),
        _alerts(list(board.alerts)[:alerts], language),
        *notes,
        _heading(label("orders", language) + _order_counts(board, language)),
        _orders(list(board.orders)[:_ORDERS_SHOWN], language),
    )


def _note(note: ModelNote, language: Language) -> Text:
    return Text(f"  {note_sentence(note, language)}", style="dim", no_wrap=True, overflow="ellipsis")


def _header(board: Board, screen: Screen, language: Language) -> RenderableType:
    p50, p99 = board.since_publish.quantile_ms(0.5, 500), board.since_publish.quantile_ms(0.99, 500)
    latency = "-" if p50 is None or p99 is None else f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms"
    figures = [
        (label("published", language), f"{screen.published:,}"),
        (label("applied", language), f"{screen.pulse.events:,}"),
        ("", f"{screen.per_second:,.0f}{label('per_second', language)}"),
        (label("lag", language), f"{screen.pulse.lag:,}"),
        (label("latency", language), latency),
        (label("dead_letters", language), f"{board.dead_letters:,}"),
    ]
    line = Text(no_wrap=True, overflow="ellipsis")
    for number, (name, value) in enumerate(figures):
        line.append("  ·  " if number else "", style="dim")
        line.append(f"{name} " if name else "", style="dim")
        line.append(value, style="bold red" if name == label("dead_letters", language) and value != "0" else "bold")
    title = Text.assemble(
        (label("title", language), "bold"),
        ("  ·  ", "dim"),
        (f"{label('book_time', language)} ", "dim"),
        (screen.book_date, "bold"),
        (f"  ·  {label(screen.phase, language)} {screen.pace}".rstrip(), "dim"),
    )
    leave = label("leave", language)
    below = Text.assemble((f"{label('desk', language)} ", "dim"), (screen.desk, "bold"), f"  ·  {leave}")
    return Panel(
        line, title=title, title_align="left", subtitle=below if screen.desk else leave, subtitle_align="right"
    )


def _heading(words: str) -> Rule:
    return Rule(Text(words, style="bold"), align="left", style="dim")


def _counts(board: Board, language: Language) -> str:
    shown = [f"{text(kind.value, language)} {board.alert_kinds[kind.value]:,}" for kind in AlertKind]
    return ": " + ", ".join(shown)


def _order_counts(board: Board, language: Language) -> str:
    shown = [f"{text(kind.value, language)} {board.order_kinds[kind.value]:,}" for kind in Decision]
    return ": " + ", ".join(shown)


def _levels(board: Board, language: Language, width: int) -> Table:
    counts, changes = board.levels(), board.changes()
    largest = max([1, *counts.values()])
    bar_width = max(10, width - 45)
    table = Table.grid(padding=(0, 1))
    table.add_column(width=12)
    table.add_column(justify="right", width=8)
    table.add_column(justify="right", width=14)
    table.add_column(no_wrap=True)
    for level, count in counts.items():
        change = changes[level]
        worse = level in (Level.WATCH, Level.HIGH_RISK, Level.BLOCKED)
        style = "dim" if not change or level is Level.UNRATED else "red" if (change > 0) is worse else "green"
        table.add_row(
            Text(text(level.value, language), style=LEVEL_STYLE[level]),
            Text(f"{count:,}", style="bold"),
            Text(f"{change:+,} ({label('change', language)})" if change else "", style=style),
            Text("█" * (-(-count * bar_width // largest)), style=LEVEL_STYLE[level]),
        )
    return table


def _alerts(lines: list[AlertLine], language: Language) -> RenderableType:
    if not lines:
        return Text(f"  {label('no_alerts', language)}", style="dim")
    return Group(*(part for line in lines for part in _alert(line, language)))


def _alert(line: AlertLine, language: Language) -> tuple[Text, Text]:
    alert = line.alert
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f"  {line.at:%m-%d %H:%M}  ", style="dim")
    head.append(_cell(text(alert.kind.value, language), 11), style=_KIND_STYLE[alert.kind])
    head.append(_cell(plain(line.customer, _ID_WIDTH), 14), style="bold")
    head.append(text(alert.level_before.value, language), style=LEVEL_STYLE[alert.level_before])
    head.append(" -> ", style="dim")
    head.append(text(alert.level.value, language), style=LEVEL_STYLE[alert.level])
    before = "" if score_before(alert) is None else f"{score_before(alert)} -> "
    head.append(f"  {label('score', language)} {before}{alert.score}", style="dim")
    if any(alert.at_stake.values()):
        head.append(f"  {label('exposure', language)} {amounts(alert.at_stake, language)}")
    why = Text(f"               {alert_why(alert, language)}", style="dim", no_wrap=True, overflow="ellipsis")
    if alert.way_back is not None:
        why.append(text("separator", language) + way_back_text(alert.way_back, language))
    return head, why


def _orders(lines: list[OrderLine], language: Language) -> RenderableType:
    if not lines:
        return Text(f"  {label('no_orders', language)}", style="dim")
    return Group(*(_order(line, language) for line in lines))


def _order(line: OrderLine, language: Language) -> Text:
    order = line.order
    shown = Text(no_wrap=True, overflow="ellipsis")
    shown.append(f"  {line.at:%m-%d %H:%M}  ", style="dim")
    shown.append(_cell(text(order.decision.value, language), 11), style=_DECISION_STYLE.get(order.decision, ""))
    shown.append(_cell(plain(line.customer, _ID_WIDTH), 14), style="bold")
    shown.append(f"{plain(order.order_id, _ID_WIDTH)}  {money(order.amount, order.currency)}")
    shown.append(f"  {order_why(order, language)}", style="dim")
    return shown


def _cell(words: str, width: int) -> str:
    """The words and what fills them up to ``width`` columns of the screen (a Chinese sign takes two)."""
    return words + " " * max(1, width - cell_len(words))
