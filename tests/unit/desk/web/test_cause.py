"""What ended an alert or took it back, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from desk.web.alerts.cause import Cause, cause_of
from desk.web.frame import Frame, Words
from schemas.errors import Unavailable

EVENT = {
    "event_id": "P-7", "type": "payment.received", "time": "2025-03-03T10:00:00Z", "amount": "250.0000",
    "currency": "EUR", "invoice_id": "I-1", "order_id": "", "source_topic": "payments", "source_partition": 1,
    "source_offset": 12,
}  # fmt: skip
EASING = {
    "id": "x/easing", "cause_type": "payment.received", "cause_topic": "payments", "cause_partition": 1,
    "cause_offset": 12, "time": "2025-03-03T10:00:00Z",
}  # fmt: skip
TOLD = Cause("Payment received · 250 EUR · 3 Mar 2025 10:00", "payments[1]@12  P-7", ("invoice_id", "I-1"))


class Archive(Words):
    """A page whose archive has these rows; ``away``: it does not answer."""

    def __init__(self, *, away: bool = False, **rows: dict[str, Any]) -> None:
        super().__init__("alerts", "en")
        self.away, self.rows = away, rows

    async def view(self, name: str, customer_id: str, limit: int, *, options: Mapping[str, str]) -> list[Any]:
        """As Frame.view, for one row of each view."""
        if self.away:
            raise Unavailable("away")
        row = self.rows.get(name)
        place = f"{EVENT['source_topic']}[{EVENT['source_partition']}]@{EVENT['source_offset']}"
        known = {"source": place} | (row or {})
        return [row] if row is not None and all(known[field] == value for field, value in options.items()) else []


async def _cause(archive: Archive, because: str) -> Cause | None:
    return await cause_of(cast("Frame", archive), "C1", because)


async def test_the_event_is_found_by_its_id_and_behind_an_alert() -> None:
    """A retraction names the event that corrects the past, an easing is itself told because of one."""
    archive = Archive(events=EVENT, alerts=EASING)
    assert await _cause(archive, "P-7") == await _cause(archive, "x/easing") == TOLD


async def test_what_is_no_event_of_the_customer_is_told_all_the_same() -> None:
    """A tick, or a policy."""
    tick = EASING | {"cause_type": "tick", "cause_topic": "ticks"}
    assert await _cause(Archive(alerts=tick), "x/easing") == Cause(
        "Time passed · 3 Mar 2025 10:00", "ticks[1]@12", None
    )


async def test_without_an_answer_there_is_no_cause() -> None:
    """The page then shows the bare id."""
    assert await _cause(Archive(), "P-7") is None
    assert await _cause(Archive(events=EVENT, away=True), "P-7") is None
