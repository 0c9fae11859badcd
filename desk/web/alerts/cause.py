"""What ended an alert, made it milder or took it back: the customer's event behind it, found in the archive."""

from __future__ import annotations

from dataclasses import dataclass

from desk.web.frame import Frame
from desk.web.views import Row
from schemas.errors import CreditPulseError


@dataclass(frozen=True, slots=True)
class Cause:
    """``told``: what happened, and when; ``place``: where it stands in the public topics, with its id.

    ``item``: the invoice or order that it is about, as an option of the view ``events`` and its id.
    """

    told: str
    place: str
    item: tuple[str, str] | None


async def cause_of(frame: Frame, customer_id: str, because: str) -> Cause | None:
    """``because`` is the id of an event that corrects the past, or of the alert that eased; None when the archive does
    not know it, yet, or is away."""
    try:
        rows = await _events(frame, customer_id, event_id=because)
        if rows:
            return _cause(frame, rows[0])
        alerts = await frame.view("alerts", customer_id, 1, options={"id": because})
        if not alerts:
            return None
        place = f"{alerts[0]['cause_topic']}[{alerts[0]['cause_partition']}]@{alerts[0]['cause_offset']}"
        rows = await _events(frame, customer_id, source=place)
    except CreditPulseError:
        return None
    if rows:
        return _cause(frame, rows[0])
    told = f"{frame.code(alerts[0]['cause_type'])} · {frame.f.time(alerts[0]['time'])}"  # a tick is no customer's event
    return Cause(told, place, None)


async def _events(frame: Frame, customer_id: str, **options: str) -> list[Row]:
    return await frame.view("events", customer_id, 1, options=options)


def _cause(frame: Frame, row: Row) -> Cause:
    amount = frame.f.money(str(row["amount"]), str(row["currency"])) if row["amount"] is not None else ""
    told = " · ".join(filter(None, (frame.code(str(row["type"])), amount, frame.f.time(str(row["time"])))))
    place = f"{row['source_topic']}[{row['source_partition']}]@{row['source_offset']}"
    item = next(((kind, str(row[kind])) for kind in ("invoice_id", "order_id") if row[kind]), None)
    return Cause(told, f"{place}  {row['event_id']}", item)
