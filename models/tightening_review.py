"""Whether a tightening passes the brake, waits for a person, or does not count because a person rejected it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.account import Account, StoppedTightening
from models.brake import Brake
from models.calendar import from_ms
from models.exposure import Position
from models.knock_outs import Cap
from schemas.decisions import OrderCheck, ReviewState, TighteningReview
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
    """

    stops: bool
    state: ReviewState | None = None
    wanted: Wanted | None = None
    review: StoppedTightening | None = None
    act: ReviewAct | None = None
    refusal: OrderCheck | None = None

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
) -> Ruling:
    """The ruling on an account that stands at what it would get; its ``review`` is brought up to date.

    ``tightens``: that is worse than what it has. ``put_off``: it is not, because the news came late: what waits goes on
    waiting. A review that waits asks for no room again: else a bad policy would have held everybody some hours later.
    """
    review = account.review
    refusal = _refusal(review, act)
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
    named = any(cap.code in brake.rules.except_for and not wanted.level.worse_than(cap.at_most) for cap in caps)
    if review is not None and review.until:
        if day <= review.until and not named and not wanted.level.worse_than(Level(review.level)):
            return Ruling(True, "rejected" if refusal else None, wanted, review, refusal=refusal)
        account.review = review = None
    if review is not None:
        return _waiting(brake, account, review, wanted, refusal, named=named)
    exposure = {currency: p.exposure for currency, p in positions.items() if p.exposure > 0}
    if named or not brake.rules.is_on or brake.lets_pass(account, exposure):
        return Ruling(False, "none" if refusal else None, refusal=refusal)
    account.review = StoppedTightening(wanted.level.value, account.clock, 0)
    return Ruling(True, "pending", wanted, account.review, refusal=None)


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
    *,
    named: bool,
) -> Ruling:
    if named or not brake.rules.is_on:
        account.review = None
        return Ruling(False, "passed", wanted, review, refusal=refusal)
    is_news = review.level != wanted.level.value or refusal is not None
    review.level = wanted.level.value
    return Ruling(True, "pending" if is_news else None, wanted, review, refusal=refusal)


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
