"""Check one customer's entries as an outside party would: exported with proofs, and the export checked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.audit_chain import Broken
from schemas.audit import AuditCheckpoint
from streams.audit.export import AuditTrail, export_customer
from streams.audit.verify_file import verify_file


@dataclass(frozen=True, slots=True)
class CustomerProof:
    """``proven`` entries stand where they were sealed, as published checkpoints say; ``uncovered`` ones are newer than
    those. ``broken``: the first that is not what was sealed."""

    proven: int
    uncovered: int
    broken: Broken | None = None


async def prove_customer(
    trail: AuditTrail, customer: str, checkpoints: Sequence[AuditCheckpoint], now: datetime
) -> CustomerProof:
    """Check all of the customer's entries; raises NotFound when there is none, and Unavailable."""
    with tempfile.TemporaryDirectory(prefix="creditpulse-") as folder:
        path = Path(folder) / "entries.jsonl"
        try:
            exported = await export_customer(trail, customer, checkpoints, path, now, _quiet)
        except Broken as broken:
            return CustomerProof(0, 0, broken)
        outcome = await asyncio.to_thread(verify_file, path, checkpoints, _quiet)
    first = outcome.broken[0] if outcome.broken else None
    return CustomerProof(outcome.entries - (first is not None), exported.uncovered, first)


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""
