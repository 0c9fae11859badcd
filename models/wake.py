"""When to look at an account again without an event of its own: an index that ticks pop from."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from models.account import Account, Prediction
from models.cover import cover_days
from models.level_ladder import Standing, earliest_easing
from models.opinions import next_change
from models.supply import next_change as next_supply_change
from schemas.levels import Level
from schemas.policy import Policy


class WakeIndex:
    """Customers by the day on which they are to be looked at; rebuilt from the accounts after a restart."""

    def __init__(self, wakes: list[tuple[int, str]]) -> None:
        self._heap = [(day, customer) for day, customer in wakes if day]
        heapify(self._heap)

    def plan(self, day: int, customer_id: str) -> None:
        """Look at the customer on ``day`` (0 = never); earlier plans stay and are found idle when they come up."""
        if day:
            heappush(self._heap, (day, customer_id))

    def due(self, day: int) -> list[str]:
        """Take out all customers planned up to ``day``, in order of their ids."""
        found = set()
        while self._heap and self._heap[0][0] <= day:
            found.add(heappop(self._heap)[1])
        return sorted(found)


def next_wake(
    account: Account, day: int, policy: Policy, *, deferred: bool, rise_due: int = 0, order_day: int = 0
) -> int:
    """The next day on which time alone may change the account; 0 = none.

    ``deferred``: a tightening was put off because its cause arrived late; it is looked at again tomorrow.
    ``rise_due``: the day of the next step of a rising limit, ``order_day`` that of an order; 0 = none.
    """
    tomorrow = day + 1
    if deferred:
        return tomorrow
    days = [due for due in (rise_due, order_day) if due]
    days += cover_days(account.external, day, policy.limits.cover)
    if account.items:
        days.append(min([item.due for item in account.items.values()]) + 1)
    if account.predictions:
        days.append(min([prediction.matures for prediction in account.predictions.values()]))
    if account.rolls:
        days.append(min([prediction.matures for prediction in account.rolls.values()]))
    if account.better_since is not None and account.level != Level.UNRATED.value:
        standing = Standing(Level(account.level), account.level_since, account.better_since)
        easing = earliest_easing(standing, policy.ladder)
        if easing is not None:
            days.append(easing)
    if account.override is not None:
        days.append(account.override.expires + 1)
    opinion = next_change(account.external, day, policy)
    if opinion is not None:
        days.append(opinion)
    if account.supply is not None:
        stale = next_supply_change(account.supply, day, policy)
        days += [stale] if stale is not None else []
    return max(min(days), tomorrow) if days else 0


def matured(predictions: dict[str, Prediction], day: int) -> list[tuple[str, Prediction]]:
    """Predictions, by invoice, whose outcome is certain on ``day``."""
    return [(invoice, p) for invoice, p in predictions.items() if p.matures <= day]
