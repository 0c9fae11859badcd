"""Assess an account after something changed: score, level, limit, orders, and the out-events that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from types import MappingProxyType
from typing import NamedTuple

from models.account import Account, Tightening, decode, encode
from models.brake import Brake
from models.calendar import from_ms, to_ms
from models.counterfactual import counterfactuals
from models.default_risk.features import features
from models.default_risk.risk import DefaultRisk
from models.default_risk.segments import segment_of
from models.exposure import Position, oldest_dpd, positions
from models.knock_outs import Cap, caps
from models.level_ladder import Standing, level_kept, level_on_merit, next_standing
from models.level_range import level_range
from models.limit_basis import limit_basis
from models.market import PROMPT, market_relief
from models.measures import LimitRules
from models.opinions import Opinion
from models.order_checks.facts import NO_GROUPS, Groups
from models.order_desk import OrderDesk
from models.out_events import Cause, Change, alert_out, assessment, level_out
from models.own_terms import OwnTerms
from models.partition import MarketReading
from models.reasons import reason_code, reasons
from models.scorecard import Scorecard
from models.supply import known_outcomes
from models.tightening_review import Ruling, rule
from schemas.decisions import CREDIT_ALERT, AlertKind, Assessment, Counterfactual, OutEvent, WayBack
from schemas.envelope import Severity
from schemas.events import OrderPlaced
from schemas.levels import BY_VALUE, LADDER, Level
from schemas.log import Source
from schemas.order_acts import OrderAct, OrderChanged
from schemas.policy import Policy
from schemas.review_acts import ReviewAct

NO_READINGS: Mapping[str, MarketReading] = MappingProxyType({})

NO_CAUSE = Cause(Source(topic="none", partition=0, offset=0), "none", "none", from_ms(0), from_ms(0))
"""Of what is only looked at."""

_MAX_STANDING = 4
"""Tightenings remembered for retraction; a customer has at most four steps to fall."""

_PERSON = "assessment.override"
"""The event by which a person sets the level."""

_SEVERITY = {
    Level.STANDARD: Severity.INFO,
    Level.WATCH: Severity.NOTICE,
    Level.HIGH_RISK: Severity.WARNING,
    Level.BLOCKED: Severity.CRITICAL,
}


@dataclass(slots=True)
class Situation:
    """An account on a day, what happened, and what came of it.

    ``relief``: the payment index as it is without the market's excuse, and the reading that excuses it.

    ``late_since`` (ms) is set when the news is late: it may ease or retract, never tighten. ``rise_due`` is the day
    of the next step of a limit that rises in steps (0 = none). ``cover_ended``: less cover counts than before.

    ``act``: what a person decides on the tightening that waits. ``frozen``: the day to which open items are aged while
    the payments feed is stale (0 = it is not).
    """

    account: Account
    cause: Cause
    day: int
    late_since: int | None = None
    deferred: bool = False
    rise_due: int = 0
    cover_ended: bool = False
    act: ReviewAct | None = None
    frozen: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    caps: list[Cap] = field(default_factory=list)
    base: dict[str, Decimal] = field(default_factory=dict)
    opinions: dict[str, Opinion] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)
    relief: tuple[float, str] | None = None
    kind: AlertKind | None = None
    ruling: Ruling | None = None
    out: list[OutEvent] = field(default_factory=list)

    @property
    def ageing_day(self) -> int:
        """The day to which open items are aged."""
        return self.frozen or self.day

    @property
    def cap(self) -> Level:
        """The best level that the caps allow."""
        return self.caps[0].at_most if self.caps else Level.PRIME


class _Before(NamedTuple):
    """What an account had before it was assessed. ``is_new``: it had nothing."""

    level: Level
    since: int
    better_since: int | None
    limits: dict[str, Decimal]
    limit_raised: int
    terms_days: int
    is_new: bool

    @classmethod
    def of(cls, account: Account, *, is_new: bool) -> _Before:
        return cls(
            BY_VALUE[account.level], account.level_since, account.better_since,
            account.limits, account.limit_raised, account.terms_days, is_new,
        )  # fmt: skip

    def moves(self, account: Account) -> tuple[bool, bool]:
        """Whether any limit or the terms were cut, and whether any were raised; what is new is neither."""
        if account.limits == self.limits and (self.is_new or account.terms_days == self.terms_days):
            return False, False
        moves = [account.limits[c] - self.limits[c] for c in account.limits if c in self.limits]
        if not self.is_new:
            moves.append(Decimal(account.terms_days - self.terms_days))
        return any(move < 0 for move in moves), any(move > 0 for move in moves)

    def restore(self, account: Account) -> None:
        """Put the account back to what it had."""
        account.level, account.level_since, account.better_since = self.level.value, self.since, self.better_since
        account.limits, account.limit_raised, account.terms_days = self.limits, self.limit_raised, self.terms_days


class Foretold(NamedTuple):
    """Of an invoice at its issue: its features, the customer's rate, what the learner has a say in, and what counts."""

    packed: bytes
    rate: float
    blended: float
    probability: float


