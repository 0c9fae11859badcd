"""What an order would get from an account as it is, without booking it: for credit checks, and for the past."""

from __future__ import annotations

from decimal import Decimal

from models.account import Account, OpenOrder
from models.exposure import positions
from models.measures import limits
from models.order_check import order_checks
from schemas.decisions import Decision, OrderCheck
from schemas.levels import Level
from schemas.policy import Policy


def decide(checks: list[OrderCheck]) -> Decision:
    """What follows from the checks that an order did not pass."""
    if not checks:
        return Decision.APPROVE
    return Decision.REJECT if any(check.code == "LEVEL_BLOCKED" for check in checks) else Decision.HOLD


def check_order(
    account: Account, amount: Decimal, currency: str, day: int, policy: Policy
) -> tuple[Decision, list[OrderCheck]]:
    """The decision on an order over ``amount`` placed on ``day`` (ordinal), and what stands in its way.

    ``policy`` is the account's effective one. The account is not changed.
    """
    order = OpenOrder(amount, currency, day)
    if not account.points and not account.limits:  # its first event: limits are not set yet
        account = Account(account.schema, account.customer_id, master=account.master)
        account.limits = limits(account, Level(account.level), policy, day)
    checks = order_checks(account, order, positions(account, day, policy), policy)
    return decide(checks), checks
