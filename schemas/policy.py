"""The policy file: every number a firm may choose, validated; ``models/default_policy.yaml`` documents each one."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.brake_policy import BrakeRules, Freshness
from schemas.fields import Amount, Currency, Identifier, LongText, Share, ShortText
from schemas.levels import LADDER, Level
from schemas.order_policy import OrderChecks

Days = Annotated[int, Field(ge=0, le=3650)]
Points = Annotated[float, Field(ge=0, le=1000)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _on_the_ladder(level: Level) -> Level:
    if level is Level.UNRATED:
        raise ValueError("must be on the ladder, UNRATED is beside it")
    return level


LadderLevel = Annotated[Level, AfterValidator(_on_the_ladder)]
"""A level that others can be compared with."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(_Section):
    """One node of a piecewise linear curve."""

    at: float = Field(allow_inf_nan=False)
    points: Points


class Component(_Section):
    """One part of the scorecard: its weight, and the curve from its measure to points 0 (worst) to 1000 (best)."""

    weight: float = Field(ge=0, le=100)
    nodes: list[Node] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _ascending(self) -> Component:
        positions = [node.at for node in self.nodes]
        if any(b <= a for a, b in pairwise(positions)):
            raise ValueError("nodes must ascend strictly by 'at'")
        points = [node.points for node in self.nodes]
        if points not in (sorted(points), sorted(points, reverse=True)):
            raise ValueError("points must rise or fall throughout: a component has one good direction")
        return self


class Scorecard(_Section):
    """All components. One that is not known for a customer is left out and the weights of the others fill up."""

    default_risk: Component
    ageing: Component
    payment_index: Component
    utilisation: Component
    order_pattern: Component
    financial: Component
    agency: Component
    qualitative: Component
    concentration: Component
    delivery: Component
    price: Component

    @model_validator(mode="after")
    def _never_empty(self) -> Scorecard:
        # The other components may all be unknown, and a score of nothing would be zero: the worst there is.
        if self.default_risk.weight == 0:
            raise ValueError("default_risk must weigh something: it alone is known of every customer")
        return self

    @field_validator("delivery")
    @classmethod
    def _delivery_in_points(cls, value: Component) -> Component:
        if value.nodes[-1].at != 1000:
            raise ValueError("measures the points of 'supply', 0 to 1000: the last node must stand at 1000")
        return value

    @field_validator("financial")
    @classmethod
    def _financial_in_points(cls, value: Component) -> Component:
        # Earlier versions measured it as Altman Z': that curve would give every statement full points.
        if value.nodes[-1].at != 1000:
            raise ValueError("measures the points of 'statements', 0 to 1000: the last node must stand at 1000")
        return value


class StatementRatios(_Section):
    """The ratios of a financial statement (``models.statements``), each with its weight and its curve to points."""

    current_ratio: Component
    quick_ratio: Component
    liabilities_to_assets: Component
    interest_cover: Component
    ebit_margin: Component
    return_on_assets: Component
    cash_flow_cover: Component
    altman_z: Component


class Statements(_Section):
    """The statement model: points 0 to 1000 as the weighted mean of the known ratios, and how statements age."""

    fresh_months: Annotated[float, Field(ge=0, le=120)] = Field(description="Full confidence up to this age ...")
    max_age_months: Annotated[float, Field(gt=0, le=120)] = Field(description="... none from this age on.")
    ratios: StatementRatios

    @model_validator(mode="after")
    def _fades(self) -> Statements:
        if self.max_age_months <= self.fresh_months:
            raise ValueError("max_age_months must lie above fresh_months")
        return self


class _AgeInDays(_Section):
    fresh_days: Days = Field(description="Full confidence up to this age of a report ...")
    max_age_days: Days = Field(description="... none from this age on.")

    @model_validator(mode="after")
    def _fades(self) -> Self:
        if self.max_age_days <= self.fresh_days:
            raise ValueError("max_age_days must lie above fresh_days")
        return self


