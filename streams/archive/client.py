"""One clickhouse-connect client on a thread of its own: the only way from the archive to ClickHouse or chDB."""

from __future__ import annotations

import asyncio
import fcntl
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, DataError

from schemas.errors import CreditPulseError, InvalidInput, Unavailable
from streams.archive.dsn import Target
from streams.archive.errors import RowsRefused, StatementFailed

T = TypeVar("T")

# Error codes that are about the values of an insert: TYPE_MISMATCH, ARGUMENT_OUT_OF_BOUND, CANNOT_CONVERT_TYPE,
# INCORRECT_DATA, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN, DECIMAL_OVERFLOW,
# VIOLATED_CONSTRAINT. Any other may pass: disk full, too many parts, no memory, a table that is being restored.
_ABOUT_VALUES = frozenset({53, 69, 70, 117, 321, 349, 407, 469})
# What the client raises while it encodes rows: NaN, text that is no UTF-8, a number too large.
_ENCODING = (DataError, ValueError, TypeError, ArithmeticError, AttributeError, LookupError, struct.error)
# The server is busy, starting, or cannot be reached from where it is.
_PASSING = frozenset({3, 159, 202, 209, 210, 236, 241, 242, 252, 285, 319, 425, 439, 999})
# Filters that joins make while they run get into this cache, as if they were conditions of the query: later queries of
# the same views then miss rows, and answer wrongly without an error (seen with chDB 26.9; test_archive_views.py).
_CONDITION_CACHE = "use_query_condition_cache"


class ClickHouse:
    """Async face of one synchronous client; every call runs on the same single thread, in order.

    The client is made at the first call and made again after a failure to connect. chDB gives one engine to a
    process and one process to a directory; several ``ClickHouse`` objects of a process share the engine.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._client: Client | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clickhouse")

    async def open(self, *, create: bool) -> None:
        """Connect now; with ``create`` the directory and the database are made if they are missing.

        Raises:
            Unavailable: nothing answers there (yet), or another process holds the directory.
            StatementFailed: it answers but refuses us (user, password, rights, unknown database).
        """
        if create:
            await self._run(self._create)
        await self._run(self._connected)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], token: str) -> None:
        """Insert rows at once; a repeated ``token`` among the table's last inserts is dropped by ClickHouse.

        Raises:
            RowsRefused: at least one of these rows can never be inserted.
            Unavailable: anything else; the rows may or may not have arrived. Insert the same again.
        """

        def work() -> None:
            client = self._connected()
            settings = {"insert_deduplication_token": token}
            context = client.create_insert_context(table, column_names=columns, data=rows, settings=settings)
            try:
                client.insert(context=context)
            except Exception:
                # A row that cannot be encoded is found while the request is on its way, and spoils it: what the
                # server makes of that (an error, or hanging up) is not the cause.
                if context.insert_exception is not None:
                    raise context.insert_exception from None
                raise

        try:
            # First alone: what goes wrong while connecting is never the fault of the rows.
            await self._run(self._connected)
            await self._run(work, inserting=True)
        except StatementFailed as error:
            raise Unavailable(str(error)) from error

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a SELECT; ``parameters`` are bound by the server (``{name:Type}`` in the SQL).

        Raises:
            Unavailable, StatementFailed: as in ``open``.
        """

        def work() -> list[dict[str, Any]]:
            result = self._connected().query(sql, parameters=dict(parameters or {}))
            return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

        return await self._run(work)

    async def command(self, sql: str) -> None:
        """Run a statement without result; raises like ``query``."""

        def work() -> None:
            self._connected().command(sql)

        await self._run(work)

    async def close(self) -> None:
        """Close the client and end its thread. Safe to call twice."""
        if self._closed:
            return
        self._closed = True

        def work() -> None:
            client, self._client = self._client, None
            if client is not None:
                client.close()

        await asyncio.get_running_loop().run_in_executor(self._thread, work)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T], *, inserting: bool = False) -> T:
        if self._closed:
            raise Unavailable(f"the connection to {self.target.label} is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except CreditPulseError:
            raise
        except Exception as error:
            raise self._translate(error, inserting) from error

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._connect(self.target.database)
        return self._client

    def _connect(self, database: str) -> Client:
        # Batches are ours: the server must have stored them when insert returns.
        common: dict[str, Any] = {"settings": {"async_insert": 0}, "tz_mode": "aware", "database": database}
        if self.target.path is None:
            client = clickhouse_connect.get_client(**common, **self.target.options)
        elif self.target.path.is_dir():
            client = clickhouse_connect.get_client(interface="chdb", path=str(self.target.path), **common)
        else:
            raise Unavailable(f"there is no archive at {self.target.label} yet: start `creditpulse archive` first")
        if _CONDITION_CACHE in client.server_settings:
            client.set_client_setting(_CONDITION_CACHE, 0)
        return client

    def _create(self) -> None:
        if self.target.path is not None:
            _make_directory(self.target.path)
        client = self._connect("default")
        try:
            found = client.query(
                "SELECT count() FROM system.databases WHERE name = {name:String}",
                parameters={"name": self.target.database},
            )
            if not found.result_rows[0][0]:
                client.command(f"CREATE DATABASE IF NOT EXISTS `{self.target.database}`")
        finally:
            client.close()

    def _translate(self, error: Exception, inserting: bool) -> Exception:
        where = f"ClickHouse at {self.target.label}"
        text = str(error).strip().split("\n")[0][:500]
        code = getattr(error, "code", None)
        if inserting and (code in _ABOUT_VALUES or isinstance(error, _ENCODING)):
            return RowsRefused(f"{where} refused rows: {text}")
        if self.target.path is not None and "EmbeddedServer" in text and _held(self.target.path):
            return Unavailable(f"{where}: another process has opened it (is an archive running?)")
        if isinstance(error, DatabaseError) and code is not None and code not in _PASSING:
            return StatementFailed(f"{where}: {text}")
        if inserting or isinstance(error, ClickHouseError | OSError):
            return Unavailable(f"{where}: {text}")
        return error


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"CREDITPULSE_CLICKHOUSE_DSN: cannot make {path}: {error.strerror}"
        raise InvalidInput("clickhouse_dsn", message, field="clickhouse_dsn") from error


def _held(path: Path) -> bool:
    """Whether an engine has the directory open: it keeps its status file locked.

    chDB itself says no more than that it could not start.
    """
    try:
        with (path / "status").open("rb") as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
