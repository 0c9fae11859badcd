"""A customer as it stands now: what its score is made of, what is open, what is known, and the way back."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import Field

from schemas.decisions import Counterfactual, Exposure, LimitBasis, Measures, Opinion, OutEvent, Reason, WayBack
from schemas.envelope import OutData
from schemas.fields import Currency
from schemas.levels import Level


class ScorePart(OutData):
    """What one component of the scorecard adds to the score; the points of all parts sum to the score, exactly."""

    code: str
    points: int = Field(ge=0)
    most: int = Field(ge=0, description="Points that it could add at best, with what is known of the others.")
    weight: float = Field(ge=0.0, le=1.0, description="Its share of the scorecard, after what age takes of it.")
    detail: dict[str, str] = Field(default_factory=dict, description="`value`: the measure, as in reasons.")


class CustomerStanding(OutData):
    """Level, score and measures, with everything that they follow from, as of ``day``.

    ``score`` null: never assessed. ``probability``: of the policy's bad event.
    """

    day: date
    level: Level
    since: date | None
    score: int | None = Field(ge=0, le=1000)
    parts: list[ScorePart]
    caps: list[Reason] = Field(description="Facts that alone hold the level down.")
    probability: float | None
    exposures: list[Exposure]
    measures: Measures
    held: list[str] = Field(description="Orders on hold.")
    policy_version: str


class InvoiceOpen(OutData):
    """An invoice with something still to pay; ``disputed``: the part of it that is contested."""

    invoice_id: str
    currency: Currency
    amount: Decimal
    outstanding: Decimal
    disputed: Decimal
    due_date: date
    days_past_due: int = Field(description="Negative: not due yet.")


class OrderOpen(OutData):
    """An order not yet invoiced. ``counts``: the part of it that is exposure (nothing of a held one, or one to be
    delivered beyond the credit horizon)."""

    order_id: str
    currency: Currency
    amount: Decimal
    counts: Decimal
    placed: date
    delivery_date: date | None
    held: bool
    held_since: datetime | None
    version: int


class PayingHabit(OutData):
    """How the customer pays, recent payments counting more: ``normal_*`` is one standard deviation around the mean.

    ``payment_index``: 100 = 30 days early, 80 = prompt, 20 = 120 days late; null before enough payments.
    """

    payments: int
    mean_days_late: float | None
    normal_from: float | None
    normal_to: float | None
    payment_index: float | None
    outcomes: int = Field(description="Invoices whose outcome is certain.")
    late_outcomes: int


class StatementKnown(OutData):
    """The newest financial statement: its ratios by name (``altman_z`` is Z' of Altman 1983), its age in days."""

    as_of: date
    age_days: int
    ratios: dict[str, float]
    currency: str | None
    equity: Decimal | None
    sales: Decimal | None


class AgencyKnown(OutData):
    """An agency's newest report, as it said it."""

    agency: str
    as_of: date
    age_days: int
    score: Decimal | None
    scale_worst: Decimal | None
    scale_best: Decimal | None
    rating: str | None


class ReviewKnown(OutData):
    """A reviewer's newest grades, 1 worst to 5 best."""

    reviewer: str
    as_of: date
    age_days: int
    expires_on: date
    management: float
    industry_position: float
    reputation: float


class CoverKnown(OutData):
    """A guarantee or insurance."""

    cover_id: str
    kind: str
    amount: Decimal
    currency: str
    expires_on: date


class OverrideKnown(OutData):
    """A level that a person has set, through ``expires_on``."""

    level: Level
    by: str
    expires_on: date


class CustomerFile(CustomerStanding):
    """All that the engine remembers of a customer.

    ``ageing``: undisputed open invoices per currency and bucket of days past due. ``way_back`` and ``helps``: what
    would lead to the better level, null and empty where there is none, or a person decides.
    """

    invoices: list[InvoiceOpen]
    orders: list[OrderOpen]
    unapplied: dict[str, Decimal]
    ageing: dict[str, dict[str, Decimal]]
    habit: PayingHabit
    limit_basis: list[LimitBasis]
    opinions: list[Opinion]
    statement: StatementKnown | None
    agencies: list[AgencyKnown]
    reviews: list[ReviewKnown]
    covers: list[CoverKnown]
    override: OverrideKnown | None
    way_back: WayBack | None
    helps: list[Counterfactual]


class Rehearsed(OutData):
    """What a customer would become: before, after, and why the score moves (contributions sum to the difference).

    ``decisions``: what the engine would decide on the way, as it would publish it.
    """

    before: CustomerStanding
    after: CustomerStanding
    reasons: list[Reason]
    decisions: list[OutEvent]