class DeliveryMeasures(_Section):
    """How a supplier delivers (``models.supply``), each with its weight and its curve to points."""

    on_time_in_full: Component
    days_late: Component
    rejected: Component


class Supply(_AgeInDays):
    """Deliveries and prices of suppliers: what they count for while few are known, and how they age."""

    min_deliveries: Annotated[int, Field(ge=1, le=1000)] = Field(description="Fewer of them: nothing is known.")
    min_quotes: Annotated[int, Field(ge=1, le=1000)] = Field(description="Fewer prices: nothing is known.")
    in_full_share: Annotated[float, Field(gt=0, le=1)] = Field(
        description="In full: at least this share of the quantity ordered came, rejects off."
    )
    prior_weight: Positive = Field(description="Measures are smoothed to what is usual as by so many of them.")
    usual_on_time_in_full: Share
    usual_days_late: Annotated[float, Field(ge=0, le=365)]
    usual_rejected: Share
    deliveries: DeliveryMeasures


class AgencyScale(_Section):
    """The ends of an agency's numeric scale, either of which may be the larger number."""

    worst: Decimal = Field(ge=-(10**12), le=10**12)
    best: Decimal = Field(ge=-(10**12), le=10**12)

    @model_validator(mode="after")
    def _has_length(self) -> AgencyScale:
        if self.worst == self.best:
            raise ValueError("worst and best are the same")
        return self


class AgencyMapping(_AgeInDays):
    """How one agency's reports become points: a scale for its scores, or a table for the symbols of its ratings."""

    scale: AgencyScale | None = None
    ratings: dict[ShortText, Points] | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _one_of_them(self) -> AgencyMapping:
        if (self.scale is None) == (self.ratings is None):
            raise ValueError("exactly one of scale and ratings must be given")
        return self


class Agencies(_AgeInDays):
    """Which agency is believed first, and what its scores and ratings mean."""

    order: list[Identifier] = Field(max_length=100, description="The first of them with a usable report wins.")
    unmapped: bool = Field(description="Use scores of agencies without mapping, by the scale they report.")
    mappings: dict[Identifier, AgencyMapping] = Field(max_length=100)

    @model_validator(mode="after")
    def _order_is_alive(self) -> Agencies:
        if len(set(self.order)) < len(self.order):
            raise ValueError("order names an agency twice")
        dead = [agency for agency in self.order if agency not in self.mappings]
        if dead and not self.unmapped:
            raise ValueError(f"order names {dead[0]!r}, which has no mapping, and unmapped agencies are not used")
        return self


GRADED = ("management", "industry_position", "reputation")
"""What reviewers grade, 1 (worst) to 5 (best)."""

Grade = Annotated[int, Field(ge=1, le=5)]


class Anchors(_Section):
    """What each grade means, so that two reviewers give the same one to the same customer."""

    management: dict[Grade, LongText] = Field(min_length=5)
    industry_position: dict[Grade, LongText] = Field(min_length=5)
    reputation: dict[Grade, LongText] = Field(min_length=5)


class Reviews(_Section):
    """Who may grade, and what happens when they disagree."""

    reviewers: list[Identifier] = Field(max_length=1000, description="Whose reviews count; empty = anyone's.")
    disagreement: Annotated[float, Field(ge=0, le=4)] = Field(
        description="Grades further apart than this: only their worse half counts, and they are shown as disputed."
    )
    anchors: Anchors


class Band(_Section):
    """A level is entered from below at ``enter`` points and left downwards under ``exit`` points."""

    enter: Points
    exit: Points

    @model_validator(mode="after")
    def _hysteresis(self) -> Band:
        if self.exit > self.enter:
            raise ValueError("exit must not lie above enter")
        return self


