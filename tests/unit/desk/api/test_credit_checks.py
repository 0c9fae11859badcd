"""Credit checks on a book in memory: what stale data, unknown customers and booked orders get."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from desk.api.credit_checks import CreditCheck, answer
from desk.api.services import Services
from models.account import SCHEMA, Account, OpenOrder
from models.brake import Brake
from models.partition import SCHEMA as PARTITION_SCHEMA
from models.partition import PartitionState
from models.policy import default_policy
from schemas.decisions import Decision
from streams.live_book import Known
from streams.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Book:
    """One account, as of a time."""

    account: Account | None
    as_of: datetime = NOW

    def known(self, customer_id: str) -> Known:
        return Known(self.account, default_policy(), self.as_of)

    def brake(self, customer_id: str) -> Brake:
        return Brake(default_policy().brake, PartitionState(PARTITION_SCHEMA, "{}"))


@dataclass
class Parts:
    """What a credit check needs of the services."""

    settings: Settings
    book: Book
    now: Any = field(default=lambda: NOW)


def asked(account: Account | None, *, as_of: datetime = NOW, order_id: str | None = None, **settings: Any) -> Any:
    parts = Parts(Settings(_env_file=None, **settings), Book(account, as_of))
    check = CreditCheck(customer_id="C1", amount=Decimal(100), currency="USD")  # type: ignore[arg-type]
    return answer(cast(Services, parts), check, order_id)


def account(limit: int, **orders: OpenOrder) -> Account:
    found = Account(SCHEMA, "C1", orders=orders)
    found.limits, found.points = {"USD": Decimal(limit)}, {"default_risk": 800}
    return found


def test_an_unknown_customer_is_a_new_one() -> None:
    told = asked(None)
    assert (told.known, told.level, told.score, told.decision) == (False, "UNRATED", None, Decision.APPROVE)


@pytest.mark.parametrize(("when_stale", "limit", "expected"), [("hold", 1000, "hold"), ("approve", 10, "approve")])
def test_old_data_gets_what_the_settings_say(when_stale: str, limit: int, expected: str) -> None:
    old = NOW - timedelta(minutes=11)
    told = asked(account(limit), as_of=old, api_when_stale=when_stale)
    assert (told.stale, told.decision.value, told.data_as_of) == (True, expected, old)
    assert told.checks[-1].code == "STALE_DATA"


def test_old_data_never_frees_a_blocked_customer() -> None:
    blocked = account(1000)
    blocked.level = "BLOCKED"
    assert asked(blocked, as_of=NOW - timedelta(days=1), api_when_stale="approve").decision is Decision.REJECT


def test_ten_minutes_are_not_old_and_a_replay_never_is() -> None:
    assert not asked(account(1000), as_of=NOW - timedelta(minutes=10)).stale
    assert not asked(account(1000), as_of=NOW - timedelta(days=900), clock="events").stale


def test_a_booked_order_does_not_stand_in_its_own_way() -> None:
    order = OpenOrder(Decimal(100), "USD", NOW.toordinal())
    book = account(150, o1=order)
    told = asked(book, order_id="o1")
    assert (told.decision, told.standing, told.exposure.open_orders) == (Decision.APPROVE, Decision.APPROVE, 0)
    assert book.orders == {"o1": order}
    assert asked(book).decision is Decision.HOLD
    order.held = True
    assert asked(book, order_id="o1").standing is Decision.HOLD
