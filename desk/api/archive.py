"""The archive as the API reads it: found when it is needed, and looked for anew when it has moved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from schemas.errors import Unavailable
from streams.archive.address import find_running
from streams.archive.dsn import parse_dsn
from streams.archive.reader import Reader
from streams.settings import Settings

Answer = TypeVar("Answer")


class ArchiveReader:
    """``streams.archive.reader.Reader`` for a long-lived process: an archive may start after us, and restart."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader: Reader | None = None

    async def __aenter__(self) -> ArchiveReader:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._forget()

    async def view(
        self,
        name: str,
        customer_id: str | None = None,
        limit: int = 100,
        offset: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """A page of a view; errors as ``Reader.view``."""
        return await self._ask(lambda reader: reader.view(name, customer_id, limit, offset, options))

    async def customer(self, customer_id: str, timeline: int = 100) -> dict[str, Any]:
        """One customer; errors as ``Reader.customer``."""
        return await self._ask(lambda reader: reader.customer(customer_id, timeline))

    async def audit(self, kind: str, **parameters: str) -> list[dict[str, Any]]:
        """A page of the audit trail; errors as ``Reader.audit``."""
        return await self._ask(lambda reader: reader.audit(kind, **parameters))

    async def _ask(self, question: Callable[[Reader], Awaitable[Answer]]) -> Answer:
        fresh = self._reader is None
        try:
            return await question(await self._open())
        except Unavailable:
            await self._forget()
            if fresh:
                raise
        return await question(await self._open())

    async def _open(self) -> Reader:
        if self._reader is None:
            # One process can have chDB open. If that were us, who is here to stay, the archive could not come back.
            if parse_dsn(self._settings).path is not None and await find_running(self._settings) is None:
                raise Unavailable("the archive does not run")
            self._reader = await Reader(self._settings).__aenter__()
        return self._reader

    async def _forget(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.__aexit__(None, None, None)
