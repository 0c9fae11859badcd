"""A release that needs two persons: whatever comes between their acts, what is noted is what the engine did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from desk import acts, proposals
from desk.act_sending import Sent
from desk.api.roles import Role
from schemas.errors import Conflict, Unavailable
from schemas.log import Source
from tests.unit.desk.api.in_memory import Records

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = Source(topic="orders", partition=0, offset=1)
RELEASED, PENDING = Sent(PLACE, [], shown=True), Sent(PLACE, None)


class Who(NamedTuple):
    name: str
    role: Role = Role.APPROVER


BO, CY = Who("bo"), Who("cy")


class Desk:
    """One proposal of ana, and an engine that does ``engine`` with what is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records = Records()
        self.services: Any = SimpleNamespace(control=self.records, now=lambda: NOW)
        self.sent: list[tuple[str, str]] = []
        self.engine: Callable[[], Awaitable[Sent]] = released
        monkeypatch.setattr(acts, "_send_about", self._send)

    async def _send(self, services: Any, who: Any, kind: Any, order: Any, reason: str, key: str, **more: Any) -> Sent:
        self.sent.append((who.name, more["second_person"]))
        return await self.engine()

    @property
    def state(self) -> tuple[str, str | None]:
        found = proposals.known_proposal(self.services.control, "p1")
        return found.state, found.decided_by


async def released() -> Sent:
    return RELEASED


async def slow() -> Sent:
    return PENDING


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk(monkeypatch)
    asked = proposals.Proposal(
        id="p1", customer_id="C", order_id="O", version=1, reason="r", up_to_amount=None, currency=None,
        valid_until=None, above="1 EUR", by="ana", at=NOW,
    )  # fmt: skip
    await proposals.propose(found.services.control, asked)
    return found


async def test_what_was_sent_and_not_answered_is_asked_about_again(desk: Desk) -> None:
    """By whoever: it is the act of the one who agreed first, so it is done once and noted as his."""
    desk.engine = slow
    assert (await acts.approve(desk.services, BO, "p1")).status == "pending"
    assert desk.state == ("sent", "bo")
    assert [one.id for one in proposals.list_proposals(desk.services.control, NOW)] == ["p1"]
    desk.engine = released
    assert (await acts.approve(desk.services, CY, "p1")).status == "done"
    assert desk.sent == [("bo", "bo"), ("bo", "bo")]
    assert desk.state == ("approved", "bo")
    with pytest.raises(Conflict):
        await acts.approve(desk.services, CY, "p1")


async def test_what_is_under_way_cannot_be_declined(desk: Desk) -> None:
    """The engine may have released the order already."""

    async def while_it_works() -> Sent:
        with pytest.raises(Conflict, match="under way"):
            await acts.decline(desk.services, CY, "p1", "no")
        return RELEASED

    desk.engine = while_it_works
    assert (await acts.approve(desk.services, BO, "p1")).status == "done"
    assert desk.state == ("approved", "bo")


async def test_a_broker_that_is_away_is_tried_again(desk: Desk) -> None:
    async def away() -> Sent:
        raise Unavailable("the broker does not answer")

    desk.engine = away
    with pytest.raises(Unavailable):
        await acts.approve(desk.services, BO, "p1")
    desk.engine = released
    await acts.approve(desk.services, BO, "p1")
    assert desk.state == ("approved", "bo")


@pytest.mark.parametrize("by_then", [("sent", "cy"), ("approved", "cy"), ("declined", "cy")])
async def test_the_slower_of_two_processes_leaves_the_word_of_the_faster(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, by_then: tuple[Any, str]
) -> None:
    """What did not happen here, because another process was faster, leaves the other's word."""

    async def meanwhile() -> Sent:
        one = proposals.known_proposal(desk.services.control, "p1")
        await proposals.decide(desk.services.control, one, by_then[0], by_then[1], NOW)
        return RELEASED

    desk.engine = meanwhile
    monkeypatch.setattr(acts, "_refusal", lambda sent: Conflict("the order has changed", "version_conflict"))
    with pytest.raises(Conflict):
        await acts.approve(desk.services, BO, "p1")
    assert desk.state == by_then


async def test_a_release_that_happened_is_noted_whatever_was_noted_meanwhile(desk: Desk) -> None:
    """A decline that another process let in between."""

    async def declined_elsewhere() -> Sent:
        one = proposals.known_proposal(desk.services.control, "p1")
        await proposals.decide(desk.services.control, one, "declined", "cy", NOW)
        return RELEASED

    desk.engine = declined_elsewhere
    assert (await acts.approve(desk.services, BO, "p1")).status == "done"
    assert desk.state == ("approved", "bo")
