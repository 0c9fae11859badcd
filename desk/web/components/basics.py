"""The small parts: cards, tiles, badges, buttons, lists of facts and reasons, what is shown when there is nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from desk.web.frame import Frame
from desk.web.theme import LEVEL_ICONS
from schemas.levels import Level

_TOPICS = frozenset({"payments", "overdue", "orders", "assessments", "supply", "market", "policy"})
LOOKS = ("good", "bad", "warn", "info", "")


@contextmanager
def card(
    title: str = "", note: str = "", *, span: int = 12, flush: bool = False, classes: str = ""
) -> Iterator[Element]:
    """A card in a grid of 12 columns; gives its head, for buttons. ``flush``: a table or list fills it to the edges."""
    with ui.element("section").classes(f"card span-{span} {classes}"):
        head = ui.element("div").classes("card-head")
        with head:
            if title:
                with ui.element("h2").classes("card-title"):
                    ui.label(title)
            if note:
                ui.label(note).classes("card-note")
        if not title and not note:
            head.set_visibility(False)
        with ui.element("div").classes("card-body" + (" flush" if flush else "")):
            yield head


class Tile:
    """One figure with its name and a note; ``show`` changes it."""

    def __init__(self, label: str, *, span: int = 2, about: str = "") -> None:
        with ui.element("section").classes(f"card tile span-{span}"):
            ui.label(label).classes("tile-label")
            self._value = ui.label("–").classes("tile-value")
            self._note = ui.label("").classes("tile-note clip")
            if about:
                ui.tooltip(about)

    def show(self, value: str, note: str = "") -> None:
        """The figure and its note."""
        self._value.text, self._note.text = value, note


def level_look(level: str) -> dict[str, str]:
    """How a level looks, for badges: class and icon."""
    known = Level(level) if level in Level.__members__ else Level.UNRATED
    return {"look": known.value.lower().replace("_", "-"), "icon": LEVEL_ICONS[known]}


def level_badge(frame: Frame, level: str) -> Element:
    """A level as icon, word and colour."""
    look = level_look(level)
    return badge(frame.code(level), look["icon"], look["look"])


def badge(text: str, icon: str = "", look: str = "") -> Element:
    """A small label; ``look``: one of ``LOOKS`` or a level's."""
    with ui.element("span").classes(f"badge {look}") as found:
        if icon:
            ui.icon(icon)
        ui.label(text)
    return found


def button(
    text: str,
    on_click: Callable[..., Awaitable[Any] | Any],
    *,
    icon: str = "",
    look: str = "",
    label: str = "",
    disabled: bool = False,
) -> Element:
    """A button; ``look``: main-act, danger, quiet. ``label`` says what it does where there is only an icon."""
    with ui.element("button").props('type="button"').classes(f"button {look}") as found:
        if icon:
            ui.icon(icon)
        if text:
            ui.label(text)
    if label:
        found._props["aria-label"] = label
        found._props["title"] = label
    if disabled:
        found._props["disabled"] = True
    found.on("click", on_click)
    return found


class Segments:
    """Buttons of which one is on. ``on_change(value)`` hears of another choice."""

    def __init__(self, choices: Sequence[tuple[str, str]], value: str, on_change: Callable[[str], Any]) -> None:
        """``choices``: value and text."""
        self.value = value
        self._on_change, self._buttons = on_change, {}
        with ui.element("div").classes("segments").props('role="group"'):
            for choice, text in choices:
                self._buttons[choice] = button(text, lambda choice=choice: self.choose(choice), look="quiet")
        self._mark()

    async def choose(self, value: str) -> None:
        """Choose one."""
        self.value = value
        self._mark()
        result = self._on_change(value)
        if isinstance(result, Awaitable):
            await result

    def _mark(self) -> None:
        for choice, element in self._buttons.items():
            on = choice == self.value
            element.classes(add="on") if on else element.classes(remove="on")
            element._props["aria-pressed"] = "true" if on else "false"
            element.update()


def topic_name(frame: Frame, topic: str) -> str:
    """What a public topic is called; its own name where it has none here."""
    return frame.t(f"overview.topic_{topic}") if topic in _TOPICS else topic


def facts(pairs: Iterable[tuple[str, str]]) -> Element:
    """Names and values in two columns."""
    with ui.element("div").classes("facts") as found:
        for name, value in pairs:
            ui.label(name)
            ui.label(value)
    return found


def reason_list(frame: Frame, reasons: Iterable[tuple[str, int | None]]) -> Element:
    """Reasons as text with their points of score (None: none)."""
    with ui.element("ul").classes("reasons") as found:
        for text, points in reasons:
            with ui.element("li"):
                ui.label(text)
                if points is not None:
                    look = "num bad-text" if points < 0 else "num good-text" if points > 0 else "num muted"
                    ui.label(frame.f.number(points, signed=True)).classes(look)
    return found


def plain_table(head: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str | Callable[[], Any]]]) -> Element:
    """A small table: heads with whether they are numbers; a cell is text, or makes elements."""
    with ui.element("table").classes("plain") as found:
        with ui.element("thead"), ui.element("tr"):
            for text, number in head:
                TextElement(tag="th", text=text).classes("num" if number else "").props('scope="col"')
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for (_, number), cell in zip(head, row, strict=True):
                        look = "num" if number else ""
                        if isinstance(cell, str):
                            TextElement(tag="td", text=cell).classes(look)
                        else:
                            with ui.element("td").classes(look):
                                cell()
    return found


def empty(text: str, icon: str = "inbox") -> Element:
    """What stands where there is nothing to show."""
    with ui.element("div").classes("empty") as found:
        ui.icon(icon).classes("empty-icon")
        ui.label(text)
    return found


def skeleton(height: int = 120) -> Element:
    """What stands where something is still being loaded."""
    return ui.element("div").classes("skeleton").style(f"height:{height}px").props('aria-hidden="true"')
