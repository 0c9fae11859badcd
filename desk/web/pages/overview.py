"""Overview: the book at a glance, and what happens in it."""

from __future__ import annotations

from desk.web.components.basics import card, empty
from desk.web.frame import Frame
from desk.web.page import Page


async def build(frame: Frame) -> None:
    """The page."""
    with card(frame.t("title")):
        empty(frame.t("frame.nothing"))


PAGE = Page("overview", "/", "dashboard", build, order=10)
