"""Alerts as they stand, and what people do with them: take note, silence; over HTTP as by the commands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts import alert_service
from alerts.alert_service import AlertView, GroupView, SilenceView
from alerts.routing.state import Stage
from desk.api.guard import Analyst, Asked, Reader
from schemas.fields import Identifier, UtcTime
from schemas.order_acts import Why

router = APIRouter(tags=["alerts"])

Id = Annotated[str, Path(max_length=300)]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Rows of a page.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="Rows before the page.")]


class Acknowledged(BaseModel):
    """Why it needs no more telling, or who looks after it."""

    model_config = ConfigDict(extra="forbid")

    reason: Why | None = None


class SilenceAsked(BaseModel):
    """A silence: nobody is told of what matches all ``matchers``; evaluation goes on."""

    model_config = ConfigDict(extra="forbid")

    matchers: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        min_length=1, max_length=20, examples=[["customer=C-17", "severity!=critical"]]
    )
    reason: Why
    ends: UtcTime
    starts: UtcTime | None = None


@router.get("/v1/alert-states", summary="Alerts as they stand: the open ones first, the most severe on top")
async def states(
    services: Asked,
    who: Reader,
    customer_id: Annotated[Identifier | None, Query()] = None,
    state: Annotated[Stage | None, Query()] = None,
    group: Annotated[str | None, Query(max_length=300)] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[AlertView]:
    """Those that are over stay for a week."""
    found = alert_service.list_alerts(
        services.alerts, services.control, now=services.now(), customer=customer_id, state=state, group=group
    )
    return found[offset : offset + limit]


@router.get("/v1/alert-states/{alert_id:path}", summary="One alert as it stands")
async def one(services: Asked, who: Reader, alert_id: Id) -> AlertView:
    """With what mutes it, and who was told."""
    return alert_service.get_alert(services.alerts, services.control, alert_id, now=services.now())


@router.post("/v1/alert-states/{alert_id:path}/acknowledge", summary="Take note: it is not repeated any more")
async def acknowledge(services: Asked, who: Analyst, alert_id: Id, body: Acknowledged) -> AlertView:
    """Until it becomes worse."""
    return await alert_service.acknowledge(
        services.alerts, services.control, alert_id, by=who.name, reason=body.reason or "", now=services.now()
    )


@router.get("/v1/alert-groups", summary="Alerts that a receiver is told of together")
async def groups(services: Asked, who: Reader, limit: Limit = 100, offset: Offset = 0) -> list[GroupView]:
    """By receiver."""
    return alert_service.list_groups(services.alerts)[offset : offset + limit]


@router.get("/v1/silences", summary="Silences, the one that ends first on top")
async def silences(
    services: Asked,
    who: Reader,
    with_expired: Annotated[bool, Query()] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[SilenceView]:
    """Those that are over stay for some days."""
    found = alert_service.list_silences(services.control, now=services.now(), with_expired=with_expired)
    return found[offset : offset + limit]


@router.post("/v1/silences", status_code=201, summary="Mute what matches, until a time")
async def silence(services: Asked, who: Analyst, body: SilenceAsked) -> SilenceView:
    """With a reason, in the author's name."""
    return await alert_service.add_silence(
        services.control, matchers=body.matchers, reason=body.reason, by=who.name, ends=body.ends, starts=body.starts,
        now=services.now(),
    )  # fmt: skip


@router.post("/v1/silences/{silence_id}/expire", summary="End a silence now")
async def expire(services: Asked, who: Analyst, silence_id: Id) -> SilenceView:
    """What it muted and still stands is told."""
    return await alert_service.expire_silence(services.control, silence_id, by=who.name, now=services.now())
