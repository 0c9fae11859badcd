"""The audit trail: what is recorded of each decision and each person's action, and the checkpoints over it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.decisions import OutEvent
from schemas.envelope import CloudEvent, OutData
from schemas.log import LogEntry

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hex."""


class AuditRecord(BaseModel):
    """One decision, or one person's action, as the engine records it on the topic ``audit``.

    ``partition``, ``offset`` and ``index`` say where: in the log, and among the records of that log entry. A customer's
    entry stands whole in ``entry``, a broadcast only in the record of the action itself: there it is the same for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    index: int = Field(ge=0)
    kind: Literal["decision", "action"]
    type: str = Field(description="Of the out-event that was decided, or of the event by which a person acted.")
    customer: str | None
    id: str = Field(description="Of that event.")
    by: str = Field(description="'engine', or who acted.")
    time: datetime
    recorded: datetime
    policy_version: str = Field(description="The policy that decided; of an action, the one in force after it.")
    model_version: str
    entry_sha256: Hash = Field(description="Of the log entry's bytes.")
    entry: LogEntry | None
    out: OutEvent | None = Field(description="The decision, with its reasons and numbers.")
    salt: str = Field(description="Random: without it nobody can guess a record from its hash.")


class AuditCheckpoint(OutData):
    """The first ``tree_size`` entries of a partition's audit trail, in two hashes.

    Whoever keeps a checkpoint can later tell whether any of these entries was changed, left out or added.
    """

    partition: int = Field(ge=0)
    tree_size: int = Field(ge=1)
    hash: Hash = Field(description="Of the last of these entries; it covers each one before.")
    root: Hash = Field(description="Merkle root (RFC 9162) over the records.")
    peaks: list[Hash] = Field(max_length=64, description="Roots of the perfect subtrees, the largest first.")


AUDIT_CHECKPOINT = "creditpulse.audit-checkpoint.v1"
AUDIT_CHECKPOINT_SCHEMA = "urn:creditpulse:schema:audit-checkpoint:1"
CheckpointOut = CloudEvent[AuditCheckpoint]
