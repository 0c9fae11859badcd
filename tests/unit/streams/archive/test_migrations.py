"""Migrations: each once, in order, never against a database of a newer or an altered creditpulse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Unavailable, UnsupportedVersion
from streams.archive.catalog import VIEWS
from streams.archive.errors import MigrationChanged
from streams.archive.migrations import (
    MIGRATIONS,
    SqlFile,
    check_version,
    migrate,
    read_files,
    view_descriptions,
    view_statement,
)
from streams.archive.migrations import VIEWS as VIEW_FILES


class FakeDatabase:
    """Remembers statements and the ledger of versions."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.versions: dict[int, str] = {}
        self.fails_at: str | None = None

    async def query(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        if "system.tables" in sql:
            return [{"found": int(any("schema_migrations" in text for text in self.statements))}]
        return [{"version": version, "checksum": checksum} for version, checksum in self.versions.items()]

    async def command(self, sql: str) -> None:
        if self.fails_at and self.fails_at in sql:
            raise Unavailable("away")
        self.statements.append(sql)
        values = re.search(r"VALUES \((\d+), '\w+', '(\w+)'\)", sql)
        if values:
            self.versions[int(values[1])] = values[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    (tmp_path / "0001_first.sql").write_text("-- tables; one\nCREATE TABLE a (x Int8);\n\nCREATE TABLE b (x Int8);\n")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE c (x Int8)")
    return tmp_path


async def test_each_once_and_in_order(folder: Path) -> None:
    """The first start applies all in order, the second none."""
    database = FakeDatabase()
    assert await migrate(database, folder) == [1, 2]
    tables = [found[1] for text in database.statements if (found := re.search(r"CREATE TABLE (\w) ", text))]
    assert tables == ["a", "b", "c"]
    assert await migrate(database, folder) == []


async def test_one_that_failed_half_way_is_repeated_whole(folder: Path) -> None:
    """A migration counts only when all its statements are through."""
    database = FakeDatabase()
    database.fails_at = "TABLE b"
    with pytest.raises(Unavailable):
        await migrate(database, folder)
    assert database.versions == {}
    database.fails_at = None
    assert await migrate(database, folder) == [1, 2]


async def test_a_newer_database_is_refused(folder: Path) -> None:
    """Tables of a newer creditpulse are neither written nor read by this one."""
    database = FakeDatabase()
    await migrate(database, folder)
    database.versions[3] = "x"
    with pytest.raises(UnsupportedVersion, match="version 3, this creditpulse knows up to 2"):
        await migrate(database, folder)
    with pytest.raises(UnsupportedVersion):
        await check_version(database, folder)


async def test_an_altered_migration_is_refused(folder: Path) -> None:
    """The text of what was applied must not change afterwards."""
    database = FakeDatabase()
    await migrate(database, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE a (x Int16);")
    with pytest.raises(MigrationChanged, match="migration 1"):
        await migrate(database, folder)


async def test_a_reader_finds_no_archive() -> None:
    """Reading where no archive has been says so."""
    with pytest.raises(Unavailable, match="no archive"):
        await check_version(FakeDatabase())


@pytest.mark.parametrize("name", ["1_a.sql", "0001-a.sql", "0002_B.sql"])
def test_file_names_are_checked(folder: Path, name: str) -> None:
    """A file that would be left out because of its name is an error."""
    (folder / name).write_text("SELECT 1")
    with pytest.raises(ValueError, match="must be called"):
        read_files(folder)


def test_a_number_is_used_once(folder: Path) -> None:
    """Two files of one number have no order."""
    (folder / "0002_other.sql").write_text("SELECT 1")
    with pytest.raises(ValueError, match="twice"):
        read_files(folder)


def test_our_migrations_are_repeatable() -> None:
    """ClickHouse has no transactions: every statement must be one that can be run again."""
    for file in read_files(MIGRATIONS):
        for statement in file.statements:
            assert "IF NOT EXISTS" in statement or "IF EXISTS" in statement


def test_catalog_and_files_agree() -> None:
    """Every view is in the catalogue and says what it holds."""
    assert list(view_descriptions()) == list(VIEWS)
    assert all(len(text) > 40 for text in view_descriptions().values())


def test_a_view_depends_only_on_earlier_files() -> None:
    """Views are made in the order of their numbers."""
    names = [file.name for file in read_files(VIEW_FILES)]
    for position, file in enumerate(read_files(VIEW_FILES)):
        used = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", file.text))
        assert not used & set(names[position:])


def test_view_comment_is_quoted() -> None:
    """An apostrophe in a comment does not end the statement."""
    text = view_statement(SqlFile(10, "v", "-- A customer's \\ view\nSELECT 1 FROM t"))
    assert text.endswith("COMMENT 'A customer\\'s \\\\ view'")
