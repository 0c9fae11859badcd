"""The order that is chosen in the queue: its buttons outlast its figures, and never another order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from nicegui import Client, ui
from nicegui.page import page

from desk.api.roles import Role
from desk.hold_queue import HeldOrder
from desk.web.frame import Frame, Words
from desk.web.holds.chosen import Chosen
from desk.web.holds.decide import Decide
from schemas.decisions import Exposure
from schemas.levels import Level


class _Frame(Words):
    def may(self, role: Role) -> bool:
        return True


class _Decide:
    def __init__(self) -> None:
        self.released: list[tuple[str, int | None]] = []

    async def release(self, held: HeldOrder, *, part: bool = False) -> None:
        self.released.append((held.order_id, held.version))


def _held(order_id: str, version: int) -> HeldOrder:
    exposure: dict[str, Any] = {
        "exposure": Decimal(10), "currency": "USD", "limit": None, "overdue": Decimal(version),
    }  # fmt: skip
    fields: dict[str, Any] = {
        "customer_id": "C1", "order_id": order_id, "version": version, "amount": Decimal(5), "currency": "USD",
        "name": None, "forced": None, "free": None, "level": Level.WATCH, "checks": [], "measure": None, "to_pass": [],
        "exposure": Exposure.model_construct(**exposure),
    }  # fmt: skip
    return HeldOrder.model_construct(**fields)


def test_a_button_outlasts_the_figures_beside_it_but_not_its_order() -> None:
    """Otherwise a click that is on its way is lost, or falls on an order that nobody chose."""
    decide = _Decide()
    with Client(page("/chosen")) as client:
        chosen = Chosen(cast("Frame", _Frame("holds", "en")), cast("Decide", decide))

        def buttons() -> list[Any]:
            return [found for found in client.elements.values() if found.tag == "button"]

        def texts() -> list[str]:
            return [found.text for found in client.elements.values() if isinstance(found, ui.label)]

        chosen.show(_held("SO-1", 1), timedelta(minutes=1), None)
        first = buttons()
        chosen.show(_held("SO-1", 2), timedelta(minutes=2), None)
        assert "2 USD" in " ".join(texts())
        assert buttons() == first
        asyncio.run(chosen._do("release"))
        assert decide.released == [("SO-1", 2)]  # as it is shown by now, not as it was when the button was made
        chosen.show(_held("SO-2", 1), timedelta(minutes=1), None)
        assert not set(buttons()) & set(first)
        chosen.show(None, None, None)
        assert not buttons()
        asyncio.run(chosen._do("release"))
        assert decide.released == [("SO-1", 2)]
