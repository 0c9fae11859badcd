"""What lets an order go that is to be held: the share drawn to learn the truth, and the brake on mass holds.

What becomes of a hold that the brake stopped: a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.account import Account, OpenOrder, StoppedTightening
from models.brake import Brake
from models.exposure import Position, positions
from models.knock_outs import caps
from models.memory import id_hash
from models.order_checks.facts import ASKED, Facts
from models.order_checks.judgement import Judgement
from schemas.decisions import Decision, OrderCheck
from schemas.fields import Currency
from schemas.levels import Level
from schemas.policy import Policy

_TIGHTENED = (Level.HIGH_RISK.value, Level.BLOCKED.value)
_MOST_ORDERS = 20


def decide(facts: Facts, judgement: Judgement, brake: Brake | None) -> tuple[Decision, list[OrderCheck]]:
    """What a booked order gets, and the checks that are told with it; ``brake`` None: none is stopped.

    What passes the brake is counted there, what it stops is noted in the account.
    """
    decision, checks, order = judgement.decision, judgement.checks, facts.order
    if decision is Decision.APPROVE or order.held or facts.forced is not None:
        return decision, checks
    if decision is Decision.HOLD and is_held_out(facts.account, facts.order_id, order, facts.policy):
        return Decision.APPROVE, [*checks, OrderCheck(code="HOLDOUT")]
    # What a person let go for a time is nothing new.
    if brake is not None and not order.was_held and _is_stopped(brake, facts, checks):
        return Decision.APPROVE, [*checks, OrderCheck(code="HOLD_STOPPED")]
    return decision, checks


def is_held_out(account: Account, order_id: str, order: OpenOrder, policy: Policy) -> bool:
    """Whether an order that is to be held passes all the same, to learn what becomes of those we hold.

    A small random share, drawn by a hash of the ids: the same order is drawn in every replay, and nobody can choose it.
    """
    rules = policy.order_checks
    most = rules.holdout_most.get(Currency(order.currency)) if rules.holdout_share else None
    if most is None or order.amount > most or order_id == ASKED:
        return False
    draw = int.from_bytes(id_hash(f"holdout/{account.customer_id}/{order_id}"), "big") / 2.0**64
    return draw < rules.holdout_share


def _is_stopped(brake: Brake, facts: Facts, checks: Sequence[OrderCheck]) -> bool:
    account, policy = facts.account, facts.policy
    where = positions(account, facts.aged_to, policy)
    codes = [*(cap.code for cap in caps(account, where, facts.day, policy)), *(check.code for check in checks)]
    return _stops_hold(brake, account, facts.order_id, where, codes, facts.day)


def _stops_hold(
    brake: Brake, account: Account, order_id: str, where: Mapping[str, Position], codes: Sequence[str], day: int
) -> bool:
    """Whether the order goes although it is to be held; ``codes``: of the customer's knock-outs and the checks.

    Who has a held order already is no more held by another one, and who is at high risk has passed the brake before.
    The first hold that is stopped begins a review; what follows goes under it, until a person decides or nothing is
    left that would be held.
    """
    rules, review = brake.rules, account.review
    has_held = any(order.held for order in account.orders.values())
    if not rules.brakes_holds or account.level in _TIGHTENED or has_held or rules.is_named(codes):
        return False
    reviewed = review if review is not None and review.orders else None
    if reviewed is None or (reviewed.until and day > reviewed.until):
        if brake.lets_hold(account, {currency: p.exposure for currency, p in where.items() if p.exposure > 0}):
            return False
        if review is not None and not review.orders:
            review.let_go = _with(review.let_go, order_id)  # a tightening waits already: who decides on it sees them
            return True
        reviewed = account.review = StoppedTightening(account.level, account.clock, 0)
    reviewed.orders = _with(reviewed.orders, order_id)
    return True


def _with(order_ids: Sequence[str], order_id: str) -> list[str]:
    return [*(other for other in order_ids if other != order_id), order_id][-_MOST_ORDERS:]
