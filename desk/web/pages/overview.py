"""Overview: the book at a glance, how it moved, and what happens in it now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from nicegui import ui

from desk.api.customer_book import BookSum
from desk.web.components.basics import Segments, Tile, card, empty, plain_table, skeleton, topic_name
from desk.web.components.charts import Chart, bars, over_time
from desk.web.components.migration import Migration
from desk.web.components.section import Section
from desk.web.components.tape import Tape
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.page import Page
from desk.web.views import Row
from schemas.levels import Level
from schemas.topics import LEVELS

_SELDOM_SECONDS, _MOST_SELDOM_SECONDS = 15.0, 60.0
"""Views of the archive go over the whole past: they are asked no more often than their figures move."""
_DAYS = 180
_BUCKETS = ("current", "1", "31", "61", "91")
_BUCKET_LEVELS = (Level.PRIME, Level.WATCH, Level.HIGH_RISK, Level.BLOCKED, Level.BLOCKED)
"""In whose colours the buckets are drawn."""


async def build(frame: Frame) -> None:
    """The page."""
    with ui.element("div").classes("grid"):
        now = _Now(frame)
        past = _Past(frame)
        Tape(frame)
        Migration(frame)
        ageing = _Ageing(frame)
        collection = _Collection(frame)
        loss = _ExpectedLoss(frame)
        freshness = _Freshness(frame)

    async def every_second(news: News) -> None:
        found = frame.services.customers.sum()
        now.show(found)
        ageing.show(found)

    async def seldom(news: News) -> None:
        await past.show()
        await freshness.show()

    async def most_seldom(news: News) -> None:
        await collection.show()

    async def losses(news: News) -> None:
        await loss.show()

    frame.live(every_second, topics=[LEVELS], every=1.0)
    frame.live(seldom, every=_SELDOM_SECONDS)
    frame.live(most_seldom, every=_MOST_SELDOM_SECONDS)
    frame.live(losses, every=_MOST_SELDOM_SECONDS)


class _Now:
    """Tiles, and customers or exposure by level."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        t = frame.t
        self._customers = Tile(t("customers"))
        self._exposure = Tile(t("exposure"), about=t("exposure_about"))
        self._overdue = Tile(t("overdue"), about=t("overdue_about"))
        self._holds = Tile(t("holds"), about=t("holds_about"))
        self._below = Tile(t("below"), about=t("below_about"))
        self._pace = Tile(t("pace"), about=t("pace_about"))
        with card(t("by_level"), span=3) as head:
            self._chart = Chart(frame, t("by_level"), 214)
        with head:
            ui.element("div").classes("grow")
            choices = [("customers", t("frame.customers")), ("exposure", t("exposure"))]
            self._what = Segments(choices, "customers", lambda _: self.show(frame.services.customers.sum()))
        self._drawn: object = None

    def show(self, book: BookSum) -> None:
        """The book as it is now."""
        frame, f, currency = self._frame, self._frame.f, book.currency or ""
        health = frame.desk.watch.health
        exposure, overdue = book.exposure.get(currency), book.overdue.get(currency)
        others = len([name for name, amount in book.exposure.items() if name != currency and amount])
        more = frame.t("more_currencies", count=f.number(others)) if others else ""
        self._customers.show(
            f.number(book.customers), frame.t("overdue_customers", count=f.number(book.overdue_customers))
        )
        self._exposure.show(f.short_money(exposure, currency), more)
        share = float(overdue / exposure) if overdue and exposure else 0.0
        self._overdue.show(f.short_money(overdue or 0, currency), frame.t("of_exposure", share=f.percent(share, 1)))
        age = frame.desk.holds.oldest_age()
        self._holds.show(f.number(book.holds), frame.t("oldest", age=f.age(age)) if age is not None else "")
        worse = [book.levels[level] for level in (Level.WATCH, Level.HIGH_RISK, Level.BLOCKED)]
        at_risk = sum((level.exposure.get(currency, 0) for level in worse), start=0)
        self._below.show(f.number(sum(level.customers for level in worse)), f.short_money(at_risk, currency))
        self._pace.show(f.number(health.per_second), frame.t("waiting", count=f.number(health.lag)))
        self._draw(book, currency)

    def _draw(self, book: BookSum, currency: str) -> None:
        f, frame = self._frame.f, self._frame
        shown = [level for level in Level if book.levels[level].customers or level is not Level.UNRATED]
        if self._what.value == "customers":
            values = [float(book.levels[level].customers) for level in shown]
            labels = [f.number(value) for value in values]
        else:
            amounts = [book.levels[level].exposure.get(currency, 0) for level in shown]
            values, labels = (
                [max(0.0, float(amount)) for amount in amounts],
                [f.short_money(amount, currency) for amount in amounts],
            )
        state = (self._what.value, tuple(labels))
        if state != self._drawn:
            self._drawn = state
            colours = [frame.palette.levels[level] for level in shown]
            self._chart.show(bars(frame, [frame.code(level) for level in shown], values, colours, labels))


