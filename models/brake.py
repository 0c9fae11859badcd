"""The brake: how many customers may be tightened, or have orders held, in an hour, under one policy version.

The window (an hour by the ticks, begun anew by a policy) is in the partition's state, which only broadcasts change; who
was tightened or held in it stands in the accounts themselves, each with the log offset. So the sums are known again
after a crash, as they were at any entry that is applied once more.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from copy import copy
from decimal import Decimal
from math import ceil

from models.account import Account, Marks, Tightened
from models.calendar import MS_PER_HOUR
from models.partition import BrakeWindow, PartitionState
from schemas.brake_policy import BrakeRules


class Brake:
    """One partition's brake under one policy; ``partitions`` share its numbers evenly.

    Tightenings and holds are counted each by themselves: holds are ordinary, and would leave no room for the others.
    """

    def __init__(self, rules: BrakeRules, state: PartitionState, partitions: int = 1) -> None:
        self.rules, self._state, self._partitions = rules, state, partitions
        self._begin()

    def remember(self, customer_id: str, marks: Marks) -> None:
        """After a restart: what an account knows to have passed in the window."""
        for counted, mark in ((self._tightenings, marks.tightened), (self._holds, marks.held)):
            if mark is not None and mark.window == self._state.brake.number:
                counted.remember(customer_id, mark)

    def for_questions(self) -> Brake:
        """A brake that counts for itself: asking it uses up no room in this one. All that is remembered counts."""
        asked = copy(self)
        asked._tightenings, asked._holds = self._tightenings.caught_up(), self._holds.caught_up()
        return asked

    def _begin(self) -> None:
        self._tightenings, self._holds = self._count(self.rules.share), self._count(self.rules.hold_share)

    def _count(self, share: float | None) -> _Count:
        rules, partitions = self.rules, self._partitions
        most = [int(share * self._state.brake.customers)] if share is not None else []
        if rules.customers is not None:
            most.append(ceil(rules.customers / partitions))
        exposure = {str(currency): amount / partitions for currency, amount in rules.exposure.items()}
        return _Count(min(most, default=None), ceil(rules.always / partitions), exposure)

    def tick(self, now: int, customers: int) -> None:
        """Time has come to ``now`` (ms): a new hour begins a new window. ``customers``: rated ones of the partition."""
        hour = now // MS_PER_HOUR
        if hour > self._state.brake.hour:
            self.begin(hour, customers)

    def begin(self, hour: int, customers: int) -> None:
        """Begin a new window."""
        self._state.brake = BrakeWindow(self._state.brake.number + 1, hour, customers)
        self._begin()

    def lets_tighten(self, account: Account, exposure: Mapping[str, Decimal]) -> bool:
        """Whether one more tightening, of this account and its exposure, is within the bounds; if so, it is counted.

        A customer counts once per window. ``account.applied`` is the offset of the entry that is being applied.
        """
        account.tightened, passes = self._passes(self._tightenings, account, account.tightened, exposure)
        return passes

    def lets_hold(self, account: Account, exposure: Mapping[str, Decimal]) -> bool:
        """The same of an order to be held, of a customer that has none."""
        account.held, passes = self._passes(self._holds, account, account.held, exposure)
        return passes

    def _passes(
        self, counted: _Count, account: Account, known: Tightened | None, exposure: Mapping[str, Decimal]
    ) -> tuple[Tightened | None, bool]:
        window = self._state.brake.number
        if known is not None and known.window == window:
            return known, True
        if not counted.takes(account.applied, account.customer_id, exposure):
            return known, False
        return Tightened(window, account.applied, dict(exposure)), True


class _Count:
    """What has passed in a window, and the bounds: ``most`` customers (None = any number), but ``always`` so many."""

    def __init__(self, most: int | None, always: int, most_exposure: Mapping[str, Decimal]) -> None:
        self._always, self._most_exposure = always, most_exposure
        self._most = most if most is None else max(always, most)
        self._count, self._exposure = 0, dict[str, Decimal]()
        self._ahead: list[tuple[int, str, dict[str, Decimal]]] = []

    def remember(self, customer_id: str, mark: Tightened) -> None:
        """What was stored by entries that are still to be applied again counts when the log has come to them."""
        insort(self._ahead, (mark.offset, customer_id, mark.exposure), key=lambda passed: passed[:2])

    def caught_up(self) -> _Count:
        """A count of its own, to which all that is remembered has come."""
        found = copy(self)
        found._exposure, found._ahead = dict(self._exposure), []
        for _, _, exposure in self._ahead:
            found._add(exposure)
        return found

    def takes(self, offset: int, customer_id: str, exposure: Mapping[str, Decimal]) -> bool:
        # Within one broadcast the accounts are looked at in the order of their ids.
        while self._ahead and self._ahead[0][:2] < (offset, customer_id):
            self._add(self._ahead.pop(0)[2])
        if self._count >= self._always and not self._is_within(exposure):
            return False
        self._add(exposure)
        return True

    def _is_within(self, exposure: Mapping[str, Decimal]) -> bool:
        if self._most is not None and self._count >= self._most:
            return False
        return all(
            self._exposure.get(currency, Decimal(0)) + exposure.get(currency, Decimal(0)) <= most
            for currency, most in self._most_exposure.items()
        )

    def _add(self, exposure: Mapping[str, Decimal]) -> None:
        self._count += 1
        for currency, amount in exposure.items():
            self._exposure[currency] = self._exposure.get(currency, Decimal(0)) + amount
