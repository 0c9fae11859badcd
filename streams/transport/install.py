"""Installs chunked delivery on an app, and the ways in which a worker ends when delivery can no longer be trusted."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, ClassVar

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import AppT

from streams.transport import recovery_fix
from streams.transport.consumer import ChunkConsumer
from streams.transport.options import ChunkOptions, check_settings

EXIT_STUCK = 70
"""Exit code (EX_SOFTWARE) of a process that hung in its shutdown after a fatal error."""


class ChunkTransport(driver.Transport):
    """The aiokafka transport with a ChunkConsumer."""

    Consumer: ClassVar[Any] = ChunkConsumer

    def __init__(self, options: ChunkOptions, app: AppT) -> None:
        self.options = options
        super().__init__(app.conf.broker_consumer, app)

    async def fail_stop(self, reason: BaseException) -> None:
        """End the process, non-zero and without committing more: by way of Faust's crash, or hard if that hangs."""
        await fail_stop(self.app, reason, self.options.hard_exit_seconds)


async def fail_stop(app: AppT, reason: BaseException, hard_exit_seconds: float | None) -> None:
    """Crash ``app`` with ``reason``; if the process still lives ``hard_exit_seconds`` later, end it at once."""
    if hard_exit_seconds is not None:
        timer = threading.Timer(hard_exit_seconds, _exit_hard, (reason,))
        timer.daemon = True
        timer.start()
    await app.crash(reason)


def _exit_hard(reason: BaseException) -> None:
    print(  # noqa: T201 (logging may be what hangs)
        f"hung while stopping after {reason!r}: exit {EXIT_STUCK}", file=sys.stderr, flush=True
    )
    os._exit(EXIT_STUCK)


def use_chunks(app: faust.App, options: ChunkOptions) -> ChunkTransport:
    """Deliver ``options.topics`` in chunks from now on; call before the app starts, after its tables are declared.

    Without this call the app keeps Faust's own delivery per record. Raises UnsafeSetting or
    IncompatibleFaust.
    """
    check_settings(app)
    recovery_fix.install()
    transport = ChunkTransport(options, app)
    app.transport = transport
    return transport
