"""Acknowledgements as people set them: records of the control topic, one per alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.routing.inputs import Acknowledged
from schemas.errors import InvalidInput
from schemas.fields import UtcTime

KIND = "acknowledgement"
"""Kind of the record in the control topic; its id is the alert's key."""


class AckRecord(BaseModel):
    """``of``: the event that made the alert what it was when the person saw it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str = Field(min_length=1, max_length=300)
    by: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")
    note: str = Field(default="", max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")
    at: UtcTime


def ack_of(alert_key: str, value: Mapping[str, Any]) -> Acknowledged:
    """The input of a record; raises InvalidInput."""
    try:
        record = AckRecord.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("acknowledgement_invalid", f"acknowledgement: {field}: {first['msg']}", field) from error
    return Acknowledged(alert_key, record.of, record.by, record.note)
