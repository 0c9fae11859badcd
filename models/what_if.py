"""What an order would get from an account as it is, without booking it: for credit checks, and for the past."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from models.account import Account, OpenOrder, decode, encode
from models.brake import Brake
from models.calendar import from_ms
from models.hold_review import decide
from models.ledger import add_order
from models.measures import limits
from models.order_checks.facts import ASKED, NO_GROUPS, Facts, Groups, facts_of
from models.order_checks.judgement import Judgement, judge
from models.order_checks.ways import ways_to_pass
from models.out_events import exposure_out
from schemas.decisions import Decision, OrderCheck
from schemas.levels import Level
from schemas.order_answer import OrderAnswer
from schemas.policy import Policy


def decide_order(
    account: Account,
    order: OpenOrder,
    day: int,
    policy: Policy,
    groups: Groups = NO_GROUPS,
    order_id: str = ASKED,
    aged_to: int = 0,
    brake: Brake | None = None,
) -> tuple[Decision, list[OrderCheck]]:
    """What an order placed on ``day`` (ordinal) gets, with its checks; ``policy`` is the account's effective one.

    An ``order_id`` that is open is asked about as it stands there. ``aged_to``: the day to which open items are aged
    while the payments feed is stale, 0 = it is not. ``brake``: the partition's, None = none stops holds. Neither it nor
    the account is changed.
    """
    facts = _facts(account, order, day, policy, groups, order_id, aged_to)
    return _decided(facts, judge(facts), brake)


def check_order(
    account: Account,
    order: OpenOrder,
    day: int,
    policy: Policy,
    groups: Groups = NO_GROUPS,
    order_id: str = ASKED,
    aged_to: int = 0,
    brake: Brake | None = None,
) -> OrderAnswer:
    """The whole answer, with what would let the order pass; arguments as in ``decide_order``."""
    facts = _facts(account, order, day, policy, groups, order_id, aged_to)
    judgement = judge(facts)
    decision, checks = _decided(facts, judgement, brake)
    known = account.orders.get(order_id)
    held = known is not None and known.held and known.held_since
    return OrderAnswer(
        decision=decision,
        level=Level(account.level),
        checks=checks,
        measure=judgement.measure,
        to_pass=ways_to_pass(facts, judgement.failed),
        exposure=exposure_out(order.currency, facts.position, facts.limit),
        policy_version=policy.version,
        version=None if known is None else known.version,
        held_since=from_ms(known.held_since) if known is not None and held else None,
    )


def _facts(
    account: Account, order: OpenOrder, day: int, policy: Policy, groups: Groups, order_id: str, aged_to: int
) -> Facts:
    if not account.points and not account.limits:  # its first event: limits are not set yet
        account = copy(account)
        account.limits = limits(account, Level(account.level), policy, day)
    return facts_of(account, order_id, account.orders.get(order_id, order), day, policy, groups, aged_to=aged_to)


def _decided(facts: Facts, judgement: Judgement, brake: Brake | None) -> tuple[Decision, list[OrderCheck]]:
    """As an order that is booked: on a copy, for what is noted there is not to stand."""
    if judgement.decision is Decision.APPROVE:
        return judgement.decision, judgement.checks
    account = decode(encode(facts.account))
    order = account.orders.get(facts.order_id)
    if order is None:
        order = copy(facts.order)
        add_order(account, facts.order_id, order, facts.policy)
    booked = replace(facts, account=account, order=order)
    return decide(booked, judgement, None if brake is None else brake.for_questions())
