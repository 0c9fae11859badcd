"""Bring the database to the version of this creditpulse: numbered SQL files once each, the views at every start."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from schemas.errors import Unavailable, UnsupportedVersion
from streams.archive.errors import MigrationChanged

_HERE = Path(__file__).parent
_FILE = re.compile(r"^(\d{3,4})_([a-z0-9_]+)\.sql$")
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (version, name, checksum)
"""


class Database(Protocol):
    """What migrations need of ``ClickHouse``."""

    async def query(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT."""
        ...

    async def command(self, sql: str) -> None:
        """Run a statement."""
        ...


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A numbered SQL file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """Its statements; each one ends with a semicolon at the end of a line."""
        parts = re.split(r";[ \t]*(?:\n|$)", self.text)
        return [part.strip() for part in parts if re.sub(r"(?m)^--.*$", "", part).strip()]


def read_files(folder: Path) -> list[SqlFile]:
    """The numbered SQL files of a folder in order; a wrong name or a number used twice raises ``ValueError``."""
    files: list[SqlFile] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.match(path.name)
        if match is None:
            raise ValueError(f"{path.name}: must be called NNN_name.sql")
        files.append(SqlFile(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    numbers = [file.number for file in files]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{folder.name}: a number is used twice")
    return files


MIGRATIONS = _HERE / "migrations"
VIEWS = _HERE / "views"


async def _applied(database: Database) -> dict[int, str]:
    rows = await database.query("SELECT version, any(checksum) AS checksum FROM schema_migrations GROUP BY version")
    return {row["version"]: row["checksum"] for row in rows}


async def migrate(database: Database, folder: Path = MIGRATIONS, views: Path = VIEWS) -> list[int]:
    """Apply what is missing, in order, then (re)create the views; the versions applied now.

    Every statement of a migration must be repeatable (``IF NOT EXISTS``): ClickHouse has no transaction around
    several of them, so one that fails half-way is applied again from its beginning.

    Raises:
        UnsupportedVersion: a newer creditpulse has been here.
        MigrationChanged: the text of an applied migration is not the one that was applied.
    """
    files = read_files(folder)
    await database.command(_LEDGER)
    done = await _applied(database)
    _check(files, done)
    fresh = [file for file in files if file.number not in done]
    for file in fresh:
        for statement in file.statements:
            await database.command(statement)
        await database.command(
            "INSERT INTO schema_migrations (version, name, checksum) "  # noqa: S608 (names of our own files)
            f"VALUES ({file.number}, '{file.name}', '{file.checksum}')"
        )
    for file in read_files(views):
        await database.command(view_statement(file))
    return [file.number for file in fresh]


async def check_version(database: Database, folder: Path = MIGRATIONS) -> None:
    """For who only reads: raises ``Unavailable`` without an archive, ``UnsupportedVersion`` on a newer one."""
    rows = await database.query(
        "SELECT count() AS found FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'"
    )
    if not rows[0]["found"]:
        raise Unavailable("there is no archive in this database yet: start `creditpulse archive` first")
    _check(read_files(folder), await _applied(database))


def _check(files: list[SqlFile], done: dict[int, str]) -> None:
    known = {file.number: file for file in files}
    newest = max(known, default=0)
    if done and max(done) > newest:
        raise UnsupportedVersion(
            f"the archive has schema version {max(done)}, this creditpulse knows up to {newest}: upgrade creditpulse"
        )
    for number, checksum in done.items():
        if number not in known or known[number].checksum != checksum:
            name = known[number].name if number in known else "missing"
            raise MigrationChanged(
                f"migration {number} ({name}) is not the one that was applied: put the file back and add a new one"
            )


def view_descriptions(views: Path = VIEWS) -> dict[str, str]:
    """What each view holds, in words: the leading comment of its file."""
    return {file.name: _comment(file) for file in read_files(views)}


def _comment(file: SqlFile) -> str:
    leading = takewhile(lambda line: line.startswith("--"), file.text.splitlines())
    return "\n".join(line[2:].strip() for line in leading)


def view_statement(file: SqlFile) -> str:
    """CREATE VIEW of a views file: its name names the view, its leading comment becomes the view's comment."""
    quoted = _comment(file).replace("\\", "\\\\").replace("'", "\\'")
    # In parentheses: ClickHouse 25 takes the word COMMENT after a table's name for its alias.
    return f"CREATE OR REPLACE VIEW {file.name} AS\n(\n{file.text.strip()}\n)\nCOMMENT '{quoted}'"
