"""Write exports of the audit trail: all of it, or one customer's entries with proofs that need nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from models.audit_chain import Broken
from models.merkle import Tree
from schemas.audit import AuditCheckpoint
from schemas.errors import Unavailable
from streams.archive.errors import NotFound
from streams.archive.reader import Reader
from streams.audit.checkpoints import latest
from streams.audit.export_file import VERSION, Header, ProvenLine, WholeLine, write_line, writing
from streams.audit.verify import Advance, entries_of


class AuditTrail(Protocol):
    """What an export of a customer needs of ``Reader``."""

    async def audit(self, kind: str, **parameters: str) -> list[dict[str, Any]]:
        """A page of the audit trail."""


@dataclass(frozen=True, slots=True)
class Exported:
    """``uncovered``: entries left out, because no checkpoint covers them yet."""

    entries: int
    uncovered: int = 0


async def export_all(reader: Reader, path: Path, made: datetime, advance: Advance) -> Exported:
    """All entries of all partitions as they stand now."""
    spans = {row["partition"]: row["last"] for row in await reader.audit("spans")}
    counts, done = {str(partition): last + 1 for partition, last in spans.items()}, 0
    with writing(path) as file:
        write_line(file, Header(VERSION, "all", made, counts))
        for partition, last in spans.items():
            async for page in entries_of(reader, partition, 0, last):
                for e in page:
                    line = WholeLine(e.partition, e.sequence, e.previous_hash, e.hash, e.leaf, e.record)
                    write_line(file, line)
                done += len(page)
                advance(done, sum(counts.values()))
    return Exported(done)


async def export_customer(
    reader: AuditTrail,
    customer: str,
    checkpoints: Sequence[AuditCheckpoint],
    path: Path,
    made: datetime,
    advance: Advance,
) -> Exported:
    """The customer's entries up to the latest checkpoint, each with its proof.

    Raises:
        NotFound: the audit trail has no entry of the customer.
        Unavailable: no checkpoint covers any of them yet.
        Broken: the entries in the archive are not those that the checkpoint has seen.
    """
    rows = await _rows(reader, customer)
    known = latest(list(checkpoints))
    covered = [r for r in rows if r["partition"] in known and r["sequence"] < known[r["partition"]].tree_size]
    if not rows:
        raise NotFound(f"the audit trail has no entry of customer {customer!r}")
    if not covered:
        raise Unavailable(f"no checkpoint covers the {len(rows)} entries of {customer!r} yet: try again in a minute")
    counts: dict[str, int] = {}
    for row in covered:
        counts[str(row["partition"])] = counts.get(str(row["partition"]), 0) + 1
    with writing(path) as file:
        write_line(file, Header(VERSION, "customer", made, counts, customer))
        for partition in sorted({row["partition"] for row in covered}):
            tree = await _tree(reader, known[partition], advance)
            for row in covered:
                if row["partition"] == partition:
                    proof = [node.hex() for node in tree.proof(row["sequence"])]
                    size = known[partition].tree_size
                    write_line(file, ProvenLine(partition, row["sequence"], size, row["record"], proof))
    return Exported(len(covered), len(rows) - len(covered))


async def _rows(reader: AuditTrail, customer: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    place = {"partition": "0", "first": "0"}
    while page := await reader.audit("customer", customer_id=customer, **place):
        rows += page
        place = {"partition": str(page[-1]["partition"]), "first": str(page[-1]["sequence"] + 1)}
    return rows


async def _tree(reader: AuditTrail, checkpoint: AuditCheckpoint, advance: Advance) -> Tree:
    """The tree that the checkpoint has seen, from the archive's leaf hashes."""
    leaves: list[bytes] = []
    partition, size = str(checkpoint.partition), checkpoint.tree_size
    while len(leaves) < size:
        page = await reader.audit("leaves", partition=partition, first=str(len(leaves)))
        if not page or page[0]["sequence"] != len(leaves):
            break
        leaves += [_leaf(row["leaf"]) for row in page]
        advance(min(len(leaves), size), size)
    tree = Tree(leaves[:size] or [b""])
    if tree.root.hex() != checkpoint.root:
        what = "the archive's entries up to here are not those that the checkpoint has seen; see `audit verify`"
        raise Broken(checkpoint.partition, size - 1, what)
    return tree


def _leaf(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""  # the root will not be right
