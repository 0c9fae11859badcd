"""The archive process: bring the tables up to date, consume the topics, answer reads, stop without losing anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import InvalidInput, Unavailable
from schemas.topics import AUDIT
from streams.archive.address import find_running, remove_address, write_address
from streams.archive.answers import Answers
from streams.archive.api import Api
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.intake import Intake
from streams.archive.migrations import migrate
from streams.archive.rows import ARCHIVED
from streams.archive.sink import Sink
from streams.archive.status import Status
from streams.audit.sealing import keep_sealing, seal_to_end
from streams.kafka_client import PacedConsumer
from streams.settings import Settings
from streams.topic_admin import LARGEST_DEAD_LETTER

log = logging.getLogger(__name__)

_TRY_AGAIN_SECONDS = 1.0
_LAG_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
_CLOSE_SECONDS = 10.0
_READERS = 3


async def run_archive(settings: Settings, *, stop: asyncio.Event, once: bool = False) -> dict[str, Any]:
    """Archive until ``stop`` is set; with ``once`` up to the present end of the topics, without API.

    Waits for ClickHouse, broker and topics for as long as it takes; with ``once`` it does not. Returns the totals
    of ``Status.summary``.

    Raises:
        Unavailable: an archive runs already here, the port is taken, Kafka refuses us; with ``once`` also when
            ClickHouse, broker or topics are away.
        StatementFailed, UnsupportedVersion, MigrationChanged, InvalidInput: somebody has to change something.
    """
    target = parse_dsn(settings)
    running = await find_running(settings)
    if running is not None:
        raise Unavailable(f"an archive is running already: {running.url}, process {running.pid}")
    status = Status()
    async with AsyncExitStack() as stack:
        writer, sealer = ClickHouse(target), ClickHouse(target)
        for database in (writer, sealer):
            stack.push_async_callback(database.close)
        if not once:
            await _serve(stack, settings, status)
        patience = None if once else stop
        if await _open(writer, status, patience):
            await _consume(settings, writer, sealer, status, stop, once)
    return status.summary()


async def _serve(stack: AsyncExitStack, settings: Settings, status: Status) -> None:
    """The API, on connections of its own: a slow question never holds up the writing, nor all other questions."""
    readers = [ClickHouse(parse_dsn(settings)) for _ in range(_READERS)]
    for reader in readers:
        stack.push_async_callback(reader.close)
    answers = Answers(readers)
    stack.push_async_callback(answers.close)
    runner = web.AppRunner(Api(answers, status).application(), access_log=None, shutdown_timeout=_CLOSE_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, settings.web_host, settings.archive_port).start()
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {settings.web_host}:{settings.archive_port} (CREDITPULSE_ARCHIVE_PORT): {error.strerror}"
        ) from error
    try:
        address = write_address(settings, runner.addresses[0][1])
    except OSError as error:
        message = f"CREDITPULSE_DATA_DIR: cannot write in {settings.data_dir}: {error.strerror}"
        raise InvalidInput("data_dir", message, field="data_dir") from error
    stack.callback(remove_address, settings, address)
    log.info("answering on %s", address.url)


async def _open(writer: ClickHouse, status: Status, patience: asyncio.Event | None) -> bool:
    """Connect and migrate; without ``patience`` at once or not at all, else until it is set (then False)."""
    while patience is None or not patience.is_set():
        try:
            await writer.open(create=True)
            applied = await migrate(writer)
        except Unavailable as error:
            if patience is None:
                raise
            if status.problem("clickhouse", str(error)):
                log.warning("waiting: %s", error)
            await _rest(patience)
        else:
            status.solved("clickhouse")
            status.ready = True
            log.info("archive %s is up to date%s", writer.target.label, f", applied {applied}" if applied else "")
            return True
    return False


async def _consume(
    settings: Settings, writer: ClickHouse, sealer: ClickHouse, status: Status, stop: asyncio.Event, once: bool
) -> None:
    intake = Intake(settings, Sink(writer), status)
    patience = None if once else stop
    try:
        async with _consumer(settings, status, patience) as consumer:
            if consumer is None or not await _topics_there(consumer, settings, status, patience):
                return
            if once:  # first, so that the checkpoints are archived too
                status.sealed = await seal_to_end(settings, sealer, _now, stop)
            sealing = None if once else asyncio.create_task(keep_sealing(settings, sealer, status, _now, stop))
            ends = await _ends(consumer, settings) if once else None
            consumer.subscribe([settings.topic(name) for name in ARCHIVED], listener=intake)
            watch = asyncio.create_task(_watch_lag(consumer, settings, intake, status))
            try:
                if ends is None:
                    await intake.run(consumer, stop)
                else:
                    await intake.run_to(consumer, ends, stop)
                    await _measure_lag(consumer, settings, intake, status)
            finally:
                status.stopping = True
                watch.cancel()
                if sealing is not None:
                    stop.set()
                    await asyncio.wait({sealing}, timeout=_CLOSE_SECONDS)  # without a broker it may hang
                    sealing.cancel()
    except KafkaError as error:
        raise Unavailable(f"the broker at {settings.broker} refuses the archive: {error!r}") from error


@asynccontextmanager
async def _consumer(
    settings: Settings, status: Status, patience: asyncio.Event | None
) -> AsyncIterator[AIOKafkaConsumer | None]:
    """A started consumer without subscription; None when told to stop before the broker answered."""
    consumer = None
    while patience is None or not patience.is_set():
        consumer = _new_consumer(settings)
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            consumer = None
            message = f"no answer from the broker at {settings.broker}: {error}"
            if patience is None:
                raise Unavailable(message) from error
            if status.problem("broker", message):
                log.warning("waiting: %s", message)
            await _rest(patience)
        else:
            status.solved("broker")
            break
    try:
        yield consumer
    finally:
        if consumer is not None:
            # Apart, and not awaited: without a broker aiokafka's stop may hang, or raise CancelledError by itself.
            await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=_CLOSE_SECONDS)


def _new_consumer(settings: Settings) -> AIOKafkaConsumer:
    return PacedConsumer(
        settings,
        group_id=f"{settings.app_id}-archive",
        # A fixed member: a restart takes its partitions back at once, and some brokers never evict a killed one.
        group_instance_id=f"{settings.instance_id}-archive",
        auto_offset_reset="earliest",
        isolation_level="read_uncommitted",
        session_timeout_ms=30_000,
        heartbeat_interval_ms=3_000,
        metadata_max_age_ms=30_000,
        retry_backoff_ms=500,  # every try without a broker is logged by the client
        max_partition_fetch_bytes=LARGEST_DEAD_LETTER,
    )


async def _topics_there(
    consumer: AIOKafkaConsumer, settings: Settings, status: Status, patience: asyncio.Event | None
) -> bool:
    """Wait until all topics exist: a consumer that subscribes earlier would find them minutes later."""
    while patience is None or not patience.is_set():
        try:
            there = await consumer.topics()
        except KafkaError as error:
            status.problem("broker", f"no answer from the broker at {settings.broker}: {error!r}")
            if patience is None:
                raise
            await _rest(patience)
            continue
        status.solved("broker")
        missing = [full for name in (*ARCHIVED, AUDIT) if (full := settings.topic(name)) not in there]
        if not missing:
            status.solved("topics")
            return True
        message = (
            f"topics are missing: {', '.join(missing)}; `creditpulse worker` or `creditpulse topics create` makes them"
        )
        if patience is None:
            raise Unavailable(message)
        if status.problem("topics", message):
            log.warning("waiting: %s", message)
        await _rest(patience)
    return False


async def _ends(consumer: AIOKafkaConsumer, settings: Settings) -> dict[TopicPartition, int]:
    # Counted from the settings: before it subscribes, a consumer knows no partitions of a real Kafka.
    names = [settings.topic(name) for name in ARCHIVED]
    places = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
    ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    return ends


async def _watch_lag(consumer: AIOKafkaConsumer, settings: Settings, intake: Intake, status: Status) -> None:
    """Keep the lag, and whether the broker answers, up to date."""
    while True:
        try:
            # The client itself would keep trying for much longer before it told us.
            await asyncio.wait_for(_measure_lag(consumer, settings, intake, status), _ANSWER_SECONDS)
        except (KafkaError, TimeoutError) as error:
            if status.problem("broker", f"no answer from the broker at {settings.broker}: {error!r}"):
                log.warning("the broker at %s does not answer: %r", settings.broker, error)
        else:
            if status.solved("broker"):
                log.info("the broker answers again")
        await asyncio.sleep(_LAG_SECONDS)


async def _measure_lag(consumer: AIOKafkaConsumer, settings: Settings, intake: Intake, status: Status) -> None:
    names = {settings.topic(name): name for name in ARCHIVED}
    lag = dict.fromkeys(ARCHIVED, 0)
    places = list(consumer.assignment())
    for place, end in (await consumer.end_offsets(places) if places else {}).items():
        done = intake.archived.get((names[place.topic], place.partition))
        if done is None:
            done = await consumer.committed(place) or 0
        lag[names[place.topic]] += max(0, end - done)
    status.set_lag(lag)


def _now() -> datetime:
    return datetime.now(UTC)


async def _rest(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), _TRY_AGAIN_SECONDS)
