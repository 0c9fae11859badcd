"""Whether a tightening passes the brake, waits for a person, or does not count because a person rejected it.

Holds of orders that the brake stopped (``models.hold_review``) wait and are decided on here as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.account import Account, StoppedTightening
from models.brake import Brake
from models.calendar import day_of_ms, from_ms
from models.exposure import Position
from models.knock_outs import Cap
from models.out_events import louder
from schemas.decisions import OrderCheck, OrderLetGo, ReviewState, TighteningReview
from schemas.envelope import Severity
from schemas.fields import Currency
from schemas.levels import Level
from schemas.review_acts import ReviewAct, ReviewApproved


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a tightening leads."""

    level: Level
    limits: Mapping[str, Decimal]
    terms_days: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """``stops``: the account stays as it was. ``state``: what is to be told of its review; None = nothing.

    ``review``: the one that waits, or waited; None = there is none. ``act``: what a person decided, if it counts.
    ``waited``: it is told again, because it waits for so many days.
    """

    stops: bool
    state: ReviewState | None = None
    wanted: Wanted | None = None
    review: StoppedTightening | None = None
    act: ReviewAct | None = None
    refusal: OrderCheck | None = None
    waited: int | None = None

    @property
    def holds(self) -> Sequence[str]:
        """The orders that are to be held from now on, if the checks still say so."""
        return self.review.orders if self.review is not None and self.state in ("approved", "passed") else ()

    def severity(self, of_level: Severity) -> Severity:
        """Of what is told; ``of_level``: what the tightening itself would have."""
        review = self.review
        if self.state != "pending" or review is None:
            return Severity.INFO
        least = [Severity.NOTICE] if review.orders else []
        return max([of_level, *least, *([louder(review.told - 1)] if review.told else [])], key=list(Severity).index)

    def out(self, account: Account, version: int) -> TighteningReview:
        """As subscribers see it; ``version``: the number of the alert that carries it."""
        review, act = self.review, self.act
        if review is not None and self.refusal is None:
            review.version = version
        wanted = self.wanted
        if wanted is None:
            level = account.level if review is None else review.level
            wanted = Wanted(Level(level), account.limits, account.terms_days)
        return TighteningReview(
            state=self.state or "none",
            to_level=wanted.level,
            limits={Currency(currency): amount for currency, amount in wanted.limits.items()},
            terms_days=wanted.terms_days,
            since=None if review is None else from_ms(review.since),
            version=0 if review is None else review.version,
            by=None if act is None else act.by,
            reason=None if act is None else act.reason,
            until=date.fromordinal(review.until) if review is not None and review.until else None,
            refusal=self.refusal,
            order_ids=[] if review is None else review.orders,
            let_go=[] if review is None else orders_let_go(account, review),
            waited_days=self.waited,
        )


def rule(
    brake: Brake,
    account: Account,
    positions: Mapping[str, Position],
    caps: Sequence[Cap],
    *,
    tightens: bool,
    put_off: bool,
    act: ReviewAct | None,
    day: int,
    holds: bool = False,
) -> Ruling:
    """The ruling on an account that stands at what it would get; its ``review`` is brought up to date.

    ``tightens``: that is worse than what it has. ``put_off``: it is not, because the news came late: what waits goes on
    waiting. A review that waits asks for no room again: else a bad policy would have held everybody some hours later.
    ``holds``: of orders whose hold was stopped one would still be held.
    """
    review, superseded = account.review, None
    refusal = _refusal(review, act)
    if review is not None and review.orders:
        if not tightens:
            passes = brake.rules.is_named(cap.code for cap in caps) or not brake.rules.brakes_holds
            return _of_holds(brake, account, review, act, refusal, day, holds=holds, passes=passes)
        # From here on it is the level that decides about its orders.
        superseded = None if review.until else review
        account.review, review, refusal = None, None, _NOTHING_WAITS if act is not None else None
    if not tightens and not (put_off and review is not None):
        account.review = None
        if review is not None and not review.until:
            return Ruling(False, "withdrawn", review=review)
        return Ruling(False, "none", refusal=refusal or _NOTHING_WAITS) if act is not None else Ruling(False)
    wanted = Wanted(Level(account.level), account.limits, account.terms_days)
    if not tightens:
        return Ruling(False)
    if act is not None and review is not None and refusal is None:
        return _decided(brake, account, review, act, wanted, day)
    named = any(brake.rules.is_named([cap.code]) and not wanted.level.worse_than(cap.at_most) for cap in caps)
    if review is not None and review.until:
        if day <= review.until and not named and not wanted.level.worse_than(Level(review.level)):
            return Ruling(True, "rejected" if refusal else None, wanted, review, refusal=refusal)
        account.review = review = None
    if review is not None:
        return _waiting(brake, account, review, wanted, refusal, day, named=named)
    exposure = {currency: p.exposure for currency, p in positions.items() if p.exposure > 0}
    if named or not brake.rules.is_on or brake.lets_tighten(account, exposure):
        if superseded is not None:
            return Ruling(False, "withdrawn", review=superseded, refusal=refusal)
        return Ruling(False, "none" if refusal else None, refusal=refusal)
    let_go = [] if superseded is None else superseded.orders
    account.review = StoppedTightening(wanted.level.value, account.clock, 0, let_go=let_go)
    return Ruling(True, "pending", wanted, account.review, refusal=None)


