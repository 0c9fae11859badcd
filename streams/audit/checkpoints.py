"""Published checkpoints: from their topic, or from a file that somebody keeps outside of our reach."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from schemas.audit import AuditCheckpoint, CheckpointOut
from schemas.errors import InvalidInput
from schemas.topics import AUDIT_CHECKPOINTS
from streams.settings import Settings
from streams.topic_reader import read_to_end


async def published(settings: Settings) -> list[CheckpointOut]:
    """All checkpoints on the topic, oldest first in each partition; raises ``Unavailable``."""
    found = []
    async for record in read_to_end(settings, AUDIT_CHECKPOINTS):
        try:
            found.append(CheckpointOut.model_validate_json(record.value or b""))
        except ValidationError:
            continue  # it can prove nothing
    return found


def read_checkpoints(path: Path) -> list[AuditCheckpoint]:
    """Checkpoints of a file as ``creditpulse audit checkpoints`` writes it; raises ``InvalidInput``."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("checkpoints", f"cannot read {path}: {error}", field="checkpoints") from error
    for number, line in enumerate(lines, start=1):
        try:
            found.append(CheckpointOut.model_validate_json(line).data)
        except ValidationError as error:
            message = f"{path}, line {number}: no checkpoint: {error.errors()[0]['msg']}"
            raise InvalidInput("checkpoints", message, field="checkpoints") from error
    if not found:
        raise InvalidInput("checkpoints", f"{path} holds no checkpoint", field="checkpoints")
    return found


def latest(checkpoints: list[AuditCheckpoint]) -> dict[int, AuditCheckpoint]:
    """The checkpoint of most entries, by partition."""
    return {c.partition: c for c in sorted(checkpoints, key=lambda c: c.tree_size)}
