"""Where an item comes from: every event of the log that names it, with its place in the public topics."""

from __future__ import annotations

from nicegui import ui

from desk.web.components.basics import button, empty, plain_table
from desk.web.frame import Frame
from schemas.errors import CreditPulseError


async def show_origin(frame: Frame, customer_id: str, kind: str, item_id: str) -> None:
    """A dialog with the events; ``kind``: invoice_id or order_id."""
    try:
        rows = await frame.view("events", customer_id, 200, options={kind: item_id})
    except CreditPulseError:
        frame.say(frame.t("frame.try_again"), bad=True)
        return
    with ui.dialog() as dialog, ui.element("div").classes("dialog wide") as box:
        box.props('role="dialog" aria-modal="true"')
        title = frame.t("origin_of", item=item_id)
        box._props["aria-label"] = title
        with ui.element("h2").classes("dialog-title"):
            ui.label(title)
        if rows:
            head = [
                (frame.t("when"), False),
                (frame.t("what"), False),
                (frame.t("amount"), True),
                (frame.t("source"), False),
            ]
            plain_table(head, [_row(frame, row) for row in rows])
        else:
            empty(frame.t("no_origin"), "search_off")
        with ui.element("div").classes("dialog-acts"):
            button(frame.t("frame.close"), dialog.close, look="quiet")
    await dialog
    dialog.delete()


def _row(frame: Frame, row: dict[str, object]) -> list[str]:
    amount = frame.f.money(str(row["amount"]), str(row["currency"])) if row["amount"] is not None else ""
    place = f"{row['source_topic']}[{row['source_partition']}]@{row['source_offset']}"
    return [frame.f.time(str(row["time"])), frame.code(str(row["type"])), amount, f"{place}  {row['event_id']}"]
