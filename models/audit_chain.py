"""The audit chain of a partition: each entry's hash covers the entry before; whoever has the entries can check them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from models.calendar import from_ms, to_ms
from models.merkle import Frontier, leaf_hash
from schemas.audit import AuditCheckpoint
from schemas.errors import CreditPulseError, InvalidInput
from schemas.fields import EARLIEST, LATEST

GENESIS = bytes(32)
"""Stands before the first entry of a partition."""


_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Head(msgspec.Struct):
    """What sealing and checking read of a record; everything else in it is covered by the hashes all the same."""

    v: int
    partition: _Count
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    index: _Count
    kind: str
    type: str
    customer: str | None
    id: str
    by: str
    time: _Aware
    recorded: _Aware
    policy_version: str
    model_version: str

    @property
    def place(self) -> tuple[int, int]:
        """Grows from record to record of a partition; one that does not is a repetition."""
        return self.offset, self.index


_HEADS = msgspec.json.Decoder(Head)


def read_head(record: bytes) -> Head:
    """The head of a record; raises ``InvalidInput`` when it is none."""
    try:
        record.decode()  # the decoder itself does not look into what it skips
        head = _HEADS.decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("not_an_audit_record", str(error)) from error
    if not (EARLIEST <= head.time <= LATEST and EARLIEST <= head.recorded <= LATEST):
        raise InvalidInput("not_an_audit_record", "its times lie outside of the calendar")
    return head


def chain_hash(previous: bytes, record: bytes) -> bytes:
    """The hash of an entry: SHA-256 of the hash before and the record's bytes as they stand on the topic."""
    return sha256(previous + record).digest()


def columns_of(head: Head) -> dict[str, Any]:
    """What stands beside a record in the archive, so that people can look for it; checked against the record."""
    return {
        "log_offset": head.offset,
        "entry_index": head.index,
        "kind": head.kind,
        "type": head.type,
        "customer_id": head.customer or "",
        "id": head.id,
        "by": head.by,
        "time": _text(head.time),
        "recorded_time": _text(head.recorded),
        "policy_version": head.policy_version,
        "model_version": head.model_version,
    }


