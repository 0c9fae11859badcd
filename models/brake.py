"""The brake on mass tightening: how many customers may be tightened in an hour, under one policy version.

The window (an hour by the ticks, begun anew by a policy) is in the partition's state, which only broadcasts change; who
was tightened in it stands in the accounts themselves, each with the log offset. So the sums are known again after a
crash, as they were at any entry that is applied once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import ceil

from models.account import Account, Tightened
from models.calendar import MS_PER_HOUR
from models.partition import BrakeWindow, PartitionState
from schemas.brake_policy import BrakeRules


class Brake:
    """One partition's brake under one policy; ``partitions`` share its numbers evenly."""

    def __init__(
        self,
        rules: BrakeRules,
        state: PartitionState,
        partitions: int = 1,
        tightened: Iterable[tuple[str, Tightened]] = (),
    ) -> None:
        """``tightened``: what the partition's accounts remember, by customer."""
        self.rules, self._state, self._partitions = rules, state, partitions
        self._always = ceil(rules.always / partitions)
        self._most_exposure = {str(c): amount / partitions for c, amount in rules.exposure.items()}
        self._begin()
        # What was stored by entries that are still to be applied again counts when the log has come to them.
        self._ahead += sorted(
            (mark.offset, customer, mark.exposure) for customer, mark in tightened if mark.window == state.brake.number
        )

    def _begin(self) -> None:
        window, rules = self._state.brake, self.rules
        self._count, self._exposure = 0, dict[str, Decimal]()
        self._ahead: list[tuple[int, str, dict[str, Decimal]]] = []
        most = [int(rules.share * window.customers)] if rules.share is not None else []
        if rules.customers is not None:
            most.append(ceil(rules.customers / self._partitions))
        self._most = max(self._always, min(most)) if most else None

    def tick(self, now: int, customers: int) -> None:
        """Time has come to ``now`` (ms): a new hour begins a new window. ``customers``: rated ones of the partition."""
        hour = now // MS_PER_HOUR
        if hour > self._state.brake.hour:
            self.begin(hour, customers)

    def begin(self, hour: int, customers: int) -> None:
        """Begin a new window."""
        self._state.brake = BrakeWindow(self._state.brake.number + 1, hour, customers)
        self._begin()

    def lets_pass(self, account: Account, exposure: Mapping[str, Decimal]) -> bool:
        """Whether one more tightening, of this account and its exposure, is within the bounds; if so, it is counted.

        A customer counts once per window. ``account.applied`` is the offset of the entry that is being applied.
        """
        window, known = self._state.brake.number, account.tightened
        if known is not None and known.window == window:
            return True
        self._catch_up(account.applied, account.customer_id)
        if self._count >= self._always and not self._is_within(exposure):
            return False
        account.tightened = Tightened(window, account.applied, dict(exposure))
        self._add(account.tightened.exposure)
        return True

    def _is_within(self, exposure: Mapping[str, Decimal]) -> bool:
        if self._most is not None and self._count >= self._most:
            return False
        return all(
            self._exposure.get(currency, Decimal(0)) + exposure.get(currency, Decimal(0)) <= most
            for currency, most in self._most_exposure.items()
        )

    def _catch_up(self, offset: int, customer_id: str) -> None:
        # Within one broadcast the accounts are looked at in the order of their ids.
        while self._ahead and self._ahead[0][:2] < (offset, customer_id):
            self._add(self._ahead.pop(0)[2])

    def _add(self, exposure: dict[str, Decimal]) -> None:
        self._count += 1
        for currency, amount in exposure.items():
            self._exposure[currency] = self._exposure.get(currency, Decimal(0)) + amount
