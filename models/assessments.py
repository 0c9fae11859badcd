"""Keep what others say of a customer: master data, overrides, statements, agency reports, reviews, cover."""

from __future__ import annotations

from models.account import Account, Master, Override
from schemas.assessments import (
    AgencyReportReceived,
    CoverChanged,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)


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
    )


def override_level(account: Account, event: LevelOverridden) -> None:
    """Set or take back an override."""
    if event.level is None:
        account.override = None
    else:
        account.override = Override(event.level.value, event.by, event.expires_on.toordinal())


def file_statement(account: Account, event: FinancialStatementFiled) -> None:
    """Keep the Altman Z' of the newest statement (an older one that comes later changes nothing)."""
    day = event.as_of.toordinal()
    if day >= account.external.statement_day:
        account.external.altman_z = altman_z(event)
        account.external.statement_day = day


def altman_z(statement: FinancialStatementFiled) -> float:
    """Altman Z' for private firms (Altman 1983), with sales and EBIT brought to a year:

    0.717 WC/TA + 0.847 RE/TA + 3.107 EBIT/TA + 0.420 BVE/TL + 0.998 Sales/TA;
    safe above 2.9, grey 1.23 to 2.9, distress below. Without liabilities BVE/TL counts as 10.
    """
    assets = float(statement.total_assets)
    yearly = 12.0 / statement.period_months
    working_capital = float(statement.current_assets - statement.current_liabilities)
    liabilities = float(statement.total_liabilities)
    equity_cover = min(10.0, float(statement.equity) / liabilities) if liabilities > 0 else 10.0
    return (
        0.717 * working_capital / assets
        + 0.847 * float(statement.retained_earnings) / assets
        + 3.107 * float(statement.ebit) * yearly / assets
        + 0.420 * equity_cover
        + 0.998 * float(statement.sales) * yearly / assets
    )


def receive_agency_report(account: Account, event: AgencyReportReceived) -> None:
    """Keep the newest score as its position on the agency's scale: 0 worst, 1 best."""
    day = event.as_of.toordinal()
    if day >= account.external.agency_day:
        span = event.scale_best - event.scale_worst
        account.external.agency = float((event.score - event.scale_worst) / span)
        account.external.agency_day = day


def review(account: Account, event: QualitativeReviewed) -> None:
    """Keep the mean of the newest review's grades, 1 worst to 5 best, until it expires."""
    day = event.as_of.toordinal()
    if day >= account.external.qualitative_day:
        account.external.qualitative = (event.management + event.industry_position + event.reputation) / 3.0
        account.external.qualitative_expires = event.expires_on.toordinal()
        account.external.qualitative_day = day


def change_cover(account: Account, event: CoverChanged) -> None:
    """Keep guarantees and insurance by id."""
    if event.amount == 0:
        account.external.covers.pop(event.cover_id, None)
    else:
        expires = event.expires_on.toordinal()
        account.external.covers[event.cover_id] = (event.kind, event.amount, str(event.currency), expires)
