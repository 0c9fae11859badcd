"""The file that goes to an outside party, one JSON object a line: a header, then entries; gzipped if named ``.gz``.

The header says what the file holds: ``scope`` ``all`` (whole entries with their chain) or ``customer`` (one customer's
records, each with its Merkle proof), and how many entries of each partition.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Literal, TypeVar, cast

import msgspec

from schemas.errors import InvalidInput

VERSION = 1
_PLACE = re.compile(rb'"partition":(\d{1,10}),"sequence":(\d{1,19})\b')
_Parsed = TypeVar("_Parsed", bound=msgspec.Struct)


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """First line. ``entries``: per partition (as text), how many lines of it follow; ``made``: when."""

    creditpulse_audit: int
    scope: Literal["all", "customer"]
    made: datetime
    entries: dict[str, int]
    customer: str | None = None


class WholeLine(msgspec.Struct, forbid_unknown_fields=True):
    """An entry of a file of all; hashes in hex."""

    partition: int
    sequence: int
    previous_hash: str
    hash: str
    leaf: str
    record: str


class ProvenLine(msgspec.Struct, forbid_unknown_fields=True):
    """A customer's entry: it stands at ``sequence`` of the tree of ``tree_size`` entries, as ``proof`` (hex) shows."""

    partition: int
    sequence: int
    tree_size: int
    record: str
    proof: list[str]


class UnreadableLine(Exception):
    """A line that is not what it should be; ``place`` is the partition and sequence that it seems to be about."""

    def __init__(self, what: str, line: bytes = b"") -> None:
        super().__init__(what)
        found = _PLACE.search(line)
        self.place = None if found is None else (int(found[1]), int(found[2]))


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """The file, which appears whole or not at all; raises ``InvalidInput`` when it cannot be written."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        with cast(IO[bytes], gzip.open(draft, "wb") if path.suffix == ".gz" else draft.open("wb")) as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise InvalidInput("out", f"cannot write {path}: {error.strerror or error}", field="out") from error
    finally:
        draft.unlink(missing_ok=True)


def write_line(file: IO[bytes], line: msgspec.Struct) -> None:
    """One more line."""
    file.write(msgspec.json.encode(line) + b"\n")


@contextmanager
def reading(path: Path) -> Iterator[tuple[Header, Iterator[bytes]]]:
    """Header and the lines after it, which may raise ``UnreadableLine``; raises ``InvalidInput`` without a header."""
    try:
        with cast(IO[bytes], gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as file:
            yield _header(file.readline(), path), _lines(file)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput("file", f"cannot read {path}: {error}", field="file") from error


def parsed(line: bytes, kind: type[_Parsed]) -> _Parsed:
    """The line as what it should be; raises ``UnreadableLine``."""
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableLine(str(error), line) from error


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while True:
        try:
            line = file.readline()
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableLine(str(error)) from error
        if not line:
            return
        yield line


def _header(line: bytes, path: Path) -> Header:
    try:
        header = parsed(line, Header)
        counts = {int(partition): count for partition, count in header.entries.items()}
    except (UnreadableLine, ValueError) as error:
        raise InvalidInput("file", f"{path} is no export of an audit trail: {error}", field="file") from error
    if header.creditpulse_audit != VERSION or any(count < 0 for count in counts.values()):
        raise InvalidInput("file", f"{path} is an export of another version than {VERSION}", field="file")
    return header