class _Past:
    """Customers or exposure by level over time."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        t = frame.t
        with card(t("over_time"), t("over_time_note"), span=5) as head:
            self._chart = Chart(frame, t("over_time"), 214)
        with head:
            ui.element("div").classes("grow")
            choices = [("customers", t("frame.customers")), ("exposure", t("exposure"))]
            self._what = Segments(choices, "customers", lambda _: self.show())

    async def show(self) -> None:
        """Draw it, if it is another day or another choice."""
        frame, what = self._frame, self._what.value
        until = frame.services.book.clock().date()
        options = {"from_day": (until - timedelta(days=_DAYS - 1)).isoformat()}
        if what == "customers":
            rows = await frame.view(
                "portfolio_by_level_over_time", limit=10_000, max_age=_SELDOM_SECONDS, options=options
            )
        else:
            options["currency"] = frame.services.customers.sum().currency or ""
            rows = await frame.view(
                "exposure_by_level_over_time", limit=10_000, max_age=_MOST_SELDOM_SECONDS, options=options
            )
        if what == self._what.value:  # it may have been changed while we asked
            self._draw(rows, what, options.get("currency", ""))

    def _draw(self, rows: Sequence[Row], what: str, currency: str) -> None:
        frame = self._frame
        days = sorted({str(row["day"]) for row in rows})
        found = {(str(row["day"]), row["level"]): max(0.0, float(row[what])) for row in rows}
        lines = []
        for level in (Level.BLOCKED, Level.HIGH_RISK, Level.WATCH, Level.STANDARD, Level.PRIME, Level.UNRATED):
            values = [found.get((day, level.value), 0.0) for day in days]
            if any(values):
                lines.append((frame.code(level), values, frame.palette.levels[level]))
        self._chart.show(over_time(frame, days, lines, stacked=True, area=True, unit=currency))


class _Ageing:
    """Open invoices by days past due."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("ageing"), frame.t("ageing_note"), span=3):
            self._chart = Chart(frame, frame.t("ageing"), 214)
        self._drawn: object = None

    def show(self, book: BookSum) -> None:
        """As it is now, in the main currency."""
        frame, currency = self._frame, book.currency
        amounts = book.ageing.get(currency or "", [])
        total = sum(amounts)
        labels = [
            f"{frame.f.short_money(amount)} · {frame.f.percent(float(amount / total) if total else 0.0)}"
            for amount in amounts
        ]
        if not amounts or labels == self._drawn:
            return
        self._drawn = labels
        p = frame.palette
        names = [frame.t(f"bucket_{name}") for name in _BUCKETS]
        options = bars(
            frame, names, [float(amount) for amount in amounts], [p.levels[level] for level in _BUCKET_LEVELS], labels
        )
        options["grid"]["right"] = 104
        self._chart.show(options)


