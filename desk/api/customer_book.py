"""All customers as rows, kept current from the live book: searched, filtered, sorted and summed in memory.

ClickHouse knows the past; what is now stands in the accounts that the engine holds, and a list of them must not wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Final

from desk.api.archive import ArchiveReader
from desk.api.customer_row import AGEING, CustomerRow, NextAction, customer_row
from models.calendar import day_of
from schemas.errors import CreditPulseError, InvalidInput, Unavailable
from schemas.levels import Level
from streams.live_book import LiveBook
from streams.tasks import end_task

log = logging.getLogger(__name__)

SORTABLE: Final = (
    "customer_id", "name", "segment", "sector", "region", "group_parent", "owner", "level", "since", "score",
    "score_change", "probability", "exposure", "credit_limit", "headroom", "utilisation", "overdue",
    "oldest_days_past_due", "dbt", "payment_index", "holds", "held_since", "next_action", "updated_at",
)  # fmt: skip
_LEVELS = {level: number for number, level in enumerate(Level)}
_ACTIONS = {action: number for number, action in enumerate(NextAction)}
_AT_ONCE = 20
_LOOK_SECONDS = 0.25
_SUM_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 5.0
_TREND_PAGE = 10_000
_POINTS_KEPT = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for. ``search``: part of id or name; an empty filter lets all pass. ``sort``: a column of
    ``SORTABLE``, with ``-`` before it for the other direction; what is not known comes last either way."""

    search: str = ""
    levels: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    owner: str = ""
    sector: str = ""
    segment: str = ""
    region: str = ""
    group_parent: str = ""
    held: bool = False
    overdue: bool = False
    sort: str = "-exposure"

    def key(self) -> Callable[[CustomerRow], Any]:
        """What rows are sorted by; raises InvalidInput."""
        name = self.sort.removeprefix("-")
        if name not in SORTABLE:
            raise InvalidInput("sort", f"sort must be one of {', '.join(SORTABLE)}, is {name[:40]!r}", field="sort")
        if name == "level":
            return lambda row: _LEVELS[row.level]
        if name == "next_action":
            return lambda row: _ACTIONS[row.next_action]
        return lambda row: getattr(row, name)

    def wants(self, row: CustomerRow) -> bool:
        """Whether a row passes."""
        if self.levels and row.level.value not in self.levels:
            return False
        if self.actions and row.next_action.value not in self.actions:
            return False
        if (self.held and not row.holds) or (self.overdue and not row.oldest_days_past_due):
            return False
        for name in ("owner", "sector", "segment", "region", "group_parent"):
            wanted = getattr(self, name)
            if wanted and getattr(row, name) != wanted:
                return False
        text = self.search.casefold()
        return not text or text in row.customer_id.casefold() or text in (row.name or "").casefold()


@dataclass(slots=True)
class LevelSum:
    """Customers at a level and their sums per currency."""

    customers: int = 0
    exposure: dict[str, Decimal] = field(default_factory=dict)
    overdue: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class BookSum:
    """The whole book now. ``ageing``: open invoices per currency and bucket of ``AGEING``, without what is disputed;
    ``held_since``: of the order that waits longest."""

    customers: int = 0
    levels: dict[Level, LevelSum] = field(default_factory=lambda: {level: LevelSum() for level in Level})
    ageing: dict[str, list[Decimal]] = field(default_factory=dict)
    exposure: dict[str, Decimal] = field(default_factory=dict)
    overdue: dict[str, Decimal] = field(default_factory=dict)
    overdue_customers: int = 0
    holds: int = 0
    held_customers: int = 0
    held_since: datetime | None = None

    @property
    def currency(self) -> str | None:
        """The currency with most open invoices."""
        return max(self.ageing, key=lambda name: sum(self.ageing[name]), default=None)


