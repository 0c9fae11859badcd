"""What becomes of a customer's orders: checked when placed or changed, decided by persons, freed or told again.

Every event about an order is answered by one ``OrderDecision``; what persons decided stands until a person undoes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from models.account import ZERO, Account, ForcedHold, OpenOrder, Release
from models.brake import Brake
from models.calendar import day_of_ms
from models.exposure import Position
from models.hold_review import decide
from models.ledger import change_order, mark_held, place_order
from models.order_checks.facts import NO_GROUPS, Facts, Groups, facts_of
from models.order_checks.judgement import Judgement, judge
from models.order_checks.ways import ways_to_pass
from models.order_memory import force, lift, note_free, tidy
from models.order_out import Verdict, order_out
from models.out_events import Cause, louder
from schemas.decisions import Decision, OrderCheck, OrderDecision, OutEvent
from schemas.events import OrderPlaced
from schemas.fields import Currency
from schemas.order_acts import (
    ActRefusal,
    OrderAct,
    OrderChanged,
    OrderHoldForced,
    OrderHoldLifted,
    OrderRejected,
    OrderReleased,
)
from schemas.order_measures import OrderMeasure
from schemas.policy import Policy
from schemas.review_acts import ReviewAct

_FORCED = "order.hold_forced"


class Case(Protocol):
    """What the desk is given: ``models.assess.Situation``."""

    account: Account
    cause: Cause
    day: int
    positions: dict[str, Position]
    out: list[OutEvent]

    @property
    def ageing_day(self) -> int:
        """The day to which open items are aged."""


class OrderDesk:
    """Decides orders by one policy; ``groups`` is kept up to date by its owner."""

    def __init__(self, policy: Policy, groups: Groups = NO_GROUPS, brake: Brake | None = None) -> None:
        self._policy, self._rules, self._groups, self._brake = policy, policy.order_checks, groups, brake

    def place(self, case: Case, event: OrderPlaced | OrderChanged, model_version: str) -> None:
        """Book a new order, or what an open one has become, and decide it on the state as it is."""
        account = case.account
        if event.order_id in account.orders:
            change_order(account, event, self._policy)
        else:
            place_order(account, event, self._policy)
        self._decide(case, event.order_id, model_version)

    def act(self, case: Case, event: OrderAct, model_version: str) -> None:
        """Carry out what a person decided, or say why not."""
        order = case.account.orders.get(event.order_id)
        refusal = self._refusal(case, event, order)
        if refusal is not None or order is None:
            self._answer(case, event, order, refusal, model_version)
        elif isinstance(event, OrderReleased):
            self._release(case, event, order, model_version)
        elif isinstance(event, OrderRejected):
            until = case.day + self._rules.forced_hold_days
            force(case.account, event.order_id, ForcedHold(event.by, event.reason, event.type, until))
            del case.account.orders[event.order_id]
            note_free(case.account, event.order_id, self._policy)
            self._tell(case, event.order_id, order, _by(event, Decision.REJECT), model_version)
        elif isinstance(event, OrderHoldForced):
            force(case.account, event.order_id, ForcedHold(event.by, event.reason, event.type))
            order.release, order.free = None, ZERO
            self._hold(case.account, order)
            note_free(case.account, event.order_id, self._policy)
            checks = judge(self._facts(case, event.order_id, order)).checks
            self._tell(case, event.order_id, order, _by(event, Decision.HOLD, checks), model_version)
        else:
            lift(case.account, event.order_id)
            self._decide(case, event.order_id, model_version, by=event)

    def hold_stopped(self, case: Case, order_ids: Sequence[str], act: ReviewAct | None, model_version: str) -> None:
        """Decide open orders anew whose hold the brake had stopped, and does no more."""
        for order_id in order_ids:
            order = case.account.orders.get(order_id)
            if order is not None and not order.held:
                self._decide(case, order_id, model_version, act, braked=False)

    def would_hold(self, case: Case, order_ids: Sequence[str]) -> bool:
        """Whether any of these orders is still open, goes, and does not pass the checks."""
        orders = [(order_id, case.account.orders.get(order_id)) for order_id in order_ids]
        return any(
            order is not None
            and not order.held
            and judge(self._facts(case, order_id, order)).decision is not Decision.APPROVE
            for order_id, order in orders
        )

    def look_again(self, case: Case, model_version: str) -> None:
        """After whatever happened: end releases, then free held orders that now fit, oldest first, and no others; tell
        those that age."""
        account, ended = case.account, set()
        for order_id in self._untold(case):
            order = account.orders[order_id]
            if not _end(order, case.day):
                continue
            if order.held:
                ended.add(order_id)
                order.free = ZERO
                note_free(account, order_id, self._policy)
                case.positions = {}
            elif judge(self._facts(case, order_id, order)).decision is not Decision.APPROVE:
                self._decide(case, order_id, model_version)
        for order_id in self._untold(case):
            order = account.orders[order_id]
            if order.held:
                self._free_or_tell(case, order_id, order, model_version, ended=order_id in ended)
        tidy(account, self._policy)

    @staticmethod
    def _untold(case: Case) -> list[str]:
        """Orders of which nothing was told yet, the oldest first: held, or let go by a person."""
        told = {event.data.order_id for event in case.out if isinstance(event.data, OrderDecision)}
        waiting = [
            (order.placed, order_id)
            for order_id, order in case.account.orders.items()
            if (order.held or order.release is not None) and order_id not in told
        ]
        return [order_id for _, order_id in sorted(waiting)]

    def next_day(self, account: Account) -> int:
        """The next day on which time alone changes something here; 0 = none."""
        days = []
        for order in account.orders.values():
            if order.held and order.told < len(self._rules.hold_escalation_days):
                days.append(day_of_ms(order.held_since) + self._rules.hold_escalation_days[order.told])
            if order.release is not None:
                days.append(order.release.until + 1)
        return min(days, default=0)

    def _facts(self, case: Case, order_id: str, order: OpenOrder) -> Facts:
        return facts_of(
            case.account, order_id, order, case.day, self._policy, self._groups, case.positions or None, case.ageing_day
        )

    def _decide(
        self,
        case: Case,
        order_id: str,
        model_version: str,
        by: OrderAct | ReviewAct | None = None,
        *,
        braked: bool = True,
    ) -> None:
        """``braked``: a hold has to pass the brake."""
        account, order = case.account, case.account.orders[order_id]
        case.positions = {}  # what was booked since changes them
        was_held = order.held
        _end(order, case.day)
        facts = self._facts(case, order_id, order)
        judgement = judge(facts)
        decision, checks = decide(facts, judgement, self._brake if braked else None)
        if decision is Decision.REJECT:
            account.orders.pop(order_id)
        elif decision is Decision.HOLD:
            self._hold(account, order)
            order.free = self._partly(judgement, order)
        else:
            self._pass(order)
            decision = Decision.RELEASE if by is not None and was_held else Decision.APPROVE
        note_free(account, order_id, self._policy)
        verdict = Verdict(
            decision, checks, judgement.measure, ways_to_pass(facts, judgement.failed) if order.held else (),
            by.by if by else None, by.reason if by else None,
        )  # fmt: skip
        self._tell(case, order_id, order, verdict, model_version, facts)

    def _free_or_tell(
        self, case: Case, order_id: str, order: OpenOrder, model_version: str, *, ended: bool = False
    ) -> None:
        """``ended``: what a person let go of it has run out, which is told."""
        account = case.account
        facts = self._facts(case, order_id, order)
        judgement = judge(facts)
        if judgement.decision is Decision.APPROVE:
            self._pass(order)
            note_free(account, order_id, self._policy)
            verdict = Verdict(Decision.RELEASE, judgement.checks, judgement.measure)
            self._tell(case, order_id, order, verdict, model_version, facts)
            case.positions = {}
            return
        part = self._partly(judgement, order)
        if part > order.free or ended:
            order.free = part
            note_free(account, order_id, self._policy)
            ways = ways_to_pass(facts, judgement.failed)
            verdict = Verdict(Decision.HOLD, judgement.checks, judgement.measure, ways)
            self._tell(case, order_id, order, verdict, model_version, facts)
            case.positions = {}
            return  # one word on an order per cause: its age is told at the next
        days = self._rules.hold_escalation_days
        age = case.day - day_of_ms(order.held_since)
        if order.told < len(days) and age >= days[order.told]:
            aged = OrderCheck(code="HOLD_AGED", detail={"days": str(age)})
            severity = louder(order.told)
            order.told = sum(age >= day for day in days)
            ways = ways_to_pass(facts, judgement.failed)
            verdict = Verdict(
                Decision.HOLD, [aged, *judgement.checks], judgement.measure, ways, severity=severity, changes=False
            )
            self._tell(case, order_id, order, verdict, model_version, facts)

    def _partly(self, judgement: Judgement, order: OpenOrder) -> Decimal:
        """The part of a held order that may go: what fits by the policy, or what is left of what a person let go."""
        measure, release = judgement.measure, order.release
        fits = ZERO
        if measure is not None and measure.kind == "partial" and measure.release_amount is not None:
            fits = measure.release_amount
        return max(fits, min(release.up_to, order.amount) if release is not None else ZERO)

    @staticmethod
    def _pass(order: OpenOrder) -> None:
        order.held, order.free, order.told = False, ZERO, 0
        if order.release is not None and order.release.up_to < order.amount:
            order.release = None  # all of it goes, and not because a person let a part go

    @staticmethod
    def _hold(account: Account, order: OpenOrder) -> None:
        if not order.held or not order.held_since:
            order.held_since, order.told = account.clock, 0
        mark_held(account, order)

    def _release(self, case: Case, event: OrderReleased, order: OpenOrder, model_version: str) -> None:
        up_to = event.up_to_amount or order.amount
        until = case.day + self._rules.release_days if event.valid_until is None else event.valid_until.toordinal()
        order.release = Release(event.by, event.reason, up_to, until, event.second_person)
        lift(case.account, event.order_id)
        whole = up_to >= order.amount
        order.held, order.free = not whole, ZERO if whole else up_to
        note_free(case.account, event.order_id, self._policy)
        measure = None
        if not whole:
            measure = OrderMeasure(kind="partial", currency=Currency(order.currency), release_amount=up_to)
        decision = Decision.RELEASE if whole else Decision.HOLD
        self._tell(case, event.order_id, order, _by(event, decision, measure=measure), model_version)

    def _refusal(self, case: Case, event: OrderAct, order: OpenOrder | None) -> OrderCheck | None:
        """Why a person's act cannot be carried out; None = it can (a hold of an id that is not open yet, too)."""
        if order is None:
            return None if isinstance(event, OrderHoldForced) else _refuse(ActRefusal.ORDER_NOT_OPEN)
        if event.expected_version is not None and event.expected_version != order.version:
            detail = {"version": str(order.version), "expected": str(event.expected_version)}
            return _refuse(ActRefusal.VERSION_CONFLICT, detail)
        if isinstance(event, OrderHoldLifted):
            memory = case.account.order_memory
            return None if memory is not None and event.order_id in memory.forced else _refuse(ActRefusal.NOT_FORCED)
        return self._release_refusal(case, event, order) if isinstance(event, OrderReleased) else None

    def _release_refusal(self, case: Case, event: OrderReleased, order: OpenOrder) -> OrderCheck | None:
        if not order.held:
            return _refuse(ActRefusal.NOT_HELD)
        if event.currency is not None and event.currency != order.currency:
            return _refuse(ActRefusal.OTHER_CURRENCY, {"currency": order.currency})
        if event.valid_until is not None and event.valid_until.toordinal() < case.day:
            return _refuse(ActRefusal.RELEASE_OVER, {"valid_until": event.valid_until.isoformat()})
        most = self._rules.four_eyes_above.get(Currency(order.currency))
        granted = order.by_one + (event.up_to_amount or order.amount)
        if most is not None and granted > most and event.second_person in (None, event.by):
            return _refuse(ActRefusal.FOUR_EYES_NEEDED, {"above": str(most), "currency": order.currency})
        return None

    def _answer(
        self, case: Case, event: OrderAct, order: OpenOrder | None, refusal: OrderCheck | None, model_version: str
    ) -> None:
        """Answer an act that changes no open order: with the decision that stands, and why nothing was changed."""
        if order is not None:
            stands = Decision.HOLD if order.held else Decision.APPROVE
        elif refusal is None:  # a hold that waits for the order
            force(case.account, event.order_id, ForcedHold(event.by, event.reason, _FORCED))
            stands = Decision.HOLD
        else:
            stands = Decision.REJECT
        verdict = Verdict(stands, [refusal] if refusal else (), by=event.by, reason=event.reason, changes=False)
        nothing = OpenOrder(ZERO, _any_currency(case.account, event), case.day)
        self._tell(case, event.order_id, order or nothing, verdict, model_version)

    def _tell(
        self,
        case: Case,
        order_id: str,
        order: OpenOrder,
        verdict: Verdict,
        model_version: str,
        facts: Facts | None = None,
    ) -> None:
        """``facts``: those it was decided on, where there are some; its position is the one without the order."""
        facts = facts or self._facts(case, order_id, order)
        versions = (self._policy.version, model_version)
        case.out.append(order_out(case.account, order_id, order, verdict, facts.position, case.cause, versions))


def _refuse(code: ActRefusal, detail: dict[str, str] | None = None) -> OrderCheck:
    return OrderCheck(code=code.value, detail=detail or {})


def _end(order: OpenOrder, day: int) -> bool:
    """End the release of an order that was not invoiced by its last day; whether there was one."""
    if order.release is None or order.release.until >= day:
        return False
    order.release = None
    return True


def _by(
    event: OrderAct, decision: Decision, checks: list[OrderCheck] | None = None, measure: OrderMeasure | None = None
) -> Verdict:
    return Verdict(decision, checks or (), measure, by=event.by, reason=event.reason)


def _any_currency(account: Account, event: OrderAct) -> str:
    """An answer about no order has the amount zero, in a currency that the customer has."""
    named = event.currency if isinstance(event, OrderReleased) else None
    return named or next(iter(sorted({*account.limits, *account.open_invoices})), "USD")
