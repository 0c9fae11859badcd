"""What a check of the audit trail has found: per partition how far it is whole, and the first broken entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.audit_chain import Broken, ChainCheck


@dataclass(slots=True)
class Outcome:
    """``partitions``: one object each for the command's JSON; ``notes``: what could not be checked, in words."""

    partitions: list[dict[str, Any]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def entries(self) -> int:
        """Entries that are as they were sealed."""
        return sum(item["entries"] for item in self.partitions)

    @property
    def checkpoints(self) -> int:
        """Checkpoints that they were found to agree with."""
        return sum(item["checkpoints"] for item in self.partitions)

    def add(self, check: ChainCheck) -> None:
        """Take over how far a partition was found whole."""
        self.partitions.append(
            {
                "partition": check.partition,
                "entries": check.checked,
                "first": check.next - check.checked,
                "last": check.next - 1,
                "hash": check.hash,
                "root": check.root,
                "checkpoints": check.checkpoints_passed,
            }
        )

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        broken = [
            {"partition": b.partition, "sequence": b.sequence, "id": b.id, "customer": b.customer, "what": b.what}
            for b in self.broken
        ]
        return {
            "ok": not self.broken,
            "entries": self.entries,
            "checkpoints": self.checkpoints,
            "partitions": self.partitions,
            "broken": broken,
            "notes": self.notes,
        }
