"""Tasks that run beside what a service does, and end with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any


async def end_task(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait until it has ended; None is no error. What it failed with is raised."""
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
