"""The API on parts in memory: one customer, one open order, one alert; no broker answers and no archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from alerts.routing.state import State
from desk.api.app import create_app
from desk.api.customer_book import CustomerBook
from desk.api.guard import Rates
from desk.api.keys import create_key
from desk.api.roles import Role
from desk.api.services import Services
from desk.policy_trials import PolicyTrials
from models.account import SCHEMA, Account, OpenOrder
from models.brake import Brake
from models.partition import SCHEMA as PARTITION_SCHEMA
from models.partition import PartitionState
from models.policy import layered_policy
from models.policy_layers import Layer, LayeredPolicy
from models.rehearsal import Rehearsal
from schemas.errors import Unavailable
from streams.archive.catalog import view_query
from streams.archive.errors import NotFound
from streams.live_book import Known
from streams.policy_file import policy_text
from streams.settings import Settings

NOW = datetime(2025, 3, 3, 8, tzinfo=UTC)
CUSTOMER, ORDER = "C-1", "SO-1"


class Records:
    """The control topic."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, dict[str, Any]]] = {}

    def get(self, kind: str, record_id: str) -> dict[str, Any] | None:
        return self.kept.get(kind, {}).get(record_id)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        return dict(self.kept.get(kind, {}))

    async def put(self, kind: str, record_id: str, value: dict[str, Any]) -> None:
        self.kept.setdefault(kind, {})[record_id] = value

    async def delete(self, kind: str, record_id: str) -> None:
        self.kept.get(kind, {}).pop(record_id, None)


class Book:
    """The live book."""

    def __init__(self) -> None:
        self.only = Account(SCHEMA, CUSTOMER)
        self.only.orders[ORDER] = OpenOrder(Decimal(500), "EUR", NOW.toordinal(), version=1)
        self.ready = asyncio.Event()
        self.ready.set()
        self.listeners: list[Callable[[str], object]] = []
        self._layers = layered_policy(policy_text(None))

    def __len__(self) -> int:
        return 1

    def ids(self) -> Iterator[str]:
        return iter((CUSTOMER,))

    def clock(self) -> datetime:
        return NOW

    def ageing_stops(self) -> tuple[int, ...]:
        return (0,)

    def state(self, partition: int) -> PartitionState:
        return PartitionState(PARTITION_SCHEMA, policy_text(None))

    def policy_text(self) -> str:
        return policy_text(None)

    def account(self, customer_id: str) -> Account | None:
        return self.only if customer_id == CUSTOMER else None

    def known(self, customer_id: str) -> Known:
        return Known(self.account(customer_id), self._layers.base, NOW)

    def brake(self, customer_id: str) -> Brake:
        return Brake(self._layers.base.brake, self.state(0))

    def rehearsal(self, customer_id: str) -> Rehearsal:
        return Rehearsal(customer_id, self.account(customer_id), PartitionState(PARTITION_SCHEMA, policy_text(None)))

    def layers(self, customer_id: str) -> tuple[LayeredPolicy, tuple[Layer, ...]]:
        return self._layers, ()


class Archive:
    """Checks what it is asked as the real one does; it is empty."""

    async def view(
        self,
        name: str,
        customer_id: str | None = None,
        limit: int = 100,
        offset: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> list[Any]:
        view_query(name, customer_id=customer_id, limit=limit, offset=offset, options=options)
        return []

    async def customer(self, customer_id: str, timeline: int = 100) -> dict[str, Any]:
        raise NotFound(f"the archive knows no customer {customer_id!r}")

    async def audit(self, kind: str, **parameters: str) -> list[Any]:
        return []


class Hub:
    """Nothing comes, and the stream ends."""

    async def listen(self, after: str | None = None) -> AsyncIterator[Any]:
        for nothing in ():
            yield nothing


class Nowhere:
    """A part that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable("not here")


def in_memory(**overrides: Any) -> tuple[FastAPI, Records, str]:
    """The application, its records, and a key that may do everything."""
    values = {"broker": "kafka://127.0.0.1:1", "secret_key": "k" * 40, **overrides}
    settings = Settings(_env_file=None, **values)
    records = Records()
    key, _ = asyncio.run(create_key(records, "adam", Role.ADMIN))
    alerts = SimpleNamespace(state=State(), inhibited_by=lambda alert: None)
    parts: dict[str, Any] = {
        "settings": settings, "control": records, "book": Book(), "archive": Archive(), "hub": Hub(),
        "publisher": Nowhere(), "alerts": alerts,
    }  # fmt: skip

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[Services]:
        async with (
            PolicyTrials(settings) as trials,
            CustomerBook(parts["book"], parts["archive"]) as customers,
        ):
            async with asyncio.timeout(10):
                await customers.ready.wait()
            yield Services(**parts | {"customers": customers, "trials": trials}, now=lambda: NOW)

    app = create_app(settings, opened)
    app.state.rates = Rates(10**9, 10**9)
    return app, records, key
