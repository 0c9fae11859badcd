"""The steps of an order's check, one function each: None when it is passed, else its code and the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from models.account import ZERO
from models.behaviour import mean_payment_index
from models.calendar import from_ms
from models.exposure import material
from models.measures import terms_days
from models.order_checks.facts import Facts, Failed, in_horizon
from schemas.decisions import OrderCheck
from schemas.fields import Currency
from schemas.levels import Level

Step = Callable[[Facts], Failed | None]


def failed_steps(facts: Facts) -> list[Failed]:
    """All that stands in the way of an order; empty = it may go."""
    return [failed for step in STEPS if (failed := step(facts)) is not None]


def forced_hold(facts: Facts) -> Failed | None:
    """A person holds it, whatever the other steps say."""
    forced = facts.forced
    if forced is None:
        return None
    return Failed(OrderCheck(code="FORCED_HOLD", detail={"by": forced.by, "reason": forced.reason}))


def level(facts: Facts) -> Failed | None:
    """The measures of the customer's level say what becomes of its orders."""
    found = facts.account.level
    orders = facts.policy.measures.of(Level(found)).orders
    if not facts.policy.order_checks.level or orders == "approve":
        return None
    if orders == "reject":
        return Failed(OrderCheck(code="LEVEL_BLOCKED", detail={"level": found}), "reject")
    return Failed(OrderCheck(code="LEVEL_HOLD", detail={"level": found}))


def limit_state(facts: Facts) -> Failed | None:
    """No limit set (which is no limit of zero), or an agreed one whose last day has passed."""
    rules, master, currency = facts.policy.order_checks, facts.account.master, facts.order.currency
    if facts.limit is None:
        state, check = rules.no_limit, OrderCheck(code="NO_LIMIT", detail={"currency": currency})
    elif (
        master.limit_valid_until is not None and master.limit_valid_until < facts.day and currency in master.base_limits
    ):
        days = str(facts.day - master.limit_valid_until)
        state, check = rules.expired_limit, OrderCheck(code="LIMIT_EXPIRED", detail={"days": days})
    else:
        return None
    return None if state == "approve" else Failed(check, state)


def utilisation(facts: Facts) -> Failed | None:
    """Exposure plus the order, whenever it is to be delivered, within the limit in its currency."""
    rules = facts.policy.order_checks
    if not rules.utilisation or facts.limit is None:
        return None
    allowed = facts.limit if rules.utilisation_share == 1 else facts.limit * rules.utilisation_share
    return _over(facts, "OVER_LIMIT", facts.position.exposure, allowed)


def horizon(facts: Facts) -> Failed | None:
    """What is open, and what is to be delivered within the step's own horizon, within the limit."""
    days, order = facts.policy.order_checks.horizon_days, facts.order
    if days is None or facts.limit is None or (order.delivery is not None and order.delivery > facts.day + days):
        return None
    return _over(facts, "OVER_LIMIT_IN_HORIZON", in_horizon(facts, days), facts.limit)


def max_order(facts: Facts) -> Failed | None:
    """The order, summed with those let go that were placed around the same days, at most the policy's maximum."""
    rules, order = facts.policy.order_checks, facts.order
    most = rules.max_order.get(Currency(order.currency)) if rules.max_order else None
    if most is None:
        return None
    others = ZERO
    if facts.account.order_memory is not None:
        for order_id, passed in facts.account.order_memory.passed.items():
            near = abs(passed.placed - order.placed) < rules.split_window_days
            if near and passed.currency == order.currency and order_id != facts.order_id:
                others += passed.amount
    if others + order.amount <= most:
        return None
    detail = {"order": str(order.amount), "others": str(others), "most": str(most), "currency": order.currency}
    return Failed(OrderCheck(code="MAX_ORDER", detail=detail), headroom=most - others)


def oldest_item(facts: Facts) -> Failed | None:
    """No material item is as long past due as the policy names; never a count of invoices."""
    oldest, position = facts.policy.order_checks.oldest_item_dpd, facts.position
    if oldest is None or position.oldest_dpd < oldest or not material(position, oldest, facts.policy, to_hold=True):
        return None
    detail = {"days_past_due": str(position.oldest_dpd)}
    return Failed(OrderCheck(code="OLDEST_ITEM", detail=detail), by_overdue=True)


def payment_index(facts: Facts) -> Failed | None:
    """The customer's payment index is not below the floor; with too few payments there is none."""
    floor = facts.policy.order_checks.payment_index_floor
    index = None if floor is None else mean_payment_index(facts.account.behaviour)
    if floor is None or index is None or index >= floor:
        return None
    detail = {"value": f"{index:.1f}", "floor": f"{floor:g}"}
    return Failed(OrderCheck(code="PAYMENT_INDEX_LOW", detail=detail))


def terms(facts: Facts) -> Failed | None:
    """No longer terms are asked for than the level allows and was agreed."""
    asked = facts.order.asked_terms
    if not facts.policy.order_checks.terms or asked is None:
        return None
    allowed = terms_days(facts.account, Level(facts.account.level), facts.policy)
    if asked <= allowed:
        return None
    detail = {"asked": str(asked), "allowed": str(allowed)}
    return Failed(OrderCheck(code="TERMS_TOO_LONG", detail=detail), terms_days=allowed)


def group_limit(facts: Facts) -> Failed | None:
    """The corporate group stays within its limit: members of other partitions as last reported, these as they are."""
    rules, currency, group = facts.policy.order_checks, facts.order.currency, facts.group
    if not rules.group_limit or group is None:
        return None
    limit = rules.group_limits.get(Currency(currency), group.limits.get(currency))
    if limit is None:
        return None
    failed = _over(facts, "OVER_GROUP_LIMIT", group.exposure.get(currency, ZERO) + facts.position.exposure, limit)
    if failed is not None and group.as_of:
        failed.check.detail["as_of"] = from_ms(group.as_of).isoformat()
    return failed


def _over(facts: Facts, code: str, exposure: Decimal, limit: Decimal) -> Failed | None:
    order = facts.order
    short = exposure + order.amount - limit
    if short <= 0:
        return None
    detail = {
        "exposure": str(exposure),
        "order": str(order.amount),
        "limit": str(limit),
        "short_by": str(short),
        "currency": order.currency,
    }
    return Failed(OrderCheck(code=code, detail=detail), headroom=limit - exposure, by_cash=True)


STEPS: tuple[Step, ...] = (
    forced_hold, level, limit_state, utilisation, horizon, max_order, oldest_item, payment_index, terms, group_limit,
)  # fmt: skip
