"""Assessment events: what is known of a customer beside its own paying and ordering."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.events import MAX_TERMS_DAYS, CustomerEvent
from schemas.fields import (
    Amount,
    Currency,
    Identifier,
    LongText,
    PastDate,
    PositiveAmount,
    SaneDate,
    ShortText,
    SignedAmount,
)
from schemas.levels import Level


class FinancialStatementFiled(CustomerEvent):
    """A balance sheet and income statement, in one currency; ratios are computed from it, never taken over."""

    type: Literal["assessment.financial_statement"] = "assessment.financial_statement"
    as_of: PastDate
    period_months: int = Field(default=12, ge=1, le=24)
    currency: Currency
    current_assets: Amount
    total_assets: PositiveAmount
    current_liabilities: Amount
    total_liabilities: Amount
    equity: SignedAmount
    retained_earnings: SignedAmount
    sales: Amount
    ebit: SignedAmount
    interest_expense: Amount | None = None
    operating_cash_flow: SignedAmount | None = None
    net_income: SignedAmount | None = None
    audited: bool = False

    @model_validator(mode="after")
    def _plausible(self) -> FinancialStatementFiled:
        if self.current_assets > self.total_assets:
            raise ValueError("current_assets exceed total_assets")
        if self.current_liabilities > self.total_liabilities:
            raise ValueError("current_liabilities exceed total_liabilities")
        gap = abs(self.total_assets - self.total_liabilities - self.equity)
        # Published statements are rounded: one percent is rounding, more is an error.
        if gap > self.total_assets * Decimal("0.01"):
            raise ValueError("total_assets differ from total_liabilities + equity by more than 1 %")
        return self


class AgencyReportReceived(CustomerEvent):
    """A score of a credit agency, on the agency's own scale with its ends named."""

    type: Literal["assessment.agency_report"] = "assessment.agency_report"
    agency: Identifier
    as_of: PastDate
    score: Decimal = Field(allow_inf_nan=False)
    scale_worst: Decimal = Field(allow_inf_nan=False)
    scale_best: Decimal = Field(allow_inf_nan=False)
    rating: ShortText | None = None

    @model_validator(mode="after")
    def _on_scale(self) -> AgencyReportReceived:
        low, high = sorted((self.scale_worst, self.scale_best))
        if low == high:
            raise ValueError("scale_worst and scale_best are the same")
        if not low <= self.score <= high:
            raise ValueError(f"score {self.score} is off the scale {low} to {high}")
        return self


class QualitativeReviewed(CustomerEvent):
    """A named reviewer's grades, 1 (worst) to 5 (best), valid until they expire."""

    type: Literal["assessment.qualitative_review"] = "assessment.qualitative_review"
    reviewer: Identifier
    as_of: PastDate
    expires_on: SaneDate
    management: int = Field(ge=1, le=5)
    industry_position: int = Field(ge=1, le=5)
    reputation: int = Field(ge=1, le=5)
    note: LongText | None = None

    @model_validator(mode="after")
    def _expires_later(self) -> QualitativeReviewed:
        if self.expires_on <= self.as_of:
            raise ValueError("expires_on must lie after as_of")
        return self


class MasterDataChanged(CustomerEvent):
    """Who the customer is and what was agreed; replaces the master data known before."""

    type: Literal["assessment.master_data"] = "assessment.master_data"
    name: ShortText | None = None
    segment: Identifier | None = None
    sector: Identifier | None = None
    region: Identifier | None = None
    group_parent: Identifier | None = None
    owner: Identifier | None = Field(default=None, description="The analyst who looks after the customer.")
    base_limits: dict[Currency, Amount] = Field(
        default_factory=dict, max_length=20, description="Agreed limit per currency; absent = no limit set."
    )
    terms_days: int | None = Field(default=None, ge=0, le=MAX_TERMS_DAYS)


class CoverChanged(CustomerEvent):
    """A guarantee or insurance that covers part of the exposure; amount 0 ends it."""

    type: Literal["assessment.cover"] = "assessment.cover"
    cover_id: Identifier
    kind: Literal["guarantee", "credit_insurance", "collateral"]
    amount: Amount
    currency: Currency
    expires_on: SaneDate


class LevelOverridden(CustomerEvent):
    """A person sets the level (or takes the setting back) with a reason and an expiry."""

    type: Literal["assessment.override"] = "assessment.override"
    by: Identifier
    reason: LongText = Field(min_length=3)
    level: Level | None = Field(description="null takes an earlier override back.")
    expires_on: SaneDate

    @model_validator(mode="after")
    def _on_the_ladder(self) -> LevelOverridden:
        if self.level is Level.UNRATED:
            raise ValueError("level must be on the ladder: UNRATED cannot be set by hand")
        return self


AssessmentEvent = Annotated[
    FinancialStatementFiled
    | AgencyReportReceived
    | QualitativeReviewed
    | MasterDataChanged
    | CoverChanged
    | LevelOverridden,
    Field(discriminator="type"),
]
