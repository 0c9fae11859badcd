"""The archive's views as pages read them: asked once for all who look at the same thing within a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from desk.api.archive import ArchiveReader

Row: TypeAlias = dict[str, Any]
_MOST = 500


class Views:
    """Answers are shared: they must not be changed."""

    def __init__(self, archive: ArchiveReader) -> None:
        self._archive = archive
        self._answers: dict[tuple[Any, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def view(
        self,
        name: str,
        customer_id: str | None = None,
        limit: int = 100,
        offset: int = 0,
        *,
        max_age: float = 2.0,
        options: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """A page of a view, at most ``max_age`` seconds old; errors as ``ArchiveReader.view``."""
        key = ("view", name, customer_id, limit, offset, *sorted((options or {}).items()))
        found: list[Row] = await self.shared(
            key, max_age, lambda: self._archive.view(name, customer_id, limit, offset, options)
        )
        return found

    async def customer(self, customer_id: str, timeline: int = 100, *, max_age: float = 1.0) -> Row:
        """One customer; errors as ``ArchiveReader.customer``."""
        key = ("customer", customer_id, timeline)
        found: Row = await self.shared(key, max_age, lambda: self._archive.customer(customer_id, timeline))
        return found

    async def shared(self, key: tuple[Any, ...], max_age: float, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What ``ask`` answers, at most ``max_age`` seconds old, asked once for all who want the same ``key``."""
        now = time.monotonic()
        known = self._answers.get(key)
        if known is None or (known[1].done() and (now - known[0] > max_age or known[1].exception() is not None)):
            while len(self._answers) >= _MOST:
                del self._answers[next(iter(self._answers))]
            known = (now, asyncio.create_task(_asked(ask)))
            self._answers[key] = known
        # Shielded: one page that is closed must not take the answer from the others.
        return await asyncio.shield(known[1])


async def _asked(ask: Callable[[], Awaitable[Any]]) -> Any:
    return await ask()
