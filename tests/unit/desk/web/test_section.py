"""When a part of a page is drawn anew."""

from __future__ import annotations

import pytest
from nicegui import Client, ui
from nicegui.page import page

from desk.web.components.section import Section


def test_what_stands_is_left_alone_until_it_changes() -> None:
    """A redrawn button loses the click that is on its way; a drawing that failed half way is done again."""
    with Client(page("/section")) as client:
        section = Section()

        def draw(text: str) -> None:
            ui.label(text)
            if text == "broken":
                raise ValueError(text)

        def labels() -> list[ui.label]:
            return [found for found in client.elements.values() if isinstance(found, ui.label)]

        section.show(["a"], lambda: draw("a"))
        first = labels()
        section.show(["a"], lambda: draw("a"))
        assert labels() == first
        section.show(["b"], lambda: draw("b"))
        assert [found.text for found in labels()] == ["b"]
        with pytest.raises(ValueError, match="broken"):
            section.show(None, lambda: draw("broken"))
        section.show(None, lambda: draw("mended"))
        assert [found.text for found in labels()] == ["mended"]


def test_what_stands_there_first_goes_when_something_is_shown() -> None:
    """Such as the grey bars while it is being loaded."""
    with Client(page("/section-first")) as client:
        section = Section(first=lambda: ui.label("loading"))

        def texts() -> list[str]:
            return [found.text for found in client.elements.values() if isinstance(found, ui.label)]

        assert texts() == ["loading"]
        section.show(None, lambda: ui.label("nothing"))
        assert texts() == ["nothing"]