class Ladder(_Section):
    """Thresholds per level; below HIGH_RISK's there is only BLOCKED."""

    PRIME: Band
    STANDARD: Band
    WATCH: Band
    HIGH_RISK: Band
    dwell_days: Days = Field(description="No easing sooner than this after the last change of level.")
    probation_days: Days = Field(description="The better level must have been deserved for so long.")
    evidence_floor: int = Field(ge=0, le=1000, description="Known outcomes needed to leave UNRATED.")
    provisional_below: int = Field(ge=0, le=1000, description="Fewer known outcomes: the level is provisional.")

    def band(self, level: Level) -> Band:
        """The band of PRIME, STANDARD, WATCH or HIGH_RISK."""
        band: Band = getattr(self, level._value_)  # .value is a descriptor in Python, and this is asked very often
        return band

    @model_validator(mode="after")
    def _ordered(self) -> Ladder:
        bands = [(level, self.band(level)) for level in LADDER[:-1]]
        for (upper, a), (lower, b) in pairwise(bands):
            if b.enter > a.exit:
                raise ValueError(f"bands overlap: {lower}.enter {b.enter:g} lies above {upper}.exit {a.exit:g}")
        return self


class BeyondUsual(_Section):
    """Wait until the customer is later than it usually is: mean + ``deviations`` x standard deviation + ``days``."""

    deviations: Annotated[float, Field(ge=0, le=10)]
    days: Days
    at_latest: Annotated[int, Field(ge=1, le=3650)] = Field(description="Never wait beyond so many days past due.")


class AgeingCap(_Section):
    """From so many days past due (of a material amount) on, the level is at most this one."""

    days_past_due: Annotated[int, Field(ge=1, le=3650)]
    at_most: LadderLevel
    beyond_usual: BeyondUsual | None = Field(default=None, description="null: the same days for everybody.")

    @model_validator(mode="after")
    def _waits_in_order(self) -> AgeingCap:
        if self.beyond_usual is not None and self.beyond_usual.at_latest < self.days_past_due:
            raise ValueError("beyond_usual.at_latest must not lie below days_past_due")
        return self


class EarlyCap(_Section):
    """First day past due with a high predicted risk: the level is at most ``at_most``."""

    days_past_due: Annotated[int, Field(ge=1, le=3650)]
    probability: Share
    at_most: LadderLevel


class Materiality(_Section):
    """What is too small to matter. Weighs amount x days, never a count of invoices."""

    tolerance: Amount = Field(description="An outstanding rest up to this is rounding: never overdue.")
    share_of_exposure: Share = Field(description="Overdue below this share of the exposure is not material ...")
    amount_days: float = Field(ge=0, description="... unless amount x days past due reaches this much ...")
    share_to_hold: Share = Field(
        description="... then it is worth a warning; to hold orders it takes this share as well."
    )


class KnockOuts(_Section):
    """Facts that beat the score. They hold the level at or below what they name."""

    ageing: list[AgeingCap]
    early: list[EarlyCap]
    unpaid_reversal: LadderLevel = Field(description="A payment was reversed and the invoice is open again.")
    bust_out: LadderLevel = Field(description="Orders spike far above normal while invoices go unpaid past due.")
    bust_out_velocity: Positive = Field(description="Order velocity ratio that counts as a spike.")


class MeasureSet(_Section):
    """What a level means for business."""

    limit_factor: Annotated[float, Field(ge=0, le=10)]
    terms_days: Days
    deposit_share: Share
    orders: Literal["approve", "hold", "reject"]


class Measures(_Section):
    """One set of measures per level."""

    PRIME: MeasureSet
    STANDARD: MeasureSet
    WATCH: MeasureSet
    HIGH_RISK: MeasureSet
    BLOCKED: MeasureSet
    UNRATED: MeasureSet

    def of(self, level: Level) -> MeasureSet:
        """The measures of a level."""
        chosen: MeasureSet = getattr(self, level._value_)
        return chosen

    def holds(self, level: Level) -> bool:
        """Whether orders do not simply pass at this level."""
        return self.of(level).orders != "approve"


class Capacity(_Section):
    """A base limit from the customer's own size, in currencies for which none is agreed or set."""

    order_days: Days = Field(description="So many days of its usual orders; 0 = off.")
    review_days: Annotated[int, Field(ge=1, le=3650)] = Field(description="Not looked at again sooner.")


