"""One customer's account told as it stands on a day: the figures of every page and answer about a customer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import sqrt

from models.account import ZERO, Account, External
from models.assess import Assessor, Situation
from models.behaviour import mean_payment_index
from models.calendar import from_ms
from models.exposure import Position, ageing, disputed_part, is_exposure, shippable
from models.limit_basis import limit_basis
from models.measures import LimitRules
from models.out_events import exposure_out, opinions_out
from models.own_terms import OwnTerms
from models.reasons import measure_detail, reason_code
from models.scorecard import Scorecard
from schemas.customer_file import (
    AgencyKnown,
    CoverKnown,
    CustomerFile,
    CustomerStanding,
    InvoiceOpen,
    OrderOpen,
    OverrideKnown,
    PayingHabit,
    ReviewKnown,
    ScorePart,
    StatementKnown,
)
from schemas.decisions import Exposure, Measures
from schemas.fields import Currency
from schemas.levels import Level
from schemas.policy import Policy


def standing_of(account: Account, assessor: Assessor, day: int, frozen: int = 0) -> CustomerStanding:
    """Level and measures as decided last, score and exposure as of ``day``; the account is not changed.

    ``frozen``: the day to which open items are aged while the payments feed is stale, 0 = it is not.
    """
    return CustomerStanding(**_standing(assessor.look(account, day, frozen), assessor.policy))


def file_of(account: Account, assessor: Assessor, day: int, frozen: int = 0) -> CustomerFile:
    """All of it, as of ``day``; arguments as in ``standing_of``."""
    seen = assessor.look(account, day, frozen)
    account, policy = seen.account, assessor.policy
    external = account.external
    return CustomerFile(
        **_standing(seen, policy),
        invoices=list(_invoices(account, seen.ageing_day)),
        orders=list(_orders(account, day, policy)),
        unapplied=dict(sorted(account.unapplied.items())),
        ageing=ageing(account, seen.ageing_day),
        habit=_habit(account),
        limit_basis=limit_basis(account, Level(account.level), day, LimitRules(policy)),
        opinions=opinions_out(seen.opinions),
        **_known(external, day),
        override=_override(account, day),
        way_back=None if account.override is not None else assessor.way_back(seen),
        helps=assessor.what_helps(seen),
    )


def _standing(seen: Situation, policy: Policy) -> dict[str, object]:
    account, level = seen.account, Level(seen.account.level)
    at_level = policy.measures.of(level)
    assessed = bool(account.decided_points)
    return {
        "day": date.fromordinal(seen.day),
        "level": level,
        "since": date.fromordinal(account.level_since) if account.level_since else None,
        "score": account.score if assessed else None,
        "parts": _parts(seen, policy) if assessed else [],
        "caps": [cap.as_reason() for cap in seen.caps],
        "probability": account.probability if assessed else None,
        "exposures": _exposures(seen),
        "measures": Measures(
            terms_days=account.terms_days,
            terms_basis=OwnTerms(policy).basis(account, level),
            deposit_share=at_level.deposit_share,
            orders=at_level.orders,
        ),
        "held": sorted(order_id for order_id, order in account.orders.items() if order.held),
        "policy_version": policy.version,
    }


def _parts(seen: Situation, policy: Policy) -> list[ScorePart]:
    """Largest weight first."""
    shares = Scorecard(policy).shares(seen.measures, seen.opinions)
    return [
        ScorePart(
            code=reason_code(name),
            points=seen.account.points[name],
            most=int(share * 1000),
            weight=share,
            detail=measure_detail(name, seen.measures, seen.relief, seen.positions),
        )
        for name, share in sorted(shares.items(), key=lambda part: (-part[1], part[0]))
    ]


def _exposures(seen: Situation) -> list[Exposure]:
    limits = seen.account.limits
    currencies = sorted({*seen.positions, *limits})
    return [exposure_out(name, seen.positions.get(name, Position()), limits.get(name)) for name in currencies]


def _invoices(account: Account, day: int) -> Iterable[InvoiceOpen]:
    for invoice_id, item in sorted(account.items.items(), key=lambda entry: (entry[1].due, entry[0])):
        yield InvoiceOpen(
            invoice_id=invoice_id,
            currency=Currency(item.currency),
            amount=item.amount,
            outstanding=item.outstanding,
            disputed=disputed_part(account, invoice_id, item),
            due_date=date.fromordinal(item.due),
            days_past_due=day - item.due,
        )


def _orders(account: Account, day: int, policy: Policy) -> Iterable[OrderOpen]:
    for order_id, order in sorted(account.orders.items(), key=lambda entry: (entry[1].placed, entry[0])):
        yield OrderOpen(
            order_id=order_id,
            currency=Currency(order.currency),
            amount=order.amount,
            counts=shippable(order) if is_exposure(order, day, policy) else ZERO,
            placed=date.fromordinal(order.placed),
            delivery_date=None if order.delivery is None else date.fromordinal(order.delivery),
            held=order.held,
            held_since=from_ms(order.held_since) if order.held and order.held_since else None,
            version=order.version,
        )


def _habit(account: Account) -> PayingHabit:
    behaviour = account.behaviour
    mean = spread = None
    if behaviour.weight > 0:
        mean = behaviour.late_sum / behaviour.weight
        spread = sqrt(max(0.0, behaviour.late_square_sum / behaviour.weight - mean * mean))
    return PayingHabit(
        payments=behaviour.payments,
        mean_days_late=mean,
        normal_from=None if mean is None or spread is None else mean - spread,
        normal_to=None if mean is None or spread is None else mean + spread,
        payment_index=mean_payment_index(behaviour),
        outcomes=behaviour.outcomes,
        late_outcomes=behaviour.late_outcomes,
    )


def _known(external: External, day: int) -> dict[str, object]:
    statement = external.statement
    return {
        "statement": None
        if statement is None
        else StatementKnown(
            as_of=date.fromordinal(statement.as_of),
            age_days=day - statement.as_of,
            ratios=statement.ratios,
            currency=statement.currency,
            equity=statement.equity,
            sales=statement.sales,
        ),
        "agencies": [
            AgencyKnown(
                agency=agency,
                as_of=date.fromordinal(said.as_of),
                age_days=day - said.as_of,
                score=said.score,
                scale_worst=said.scale_worst,
                scale_best=said.scale_best,
                rating=said.rating,
            )
            for agency, said in sorted(external.agencies.items())
        ],
        "reviews": [
            ReviewKnown(
                reviewer=reviewer,
                as_of=date.fromordinal(said.as_of),
                age_days=day - said.as_of,
                expires_on=date.fromordinal(said.expires),
                management=said.management,
                industry_position=said.industry_position,
                reputation=said.reputation,
            )
            for reviewer, said in sorted(external.reviews.items())
        ],
        "covers": [
            CoverKnown(cover_id=cover_id, kind=kind, amount=amount, currency=currency, expires_on=_date(until))
            for cover_id, (kind, amount, currency, until) in sorted(external.covers.items())
        ],
    }


def _override(account: Account, day: int) -> OverrideKnown | None:
    override = account.override
    if override is None or override.expires < day:
        return None
    return OverrideKnown(level=Level(override.level), by=override.by, expires_on=_date(override.expires))


def _date(day: int) -> date:
    return date.fromordinal(day)
