"""Read the archive from any process: through the running archive, or, when none runs, from ClickHouse itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
import yarl

from schemas.errors import InvalidInput, Unavailable
from streams.archive.address import find_running
from streams.archive.audit_reads import read_audit
from streams.archive.catalog import DEFAULT_LIMIT
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.errors import NotFound, StatementFailed
from streams.archive.migrations import check_version
from streams.archive.reads import DEFAULT_TIMELINE, Answer, read_customer, read_view
from streams.settings import Settings

_ANSWER_SECONDS = 60.0


class _Way(Protocol):
    async def view(
        self, name: str, customer_id: str | None, limit: int, offset: int, options: Mapping[str, str]
    ) -> list[Answer]: ...
    async def customer(self, customer_id: str, timeline: int) -> Answer: ...
    async def audit(self, kind: str, parameters: dict[str, str]) -> list[Answer]: ...
    async def close(self) -> None: ...


class Reader:
    """``async with Reader(settings) as reader``; both ways give the same answers.

    With chDB only one process can have the archive open; that is why a running archive is asked first.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._way: _Way | None = None

    async def __aenter__(self) -> Reader:
        """Find the way.

        Raises:
            Unavailable: no archive runs and ClickHouse does not answer, or has no archive in it.
            UnsupportedVersion, MigrationChanged, InvalidInput, StatementFailed: as in the archive itself.
        """
        running = await find_running(self._settings)
        self._way = _ThroughArchive(running.url) if running else await _open_itself(self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._way is not None:
            way, self._way = self._way, None
            await way.close()

    async def view(
        self,
        name: str,
        customer_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """A page of a view (streams.archive.catalog.VIEWS); contract and errors as ``reads.read_view``."""
        return await self._open_way().view(name, customer_id, limit, offset, options or {})

    async def customer(self, customer_id: str, timeline: int = DEFAULT_TIMELINE) -> dict[str, Any]:
        """One customer with the newest ``timeline`` entries; contract and errors as ``reads.read_customer``."""
        return await self._open_way().customer(customer_id, timeline)

    async def audit(self, kind: str, **parameters: str) -> list[dict[str, Any]]:
        """A page of the audit trail; contract and errors as ``audit_reads.read_audit``."""
        return await self._open_way().audit(kind, parameters)

    def _open_way(self) -> _Way:
        if self._way is None:
            raise RuntimeError("use it as: async with Reader(settings) as reader")
        return self._way


async def _open_itself(settings: Settings) -> _Direct:
    database = ClickHouse(parse_dsn(settings))
    try:
        await database.open(create=False)
        await check_version(database)
    except BaseException:
        await database.close()
        raise
    return _Direct(database)


class _Direct:
    def __init__(self, database: ClickHouse) -> None:
        self._database = database

    async def view(
        self, name: str, customer_id: str | None, limit: int, offset: int, options: Mapping[str, str]
    ) -> list[Answer]:
        return await read_view(self._database, name, customer_id, limit, offset, options)

    async def customer(self, customer_id: str, timeline: int) -> Answer:
        return await read_customer(self._database, customer_id, timeline)

    async def audit(self, kind: str, parameters: dict[str, str]) -> list[Answer]:
        return await read_audit(self._database, kind, parameters)

    async def close(self) -> None:
        await self._database.close()


class _ThroughArchive:
    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS))

    async def view(
        self, name: str, customer_id: str | None, limit: int, offset: int, options: Mapping[str, str]
    ) -> list[Answer]:
        parameters = {**options, "limit": str(limit), "offset": str(offset)}
        if customer_id is not None:
            parameters["customer_id"] = customer_id
        rows: list[Answer] = (await self._get(f"/v1/views/{quote(name, safe='')}", parameters))["rows"]
        return rows

    async def customer(self, customer_id: str, timeline: int) -> Answer:
        return await self._get(f"/v1/customers/{quote(customer_id, safe='')}", {"timeline": str(timeline)})

    async def audit(self, kind: str, parameters: dict[str, str]) -> list[Answer]:
        rows: list[Answer] = (await self._get(f"/v1/audit/{kind}", parameters))["rows"]
        return rows

    async def close(self) -> None:
        await self._session.close()

    async def _get(self, path: str, parameters: dict[str, str]) -> Answer:
        url = yarl.URL(self._url + path, encoded=True)
        try:
            async with self._session.get(url, params=parameters) as answer:
                body: Answer = await answer.json()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"the archive at {self._url} does not answer: {error!r}") from error
        if status == 200:
            return body
        raise _error(status, body)


def _error(status: int, body: Answer) -> Exception:
    message = str(body.get("message"))
    if status == 400:
        return InvalidInput(str(body.get("code")), message, field=body.get("field"))
    if status == 404:
        return NotFound(message)
    return Unavailable(message) if status == 503 else StatementFailed(message)
