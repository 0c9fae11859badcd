"""Held orders and stopped tightenings in words."""

from __future__ import annotations

from alerts.order_text import measure_text, way_text
from alerts.sentences import joined
from alerts.texts import text
from desk.hold_queue import HeldOrder
from desk.web.frame import Frame


def why(frame: Frame, held: HeldOrder) -> str:
    """What stands in its way, with the numbers."""
    return joined([frame.reason(check) for check in held.checks], frame.language) or frame.t("fits")


def ways(frame: Frame, held: HeldOrder) -> list[str]:
    """What would let it pass, any of which is enough."""
    return [told for way in held.to_pass if (told := way_text(way, frame.language))]


def ways_line(frame: Frame, held: HeldOrder) -> str:
    """The same on one line."""
    return text("way.or", frame.language).join(ways(frame, held))


def measure(frame: Frame, held: HeldOrder) -> str:
    """The mildest measure that is enough; empty where that is to hold or to refuse it."""
    return measure_text(held.measure, frame.language) if held.measure is not None else ""


def order_facts(frame: Frame, held: HeldOrder) -> list[tuple[str, str]]:
    """What a person who decides about the order should see."""
    t, f = frame.t, frame.f
    exposure = held.exposure
    customer = f"{held.name} ({held.customer_id})" if held.name else held.customer_id
    pairs = [
        (t("customer"), customer),
        (t("amount"), f.money(held.amount, held.currency)),
        (t("why"), why(frame, held)),
        (t("to_free"), ways_line(frame, held)),
        (t("measure"), measure(frame, held)),
        (t("may_go"), f.money(held.free, held.currency) if held.free else ""),
        (t("exposure"), f.money(exposure.exposure, exposure.currency)),
        (t("limit"), f.money(exposure.limit, exposure.currency) if exposure.limit is not None else t("no_limit")),
        (t("overdue"), f.money(exposure.overdue, exposure.currency) if exposure.overdue else ""),
        (t("forced_by"), f"{held.forced.by}: {held.forced.reason}" if held.forced is not None else ""),
    ]
    return [pair for pair in pairs if pair[1]]