class Assessor:
    """Assesses accounts by one policy and one default-risk model."""

    def __init__(
        self,
        policy: Policy,
        risk: DefaultRisk,
        market: Mapping[str, MarketReading] = NO_READINGS,
        groups: Groups = NO_GROUPS,
        brake: Brake | None = None,
    ) -> None:
        """``market``: the newest readings by ``scope:name``, and ``groups``, kept up to date by their owner.

        ``brake``: asked before each tightening; None: none is stopped.
        """
        self.policy = self._policy = policy
        self._risk, self._market, self._brake = risk, market, brake
        self._scorecard = Scorecard(policy)
        self._limits, self._terms = LimitRules(policy), OwnTerms(policy)
        self.orders = OrderDesk(policy, groups, brake)

    def foretell(self, account: Account, amount: float, due: int, day: int) -> Foretold:
        """What is foretold of an invoice over ``amount`` that is issued on ``day`` and due on ``due``."""
        oldest, segment = oldest_dpd(account, day, self._policy), segment_of(account.master)
        rate, packed = self._features(account, segment, oldest, amount, due, day)
        blended = self._risk.blend(packed, rate)
        return Foretold(packed, rate, blended, self._risk.predict(packed, account.behaviour, segment, blended))

    def _features(
        self, account: Account, segment: str | None, oldest: int, amount: float, due: int, day: int
    ) -> tuple[float, bytes]:
        rate = self._risk.customer_rate(account.behaviour, segment)
        return rate, features(account, oldest, amount, due, rate, day, self._policy.default_risk.late_days)

    def assess(self, situation: Situation) -> None:
        """Recompute score, level, limit and terms; append what changed to ``situation.out``."""
        account = situation.account
        is_new = not account.points
        self._limits.review_capacity(account, situation.day)
        self._terms.review(account, situation.day, may_shorten=situation.late_since is None)
        self._score(situation)
        if is_new:
            account.decided_points = dict(account.points)
            account.level_since = situation.day
        before = _Before.of(account, is_new=is_new)
        retracted = self._retractable(situation)
        if retracted:
            standing = Standing(self._corrected_level(situation, retracted[0]), situation.day)
        else:
            standing = self._standing(situation)
        account.level = standing.level.value
        account.level_since, account.better_since = standing.since, standing.better_since
        self._grant(situation, before, retracted)
        self._emit_change(situation, before, retracted)
        ruling = situation.ruling
        if ruling is not None and ruling.holds:
            self.orders.hold_stopped(situation, ruling.holds, ruling.act, self._risk.model_version)
        if account.orders or account.order_memory is not None:
            self.orders.look_again(situation, self._risk.model_version)

    def look(self, account: Account, day: int, frozen: int = 0) -> Situation:
        """A copy of the account, scored as of a day: nothing is decided, and the account is not changed."""
        situation = Situation(decode(encode(account)), NO_CAUSE, day, frozen=frozen)
        self._score(situation)
        return situation

    def _score(self, situation: Situation) -> None:
        account, day = situation.account, situation.day
        situation.positions = positions(account, situation.ageing_day, self._policy)
        behaviour = account.behaviour
        oldest = max([position.oldest_dpd for position in situation.positions.values()], default=0)
        due = day + behaviour.last_terms
        segment = segment_of(account.master)
        _, packed = self._features(account, segment, oldest, behaviour.last_amount, due, day)
        account.probability = self._risk.predict(packed, behaviour, segment)
        # Utilisation counts against the base limit: against the granted one, a cut would lower the score again.
        situation.base = self._limits.granted(account, Level.STANDARD, day)
        situation.opinions = self._scorecard.opinions(account, day)
        situation.measures = self._scorecard.measures(
            account, situation.positions, situation.base, day, situation.opinions
        )
        if self._market:
            self._excuse(situation)
        account.points = self._scorecard.points(situation.measures, situation.opinions)
        situation.caps = caps(account, situation.positions, day, self._policy)

    def _excuse(self, situation: Situation) -> None:
        """Give back to the payment index what sector and region account for."""
        measures = situation.measures
        own = measures.get("payment_index")
        if own is None or own >= PROMPT:
            return
        found = market_relief(situation.account.master, self._market, situation.day, self._policy.market)
        if found is not None:
            measures["payment_index"] = min(PROMPT, own + found.points)
            situation.relief = (own, found.by)

    def _standing(self, situation: Situation) -> Standing:
        account, day = situation.account, situation.day
        override = account.override
        if override is not None and day > override.expires:
            override = account.override = None
        now = Standing(BY_VALUE[account.level], account.level_since, account.better_since)
        if override is not None:
            level = Level(override.level)
            return now if level is now.level else Standing(level, day)
        ladder, punctual = self._policy.ladder, situation.late_since is None
        score = self._deciding_score(situation, now.level)
        evidence = known_outcomes(account, self._policy)

        def decide(may_tighten: bool) -> Standing:
            return next_standing(
                now,
                score=score,
                cap=situation.cap,
                evidence=evidence,
                day=day,
                may_tighten=may_tighten,
                ladder=ladder,
            )

        decided = decide(punctual)
        if not punctual and decide(True).level is not decided.level:
            situation.deferred = True
        return decided

    def _deciding_score(self, situation: Situation, level: Level) -> int:
        """The score; raised, as far as it takes to keep the level, to what it would be if no opinion had aged."""
        score, ladder = situation.account.score, self._policy.ladder
        aged = any(o.confidence < 1 or o.unaged != o.value for o in situation.opinions.values())
        if not aged or level in (Level.UNRATED, Level.BLOCKED) or score >= ladder.band(level).exit:
            return score
        # Stale good news takes its points along when it drops out; that alone is no reason to tighten.
        unaged = self._scorecard.score_of_all(situation.measures, situation.opinions)
        return max(score, min(unaged, ceil(ladder.band(level).exit)))

    def _retractable(self, situation: Situation) -> list[Tightening]:
        """Standing tightenings that came after what we now learn had happened before, if it would have
        prevented them; the oldest first."""
        since, account = situation.late_since, situation.account
        if since is None or account.override is not None:
            return []
        later = [t for t in account.tightenings if t.time > since]
        current = Level(account.level)
        if not later or not current.worse_than(self._corrected_level(situation, later[0])):
            return []
        return later

    def _corrected_level(self, situation: Situation, first: Tightening) -> Level:
        """The level the account would have kept, had the late news been there before the tightening."""
        before, score, ladder = Level(first.level_before), situation.account.score, self._policy.ladder
        if before is Level.UNRATED:
            return max(level_on_merit(score, situation.cap, ladder), Level.STANDARD, key=lambda level: level.rank)
        return level_kept(before, score, situation.cap, ladder)

    def _grant(self, situation: Situation, before: _Before, retracted: list[Tightening]) -> None:
        """Set the limits and terms of the level that was found, unless the brake stops it: then all stays."""
        account, level = situation.account, BY_VALUE[situation.account.level]
        target = situation.base if level is Level.STANDARD else self._limits.granted(account, level, situation.day)
        if retracted or situation.cause.type == _PERSON:
            account.limits = target  # what was taken wrongly, and what a person decides, is given at once
        else:
            account.limits, situation.rise_due = self._limits.stepped(account, target, situation.base, situation.day)
        account.terms_days = self._terms.days(account, level)
        situation.kind = _alert_kind(before.level, level, *before.moves(account), bool(retracted))
        concerned = situation.kind is AlertKind.TIGHTENING or account.review is not None or situation.act is not None
        if self._brake is None or not concerned:
            return
        by_person = account.override is not None or situation.cause.type == _PERSON
        situation.ruling = rule(
            self._brake, account, situation.positions, situation.caps,
            tightens=situation.kind is AlertKind.TIGHTENING and not by_person, put_off=situation.deferred,
            act=situation.act, day=situation.day,
            holds=account.review is not None and self.orders.would_hold(situation, account.review.orders),
        )  # fmt: skip
        if situation.ruling.stops:
            situation.kind = None
            before.restore(account)
            if before.is_new:  # there was nothing to stay at
                account.limits = self._limits.granted(account, before.level, situation.day)
                account.terms_days = self._terms.days(account, before.level)

    def _emit_change(self, situation: Situation, before: _Before, retracted: list[Tightening]) -> None:
        account, level_before = situation.account, before.level
        level, kind = BY_VALUE[account.level], situation.kind
        situation.cover_ended, told = self._limits.note_cover(account, situation.day)
        ruling = situation.ruling
        same = account.limits == before.limits and account.terms_days == before.terms_days
        changed = level is not level_before or not same or before.is_new or told
        if not changed and (ruling is None or ruling.state is None):
            return
        change = Change(
            level_before=level_before,
            score_before=sum(account.decided_points.values()),
            reasons=reasons(
                account.decided_points, account.points, situation.measures, situation.relief, situation.positions
            ),
            caps=[cap.as_reason() for cap in situation.caps],
            positions=situation.positions,
            opinions=situation.opinions,
            range=level_range(
                level, situation.cap, self._risk.interval(account.probability, account.behaviour),
                situation.measures, situation.opinions, self._scorecard, self._policy.ladder,
            ),
            limit_basis=limit_basis(account, level, situation.day, self._limits),
            terms_basis=self._terms.basis(account, level),
            ageing_as_of=date.fromordinal(situation.frozen) if situation.frozen else None,
        )  # fmt: skip
        state = assessment(account, change, situation.cause, self._risk, self._policy)
        if ruling is not None and ruling.state is not None:
            situation.out.append(self._review_out(situation, change, state, ruling))
        if not changed:
            return
        severity = Severity.NOTICE if kind is None and told else _severity(kind, level)
        situation.out.append(level_out(account, state, situation.cause, severity))
        if kind is AlertKind.RETRACTION:
            for tightening in retracted:
                alert = alert_out(
                    account, state, situation.cause, severity,
                    kind=kind, cause_kind="LATE_NEWS", retracts=tightening.alert_id,
                )  # fmt: skip
                situation.out.append(alert)
        elif kind is not None:
            alert = alert_out(
                account, state, situation.cause, severity,
                kind=kind, cause_kind=self._cause_kind(situation, change, level_before, kind, level),
                way_back=self.way_back(situation) if kind is AlertKind.TIGHTENING else None,
                helps=self.what_helps(situation) if kind is AlertKind.TIGHTENING and level is not level_before else (),
            )  # fmt: skip
            situation.out.append(alert)
        self._note_tightenings(situation, level_before, kind, retracted)
        account.decided_points = dict(account.points)

    def _review_out(self, situation: Situation, change: Change, state: Assessment, ruling: Ruling) -> OutEvent:
        account = situation.account
        review = ruling.out(account, account.sequences.get(CREDIT_ALERT, 0) + 1)
        if review.order_ids:
            cause_kind = "ORDER_HOLD"
        else:
            tightening, level = AlertKind.TIGHTENING, review.to_level
            cause_kind = self._cause_kind(situation, change, change.level_before, tightening, level)
        return alert_out(
            account, state, situation.cause, ruling.severity(_SEVERITY.get(review.to_level, Severity.INFO)),
            kind=AlertKind.REVIEW, review=review, cause_kind=cause_kind,
        )  # fmt: skip

    def _note_tightenings(
        self, situation: Situation, level_before: Level, kind: AlertKind | None, retracted: list[Tightening]
    ) -> None:
        account, level = situation.account, Level(situation.account.level)
        # What a person decided does not rest on what we knew: late news has nothing to take back.
        decided_by_us = account.override is None
        if kind is AlertKind.TIGHTENING and level is not level_before and decided_by_us:
            alert_id = situation.out[-1].id
            account.tightenings.append(Tightening(alert_id, to_ms(situation.cause.time), level_before.value))
            account.tightenings = account.tightenings[-_MAX_STANDING:]
        elif kind is AlertKind.RETRACTION:
            gone = {t.alert_id for t in retracted}
            account.tightenings = [t for t in account.tightenings if t.alert_id not in gone]
        elif kind is AlertKind.EASING:
            account.tightenings = [t for t in account.tightenings if level.worse_than(Level(t.level_before))]

    def _cause_kind(
        self, situation: Situation, change: Change, level_before: Level, kind: AlertKind, level: Level
    ) -> str:
        if level is level_before:
            return "COVER_ENDED" if situation.cover_ended and kind is AlertKind.TIGHTENING else "LIMIT_OR_TERMS"
        if situation.account.override is not None:
            return "OVERRIDE"
        if kind is AlertKind.TIGHTENING and situation.caps and situation.cap is level:
            return situation.caps[0].code
        signed = -1 if kind is AlertKind.TIGHTENING else 1
        leading = [reason for reason in change.reasons if reason.contribution * signed > 0]
        if leading:
            return leading[0].code
        # An easing may come by time alone: the score was good enough all along, the probation has passed.
        return "PROBATION" if kind is AlertKind.EASING else reason_code("score")

    def way_back(self, situation: Situation) -> WayBack | None:
        """Pay what is overdue; then the next better level is open after dwell and probation."""
        account, ladder = situation.account, self._policy.ladder
        level = Level(account.level)
        if level in (Level.PRIME, Level.UNRATED):
            return None
        pay = {c: p.overdue for c, p in sorted(situation.positions.items()) if p.overdue > 0}
        items = sorted(
            (item for p in situation.positions.values() for item in p.items), key=lambda item: (-item[0], item[2])
        )
        not_before = date.fromordinal(situation.day + max(ladder.dwell_days, ladder.probation_days))
        return WayBack(
            to_level=LADDER[level.rank - 1],
            pay=pay,
            invoices=[invoice for _, _, invoice in items[:10]],
            not_before=datetime(not_before.year, not_before.month, not_before.day, tzinfo=UTC),
        )

    def what_helps(self, situation: Situation) -> list[Counterfactual]:
        """The mildest courses of payments that would lead to a better level (``models.counterfactual``)."""
        account, cause = situation.account, situation.cause
        if account.override is not None:
            return []  # a person decided, and a person decides on the way back

        def merit(copy: Account, day: int) -> Level:
            played = Situation(copy, cause, day)
            self._score(played)
            return level_on_merit(copy.score, played.cap, self._policy.ladder)

        exact = self._risk.is_silent
        return counterfactuals(account, situation.day, self._policy, merit, exact=exact)

    def decide_order(self, situation: Situation, event: OrderPlaced | OrderChanged | OrderAct) -> None:
        """Book an order event, or what a person says of an order, and answer it on the state as it is before it."""
        account = situation.account
        if not account.points:  # a customer's first event is an order: limits and level are not set yet
            account.limits = self._limits.granted(account, Level(account.level), situation.day)
        if isinstance(event, OrderAct):
            self.orders.act(situation, event, self._risk.model_version)
        else:
            self.orders.place(situation, event, self._risk.model_version)


def _alert_kind(before: Level, after: Level, cut: bool, raised: bool, retracted: bool) -> AlertKind | None:
    if retracted:
        return AlertKind.RETRACTION
    if after.worse_than(before) or (before is Level.UNRATED and after.worse_than(Level.STANDARD)):
        return AlertKind.TIGHTENING
    if before.worse_than(after):
        return AlertKind.EASING
    if before is not after:
        return None  # a first rating that is nothing to worry about
    if cut:
        return AlertKind.TIGHTENING
    return AlertKind.EASING if raised else None


def _severity(kind: AlertKind | None, level: Level) -> Severity:
    if kind is AlertKind.TIGHTENING:
        return _SEVERITY.get(level, Severity.INFO)
    return Severity.NOTICE if kind is AlertKind.RETRACTION else Severity.INFO