class StatementLimit(_Section):
    """A base limit from the size of the business by the newest statement, in currencies with none agreed or set."""

    equity_share: Share = Field(description="Of the net worth; 0 = off.")
    sales_share: Share = Field(description="Of a year's sales; 0 = off. With both, the lower counts.")


class CoverLimit(_Section):
    """What guarantees and insurance add to a limit while they are in force."""

    share: Share = Field(description="Of the covered amount; 0 = off.")
    kinds: list[Literal["guarantee", "credit_insurance", "collateral"]] = Field(max_length=3)
    most: Annotated[float, Field(ge=0, le=100)] | None = Field(description="Times the base limit; null = no cap.")
    notice_days: Days = Field(description="Its end is announced so long before.")


class Habit(_Section):
    """A habit is there from so many days on, and gone below so few."""

    enter: Positive
    leave: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _hysteresis(self) -> Habit:
        if self.leave >= self.enter:
            raise ValueError("leave must lie below enter")
        return self


class OwnTerms(_Section):
    """Terms one step shorter for a customer that always pays late, longer for one that always pays early."""

    late: Habit | None = Field(description="Days late; null = off.")
    early: Habit | None = Field(description="Days early; null = off.")
    step_days: Annotated[int, Field(ge=1, le=365)]
    min_payments: Annotated[int, Field(ge=1, le=1000)] = Field(description="Before so many payments there is no habit.")
    review_days: Annotated[int, Field(ge=1, le=3650)] = Field(description="Not changed again sooner.")


class Limits(_Section):
    """Where a customer's base limit comes from when master data names none."""

    base: dict[Currency, Amount] = Field(description="Per currency; a currency not named here has no limit set.")
    credit_horizon_days: Days
    round_to: Annotated[Decimal, Field(gt=0)]
    capacity: Capacity
    statement: StatementLimit
    cover: CoverLimit
    terms: OwnTerms
    max_rise: Annotated[float, Field(gt=0, le=10)] | None = Field(
        description="A limit rises by at most this share of the base limit at once; null = in one step."
    )
    rise_days: Annotated[int, Field(ge=1, le=365)] = Field(description="Days between two such rises.")


class Behaviour(_Section):
    """How the past fades."""

    half_life_days: Positive
    order_fast_half_life_days: Positive
    order_slow_half_life_days: Positive
    remember_events_days: Days = Field(description="Event ids are remembered at least so long against duplicates.")
    remember_closed_days: Days = Field(description="Closed invoices are known at least so long.")
    remember_events_count: int = Field(ge=0, le=10_000, description="... and at least so many of them.")


BASE_MODEL = "base"
"""The learner that stands in the section itself; its challengers have names of their own."""


class LearnerSettings(_Section):
    """One learner, and how much of the say it has beside the customer's rate."""

    kind: Literal["second_order", "gradient"] = Field(
        default="second_order", description="Bayesian (second order) logistic regression, or plain gradient steps."
    )
    prior_variance: Positive = Field(default=1.0, description="second_order: of the weights, before any outcome.")
    forgetting: Annotated[float, Field(gt=0.9, le=1)] = Field(default=1.0, description="second_order: 1 = never.")
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(default=0.003, description="gradient: size of a step.")
    model_weight: Share = Field(default=0.6, description="Beside the customer's rate, in log-odds; 0 = the rate alone.")


