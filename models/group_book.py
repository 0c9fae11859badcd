"""Exposure of corporate groups over all partitions: of members here as it is now, of the others as last reported.

Members are the customers whose master data name the group as ``group_parent``. What a member's exposure was, and from
which log offset on, stands in its account as far back as the last broadcast; so what was known of its group at an
entry is known again when the entry is applied once more after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from models.account import ZERO, Account, GroupMark
from models.calendar import to_ms
from models.exposure import Position
from models.out_events import Cause
from models.partition import GroupReport, GroupStanding, PartitionState
from schemas.fields import Currency
from schemas.log import GroupsReported

_CHANGE = Decimal("0.05")
"""Of a group's exposure: less is not worth a report ..."""

_LONGEST_DAYS = 7
"""... for so many days."""

_MOST = 2_000
"""Groups in one report; the others are told the next day."""

Amounts = dict[str, Decimal]


class GroupBook:
    """One partition's view of all groups; its memory is the partition's state, and the accounts of its members."""

    def __init__(self, state: PartitionState, partition: int) -> None:
        self._state, self._partition = state, partition
        self._members: dict[str, GroupMark] = {}
        self._own: dict[str, Amounts] = {}
        self._ahead: list[tuple[int, str, GroupMark]] = []

    def add(self, account: Account) -> None:
        """An account is there already when the engine starts; ``begin`` when all are."""
        for mark in account.group_marks:
            if mark.offset < self._state.applied:
                self._set(account.customer_id, mark)
            else:
                self._ahead.append((mark.offset, account.customer_id, mark))

    def begin(self) -> None:
        """All accounts have been added."""
        self._ahead.sort(key=lambda mark: mark[:2])

    def catch_up(self, offset: int, customer_id: str = "") -> None:
        """The log has come to this entry, and in a broadcast to this customer."""
        while self._ahead and self._ahead[0][:2] < (offset, customer_id):
            _, customer, mark = self._ahead.pop(0)
            self._set(customer, mark)

    def note(self, account: Account, where: Mapping[str, Position]) -> None:
        """A member, or one that was, has been assessed: ``where`` is its position from now on."""
        group = account.master.group_parent or ""
        exposure = {currency: p.exposure for currency, p in where.items() if p.exposure} if group else {}
        marks = account.group_marks
        if marks and (marks[-1].group, marks[-1].exposure) == (group, exposure):
            return
        mark = GroupMark(account.applied, group, exposure)
        known = self._state.applied
        before = [old for old in marks if old.offset < known]
        account.group_marks = [*before[-1:], *(old for old in marks if old.offset >= known), mark]
        self._set(account.customer_id, mark)

    def _set(self, customer_id: str, mark: GroupMark) -> None:
        before = self._members.get(customer_id)
        if before is not None:
            _add(self._own.setdefault(before.group, {}), before.exposure, -1)
        self._members[customer_id] = mark
        _add(self._own.setdefault(mark.group, {}), mark.exposure)

    def others(self, group: str, account: Account) -> GroupStanding | None:
        """The group without this account, and as of when the oldest part of it is known; None: nobody is in it."""
        reports = [report for number, report in self._state.group_reports.items() if number != self._partition]
        found = [(report.at[group], report.exposure[group]) for report in reports if group in report.exposure]
        if not found and group not in self._own:
            return None
        exposure = dict(self._own.get(group, {}))
        own = self._members.get(account.customer_id)
        if own is not None and own.group == group:
            _add(exposure, own.exposure, -1)
        for _, amounts in found:
            _add(exposure, amounts)
        return GroupStanding(exposure, as_of=min((at for at, _ in found), default=0))

    def report(self, day: int, cause: Cause) -> list[GroupsReported]:
        """Once a day: the groups whose members here owe noticeably more or less than was told last."""
        told = self._state.group_reports.setdefault(self._partition, GroupReport())
        if day <= told.day:
            return []
        whole = day - told.whole_day >= _LONGEST_DAYS
        names = sorted({*self._own, *told.exposure} - {""})
        news = [name for name in names if self._is_news(name, told.exposure.get(name, {}), whole=whole)][:_MOST]
        told.day = day
        if not news:
            return []
        told.whole_day = day if whole else told.whole_day
        told.number += 1
        report = GroupsReported(
            version=1,
            event_id=f"groups-{self._partition}-{told.number}",
            occurred_at=cause.time,
            partition=self._partition,
            number=told.number,
            groups={name: _published(self._own.get(name, {})) for name in news},
        )
        self._keep(told, report.groups, report.occurred_at)
        return [report]

    def _is_news(self, name: str, told: Amounts, *, whole: bool) -> bool:
        now = {currency: amount for currency, amount in self._own.get(name, {}).items() if amount}
        if now == told:
            return False
        return whole or any(
            abs(now.get(c, ZERO) - told.get(c, ZERO)) > _CHANGE * abs(told.get(c, ZERO)) for c in {*now, *told}
        )

    def hear(self, event: GroupsReported) -> None:
        """Take in what another partition tells; one's own is known."""
        if event.partition != self._partition:
            report = self._state.group_reports.setdefault(event.partition, GroupReport())
            self._keep(report, event.groups, event.occurred_at)

    def _keep(self, report: GroupReport, groups: Mapping[str, Mapping[Currency, Decimal]], at: datetime) -> None:
        for name, amounts in groups.items():
            if amounts:
                report.exposure[name], report.at[name] = {str(c): amount for c, amount in amounts.items()}, to_ms(at)
            else:
                report.exposure.pop(name, None)
                report.at.pop(name, None)
            self._sum_up(name)

    def _sum_up(self, name: str) -> None:
        reports = [report for report in self._state.group_reports.values() if name in report.exposure]
        if not reports:
            self._state.groups.pop(name, None)
            return
        exposure: Amounts = {}
        for report in reports:
            _add(exposure, report.exposure[name])
        self._state.groups[name] = GroupStanding(exposure, as_of=min(report.at[name] for report in reports))


class ReportedGroups:
    """Groups as a partition's state knows them, for whoever holds no book of its members: all of it as last told."""

    def __init__(self, groups: Mapping[str, GroupStanding]) -> None:
        self.standings = groups

    def others(self, group: str, account: Account) -> GroupStanding | None:
        """As of ``GroupBook``, but the account's own part is taken off as it is now."""
        known = self.standings.get(group)
        own = account.group_marks[-1] if account.group_marks else None
        if known is None or own is None or own.group != group:
            return known
        exposure = dict(known.exposure)
        _add(exposure, own.exposure, -1)
        rest = {currency: max(amount, ZERO) for currency, amount in exposure.items()}
        return GroupStanding(rest, known.limits, known.as_of)


def _published(amounts: Amounts) -> dict[Currency, Decimal]:
    return {Currency(currency): amount for currency, amount in sorted(amounts.items()) if amount}


def _add(total: Amounts, more: Mapping[str, Decimal], sign: int = 1) -> None:
    for currency, amount in more.items():
        total[currency] = total.get(currency, ZERO) + sign * amount
