"""What the steps of an order's check look at, and what a step says that was not passed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from models.account import ZERO, Account, ForcedHold, OpenOrder
from models.exposure import Position, is_exposure, positions, shippable
from models.partition import GroupStanding
from schemas.decisions import OrderCheck
from schemas.policy import Policy

ASKED = "\n"
"""The id of an order that is only asked about and has none: no order can have it."""


class Groups(Protocol):
    """What is known of corporate groups: ``models.group_book``."""

    def others(self, group: str, account: Account) -> GroupStanding | None:
        """The group without this account; None = nothing is known of it."""


class _NoGroups:
    def others(self, group: str, account: Account) -> GroupStanding | None:
        return None


NO_GROUPS: Groups = _NoGroups()


class Failed(NamedTuple):
    """A step that was not passed, with its code and numbers, and what would cure it.

    ``headroom``: an order over at most so much would pass. ``by_cash``: so it would if that much more were paid,
    applied or not. ``by_overdue``: paying the oldest items does. ``terms_days``: terms no longer than that do.
    """

    check: OrderCheck
    outcome: Literal["hold", "reject"] = "hold"
    headroom: Decimal | None = None
    by_cash: bool = False
    by_overdue: bool = False
    terms_days: int | None = None

    @property
    def is_curable(self) -> bool:
        """Whether the customer can do something about it at once."""
        return self.headroom is not None or self.by_overdue or self.terms_days is not None


@dataclass(slots=True)
class Facts:
    """An order before its check. ``position`` is that of its currency, without the order itself; ``day`` an ordinal,
    ``aged_to`` the one to which open items are aged: an earlier one while the payments feed is stale.

    ``group``: the customer's corporate group without the customer itself, None = nothing is known of it.
    """

    account: Account
    order_id: str
    order: OpenOrder
    day: int
    policy: Policy
    position: Position
    group: GroupStanding | None
    aged_to: int

    @property
    def forced(self) -> ForcedHold | None:
        """A person's hold on this order id that stands."""
        memory = self.account.order_memory
        held = None if memory is None else memory.forced.get(self.order_id)
        return None if held is None or (held.until and held.until < self.day) else held

    @property
    def limit(self) -> Decimal | None:
        """The customer's limit in the order's currency; None = none is set."""
        return self.account.limits.get(self.order.currency)


def facts_of(
    account: Account,
    order_id: str,
    order: OpenOrder,
    day: int,
    policy: Policy,
    groups: Groups = NO_GROUPS,
    where: dict[str, Position] | None = None,
    aged_to: int = 0,
) -> Facts:
    """The facts about an order, open or only asked about; ``where``: the account's positions, if they are known.

    ``aged_to`` 0: open items are aged to ``day``.
    """
    aged_to = aged_to or day
    if where is None:
        where = positions(account, aged_to, policy)
    position = where.get(order.currency, Position())
    if account.orders.get(order_id) is order and is_exposure(order, day, policy):
        position = without(position, shippable(order))
    group = groups.others(account.master.group_parent or account.customer_id, account)
    return Facts(account, order_id, order, day, policy, position, group, aged_to)


def without(position: Position, amount: Decimal) -> Position:
    """The position with so much less on order."""
    return replace(position, open_orders=position.open_orders - amount)


def in_horizon(facts: Facts, days: int) -> Decimal:
    """Exposure of which orders count that are to be delivered within ``days``, without the order itself."""
    last, orders = facts.day + days, ZERO
    for order in facts.account.orders.values():
        due = order.delivery is None or order.delivery <= last
        if due and order is not facts.order and order.currency == facts.order.currency:
            orders += shippable(order)
    return facts.position.exposure - facts.position.open_orders + orders
