"""Paces a consumer's fetches on brokers that do not hold an empty fetch back.

What breaks without it: the embedded broker (noida-db 0.2.3) answers most fetches of idle partitions at once instead of
waiting for data, and aiokafka then asks again at once: 1,000 to 4,000 fetches a second, a quarter of a core for each
idle consumer and as much for the broker. A broker that waits as asked is not slowed down.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from aiokafka import AIOKafkaConsumer


def pace_empty_fetches(consumer: AIOKafkaConsumer, pause_seconds: float) -> None:
    """After a fetch that brought nothing in less than ``pause_seconds``, wait that long; call after its start()."""
    fetcher = consumer._fetcher
    fetch = fetcher._proc_fetch_request

    async def paced(assignment: object, node_id: int, request: object) -> bool:
        started = time.monotonic()
        brought = bool(await fetch(assignment, node_id, request))
        if not brought and time.monotonic() - started < pause_seconds:
            # Cancelled when the fetcher closes, which then waits for an end without an error, as `fetch` makes it.
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(pause_seconds)
        return brought

    fetcher._proc_fetch_request = paced