def orders_let_go(account: Account, review: StoppedTightening) -> list[OrderLetGo]:
    """The orders that went although they were to be held, as far as they are open still and not held by now."""
    orders = ((order_id, account.orders.get(order_id)) for order_id in review.orders or review.let_go)
    return [
        OrderLetGo(order_id=order_id, amount=order.amount, currency=Currency(order.currency))
        for order_id, order in orders
        if order is not None and not order.held
    ]


def _of_holds(
    brake: Brake,
    account: Account,
    review: StoppedTightening,
    act: ReviewAct | None,
    refusal: OrderCheck | None,
    day: int,
    *,
    holds: bool,
    passes: bool,
) -> Ruling:
    """The ruling on orders whose hold was stopped; ``passes``: the brake stops it no more."""
    if act is not None and refusal is None:
        if isinstance(act, ReviewApproved):
            account.review = None
            return Ruling(False, "approved", review=review, act=act)
        review.until = day + brake.rules.reject_days
        return Ruling(False, "rejected", review=review, act=act)
    if review.until:
        if day > review.until:
            account.review = None
        return Ruling(False, "rejected" if refusal else None, review=review, refusal=refusal)
    if not holds or passes:
        account.review = None
        return Ruling(False, "passed" if holds else "withdrawn", review=review, refusal=refusal)
    waited = _waited(brake, review, day)
    is_news = not review.version or refusal is not None or waited is not None
    return Ruling(False, "pending" if is_news else None, review=review, refusal=refusal, waited=waited)


def _decided(
    brake: Brake, account: Account, review: StoppedTightening, act: ReviewAct, wanted: Wanted, day: int
) -> Ruling:
    if isinstance(act, ReviewApproved):
        account.review = None
        return Ruling(False, "approved", wanted, review, act)
    review.level, review.until = wanted.level.value, day + brake.rules.reject_days
    return Ruling(True, "rejected", wanted, review, act)


def _waiting(
    brake: Brake,
    account: Account,
    review: StoppedTightening,
    wanted: Wanted,
    refusal: OrderCheck | None,
    day: int,
    *,
    named: bool,
) -> Ruling:
    if named or not brake.rules.is_on:
        account.review = None
        return Ruling(False, "passed", wanted, review, refusal=refusal)
    waited = _waited(brake, review, day)
    is_news = review.level != wanted.level.value or refusal is not None or waited is not None
    review.level = wanted.level.value
    return Ruling(True, "pending" if is_news else None, wanted, review, refusal=refusal, waited=waited)


def _waited(brake: Brake, review: StoppedTightening, day: int) -> int | None:
    """So many days it has waited, if that is to be told now."""
    days, age = brake.rules.escalation_days, day - day_of_ms(review.since)
    due = sum(age >= most for most in days)
    if due <= review.told:
        return None
    review.told = due
    return age


_NOTHING_WAITS = OrderCheck(code="NO_REVIEW")


def _refusal(review: StoppedTightening | None, act: ReviewAct | None) -> OrderCheck | None:
    """Why a person's act changes nothing; None = it does, or there is none."""
    if act is None:
        return None
    if review is None:
        return _NOTHING_WAITS
    if act.expected_version is not None and act.expected_version != review.version:
        detail = {"version": str(review.version), "expected": str(act.expected_version)}
        return OrderCheck(code="REVIEW_CONFLICT", detail=detail)
    return None
