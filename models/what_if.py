"""What an order would get from an account as it is, without booking it: for credit checks, and for the past."""

from __future__ import annotations

from copy import copy

from models.account import Account, OpenOrder
from models.calendar import from_ms
from models.measures import limits
from models.order_checks.facts import NO_GROUPS, Facts, Groups, facts_of
from models.order_checks.judgement import Judgement, judge
from models.order_checks.ways import ways_to_pass
from models.out_events import exposure_out
from schemas.levels import Level
from schemas.order_answer import OrderAnswer
from schemas.policy import Policy

ASKED = "\n"
"""The id of an order that has none: no order can have it."""


def judge_order(
    account: Account, order: OpenOrder, day: int, policy: Policy, groups: Groups = NO_GROUPS, order_id: str = ASKED
) -> Judgement:
    """The judgement on an order placed on ``day`` (ordinal); ``policy`` is the account's effective one.

    An ``order_id`` that is open is asked about as it stands there. The account is not changed.
    """
    return judge(_facts(account, order, day, policy, groups, order_id))


def check_order(
    account: Account, order: OpenOrder, day: int, policy: Policy, groups: Groups = NO_GROUPS, order_id: str = ASKED
) -> OrderAnswer:
    """The whole answer, with what would let the order pass; arguments as in ``judge_order``."""
    facts = _facts(account, order, day, policy, groups, order_id)
    judgement = judge(facts)
    known = account.orders.get(order_id)
    held = known is not None and known.held and known.held_since
    return OrderAnswer(
        decision=judgement.decision,
        level=Level(account.level),
        checks=judgement.checks,
        measure=judgement.measure,
        to_pass=ways_to_pass(facts, judgement.failed),
        exposure=exposure_out(order.currency, facts.position, facts.limit),
        policy_version=policy.version,
        version=None if known is None else known.version,
        held_since=from_ms(known.held_since) if known is not None and held else None,
    )


def _facts(account: Account, order: OpenOrder, day: int, policy: Policy, groups: Groups, order_id: str) -> Facts:
    if not account.points and not account.limits:  # its first event: limits are not set yet
        account = copy(account)
        account.limits = limits(account, Level(account.level), policy, day)
    return facts_of(account, order_id, account.orders.get(order_id, order), day, policy, groups)
