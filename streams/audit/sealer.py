"""Seal one partition's audit records: drop repeats, number them, and chain their hashes; a fold of the topic alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from models.audit_chain import GENESIS, Broken, chain_hash, columns_of, read_head
from models.calendar import to_ms
from models.merkle import Frontier, leaf_hash
from schemas.audit import AuditCheckpoint
from schemas.errors import InvalidInput

TABLE: Final = "audit_entries"
COLUMNS: Final = (
    *("partition", "sequence", "previous_hash", "hash", "leaf", "out_offset"),
    *("log_offset", "entry_index", "kind", "type", "customer_id", "id", "by", "time", "recorded_time"),
    *("policy_version", "model_version", "record"),
)
Values = tuple[Any, ...]


@dataclass(slots=True)
class Chain:
    """Where a partition's sealing stands. ``place`` (log offset, index) and ``hash`` are those of the last entry."""

    partition: int
    frontier: Frontier = field(default_factory=Frontier)
    hash: bytes = GENESIS
    place: tuple[int, int] = (-1, -1)
    next_offset: int = 0
    """Of the topic ``audit``."""
    known: AuditCheckpoint | None = None
    """The latest checkpoint that was published."""

    @property
    def size(self) -> int:
        """How many entries are sealed."""
        return self.frontier.size

    @property
    def fresh(self) -> int:
        """Entries that no checkpoint covers."""
        return self.size - (self.known.tree_size if self.known else 0)

    def seal(self, offset: int, record: bytes) -> Values | None:
        """The row for the record at this offset of the topic; None for a repetition.

        Raises:
            InvalidInput: it is no audit record of this partition; the chain goes on without it.
            Broken: a published checkpoint knows of other entries than these.
        """
        self.next_offset = offset + 1
        head = read_head(record)
        if head.partition != self.partition:
            raise InvalidInput("not_an_audit_record", f"it belongs to partition {head.partition}")
        if head.place <= self.place:
            return None
        columns = columns_of(head) | {"time": to_ms(head.time), "recorded_time": to_ms(head.recorded)}
        leaf, digest, sequence = leaf_hash(record), chain_hash(self.hash, record), self.size
        hashes = (self.hash.hex(), digest.hex(), leaf.hex())
        self.frontier.append(leaf)
        self.hash, self.place = digest, head.place
        self._compare()
        return (self.partition, sequence, *hashes, offset, *columns.values(), record.decode())

    def checkpoint(self) -> AuditCheckpoint:
        """What stands now, to be published."""
        return AuditCheckpoint(
            partition=self.partition,
            tree_size=self.size,
            hash=self.hash.hex(),
            root=self.frontier.root.hex(),
            peaks=[peak.hex() for peak in self.frontier.peaks],
        )

    def _compare(self) -> None:
        # Only when an archive is made anew, or taken from a back-up: it must become what was published of the old one.
        if self.known is not None and self.known.tree_size == self.size:
            check_known(self.known, self.checkpoint())


def check_known(known: AuditCheckpoint, now: AuditCheckpoint) -> None:
    """Raises ``Broken`` when the chain as it stands is not what the checkpoint of the same size said."""
    if (known.hash, known.root) != (now.hash, now.root):
        what = f"the chain is not the one that the checkpoint of {known.tree_size} entries has seen; see `audit verify`"
        raise Broken(now.partition, now.tree_size - 1, what)


def token(rows: Sequence[Values]) -> str:
    """Tells ClickHouse a repeated insert: the same rows, in the same order."""
    digest = sha256()
    for row in rows:
        digest.update(repr(row[:5]).encode())  # the place, and of an entry its hashes
    return digest.hexdigest()
