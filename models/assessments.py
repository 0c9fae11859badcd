"""Keep what others say of a customer: master data, overrides, statements, agency reports, reviews, cover."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from models.account import Account, AgencyReport, Master, Override, Review, Statement
from models.calendar import day_of_ms
from models.statements import ratios
from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)

Said = TypeVar("Said", AgencyReport, Review)

_CENT = Decimal("0.01")
_MAX_VOICES = 12
"""Agencies, and reviewers, remembered per account: keeps the state bounded whoever sends reports."""


def change_master_data(account: Account, event: MasterDataChanged) -> None:
    """Replace the master data."""
    account.master = Master(
        name=event.name,
        segment=event.segment,
        sector=event.sector,
        region=event.region,
        group_parent=event.group_parent,
        owner=event.owner,
        base_limits={str(currency): amount for currency, amount in sorted(event.base_limits.items())},
        terms_days=event.terms_days,
        limit_valid_until=None if event.limit_valid_until is None else event.limit_valid_until.toordinal(),
    )


def override_level(account: Account, event: LevelOverridden) -> None:
    """Set or take back an override."""
    if event.level is None:
        account.override = None
    else:
        account.override = Override(event.level.value, event.by, event.expires_on.toordinal())


def file_statement(account: Account, event: FinancialStatementFiled) -> None:
    """Keep the ratios and the size of the newest statement (an older one that comes later changes nothing)."""
    day, known = event.as_of.toordinal(), account.external.statement
    if known is None or day >= known.as_of:
        filed, yearly = day_of_ms(account.clock), event.sales * 12 / event.period_months
        account.external.statement = Statement(
            day, ratios(event), filed, str(event.currency), event.equity, yearly.quantize(_CENT)
        )


def receive_agency_report(account: Account, event: AgencyReportReceived) -> None:
    """Keep each agency's newest report as it was said: the policy, which may change, gives it its meaning."""
    report = AgencyReport(event.as_of.toordinal(), event.score, event.scale_worst, event.scale_best, event.rating)
    _keep_newest(account.external.agencies, event.agency, report)


def review(account: Account, event: QualitativeReviewed) -> None:
    """Keep each reviewer's newest grades, until they expire."""
    grades = Review(
        event.as_of.toordinal(),
        event.expires_on.toordinal(),
        float(event.management),
        float(event.industry_position),
        float(event.reputation),
    )
    _keep_newest(account.external.reviews, event.reviewer, grades)


def _keep_newest(said: dict[str, Said], who: str, new: Said) -> None:
    """Replace what was said before (of the same day: corrected), and forget who spoke longest ago."""
    known = said.get(who)
    if known is not None and new.as_of < known.as_of:
        return
    said[who] = new
    if len(said) > _MAX_VOICES:
        del said[min(said, key=lambda name: (said[name].as_of, name))]


def change_cover(account: Account, event: CoverChanged) -> None:
    """Keep guarantees and insurance by id; those that have expired are of no more use."""
    today = day_of_ms(account.clock)
    for cover_id in [name for name, (_, _, _, until) in account.external.covers.items() if until < today]:
        del account.external.covers[cover_id]
    if event.amount == 0:
        account.external.covers.pop(event.cover_id, None)
    else:
        expires = event.expires_on.toordinal()
        account.external.covers[event.cover_id] = (event.kind, event.amount, str(event.currency), expires)
