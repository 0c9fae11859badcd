"""Acknowledgements as people set them: records of the control topic, one per alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from alerts.routing.inputs import Acknowledged
from alerts.routing.set_by_people import Person, SetByPeople, Words, checked
from schemas.fields import UtcTime

KIND = "acknowledgement"
"""Kind of the record in the control topic; its id is the alert's key."""


class AckRecord(SetByPeople):
    """``of``: the event that made the alert what it was when the person saw it."""

    of: str = Field(min_length=1, max_length=300)
    by: Person
    reason: Words = ""
    at: UtcTime


def ack_record(value: Mapping[str, Any]) -> AckRecord:
    """The record, checked; raises InvalidInput."""
    return checked(AckRecord, KIND, value)


def ack_of(alert_key: str, value: Mapping[str, Any]) -> Acknowledged:
    """What the engine takes in of a record; raises InvalidInput."""
    record = ack_record(value)
    return Acknowledged(alert_key, record.of, record.by, record.reason)
