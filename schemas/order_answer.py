"""The answer to "what would this order get?": the decision, and everything behind it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from schemas.decisions import Decision, Exposure, OrderCheck
from schemas.envelope import OutData
from schemas.levels import Level
from schemas.order_measures import OrderMeasure, WayToPass


class OrderAnswer(OutData):
    """What an order gets from the state as it is; nothing is booked. The same figures as in an ``OrderDecision``."""

    decision: Decision
    level: Level
    checks: list[OrderCheck]
    measure: OrderMeasure | None
    to_pass: list[WayToPass]
    exposure: Exposure = Field(description="Without the order itself.")
    policy_version: str
    version: int | None = Field(default=None, description="Of the open order that was asked about.")
    held_since: datetime | None = None
