"""Assessment events: what is known of a customer beside its own paying and ordering."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

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
from schemas.review_acts import ReviewApproved, ReviewRejected


def _of_this_world(value: Decimal) -> Decimal:
    # No agency counts so far; arithmetic with 1E999999 would overflow, long after the gate.
    if abs(value) > 10**12:
        raise ValueError(f"{value:.3E} is on no agency's scale")
    return value


_ScaleNumber = Annotated[Decimal, Field(allow_inf_nan=False), AfterValidator(_of_this_world)]


def _statement_field(info: ValidationInfo, name: str) -> Decimal | None:
    found: Decimal | None = info.data.get(name)
    return found


class _Said(BaseModel):
    """What is known, whoever it is that tells it: a system by an event, or a person at the desk."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StatementFigures(_Said):
    """A balance sheet and income statement, in one currency; ratios are computed from it, never taken over.

    What is absent is unknown, not zero: the ratios that need it are left out.
    """

    as_of: PastDate
    period_months: int = Field(default=12, ge=1, le=24)
    currency: Currency
    current_assets: Amount
    inventory: Amount | None = Field(default=None, description="Part of current_assets.")
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

    # Each rule is checked at the later of its fields, so that the error names one, not the whole statement.
    @field_validator("inventory")
    @classmethod
    def _inventory_is_current(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        current = _statement_field(info, "current_assets")
        if value is not None and current is not None and value > current:
            raise ValueError(f"inventory {value} exceeds current_assets {current}")
        return value

    @field_validator("total_assets")
    @classmethod
    def _assets_hold_their_part(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        current = _statement_field(info, "current_assets")
        if current is not None and current > value:
            raise ValueError(f"current_assets {current} exceed total_assets {value}")
        return value

    @field_validator("total_liabilities")
    @classmethod
    def _liabilities_hold_their_part(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        current = _statement_field(info, "current_liabilities")
        if current is not None and current > value:
            raise ValueError(f"current_liabilities {current} exceed total_liabilities {value}")
        return value

    @field_validator("equity")
    @classmethod
    def _balances(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        assets, liabilities = _statement_field(info, "total_assets"), _statement_field(info, "total_liabilities")
        # Published statements are rounded: one percent is rounding, more is an error.
        if assets is not None and liabilities is not None and abs(assets - liabilities - value) > assets / 100:
            raise ValueError(
                f"the balance sheet does not balance: total_assets {assets} differ from total_liabilities {liabilities}"
                f" + equity {value} by more than 1 %"
            )
        return value


class FinancialStatementFiled(StatementFigures, CustomerEvent):
    """A financial statement became known."""

    type: Literal["assessment.financial_statement"] = "assessment.financial_statement"
    by: Identifier | None = Field(default=None, description="The person who enters it; absent: a system.")


class AgencyWord(_Said):
    """What a credit agency says: a score, with the ends of its scale if known, or the symbol of a rating, or both."""

    agency: Identifier
    as_of: PastDate
    scale_worst: _ScaleNumber | None = None
    scale_best: _ScaleNumber | None = Field(
        default=None, description="The ends are given together; without them the scale is the policy's for the agency."
    )
    score: _ScaleNumber | None = None
    rating: ShortText | None = Field(default=None, description="A symbol such as 'BBB-'; the policy maps it.")

    @field_validator("scale_best")
    @classmethod
    def _scale_has_length(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if value is not None and value == info.data.get("scale_worst"):
            raise ValueError("scale_worst and scale_best are the same")
        return value

    @field_validator("score")
    @classmethod
    def _on_scale(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        worst, best = info.data.get("scale_worst"), info.data.get("scale_best")
        if value is not None and worst is not None and best is not None:
            low, high = sorted((worst, best))
            if not low <= value <= high:
                raise ValueError(f"score {value} is off the scale {low} to {high}")
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.score is None and self.rating is None:
            raise ValueError("neither score nor rating is given")
        if (self.scale_worst is None) != (self.scale_best is None):
            raise ValueError("scale_worst and scale_best are given together or not at all")
        return self


class AgencyReportReceived(AgencyWord, CustomerEvent):
    """A report of a credit agency became known."""

    type: Literal["assessment.agency_report"] = "assessment.agency_report"
    by: Identifier | None = Field(default=None, description="The person who enters it; absent: a system.")


class ReviewGrades(_Said):
    """Grades from 1 (worst) to 5 (best), valid until they expire."""

    as_of: PastDate
    expires_on: SaneDate
    management: int = Field(ge=1, le=5)
    industry_position: int = Field(ge=1, le=5)
    reputation: int = Field(ge=1, le=5)
    note: LongText | None = None

    @model_validator(mode="after")
    def _expires_later(self) -> Self:
        if self.expires_on <= self.as_of:
            raise ValueError("expires_on must lie after as_of")
        return self


class QualitativeReviewed(ReviewGrades, CustomerEvent):
    """A named reviewer has looked at the customer."""

    type: Literal["assessment.qualitative_review"] = "assessment.qualitative_review"
    reviewer: Identifier


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
    limit_valid_until: SaneDate | None = Field(default=None, description="Last day of the agreed limits.")
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
    | LevelOverridden
    | ReviewApproved
    | ReviewRejected,
    Field(discriminator="type"),
]
