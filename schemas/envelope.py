"""CloudEvents 1.0 envelope of everything we send, with the attributes our subscribers sort and filter by."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Severity(StrEnum):
    """How soon a person should look: INFO (no need), NOTICE (today), WARNING (now), CRITICAL (drop the rest)."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class OutData(BaseModel):
    """Base of the data of an out-event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Data = TypeVar("Data", bound=OutData)


class CloudEvent(BaseModel, Generic[Data]):
    """A CloudEvents 1.0 event in structured JSON mode.

    ``id`` is built from the coordinates of the record that caused it, so the same cause gives the same id
    after any crash or replay: whoever has seen an id may drop the event.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1, max_length=300)
    source: str = Field(description="URI reference of the sender, e.g. /creditpulse/engine.")
    type: str = Field(description="What happened, with its version, e.g. creditpulse.credit-alert.v1.")
    subject: str = Field(
        description="The customer; of model notes the partition, of dead letters topic/partition/offset."
    )
    time: datetime = Field(description="Event time: when the cause became known.")
    recordedtime: datetime = Field(description="Processing time: when the gate read the cause.")
    severity: Severity
    sequence: str = Field(
        pattern=r"^\d{10}$",
        description="Counts 0000000001, 0000000002, ... per subject and type, without gaps; sorts as text.",
    )
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    data: Data
