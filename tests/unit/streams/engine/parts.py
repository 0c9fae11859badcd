"""An engine that folds a log without a broker, and small entries for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.calendar import to_ms
from models.policy import default_policy_text
from schemas.events import InEvent, OrderInvoiced, OrderPlaced
from schemas.log import LOG_ENTRY, LogEntry, PolicyActivated, Source, TimePassed
from schemas.topics import LOG, ORDERS, POLICY, TICKS
from streams.engine.agent import EngineAgent
from streams.metrics import Metrics
from streams.settings import Settings
from tests.unit.streams.faust_parts import FakeTable, OfflineApp, Raw

START = datetime(2025, 3, 1, 9, tzinfo=UTC)
PARTITION = 1


def _head(day: int, name: str) -> dict[str, Any]:
    return {"version": 1, "event_id": f"{name}-{day}", "occurred_at": START + timedelta(days=day)}


def order(customer: str, day: int = 0, amount: str = "100") -> OrderPlaced:
    """An order of a customer; one a day."""
    return OrderPlaced(
        **_head(day, f"{customer}-order"), customer_id=customer, order_id=f"{customer}-o{day}", amount=Decimal(amount),
        currency="USD",
    )  # fmt: skip


def invoice(customer: str, day: int = 0) -> OrderInvoiced:
    """An invoice over 100 USD, due in 30 days."""
    issued = (START + timedelta(days=day)).date()
    return OrderInvoiced(
        **_head(day, f"{customer}-invoice"), customer_id=customer, invoice_id=f"{customer}-i{day}",
        amount=Decimal(100), currency="USD", issue_date=issued, due_date=issued + timedelta(days=30), terms_days=30,
    )  # fmt: skip


def tick(day: int) -> TimePassed:
    """The passing of a day."""
    return TimePassed(**_head(day, "tick"))


def policy(day: int, text: str) -> PolicyActivated:
    """Another policy."""
    return PolicyActivated(**_head(day, "policy"), by="credit committee", text=text)


def entry(offset: int, event: InEvent) -> LogEntry:
    """The event as it stands in the log; it is the record of that offset in its own topic as well."""
    topic = {TimePassed: TICKS, PolicyActivated: POLICY}.get(type(event), ORDERS)
    source = Source(topic=topic, partition=PARTITION, offset=offset)
    return LogEntry(time=event.occurred_at, received_at=event.occurred_at, source=source, event=event)


def chunk(*events: InEvent, first: int = 0) -> list[Raw]:
    """The events as records of the log from offset ``first`` on."""
    return [
        Raw(f"t.{LOG}", PARTITION, offset, to_ms(event.occurred_at), None, LOG_ENTRY.dump_json(entry(offset, event)))
        for offset, event in enumerate(events, start=first)
    ]


class Bench:
    """An engine's agent in an app that never starts, with tables that may hold what an earlier worker left."""

    def __init__(self, tmp_path: Path, tables: Mapping[str, FakeTable] | None = None) -> None:
        self.settings = Settings(topic_prefix="t.", partitions=2, data_dir=tmp_path)
        self.offline, self.metrics = OfflineApp("engine-test"), Metrics()
        journal = self.offline.journal
        self.agent = EngineAgent(self.offline.app, self.settings, self.metrics, default_policy_text())
        self.accounts, self.risk_models = FakeTable("accounts", journal), FakeTable("risk-models", journal)
        for table in (self.accounts, self.risk_models):
            if tables is not None:
                table.data = tables[table.name].data
        self.agent.accounts, self.agent.risk_models = self.accounts.as_table(), self.risk_models.as_table()
        self.agent.register()

    @property
    def tables(self) -> dict[str, FakeTable]:
        """What a worker that comes after this one finds."""
        return {"accounts": self.accounts, "risk-models": self.risk_models}

    async def fold(self, *chunks: list[Raw]) -> None:
        """Deliver chunks and let everything happen that follows."""
        await self.offline.deliver("engine", *chunks)

    def counted(self, name: str, **labels: str) -> float | None:
        """The value of a metric."""
        return self.metrics.registry.get_sample_value(f"creditpulse_{name}", labels)