class CustomerBook:
    """``async with CustomerBook(book, archive) as customers``: works itself in without keeping requests waiting."""

    def __init__(self, book: LiveBook, archive: ArchiveReader) -> None:
        self._book, self._archive = book, archive
        self._rows: dict[str, CustomerRow] = {}
        self._dirty: set[str] = set()
        self._history: dict[str, tuple[tuple[int, int], ...]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._version = 0
        self._day = 0
        self._ageing_stops: tuple[int, ...] = ()
        self._found: tuple[tuple[Asked, int], float, list[CustomerRow]] | None = None
        self._sum: tuple[int, float, BookSum] | None = None
        self.listeners: set[Callable[[str], None]] = set()
        """Called with the id of each customer whose row has changed."""
        self.held: set[str] = set()
        """Customers with orders on hold."""
        self.ready = asyncio.Event()

    async def __aenter__(self) -> CustomerBook:
        self._book.listeners.append(self._dirty.add)
        self._dirty.update(self._book.ids())
        for work, name in ((self._run(), "customer rows"), (self._read_history(), "score history")):
            self._tasks.append(asyncio.create_task(work, name=name))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            await end_task(task)

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, customer_id: str) -> CustomerRow | None:
        """One customer."""
        return self._rows.get(customer_id)

    def show_now(self, customer_id: str) -> None:
        """Somebody has just changed this customer and looks next: no list or sum of before is shown any more."""
        if self.ready.is_set():
            self._dirty.discard(customer_id)
            self._renew(customer_id)
            self._found = self._sum = None

    def find(self, asked: Asked) -> Sequence[CustomerRow]:
        """All rows that are asked for, in order; raises InvalidInput, Unavailable while the book is being read.

        The order is kept for a moment, so that the pages of a list belong together.
        """
        if not self.ready.is_set():
            raise Unavailable("the book is still being read")
        now = time.monotonic()
        if self._found is not None and self._found[0][0] == asked:
            same = self._found[0][1] == self._version
            if same or now - self._found[1] < _SUM_SECONDS:
                return self._found[2]
        rows = _sorted((row for row in self._rows.values() if asked.wants(row)), asked)
        self._found = ((asked, self._version), now, rows)
        return rows

    def values(self, column: str) -> list[str]:
        """What occurs in a column of text, for choices."""
        return sorted({value for row in self._rows.values() if (value := getattr(row, column))})

    def sum(self) -> BookSum:
        """The whole book, at most a second old; raises Unavailable while it is being read."""
        if not self.ready.is_set():
            raise Unavailable("the book is still being read")
        now, known = time.monotonic(), self._sum
        if known is None or (known[0] != self._version and now - known[1] >= _SUM_SECONDS):
            known = self._sum = (self._version, now, _summed(self._rows.values()))
        return known[2]

    async def _run(self) -> None:
        await self._book.ready.wait()
        while True:
            with suppress(Unavailable):
                day, stops = day_of(self._book.clock()), self._book.ageing_stops()
                if (day, stops) != (
                    self._day,
                    self._ageing_stops,
                ):  # what was not due is, or stays so, without any event
                    self._day, self._ageing_stops = day, stops
                    self._dirty.update(self._book.ids())
                await self._bring_up_to_date()
                self.ready.set()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _bring_up_to_date(self) -> None:
        while self._dirty:
            for customer_id in [self._dirty.pop() for _ in range(min(_AT_ONCE, len(self._dirty)))]:
                self._renew(customer_id)
            await asyncio.sleep(0)

    def _renew(self, customer_id: str) -> None:
        try:
            known = self._book.known(customer_id)
        except CreditPulseError as error:
            log.warning("customer %r: %s", customer_id, error)
            return
        account = known.account
        if account is None:
            self._rows.pop(customer_id, None)
            self.held.discard(customer_id)
        else:
            if account.points:
                self._note_score(customer_id, self._day, account.score)
            history = self._history.get(customer_id, ())
            row = customer_row(account, known.policy, self._day, history, known.aged_to)
            if self._rows.get(customer_id) == row:
                return
            self._rows[customer_id] = row
            (self.held.add if row.holds else self.held.discard)(customer_id)
        self._version += 1
        for listener in self.listeners:
            listener(customer_id)

    def _note_score(self, customer_id: str, day: int, score: int) -> None:
        """One point a day, the last of the day, and only when it differs."""
        known = self._history.get(customer_id, ())
        if known and known[-1][0] == day:
            known = known[:-1]
        if not known or known[-1][1] != score:
            self._history[customer_id] = (*known, (day, score))[-_POINTS_KEPT:]

    async def _read_history(self) -> None:
        """The scores of the past, once: from then on we see them change."""
        offset = 0
        while True:
            try:
                rows = await self._archive.view("score_trend", limit=_TREND_PAGE, offset=offset)
            except Unavailable:
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
                continue
            except CreditPulseError as error:
                log.warning("scores of the past cannot be read, they begin now: %s", str(error)[:200])
                return
            for row in rows:
                past = tuple((datetime.fromisoformat(day).toordinal(), int(score)) for day, score in row["points"])
                seen = self._history.get(row["customer_id"], ())
                first = seen[0][0] if seen else None
                kept = [point for point in past if first is None or point[0] < first]
                self._history[row["customer_id"]] = (*kept, *seen)[-_POINTS_KEPT:]
                self._dirty.add(row["customer_id"])
            if len(rows) < _TREND_PAGE:
                return
            offset += _TREND_PAGE


def _sorted(rows: Iterable[CustomerRow], asked: Asked) -> list[CustomerRow]:
    key = asked.key()
    known: list[tuple[Any, CustomerRow]] = []
    unknown: list[CustomerRow] = []
    for row in rows:
        value = key(row)
        if value is None:
            unknown.append(row)
        else:
            known.append((value, row))
    known.sort(key=lambda pair: pair[1].customer_id)
    known.sort(key=lambda pair: pair[0], reverse=asked.sort.startswith("-"))
    unknown.sort(key=lambda row: row.customer_id)
    return [row for _, row in known] + unknown


def _summed(rows: Iterable[CustomerRow]) -> BookSum:
    found = BookSum()
    for row in rows:
        found.customers += 1
        level = found.levels[row.level]
        level.customers += 1
        for currency, amounts in row.currencies.items():
            for sums, amount in (
                (level.exposure, amounts.exposure), (level.overdue, amounts.overdue),
                (found.exposure, amounts.exposure), (found.overdue, amounts.overdue),
            ):  # fmt: skip
                if amount:
                    sums[currency] = sums.get(currency, Decimal(0)) + amount
            if amounts.open_invoices:
                buckets = found.ageing.setdefault(currency, [Decimal(0)] * len(AGEING))
                for number, amount in enumerate(amounts.ageing):
                    buckets[number] += amount
        if row.oldest_days_past_due:
            found.overdue_customers += 1
        if row.holds:
            found.holds += row.holds
            found.held_customers += 1
            if row.held_since is not None:
                found.held_since = min(found.held_since or row.held_since, row.held_since)
    return found
