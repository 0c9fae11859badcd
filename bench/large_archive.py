"""An archive of a large book: what the engine tells of a small one, many times over under other customers' names."""

from __future__ import annotations

import math
from collections.abc import Iterable

from models.calendar import to_ms
from schemas.topics import LOG
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.migrations import migrate
from streams.archive.sink import Sink
from streams.engine.agent import OUT_TOPICS
from streams.in_process import InProcess
from streams.record import Record
from streams.settings import Settings
from streams.sources.event_file import TimedEvent

_COPIED = {
    "raw_log": ("customer_id",),
    "raw_levels": ("customer_id", "id"),
    "raw_alerts": ("customer_id", "id"),
    "raw_order_decisions": ("customer_id", "id"),
}
"""Tables of customers, and the columns that a copy gets anew: those that identify a row."""


async def fill_archive(settings: Settings, run: InProcess, events: Iterable[TimedEvent], customers: int) -> int:
    """Run the events, archive log and decisions, and copy them until there are ``customers``; returns the log's rows.

    What ``run`` learned and holds afterwards is that of the small book.
    """
    database = ClickHouse(parse_dsn(settings))
    await database.open(create=True)
    try:
        await migrate(database)
        sink, offset = Sink(database), 0
        for partition, at, entry in run.log(events):
            sink.add(Record(LOG, partition, at, to_ms(entry.time), b"", entry.model_dump_json().encode()))
            effects = run.engines[partition].apply(at, entry)
            run.hear(effects)
            for out in effects.out:
                offset += 1
                record = (to_ms(out.time), out.subject.encode(), out.model_dump_json().encode())
                sink.add(Record(OUT_TOPICS[out.type], 0, offset, *record))
            if sink.full:
                await sink.flush()
        await sink.flush()
        known = sum(len(accounts.by_id) for accounts in run.accounts)
        copies = math.ceil(customers / known) - 1
        for table, identity in _COPIED.items():
            anew = ", ".join(f"concat(source.{column}, '/', toString(number)) AS {column}" for column in identity)
            statement = f"INSERT INTO {table} SELECT source.* REPLACE ({anew}) FROM {table} AS source"  # noqa: S608
            await database.command(f"{statement} CROSS JOIN numbers({copies}) AS copy WHERE source.customer_id != ''")
        return int((await database.query("SELECT count() AS found FROM raw_log"))[0]["found"])
    finally:
        await database.close()