class _RiskModel(_Section):
    """What every predicted event needs: how rates are smoothed, and how the learner learns."""

    prior_weight: Positive = Field(description="A customer's rate is smoothed to its segment's by so many outcomes ...")
    segment_weight: Positive | None = Field(description="... and that to the book's by so many; null = straight to it.")
    base_rate: Share = Field(description="The book's rate before anything is known ...")
    base_weight: Positive = Field(description="... counted as so many outcomes.")
    prior_variance: Positive = Field(description="Of the learner's weights, before it has learned anything.")
    forgetting: Annotated[float, Field(gt=0.9, le=1)] = Field(description="1: the learner remembers all outcomes.")
    model_weight: Share = Field(description="Weight of the learner beside the customer's rate, in log-odds.")
    warm_up: int = Field(ge=0, description="Outcomes in the book before the learner has a say.")
    trust_outcomes: int = Field(ge=50, description="It speaks while it beats the rate over so many recent outcomes.")
    half_life_days: Positive = Field(description="How fast a customer's known outcomes fade in the rate.")
    acted_weight: Share = Field(description="Of outcomes that our own holds or cut terms may have changed; 0 = none.")
    shared: bool = Field(description="Partitions tell each other what they have learned: one model for all.")
    recalibration_prior: Positive | None = Field(
        description="What recalibration starts with (outcomes x p (1 - p)): the larger, the slower; null = off."
    )
    challengers: dict[Identifier, LearnerSettings] = Field(
        max_length=5, description="Learners that predict in the shadow, on the same stream, until one is promoted."
    )

    @field_validator("challengers")
    @classmethod
    def _names_are_free(cls, value: dict[str, LearnerSettings]) -> dict[str, LearnerSettings]:
        if BASE_MODEL in value:
            raise ValueError(f"{BASE_MODEL!r} is the name of the learner above: give the challenger another one")
        return value

    @property
    def learners(self) -> dict[str, LearnerSettings]:
        """All learners by name, the section's own first."""
        own = LearnerSettings(
            prior_variance=self.prior_variance, forgetting=self.forgetting, model_weight=self.model_weight
        )
        return {BASE_MODEL: own, **self.challengers}


class DefaultRiskModel(_RiskModel):
    """The bad event, foretold when an invoice is issued, and the model that predicts it."""

    late_days: Annotated[int, Field(ge=0, le=365)] = Field(description="Bad: paid more than so many days late.")
    new_customer_factor: Annotated[float, Field(ge=1, le=10)]


class RollRiskModel(_RiskModel):
    """The event foretold on the first day past due: that the invoice stays open far longer."""

    days: Annotated[int, Field(ge=2, le=365)] = Field(description="It rolls: still open after so many days past due.")


class Drift(_Section):
    """When a model's drift is worth a note. It changes nothing by itself."""

    delta: Annotated[float, Field(ge=0, le=0.5)] = Field(description="Mean error that is not worth a note.")
    threshold: Positive = Field(description="Page-Hinkley: summed error beyond delta that is.")
    psi: Positive = Field(description="Population stability index of the scores that is.")
    reference_outcomes: int = Field(ge=50, description="After so many, as many are what scores are compared with.")
    recent_outcomes: int = Field(ge=50, description="How many outcomes count as recent (half of them after so many).")


class Market(_AgeInDays):
    """How far a decline of the whole sector or region excuses a customer's (models/market.py)."""

    share: Share = Field(description="Of the index's points below 100 that are given back; 0 = off.")
    max_relief: Annotated[float, Field(ge=0, le=50)] = Field(description="Points of payment index at most.")


class Promotion(_Section):
    """When a challenger takes the champion's place, and how far back a model can be restored."""

    needs_person: bool = Field(description="Evidence makes a note; a person promotes. false: promoted at once.")
    min_outcomes: int = Field(ge=50, description="Paired outcomes that the evidence must hold at least ...")
    min_customers: int = Field(ge=5, description="... of at least so many customers.")
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        description="One-sided, that the challenger's log-loss is the lower one; customers count, not invoices."
    )
    keep_checkpoints: int = Field(ge=1, le=24, description="Newest states of the models that can be restored.")


class Policy(_Section):
    """A whole policy."""

    version: Identifier
    default_risk: DefaultRiskModel
    roll_risk: RollRiskModel
    promotion: Promotion
    drift: Drift
    behaviour: Behaviour
    scorecard: Scorecard
    statements: Statements
    agencies: Agencies
    reviews: Reviews
    supply: Supply
    market: Market
    ladder: Ladder
    knock_outs: KnockOuts
    materiality: Materiality
    measures: Measures
    limits: Limits
    order_checks: OrderChecks
    brake: BrakeRules
    freshness: Freshness
