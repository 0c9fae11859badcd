"""Audit records and sealed entries made by hand, by the definition of the chain and not by the code that seals."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from models.audit_chain import SealedEntry
from models.merkle import Frontier
from schemas.audit import AuditCheckpoint

TIME = "2025-03-01T12:00:00.250Z"


def record(offset: int, index: int = 0, partition: int = 1, **changes: Any) -> bytes:
    """A decision on an order of one of seven customers."""
    content = {
        "v": 1, "partition": partition, "offset": offset, "index": index, "kind": "decision",
        "type": "creditpulse.order-decision.v1", "customer": f"C{offset % 7}", "id": f"o/{partition}/{offset}/{index}",
        "by": "engine", "time": TIME, "recorded": TIME, "policy_version": "default-1", "model_version": "rate-blr-2@9",
        "entry_sha256": "0" * 64, "entry": None, "out": {"sequence": f"{offset // 7 + 1:010d}"},
        "salt": sha256(f"{partition} {offset} {index}".encode()).hexdigest()[:32],
    }  # fmt: skip
    return json.dumps({**content, **changes}).encode()


def columns(raw: bytes) -> dict[str, Any]:
    """The columns that belong to a record."""
    content = json.loads(raw)
    same = ("kind", "type", "id", "by", "time", "policy_version", "model_version")
    return {
        **{name: content[name] for name in same}, "recorded_time": content["recorded"],
        "log_offset": content["offset"], "entry_index": content["index"], "customer_id": content["customer"] or "",
    }  # fmt: skip


def chain(records: list[bytes], partition: int = 1) -> list[SealedEntry]:
    """Sealed entries: hash = SHA-256(hash before, record), leaf = SHA-256(0, record)."""
    previous, found = bytes(32), []
    for sequence, raw in enumerate(records):
        digest = sha256(previous + raw).digest()
        leaf = sha256(b"\x00" + raw).hexdigest()
        found.append(
            SealedEntry(partition, sequence, previous.hex(), digest.hex(), leaf, raw.decode(), columns(raw))
        )  # fmt: skip
        previous = digest
    return found


def checkpoint(entries: list[SealedEntry], size: int) -> AuditCheckpoint:
    """The checkpoint of the first ``size`` of these entries."""
    frontier = Frontier()
    for entry in entries[:size]:
        frontier.append(bytes.fromhex(entry.leaf))
    return AuditCheckpoint(
        partition=entries[0].partition, tree_size=size, hash=entries[size - 1].hash, root=frontier.root.hex(),
        peaks=[peak.hex() for peak in frontier.peaks],
    )  # fmt: skip
