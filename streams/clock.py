"""The wall clock as events: ticks on every partition, by which open items age without anybody telling us."""

from __future__ import annotations

from datetime import UTC, datetime

import faust

from models.calendar import to_ms
from schemas.log import TimePassed
from schemas.topics import TICKS
from streams.settings import Settings
from streams.transport.durable import DurableWriter, Row


def tick(at: datetime) -> TimePassed:
    """The tick of a moment; ticks of the same moment have the same id."""
    return TimePassed(version=1, event_id=f"tick:{at.isoformat()}", occurred_at=at)


def register_clock(app: faust.App, settings: Settings) -> None:
    """Publish a tick to every partition each ``tick_seconds``; several clocks at once do no harm."""
    writer = DurableWriter(app)

    @app.timer(settings.tick_seconds, on_leader=False, name="clock")  # type: ignore[untyped-decorator]
    async def publish_tick() -> None:
        if app.rebalancing:
            return
        now = datetime.now(UTC).replace(microsecond=0)
        row = Row(None, tick(now).model_dump_json().encode(), to_ms(now))
        acks = []
        for partition in range(settings.partitions):
            acks += await writer.send_batch(settings.topic(TICKS), partition, [row])
        await writer.gather_acks(acks)
