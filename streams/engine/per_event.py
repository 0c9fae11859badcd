"""The same engine on Faust's default delivery, event by event: slower and not crash-safe, kept for ``bench/``."""

from __future__ import annotations

from collections.abc import Iterable

import faust
from faust.types import StreamT
from faust.types.tables import TableT

from models.engine import CreditEngine
from models.partition import encode
from schemas.events import CustomerEvent
from schemas.log import LOG_ENTRY
from schemas.topics import LOG
from streams.engine.agent import OUT_TOPICS, state_key
from streams.engine.table_accounts import TableAccounts
from streams.metrics import Metrics
from streams.settings import Settings


class _Mapping:
    """A plain Faust table as ``StoredBytes``. It does not know partitions: the bench starts with an empty one."""

    def __init__(self, table: TableT[bytes, bytes]) -> None:
        self._table = table

    def value(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key."""
        return self._table.get(key)

    def items_of(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """Nothing: engines are made before anything is in the table."""
        return ()


class PerEventEngine:
    """One table update and one send per event, as a Faust program is usually written."""

    def __init__(self, app: faust.App, settings: Settings, metrics: Metrics, policy_text: str) -> None:
        self._app, self._settings, self._metrics, self._policy_text = app, settings, metrics, policy_text
        self._accounts = app.Table("accounts", key_type=bytes, value_type=bytes, partitions=settings.partitions)
        self._risk_models = app.Table("risk-models", key_type=bytes, value_type=bytes, partitions=settings.partitions)
        self._engines: dict[int, tuple[TableAccounts, CreditEngine]] = {}
        self._out = {
            type_: app.topic(settings.topic(name), key_serializer="raw", value_serializer="raw")
            for type_, name in OUT_TOPICS.items()
        }

    def register(self) -> None:
        """Declare the agent on the app."""
        topic = self._app.topic(
            self._settings.topic(LOG),
            key_serializer="raw",
            value_serializer="raw",
            partitions=self._settings.partitions,
        )

        async def fold(stream: StreamT[bytes]) -> None:
            async for event in stream.events():
                accounts, engine = self._engine(event.message.partition)
                entry = LOG_ENTRY.validate_json(event.value)
                effects = engine.apply(event.message.offset, entry)
                for out in effects.out:
                    await self._out[out.type].send(key=out.subject.encode(), value=out.model_dump_json().encode())
                if not isinstance(entry.event, CustomerEvent):
                    self._risk_models[state_key(event.message.partition)] = encode(engine.state)
                for key, value in accounts.take_changes().items():
                    self._accounts[key] = value or b""
                self._metrics.events_applied.labels(entry.source.topic).inc(effects.applied)

        self._app.agent(topic, name="engine")(fold)

    def _engine(self, partition: int) -> tuple[TableAccounts, CreditEngine]:
        if partition not in self._engines:
            accounts = TableAccounts(_Mapping(self._accounts), partition)
            self._engines[partition] = accounts, CreditEngine(accounts, self._policy_text, partition=partition)
        return self._engines[partition]