def _text(time: datetime) -> str:
    return from_ms(to_ms(time)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry as it is stored or exported; hashes in hex. ``columns`` may be fewer than ``columns_of`` gives."""

    partition: int
    sequence: int
    previous_hash: str
    hash: str
    leaf: str
    record: str
    columns: Mapping[str, Any] = field(default_factory=dict)

    def named(self) -> tuple[str | None, str | None]:
        """Id and customer, for a message: from the record, else from the columns."""
        try:
            head = read_head(self.record.encode("utf-8", "replace"))
        except InvalidInput:
            return self.columns.get("id"), self.columns.get("customer_id") or None
        return head.id, head.customer


class Broken(CreditPulseError):
    """The first entry of a partition that is not what was sealed: find out who changed it."""

    def __init__(self, partition: int, sequence: int, what: str, entry: SealedEntry | None = None) -> None:
        self.partition, self.sequence, self.what = partition, sequence, what
        self.id, self.customer = entry.named() if entry is not None else (None, None)
        about = f" ({self.id}, customer {self.customer or '-'})" if self.id else ""
        super().__init__(f"partition {partition}, sequence {sequence}{about}: {what}")


class ChainCheck:
    """Checks one partition's entries one after the other, against each other and against checkpoints.

    It starts at the beginning, or where the checkpoint ``start`` ends (which it takes for true). Checkpoints of
    other partitions are ignored.
    """

    def __init__(
        self, partition: int, checkpoints: Iterable[AuditCheckpoint] = (), start: AuditCheckpoint | None = None
    ) -> None:
        """Raises ``Broken`` when ``start`` contradicts itself."""
        self.partition, self.checkpoints_passed = partition, 0
        self._hash, self._frontier = GENESIS, Frontier()
        if start is not None:
            self._hash, self._frontier = bytes.fromhex(start.hash), frontier_of(start)
        self._begun = self._passed = self._frontier.size
        ours = {(c.tree_size, c.hash, c.root): c for c in checkpoints if c.partition == partition}
        self._ahead = sorted(
            (c for c in ours.values() if c.tree_size > self._begun), key=lambda c: c.tree_size, reverse=True
        )
        self._place = (-1, -1)

    @property
    def next(self) -> int:
        """The sequence that must come next: so many entries there are up to here."""
        return self._frontier.size

    @property
    def hash(self) -> str:
        """The hash of the last entry."""
        return self._hash.hex()

    @property
    def root(self) -> str:
        """The Merkle root of all entries up to here."""
        return self._frontier.root.hex()

    @property
    def checked(self) -> int:
        """Entries taken."""
        return self.next - self._begun

    def take(self, entry: SealedEntry) -> None:
        """Check the entry that comes next; raises ``Broken``."""
        self._check_place(entry)
        record = entry.record.encode("utf-8", "surrogatepass")
        leaf, digest = leaf_hash(record), chain_hash(self._hash, record)
        wrong_leaf, wrong_hash = leaf.hex() != entry.leaf, digest.hex() != entry.hash
        if wrong_leaf and wrong_hash:
            raise self._broken(entry, "its record is not the one that was sealed")
        if wrong_leaf or wrong_hash:
            raise self._broken(entry, f"its stored {'leaf hash' if wrong_leaf else 'hash'} is not its record's")
        self._check_head(entry, record)
        self._hash = digest
        self._frontier.append(leaf)
        self._compare(entry)

    def end(self) -> None:
        """No more entries: raises ``Broken`` when a checkpoint knows of more."""
        if self._ahead:
            size = self._ahead[0].tree_size
            what = f"missing, and all after it: a checkpoint counted {size} entries, there are {self.next}"
            raise Broken(self.partition, self.next, what)

    def _check_place(self, entry: SealedEntry) -> None:
        if entry.partition != self.partition:
            raise self._broken(entry, f"it stands among those of partition {self.partition}")
        if entry.sequence > self.next:
            what = f"missing: after {self.next - 1} comes {entry.sequence}"
            raise Broken(self.partition, self.next, what)
        if entry.sequence < self.next:
            raise self._broken(entry, "it stands there more than once, or out of order")
        if entry.previous_hash != self.hash:
            raise self._broken(entry, "its previous_hash is not the hash of the entry before it")

    def _check_head(self, entry: SealedEntry, record: bytes) -> None:
        try:
            head = read_head(record)
        except InvalidInput as error:
            raise self._broken(entry, f"its record cannot be read: {error}") from error
        if head.partition != self.partition or head.place <= self._place:
            raise self._broken(entry, f"its record belongs to another place: {head.partition}/{head.offset}")
        expected = columns_of(head)
        for name, value in entry.columns.items():
            if value != expected[name]:
                raise self._broken(entry, f"its column {name} says {value!r}, its record {expected[name]!r}")
        self._place = head.place

    def _compare(self, entry: SealedEntry) -> None:
        while self._ahead and self._ahead[-1].tree_size == self.next:
            known = self._ahead.pop()
            if (known.hash, known.root) != (self.hash, self.root):
                first = self._passed
                what = (
                    f"entries {first} to {entry.sequence} are not those that the checkpoint of {known.tree_size} "
                    "entries has seen: one of them was changed together with the hashes after it"
                )
                raise Broken(self.partition, first, what, entry if first == entry.sequence else None)
            self.checkpoints_passed += 1
            self._passed = self.next

    def _broken(self, entry: SealedEntry, what: str) -> Broken:
        return Broken(self.partition, entry.sequence, what, entry)


def frontier_of(checkpoint: AuditCheckpoint) -> Frontier:
    """The tree as of a checkpoint; raises ``Broken`` when its peaks do not make its root."""
    size, peaks = checkpoint.tree_size, [bytes.fromhex(peak) for peak in checkpoint.peaks]
    if len(peaks) == size.bit_count():
        frontier = Frontier(size, peaks)
        if frontier.root.hex() == checkpoint.root:
            return frontier
    raise Broken(checkpoint.partition, size - 1, "its checkpoint contradicts itself: its peaks do not make its root")
