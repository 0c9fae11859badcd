"""The people who are told of alerts, as the routing in force has it; it is changed in its file."""

from __future__ import annotations

from collections.abc import Iterator

from nicegui import ui

from alerts.routing.config import QuietHours, Receiver, Route, Routing
from alerts.routing.durations import duration_text
from desk.web.components.basics import card, plain_table
from desk.web.components.section import Section
from desk.web.frame import Frame


class Receivers:
    """A card with one line per receiver."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("receivers"), frame.t("receivers_note"), span=12) as head:
            self._body = Section()
        with head:
            ui.element("div").classes("grow")
            self._version = ui.label("").classes("card-note")

    def show(self, routing: Routing) -> None:
        """The routing as it is now."""
        self._body.show(routing, lambda: self._draw(routing))

    def _draw(self, routing: Routing) -> None:
        t = self._frame.t
        self._version.text = t("routing_version", version=routing.version)
        told: dict[str, list[str]] = {}
        for receiver, what in told_of(routing.route):
            told.setdefault(receiver, []).append(what or t("all_else"))
        names = ("receiver", "told_of", "channels", "language", "quiet_hours", "digest", "notices")
        plain_table(
            [(t(name), False) for name in names],
            [self._row(receiver, told.get(receiver.name, []), routing) for receiver in routing.receivers],
        )

    def _row(self, one: Receiver, told: list[str], routing: Routing) -> list[str]:
        t = self._frame.t
        channels = [channel.removeprefix("${").removesuffix("}") for channel in one.channels]
        digest = one.digest
        notices = [t("send_resolved")] if one.send_resolved else []
        if routing.silences.receiver == one.name:
            notices.append(t("silence_notice", span=duration_text(routing.silences.notice_before)))
        return [
            one.name,
            "; ".join(told) or t("nothing"),
            ", ".join(channels) or t("no_channel"),
            {"en": "English", "zh": "中文"}[one.language],
            "; ".join(map(self._hours, one.quiet_hours)) or "–",
            f"{digest.at:%H:%M} {digest.time_zone}, {self._days(digest.days)}" if digest else "–",
            ", ".join(notices) or "–",
        ]

    def _hours(self, hours: QuietHours) -> str:
        return f"{hours.begin:%H:%M}–{hours.end:%H:%M} {hours.time_zone}, {self._days(hours.days)}"

    def _days(self, days: tuple[str, ...]) -> str:
        t = self._frame.t
        return t("every_day") if len(set(days)) == 7 else t("list_join").join(t(f"day_{day}") for day in days)


def told_of(route: Route, above: str = "", receiver: str = "") -> Iterator[tuple[str, str]]:
    """Receiver and the labels that lead to it, for each node of the tree; "" stands for what nothing else takes."""
    here = " & ".join(part for part in (above, *map(str, route.matchers)) if part)
    receiver = route.receiver or receiver
    for child in route.routes:
        yield from told_of(child, here, receiver)
    yield receiver, here
