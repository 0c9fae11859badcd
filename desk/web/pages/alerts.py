"""Alerts: where each stands, what is told together, silences, and how right the tightenings of the past were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from nicegui import ui

from alerts import alert_service
from alerts.alert_service import AlertView, GroupView, SilenceView
from alerts.routing import acknowledgement, silences
from alerts.routing.state import ENDED, Stage
from desk.api.roles import Role
from desk.web.alerts.cause import cause_of
from desk.web.components.acts import ask_reason
from desk.web.components.basics import Segments, Tile, badge, button, card, empty, facts, plain_table
from desk.web.components.section import Section
from desk.web.components.table import Column, Table
from desk.web.customer.origin import show_origin
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.page import Page

_SECONDS = 1.0
_GRADES_SECONDS = 60.0
_MOST = 1_000
_SEVERITY_LOOKS = {"info": "info", "notice": "info", "warning": "warn", "critical": "bad"}
_STATE_LOOKS = {
    "pending": ("hourglass_empty", ""),
    "firing": ("notifications_active", "bad"),
    "acknowledged": ("task_alt", "info"),
    "resolved": ("check_circle", "good"),
    "retracted": ("undo", "info"),
}
_HOURS = (1, 4, 24, 72, 168)


async def build(frame: Frame) -> None:
    """The page."""
    _AlertsPage(frame).build()


class _AlertsPage:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._shown: object = None

    def build(self) -> None:
        frame, t = self._frame, self._frame.t
        with ui.element("div").classes("grid"):
            self._tiles = [Tile(t(name), span=3) for name in ("firing", "acknowledged", "muted", "silences")]
            with card(t("alerts"), span=12, flush=True) as head:
                self._none = Section()
                self._table = Table(frame, self._columns(), key="id", height=360, on_open=self._open, about=t("alerts"))
            with head:
                ui.element("div").classes("grow")
                choices = [(name, t(f"show_{name}")) for name in ("open", "ended", "all")]
                self._filter = Segments(choices, "open", lambda _: self._draw(anew=True))
            with card(t("silences"), span=6) as head:
                self._silences = Section()
            with head:
                ui.element("div").classes("grow")
                if frame.may(Role.ANALYST):
                    button(t("silence"), lambda: self._silence(""), icon="notifications_paused")
            with card(t("groups"), t("groups_note"), span=6, flush=True):
                self._no_groups = Section()
                self._groups = Table(frame, self._group_columns(), key="id", height=260, about=t("groups"))
            with card(t("grades"), t("grades_note"), span=12, flush=True):
                self._grades = Table(frame, self._grade_columns(), key="key", height=220, about=t("grades"))
        frame.live(self._refresh, control=[acknowledgement.KIND, silences.KIND], every=_SECONDS)
        frame.live(self._refresh_grades, every=_GRADES_SECONDS)

    def _columns(self) -> list[Column]:
        t, code = self._frame.t, self._frame.code

        def state(row: Any) -> tuple[str, str, str]:
            return code(f"stage.{row['state']}"), *_STATE_LOOKS[row["state"]]

        def severity(row: Any) -> tuple[str, str, str]:
            return code(row["severity"]), "flag", _SEVERITY_LOOKS.get(row["severity"], "")

        def about(row: Any) -> str | None:
            return _customer_link(row["customer"]) if row["customer"] else None

        return [
            Column("state", t("state"), "badge", 132, look=state),
            Column("severity", t("severity"), "badge", 104, look=severity),
            Column("subject", t("subject"), "link", 112, target=about),
            Column("level", t("frame.level"), "level", 112),
            Column("cause", t("cause"), "text"),
            Column("amount", t("at_stake"), "money", 118, currency="currency"),
            Column("since", t("since"), "time", 112),
            Column("muted", t("muted_by"), "text", 108),
            Column("acknowledged_by", t("acknowledged_by"), "text", 132),
            Column("told", t("told"), "text", 96),
        ]

    def _group_columns(self) -> list[Column]:
        t = self._frame.t
        return [
            Column("receiver", t("receiver"), "text", 120),
            Column("labels", t("labels"), "text"),
            Column("count", t("count"), "number", 84),
            Column("told_at", t("told_at"), "time", 118),
        ]

    def _grade_columns(self) -> list[Column]:
        t = self._frame.t
        return [
            Column("policy_version", t("policy"), "text", 96),
            Column("model", t("model"), "text", 104),
            Column("tightenings", t("tightenings"), "number", 98),
            Column("true_alerts", t("right"), "number", 66),
            Column("false_alerts", t("wrong"), "number", 72),
            Column("open_alerts", t("not_known"), "number", 112, about=t("not_known_about")),
            Column("thin_alerts", t("not_judged"), "number", 96, about=t("not_judged_about")),
            Column("precision", t("precision"), "percent", 86, about=t("precision_about")),
            Column("lead", t("lead"), "text", 116, about=t("lead_about")),
            Column("false_hold_rate", t("false_holds"), "percent", 98, about=t("false_holds_about")),
            Column("reduced", t("reduced"), "text", lines=2, about=t("reduced_about")),
            Column("forgone", t("forgone"), "text", lines=2, about=t("forgone_about")),
        ]

    async def _refresh(self, news: News) -> None:
        self._draw(anew=bool(news))

    def _draw(self, *, anew: bool) -> None:
        services, now = self._frame.services, self._frame.services.now()
        known = alert_service.list_silences(services.control, now=now)
        state = (services.alerts.changes, [(one.id, one.state) for one in known])
        if not anew and state == self._shown:
            return
        self._shown = state
        found = alert_service.list_alerts(services.alerts, services.control, now=now)
        self._show_tiles(found, known)
        wanted = self._filter.value
        shown = [one for one in found if wanted == "all" or (one.state in ENDED) == (wanted == "ended")]
        if wanted == "ended":  # what has just ended is what one looks for
            shown.sort(key=lambda one: one.ended or one.since, reverse=True)
        self._table.show([self._row(one) for one in shown[:_MOST]])
        self._table.grid.set_visibility(bool(shown))
        why = "" if shown else f"none_{wanted}" if services.alerts.dispatched else "not_dispatched"
        self._none.show(why, lambda: empty(self._frame.t(why), "notifications_off") if why else None)
        self._silences.show(known, lambda: self._draw_silences(known))
        groups = self._group_rows(alert_service.list_groups(services.alerts), {one.id for one in found})
        self._groups.show(groups)
        self._groups.grid.set_visibility(bool(groups))
        self._no_groups.show(not groups, lambda: None if groups else empty(self._frame.t("no_groups")))

    def _show_tiles(self, found: list[AlertView], known: list[SilenceView]) -> None:
        f = self._frame.f
        open_ones = [one for one in found if one.state not in ENDED]
        counts = (
            sum(one.state == Stage.FIRING for one in open_ones),
            sum(one.state == Stage.ACKNOWLEDGED for one in open_ones),
            sum(bool(one.muted_by_silence or one.muted_by_alert) for one in open_ones),
            sum(one.state == "active" for one in known),
        )
        for tile, count in zip(self._tiles, counts, strict=True):
            tile.show(f.number(count))

    def _row(self, one: AlertView) -> dict[str, Any]:
        currency, amount = max(one.at_stake.items(), key=lambda item: item[1], default=("", None))
        return {
            "id": one.id,
            "state": one.state.value,
            "severity": one.severity.value,
            "subject": one.subject,
            "customer": one.customer,
            "level": one.labels.get("level"),
            "cause": self._frame.code(one.kind),
            "amount": amount,
            "currency": currency,
            "since": one.since,
            "muted": self._muted(one),
            "acknowledged_by": one.acknowledged_by,
            "told": ", ".join(one.told),
        }

    def _muted(self, one: AlertView) -> str:
        if one.muted_by_silence:
            return self._frame.t("by_silence", id=one.muted_by_silence)
        return self._frame.t("by_alert", id=one.muted_by_alert) if one.muted_by_alert else ""

    def _draw_silences(self, known: list[SilenceView]) -> None:
        frame, t = self._frame, self._frame.t
        if not known:
            empty(t("no_silences"), "notifications_active")
            return
        head = [(t(name), False) for name in ("matchers", "author", "reason", "ends")] + [("", False)]
        rows: list[list[str | Callable[[], object]]] = [
            [", ".join(one.matchers), one.author, one.reason, frame.f.time(one.ends), partial(self._end_button, one)]
            for one in known
        ]
        plain_table(head, rows)

    def _end_button(self, one: SilenceView) -> None:
        if self._frame.may(Role.ANALYST):
            button(self._frame.t("end"), lambda: self._end(one), look="quiet", label=self._frame.t("end_silence"))

    def _group_rows(self, groups: list[GroupView], known: set[str]) -> list[dict[str, Any]]:
        return [
            {
                "id": one.id,
                "receiver": one.receiver,
                "labels": ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items())),
                "count": sum(member in known for member in one.alerts),
                "told_at": one.told_at,
            }
            for one in groups[:_MOST]
        ]

    async def _refresh_grades(self, news: News) -> None:
        rows = await self._frame.view("tightening_grades", limit=_MOST, max_age=_GRADES_SECONDS)
        self._grades.show(
            [
                {
                    **row,
                    "key": f"{row['policy_version']} {row['model']}",
                    "lead": self._lead(row["median_lead_days"], row["p10_lead_days"]),
                    "reduced": self._money(row["exposure_reduced"]),
                    "forgone": self._money(row["sales_forgone"]),
                }
                for row in rows
            ]
        )

    def _lead(self, median: float | None, p10: float | None) -> str:
        f = self._frame.f
        return f.number(None) if median is None else f"{f.number(median)} ({f.number(p10)})"

    def _money(self, amounts: dict[str, str]) -> str:
        return ", ".join(self._frame.f.money(amount, currency) for currency, amount in sorted(amounts.items())) or "–"

    async def _open(self, row: dict[str, Any]) -> None:
        """All about an alert, and what can be done with it."""
        frame, t, services = self._frame, self._frame.t, self._frame.services
        one = alert_service.get_alert(services.alerts, services.control, row["id"], now=services.now())
        cause = await cause_of(frame, one.customer, one.because) if one.customer and one.because else None
        with ui.dialog() as dialog, ui.element("div").classes("dialog").props('role="dialog" aria-modal="true"') as box:
            box._props["aria-label"] = one.subject
            with ui.element("h2").classes("dialog-title"):
                ui.label(f"{one.subject}: {frame.code(one.kind)}")
            icon, look = _STATE_LOOKS[one.state.value]
            with ui.element("div").classes("bar-row"):
                badge(frame.code(f"stage.{one.state.value}"), icon, look)
            because = t({Stage.RETRACTED: "taken_back_by", Stage.RESOLVED: "ended_by"}.get(one.state, "corrected_by"))
            pairs = [
                (t("since"), frame.f.time(one.since)),
                (t("ended"), frame.f.time(one.ended) if one.ended else ""),
                (t("at_stake"), self._money({name: str(amount) for name, amount in one.at_stake.items()})),
                (t("muted_by"), self._muted(one)),
                (t("acknowledged_by"), one.acknowledged_by or ""),
                (t("reason"), one.acknowledged_reason or ""),
                (because, cause.told if cause is not None else one.because or ""),
                (t("source"), cause.place if cause is not None else ""),
                (t("events"), ", ".join(one.events)),
            ]
            facts([pair for pair in pairs if pair[1]])
            with ui.element("div").classes("form-row"):
                if one.customer:
                    ui.link(t("to_customer"), _customer_link(one.customer))
                    if cause is not None and cause.item is not None:
                        origin = partial(show_origin, frame, one.customer, *cause.item)
                        button(t("origin_of", item=cause.item[1]), origin, look="link")
            with ui.element("div").classes("dialog-acts"):
                button(t("frame.close"), dialog.close, look="quiet")
                if frame.may(Role.ANALYST) and one.state not in ENDED:
                    button(t("silence"), lambda: self._then(dialog, "silence", one), icon="notifications_paused")
                    if one.state == Stage.FIRING:
                        button(
                            t("acknowledge"), lambda: self._then(dialog, "ack", one), look="main-act", icon="task_alt"
                        )
        dialog.on("hide", dialog.delete)
        dialog.open()

    async def _then(self, dialog: ui.dialog, what: str, one: AlertView) -> None:
        dialog.close()
        if what == "ack":
            await self._acknowledge(one)
        else:
            await self._silence(f"customer={one.customer}" if one.customer else "")

    async def _acknowledge(self, one: AlertView) -> None:
        frame, services = self._frame, self._frame.services

        async def act(reason: str) -> None:
            who = frame.acting(Role.ANALYST)
            await alert_service.acknowledge(
                services.alerts, services.control, one.id, by=who.name, reason=reason, now=services.now()
            )

        await ask_reason(
            frame, frame.t("acknowledge_this", subject=one.subject), act, done=frame.t("acknowledged_done")
        )
        self._draw(anew=True)

    async def _silence(self, matcher: str) -> None:
        frame, services, t = self._frame, self._frame.services, self._frame.t
        fields: dict[str, Any] = {}

        def about() -> None:
            fields["match"] = ui.input(
                t("matchers"), value=matcher, placeholder="customer=C1, severity=~warning|notice"
            )
            fields["match"].props("outlined dense").classes("match-field")
            hours = {count: frame.f.age(timedelta(hours=count)) for count in _HOURS}
            fields["hours"] = ui.select(hours, value=24, label=t("for_how_long")).props("outlined dense")

        async def act(reason: str) -> None:
            who, now = frame.acting(Role.ANALYST), services.now()
            matchers = [part.strip() for part in (fields["match"].value or "").split(",") if part.strip()]
            ends = now + timedelta(hours=fields["hours"].value)
            await alert_service.add_silence(
                services.control, matchers=matchers, reason=reason, by=who.name, ends=ends, now=now
            )

        await ask_reason(frame, t("silence"), act, about=about, done=t("silenced_done"))
        self._draw(anew=True)

    async def _end(self, one: SilenceView) -> None:
        frame, services = self._frame, self._frame.services

        async def act() -> None:
            who = frame.acting(Role.ANALYST)
            await alert_service.expire_silence(services.control, one.id, by=who.name, now=services.now())

        await frame.try_to(act(), frame.t("ended_done"))
        self._draw(anew=True)


def _customer_link(customer: str) -> str:
    return f"/customers/{quote(customer, safe='')}"


PAGE = Page("alerts", "/alerts", "notifications", build, order=50)