class _Collection:
    """DSO, best possible DSO, ADD, CEI."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("collection"), span=4, flush=True):
            self._place = Section(first=skeleton)

    async def show(self) -> None:
        """From the views dso, dso_countback and cei."""
        frame = self._frame
        dso = await frame.view("dso", max_age=_MOST_SELDOM_SECONDS)
        back = {row["currency"]: row for row in await frame.view("dso_countback", max_age=_MOST_SELDOM_SECONDS)}
        cei = {
            row["currency"]: row
            for row in await frame.view("cei", limit=10_000, max_age=_MOST_SELDOM_SECONDS)
            if row["complete"]
        }
        main = sorted(dso, key=lambda row: -float(row["receivables"]))[:2]
        self._place.show((main, back, cei), lambda: self._draw(main, back, cei))

    def _draw(self, main: list[Row], back: dict[str, Row], cei: dict[str, Row]) -> None:
        frame, f = self._frame, self._frame.f
        if not main:
            empty(frame.t("frame.nothing"))
            return
        figures: tuple[tuple[str, Callable[[Row], str]], ...] = (
            ("dso", lambda row: f.days(row["dso"], 1)),
            ("best_possible_dso", lambda row: f.days(row["best_possible_dso"], 1)),
            ("add", lambda row: f.days(row["add_days"], 1)),
            ("countback", lambda row: f.days(back.get(row["currency"], {}).get("dso"), 1)),
            ("cei", lambda row: f.number(cei.get(row["currency"], {}).get("cei"), 1)),
        )
        head = [("", False), *((row["currency"], True) for row in main)]
        plain_table(head, [[frame.t(f"{name}_name"), *(show(row) for row in main)] for name, show in figures])


class _ExpectedLoss:
    """What is expected to be lost: of the exposure by level, or of the open invoices by age."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        t = frame.t
        with card(t("loss"), span=3) as head:
            self._waits = skeleton(158)
            self._chart = Chart(frame, t("loss_about"), 158)
            self._chart.element.set_visibility(False)
            self._total = ui.label("").classes("strong nowrap")
            self._told = ui.label("").classes("muted small")
        with head:
            ui.element("div").classes("grow")
            choices = [("level", t("loss_by_level")), ("age", t("loss_by_age"))]
            self._what = Segments(choices, "level", lambda _: self.show())

    async def show(self) -> None:
        """From the view expected_loss or provision_matrix, in the main currency."""
        what, currency = self._what.value, self._frame.services.customers.sum().currency or ""
        view = "expected_loss" if what == "level" else "provision_matrix"
        rows = await self._frame.view(view, max_age=_MOST_SELDOM_SECONDS)
        if what == self._what.value:  # it may have been changed while we asked
            draw = self._by_level if what == "level" else self._by_age
            draw([row for row in rows if row["currency"] == currency], currency)

    def _by_level(self, rows: list[Row], currency: str) -> None:
        frame = self._frame
        found = {Level(row["level"]): row for row in rows}
        levels = [level for level in Level if level in found]
        losses = [float(found[level]["expected_loss"]) for level in levels]
        colours = [frame.palette.levels[level] for level in levels]
        self._draw([frame.code(level) for level in levels], losses, colours)
        self._sum(losses, sum(float(row["exposure"]) for row in rows), currency, "loss_share")

    def _by_age(self, rows: list[Row], currency: str) -> None:
        frame = self._frame
        provisions = [row["provision"] for row in rows]
        names = [frame.t(f"bucket_{name}") for name in _BUCKETS][: len(rows)]
        self._draw(names, provisions, [frame.palette.levels[level] for level in _BUCKET_LEVELS][: len(rows)])
        known = [row for row in rows if row["provision"] is not None]
        balance = sum(float(row["balance"]) for row in known)
        self._sum([float(row["provision"]) for row in known], balance, currency, "provision_share")
        if len(known) < len(rows):
            self._told.text += " " + frame.t("provision_unknown")

    def _draw(self, names: list[str], losses: Sequence[float | None], colours: list[str]) -> None:
        f = self._frame.f
        labels = [f.number(None) if loss is None else f.short_money(round(loss)) for loss in losses]
        self._waits.set_visibility(False)
        self._chart.element.set_visibility(True)
        self._chart.show(bars(self._frame, names, [loss or 0.0 for loss in losses], colours, labels))

    def _sum(self, losses: list[float], of: float, currency: str, told: str) -> None:
        f = self._frame.f
        share = f.percent(sum(losses) / of if of else None, 2)
        self._total.text = f.short_money(round(sum(losses)), currency) if losses else ""
        self._told.text = self._frame.t(told, share=share) if losses else self._frame.t("frame.nothing")


class _Freshness:
    """How old the newest record of each topic is."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("freshness"), frame.t("freshness_note"), span=5, flush=True):
            self._place = Section(first=skeleton)

    async def show(self) -> None:
        """From the view data_freshness."""
        rows = await self._frame.view("data_freshness", max_age=_SELDOM_SECONDS)
        shown = [row for row in rows if row["topic"] not in _OURS]
        self._place.show(shown, lambda: self._draw(shown))

    def _draw(self, rows: list[Row]) -> None:
        frame, f = self._frame, self._frame.f
        if not rows:
            empty(frame.t("frame.nothing"))
            return
        head = [
            (frame.t("topic"), False),
            (frame.t("newest"), False),
            (frame.t("behind"), True),
            (frame.t("records"), True),
        ]
        plain_table(head, [
            [
                topic_name(frame, row["topic"]),
                f.clock(row["newest_time"]), f.days(row["behind_days"], 1), f.number(row["records"]),
            ]
            for row in rows
        ])  # fmt: skip


_OURS = frozenset({"ticks", "broadcasts", "partition-reports"})

PAGE = Page("overview", "/", "space_dashboard", build, order=10)
