"""Check the audit trail of an archive: every hash again, from the beginning or from a checkpoint on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.audit_chain import Broken, ChainCheck, SealedEntry
from schemas.audit import AuditCheckpoint
from streams.archive.reader import Reader
from streams.audit.outcome import Outcome

Advance = Callable[[int, int], None]
"""Told ``(entries checked, entries in all)`` now and then."""
_HASHED = ("partition", "sequence", "previous_hash", "hash", "leaf", "record")


@dataclass(frozen=True, slots=True)
class Span:
    """What to check, both ends included: event times or sequences (the same in each partition); None = open."""

    first: datetime | int | None = None
    last: datetime | int | None = None


def sealed_entry(row: dict[str, Any]) -> SealedEntry:
    """An entry from a row of the archive."""
    columns = {name: value for name, value in row.items() if name not in _HASHED}
    return SealedEntry(**{name: row[name] for name in _HASHED}, columns=columns)


async def entries_of(reader: Reader, partition: int, first: int, last: int | None) -> AsyncIterator[list[SealedEntry]]:
    """A partition's entries in pages."""
    while last is None or first <= last:
        rows = await reader.audit("entries", partition=str(partition), first=str(first))
        page = [sealed_entry(row) for row in rows]
        if not page:
            return
        first = page[-1].sequence + 1
        yield [entry for entry in page if last is None or entry.sequence <= last]


async def verify_archive(
    reader: Reader, checkpoints: Sequence[AuditCheckpoint], span: Span, advance: Advance
) -> Outcome:
    """Check what the archive holds, partition by partition; of each the first broken entry is told.

    With a beginning, each partition is checked from the last checkpoint before it, which is taken for true.
    """
    there = {row["partition"]: row["last"] for row in await reader.audit("spans")}
    wanted = await _wanted(reader, span, {*there, *(c.partition for c in checkpoints)})
    outcome, done = Outcome(), 0
    total = sum(max(0, min(there.get(p, -1), last if last is not None else there.get(p, -1)) - first + 1)
                for p, (first, last) in wanted.items())  # fmt: skip
    for partition, (first, last) in sorted(wanted.items()):
        ours = [c for c in checkpoints if c.partition == partition]
        try:
            check = _check(partition, ours, first, last)
        except Broken as broken:
            outcome.broken.append(broken)
            continue
        try:
            async for page in entries_of(reader, partition, check.next, last):
                for entry in page:
                    check.take(entry)
                done += len(page)
                advance(min(done, total), total)
            _end(check, ours, last, there.get(partition, -1) + 1)
        except Broken as broken:
            outcome.broken.append(broken)
        outcome.add(check)
    return outcome


def _check(partition: int, checkpoints: Sequence[AuditCheckpoint], first: int, last: int | None) -> ChainCheck:
    before = [c for c in checkpoints if c.tree_size <= first]
    within = [c for c in checkpoints if last is None or c.tree_size <= last + 1]
    return ChainCheck(partition, within, max(before, key=lambda c: c.tree_size, default=None))


def _end(check: ChainCheck, checkpoints: Sequence[AuditCheckpoint], last: int | None, there: int) -> None:
    """Whether the partition ends where it should: at ``last``, or not before the largest checkpoint."""
    counted = max((c.tree_size for c in checkpoints), default=0)
    if counted > there and (last is None or last >= there):
        what = f"missing, and all after it: a checkpoint counted {counted} entries, there are {there}"
        raise Broken(check.partition, there, what)
    check.end()


async def _wanted(reader: Reader, span: Span, partitions: set[int]) -> dict[int, tuple[int, int | None]]:
    """First and last sequence to check of each partition; none of those that have nothing in the span."""
    times: dict[str, str] = {}
    if isinstance(span.first, datetime):
        times["since"] = span.first.astimezone(UTC).isoformat()
    if isinstance(span.last, datetime):
        times["until"] = span.last.astimezone(UTC).isoformat()
    first = span.first if isinstance(span.first, int) else 0
    last = span.last if isinstance(span.last, int) else None
    if not times:
        return dict.fromkeys(partitions, (first, last))
    found: dict[int, tuple[int, int | None]] = {}
    for row in await reader.audit("spans", **times):
        low = row["first"] if "since" in times else first
        found[row["partition"]] = (low, row["last"] if "until" in times else last)
    return found
