"""The connection and the migrations on real engines: chDB in this process, chDB behind HTTP in another."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from schemas.errors import InvalidInput, Unavailable, UnsupportedVersion
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.errors import MigrationChanged, RowsRefused, StatementFailed
from streams.archive.migrations import check_version, migrate
from streams.archive.rows import COLUMNS, to_row
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.settings import Settings
from tests.integration.archive_parts import Engine, Shelf, log_of, paid
from tests.integration.book import Book

pytestmark = pytest.mark.embedded_only


def client(dsn: str) -> ClickHouse:
    """A client that is not connected yet."""
    return ClickHouse(parse_dsn(Settings(_env_file=None, clickhouse_dsn=dsn)))


class HttpServer:
    """A ClickHouse by HTTP that can be killed and started again with its data."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.child: Child | None = None

    @property
    def dsn(self) -> str:
        """What CREDITPULSE_CLICKHOUSE_DSN takes."""
        return f"clickhouse://default@127.0.0.1:{self.port}/archive"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "tests.integration.clickhouse_http",
            str(self.directory / "http"),
            str(self.port),
        ]
        self.child = start_child(command, log=self.directory / "http.log", name="clickhouse")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.child.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.child.last_lines())

    def kill(self) -> None:
        """End it as a crash would."""
        if self.child is not None:
            self.child.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpServer]:
    """A server that is not started yet."""
    found = HttpServer(tmp_path)
    yield found
    found.kill()


@pytest.fixture(params=["chdb", "http"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, server: HttpServer) -> AsyncIterator[ClickHouse]:
    """Both kinds of target, connected."""
    if request.param == "http":
        server.start()
    found = client(server.dsn if request.param == "http" else f"chdb://{tmp_path / 'chdb'}")
    await found.open(create=True)
    yield found
    await found.close()


async def test_migrations_once_then_refuse_what_they_do_not_know(database: ClickHouse) -> None:
    """A second start changes nothing, data stays; newer and altered versions are refused by writer and reader."""
    assert await migrate(database) == [1, 2, 3, 4]
    await Shelf(database).put(log_of(paid("A", "P1", "10", "2025-01-01")))
    assert await migrate(database) == []
    await check_version(database)
    assert len(await Shelf(database).rows("events")) == 1
    await database.command("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'later', 'x')")
    for refused in (migrate(database), check_version(database)):
        with pytest.raises(UnsupportedVersion, match="9999"):
            await refused
    await database.command("TRUNCATE TABLE schema_migrations")
    await database.command("INSERT INTO schema_migrations (version, name, checksum) VALUES (1, 'tables', 'x')")
    with pytest.raises(MigrationChanged):
        await migrate(database)


async def test_both_targets_hold_the_same(database: ClickHouse) -> None:
    """A book goes in and comes out whole; the same batch again changes nothing."""
    await migrate(database)
    shelf = Shelf(database)
    records = Engine().records(Book(customers=5, days=60).events())
    for _ in range(2):
        assert (await shelf.put(records)).rejected == 0
    counted = [await database.query(f"SELECT count() AS n FROM {table} FINAL") for table in COLUMNS]  # noqa: S608
    assert sum(rows[0]["n"] for rows in counted) == len(records)


async def test_refused_rows_are_told_from_trouble(database: ClickHouse) -> None:
    """A value that never goes in is RowsRefused; a missing table, which may come back, is Unavailable."""
    row = to_row(log_of(paid("A", "P1", "10", "2025-01-01"))[0])
    columns = COLUMNS["raw_log"]
    bad = [*row.values]
    bad[columns.index("log_offset")] = "many"
    await migrate(database)
    with pytest.raises(RowsRefused):
        await database.insert("raw_log", columns, [bad], "token-1")
    await database.insert("raw_log", columns, [row.values], "token-2")
    await database.command("DROP TABLE raw_log")
    with pytest.raises(Unavailable, match="raw_log"):
        await database.insert("raw_log", columns, [row.values], "token-3")
    with pytest.raises(StatementFailed):
        await database.query("SELECT * FROM raw_log")


async def test_nobody_answers() -> None:
    """No server: Unavailable, naming where it was looked for."""
    port = free_port()
    nobody = client(f"clickhouse://127.0.0.1:{port}")
    with pytest.raises(Unavailable, match=f"127.0.0.1:{port}"):
        await nobody.open(create=True)
    await nobody.close()


async def test_a_server_that_comes_back_is_used_again(server: HttpServer) -> None:
    """The same client works again after the server was killed and started, with all that was written before."""
    server.start()
    database = client(server.dsn)
    await database.open(create=True)
    await migrate(database)
    shelf = Shelf(database)
    await shelf.put(log_of(paid("A", "P1", "10", "2025-01-01")))
    server.kill()
    with pytest.raises(Unavailable):
        await shelf.rows("events")
    server.start()
    assert len(await shelf.rows("events")) == 1
    await database.close()


async def test_no_archive_in_the_directory(tmp_path: Path) -> None:
    """Reading where there is nothing makes nothing and says what to start."""
    nothing = client(f"chdb://{tmp_path / 'none'}")
    with pytest.raises(Unavailable, match="creditpulse archive"):
        await nothing.open(create=False)
    assert not (tmp_path / "none").exists()
    await nothing.close()


async def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A path below a file is a wrong setting, not something to wait for."""
    (tmp_path / "file").write_text("")
    wrong = client(f"chdb://{tmp_path / 'file' / 'x'}")
    with pytest.raises(InvalidInput, match="CREDITPULSE_CLICKHOUSE_DSN"):
        await wrong.open(create=True)
    await wrong.close()
