"""A part of a page that is drawn anew only when what it shows has changed."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui


class Section:
    """``show`` as often as you like.

    The server ignores a click on an element that it has just replaced: a button that stands beside what changes all
    the time belongs in a section of its own.
    """

    def __init__(self, classes: str = "", first: Callable[[], object] = lambda: None) -> None:
        """``first`` draws what stands there until something is shown."""
        with ui.element("div").classes(classes) as self._box:
            first()
        self._shown: object = self

    def show(self, what: object, draw: Callable[[], object]) -> None:
        """Draw it, if ``what`` differs from what is there; a drawing that failed is tried again."""
        if what == self._shown:
            return
        self._shown = self
        self._box.clear()
        with self._box:
            draw()
        self._shown = what
