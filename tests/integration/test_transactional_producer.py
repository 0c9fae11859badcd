"""Others may write the public topics in Kafka transactions: what they commit counts, what they take back does not."""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaProducer

from schemas.log import LOG_ENTRY
from schemas.topics import LOG, ORDERS
from streams.backlog import Backlog
from streams.partitioner import partition_of
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from streams.topic_reader import read_to_end
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Pipeline
from tests.integration.test_bad_input import _invoice

TRANSACTIONS, EACH = 5, 3


async def _write(settings: Settings) -> list[str]:
    """Five transactions of three invoices each, the second and the last taken back; ids of what is to count."""
    await ensure_topics(settings)
    producer = AIOKafkaProducer(**settings.kafka_client_options(), transactional_id=f"{settings.app_id}-erp")
    await producer.start()
    place, committed = partition_of(b"C1", settings.partitions), []
    try:
        for number in range(TRANSACTIONS):
            await producer.begin_transaction()
            ids = range(number * EACH, (number + 1) * EACH)
            for one in ids:
                await producer.send_and_wait(settings.topic(ORDERS), _invoice(one), b"C1", partition=place)
            if number in (1, TRANSACTIONS - 1):
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()
                committed += [f"i-{one}" for one in ids]
    finally:
        await producer.stop()
    return committed


async def _logged(settings: Settings) -> list[str]:
    entries = [LOG_ENTRY.validate_json(record.value or b"") async for record in read_to_end(settings, LOG)]
    return [entry.event.event_id for entry in entries]


async def _nothing_is_left(pipeline: Pipeline) -> None:
    """The partition ends in a marker, which is no record: it must not count as work to do for ever."""
    async with Backlog(pipeline.settings) as backlog:
        deadline = time.monotonic() + 30
        while left := await backlog.uncommitted(f"{pipeline.settings.app_id}-gate", [ORDERS]):
            pipeline.check()
            assert time.monotonic() < deadline, f"{left} offsets are not committed"
            await asyncio.sleep(0.2)


async def test_committed_events_count_and_aborted_ones_do_not(make_settings: MakeSettings) -> None:
    """Markers of transactions stop nothing, and exactly the committed events reach the log, in order."""
    settings = make_settings()
    committed = await _write(settings)
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        deadline = time.monotonic() + 60
        while len(await _logged(settings)) < len(committed):
            pipeline.check()
            assert time.monotonic() < deadline, "the committed events did not reach the log"
            await asyncio.sleep(0.3)
        await _nothing_is_left(pipeline)
        assert pipeline.stop() == {"gate": 0}
    assert await _logged(settings) == committed
