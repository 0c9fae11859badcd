"""Events out: levels, alerts, order decisions and dead letters, each the data of a CloudEvent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.envelope import CloudEvent, OutData
from schemas.fields import Currency, Share
from schemas.levels import Level
from schemas.log import Source
from schemas.order_measures import OrderMeasure, WayToPass


class Reason(OutData):
    """Why: a stable code, its signed contribution to the change of score, and the numbers behind it.

    Contributions of one decision sum to ``score - score_before``; the code ``OTHER`` gathers what is not shown.
    """

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")
    contribution: int = Field(description="Points of score; negative = worse.")
    detail: dict[str, str] = Field(default_factory=dict, description="Named numbers for the text of the reason.")


class Opinion(OutData):
    """What is said of the customer, taken together: financial statement, agency reports, or reviews.

    Of a supplier also how it delivers and what it asks.

    What cannot be used is shown as well: with ``value`` null (nothing of it can be), or named in ``detail``.
    """

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$", description="The component of the score, as in reasons.")
    value: float | None = Field(description="The component's measure: points 0-1000, scale 0-1, or grade 1-5.")
    confidence: Share = Field(description="How much of its weight age has left; 0 = it does not count any more.")
    detail: dict[str, str] = Field(default_factory=dict, description="Ratios, sources, and why some are not used.")


class Exposure(OutData):
    """What the customer owes or has ordered, in one currency.

    exposure = open orders + open invoices - unapplied cash. ``limit`` null = no limit set (not zero).
    """

    currency: Currency
    open_orders: Decimal
    open_invoices: Decimal
    unapplied_cash: Decimal
    exposure: Decimal
    limit: Decimal | None
    headroom: Decimal | None
    utilisation: float | None
    overdue: Decimal = Field(description="Past due and neither disputed nor covered by unapplied cash.")
    oldest_days_past_due: int = Field(ge=0, description="Of what is overdue; unapplied cash covers the oldest first.")
    disputed: Decimal | None = Field(
        default=None, description="Part of the open invoices that is contested: owed, but not overdue. null: none is."
    )


class DefaultRisk(OutData):
    """Probability of the bad event within its horizon; the event and the horizon are always named with it."""

    probability: float = Field(ge=0.0, le=1.0)
    bad_event: str
    horizon_days: int
    evidence: int = Field(ge=0, description="Outcomes of this customer's own invoices that are known.")
    low: float = Field(ge=0.0, le=1.0)
    high: float = Field(ge=0.0, le=1.0)


TermsBasis = Literal["level", "agreed", "pays_late", "pays_early"]
"""Where payment terms come from: ``pays_late`` and ``pays_early``: one step off the shorter of level and agreement."""


class Measures(OutData):
    """What applies to the customer at this level."""

    terms_days: int = Field(ge=0)
    deposit_share: Share
    orders: Literal["approve", "hold", "reject"]
    terms_basis: TermsBasis | None = None


class LimitBasis(OutData):
    """Where the limit in a currency comes from: base x factor + cover x the lower of factor and 1, rounded down.

    The limit in force may lie below it while it rises in steps.
    """

    currency: Currency
    source: Literal["agreed", "policy", "orders", "statement"] = Field(description="Of the base limit.")
    base: Decimal
    figures: dict[str, str] = Field(default_factory=dict, description="Named numbers that make up the base limit.")
    factor: Decimal = Field(description="The level's.")
    cover: Decimal | None = Field(default=None, description="Guarantees and insurance that count; null = none.")
    cover_until: date | None = Field(default=None, description="The last day before some of that cover ends ...")
    limit_after: Decimal | None = Field(default=None, description="... and the limit from then on, as things are now.")
    limit: Decimal


class LevelRange(OutData):
    """How sure the level is: levels and scores at both ends of the default risk's interval, all else being equal."""

    best: Level
    worst: Level
    score_low: int = Field(ge=0, le=1000)
    score_high: int = Field(ge=0, le=1000)


class Master(OutData):
    """Who the customer is, as far as master data say: by this, alerts are filtered, routed and grouped."""

    name: str | None = None
    segment: str | None = None
    sector: str | None = None
    region: str | None = None
    group_parent: str | None = None
    owner: str | None = Field(default=None, description="The analyst who looks after the customer.")


class Assessment(OutData):
    """The state after a decision, shared by levels and alerts."""

    level: Level
    level_before: Level
    score: int = Field(ge=0, le=1000)
    score_before: int | None = Field(ge=0, le=1000, description="null: there was no score before.")
    reasons: list[Reason]
    caps: list[Reason] = Field(description="Facts that alone hold the level down (knock-outs, days past due).")
    opinions: list[Opinion] = Field(default_factory=list)
    default_risk: DefaultRisk
    exposures: list[Exposure]
    measures: Measures
    limit_basis: list[LimitBasis] = Field(default_factory=list)
    provisional: bool = Field(description="True while the evidence is thin.")
    level_range: LevelRange | None = Field(
        default=None, description="The level's interval; its evidence is that of ``default_risk``."
    )
    ageing_as_of: date | None = Field(
        default=None,
        description="Open items are aged to the end of this day only: since then the payments feed has been stale.",
    )
    cause: Source
    cause_type: str
    policy_version: str
    model_version: str
    master: Master = Field(default_factory=Master)


class CreditLevelChanged(Assessment):
    """A customer's level, limit or terms changed. The compacted topic holds the latest of each customer."""


class AlertKind(StrEnum):
    """TIGHTENING: worse than before; EASING: better; RETRACTION: an earlier tightening should not have been.

    REVIEW: a tightening was stopped by the brake, or what waited for review waits no more; see ``CreditAlert.review``.
    """

    TIGHTENING = "tightening"
    EASING = "easing"
    RETRACTION = "retraction"
    REVIEW = "review"


class WayBack(OutData):
    """What would lead back to the better level: pay these invoices, by this date."""

    to_level: Level
    pay: dict[Currency, Decimal]
    invoices: list[str] = Field(max_length=10)
    not_before: datetime | None


class Counterfactual(OutData):
    """What would help: with this paid now and so many further invoices paid on time, the customer deserves this level.

    ``not_before`` null: the level lies more than one step ahead, and is reached step by step. ``approximate``: what
    the learner will have learned meanwhile is not known.
    """

    pay: dict[Currency, Decimal]
    on_time: int = Field(ge=0)
    to_level: Level
    not_before: datetime | None
    approximate: bool


class OrderCheck(OutData):
    """One reason for an order decision, with its numbers."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")
    detail: dict[str, str] = Field(default_factory=dict)


ReviewState = Literal["pending", "approved", "rejected", "withdrawn", "passed", "none"]


class OrderLetGo(OutData):
    """An order that goes although the checks say to hold it, and what is left of it to deliver."""

    order_id: str
    amount: Decimal
    currency: Currency


class TighteningReview(OutData):
    """A tightening that the brake on mass tightening stopped: level, limits and terms stay until a person decides.

    Or the hold of orders (``order_ids``): they go, like those that follow, until a person decides.

    ``pending``: it waits. ``approved``, ``rejected``: a person decided. ``withdrawn``: it is not deserved any more.
    ``passed``: a knock-out that the policy names came up, or the brake was lifted. ``none``: nothing waits (the answer
    to a person who decided on it).
    """

    state: ReviewState
    to_level: Level = Field(description="Where the tightening leads; the level itself where only limits are cut.")
    limits: dict[Currency, Decimal] = Field(default_factory=dict, description="What limits would be then.")
    terms_days: int | None = Field(default=None, ge=0)
    since: datetime | None = Field(default=None, description="Since when it waits.")
    version: int = Field(ge=0, description="Of the review; a person may name it (``expected_version``).")
    by: str | None = None
    reason: str | None = None
    until: date | None = Field(default=None, description="Rejected: not asked for again through this day.")
    refusal: OrderCheck | None = Field(default=None, description="Why a person's decision changed nothing.")
    order_ids: list[str] = Field(
        default_factory=list, description="The orders whose hold was stopped, the newest 20; empty: a tightening was."
    )
    let_go: list[OrderLetGo] = Field(
        default_factory=list,
        description="The orders that went because the brake stopped their hold and are open still, the newest 20; also "
        "while it is a tightening that waits.",
    )
    waited_days: int | None = Field(default=None, ge=1, description="Told again, because it waits for so long.")


class CreditAlert(Assessment):
    """Someone should know: behaviour worsened (tightening), recovered (easing), or we were wrong (retraction).

    Or that a tightening waits for a person (review).
    """

    kind: AlertKind
    cause_kind: str = Field(description="The leading reason or cap; one open alert per customer and cause kind.")
    at_stake: dict[Currency, Decimal] = Field(description="Exposure per currency when it fired.")
    retracts: str | None = Field(default=None, description="Id of the alert that is taken back.")
    retracts_because: str | None = Field(default=None, description="event_id of the late or corrected event.")
    way_back: WayBack | None = None
    review: TighteningReview | None = Field(default=None, description="Of the kind review.")
    counterfactuals: list[Counterfactual] = Field(default_factory=list, max_length=2)


class Decision(StrEnum):
    """What happens to an order."""

    APPROVE = "approve"
    HOLD = "hold"
    REJECT = "reject"
    RELEASE = "release"


class OrderDecision(OutData):
    """An order is approved, held, rejected or, when what stood in its way is gone, released.

    An act of a person that is refused is answered by the decision that stands, with the reason among ``checks``. An
    act about an order that is not open is answered with the amount 0.
    """

    order_id: str
    decision: Decision
    amount: Decimal
    currency: Currency
    level: Level
    checks: list[OrderCheck] = Field(
        description="What stood in the way; empty for approvals, but for those drawn to learn the truth (HOLDOUT), "
        "those whose hold the brake stopped (HOLD_STOPPED), those on a condition (``measure``), and what a person "
        "decided."
    )
    exposure: Exposure = Field(description="Without the order itself.")
    cause: Source
    cause_type: str
    policy_version: str
    model_version: str | None = None
    version: int | None = Field(
        default=None, ge=0, description="Grows with every decision that changes the order; a person may name it."
    )
    measure: OrderMeasure | None = Field(default=None, description="The mildest measure that is enough.")
    to_pass: list[WayToPass] = Field(default_factory=list, description="What would let the order pass.")
    held_since: datetime | None = Field(default=None, description="Since when it waits, for what is held.")
    by: str | None = Field(default=None, description="The person whose decision it is, or stands against this one.")
    second_person: str | None = None
    reason: str | None = Field(default=None, description="That person's reason.")
    released_up_to: Decimal | None = Field(
        default=None, description="What is left of a person's release: beyond it the order is checked again ..."
    )
    valid_until: date | None = Field(default=None, description="... and after this day, unless invoiced by then.")
    master: Master = Field(default_factory=Master)


ModelNoteKind = Literal[
    "calibration_drift", "score_drift", "quality", "challenger_ahead", "promoted", "restored", "refused",
    "payments_stale", "payments_back",
]  # fmt: skip


class ModelNote(OutData):
    """What people should know of a partition's models, or of its book.

    ``calibration_drift``, ``score_drift``: what it foretells has begun to differ from what happens, or from what it
    used to foretell; it goes on as it is, nothing is reset. ``quality``: once a month, the month's matured outcomes
    (``statistic`` its log-loss, ``threshold`` the naive rate's). ``challenger_ahead``: there is evidence for the
    challenger ``model`` (``statistic``: lower bound of its mean gain in log-loss). ``promoted``: ``model`` leads from
    now on. ``restored``: back at the checkpoint ``model``. ``refused``: it could not be done, see ``text``.
    ``payments_stale`` (task ``book``): the payments feed has been silent for ``statistic`` hours, ``threshold`` are
    allowed, and open items are aged no further until it is heard again: ``payments_back``.
    ``mean_probability`` and ``rate`` are those of the outcomes looked at, ``outcomes`` how many are known.
    """

    task: Literal["A", "B", "book"] = Field(
        description="A: late, foretold at issue. B: open long, foretold 1 day past due. book: of no model."
    )
    kind: ModelNoteKind
    partition: int = Field(ge=0)
    statistic: float
    threshold: float
    outcomes: int = Field(ge=0)
    mean_probability: Share
    rate: Share
    model_version: str
    policy_version: str
    model: str | None = Field(default=None, description="Name of the challenger or checkpoint that it is about.")
    text: str | None = None
    figures: dict[str, float] = Field(default_factory=dict, description="Named figures behind it.")


class DeadLetter(OutData):
    """A record that could not be accepted: where it stood, why, and its raw bytes for re-submission."""

    source: Source
    reason_code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,59}$")
    message: str = Field(max_length=2000, description="Readable, names the field.")
    field: str | None = None
    key_base64: str | None
    value_base64: str | None = Field(description="The raw bytes, whole.")
    record_time: datetime


CREDIT_LEVEL = "creditpulse.credit-level-changed.v1"
CREDIT_ALERT = "creditpulse.credit-alert.v1"
ORDER_DECISION = "creditpulse.order-decision.v1"
MODEL_NOTE = "creditpulse.model-note.v1"
DEAD_LETTER = "creditpulse.dead-letter.v1"

DATASCHEMA = {
    CREDIT_LEVEL: "urn:creditpulse:schema:credit-level-changed:1",
    CREDIT_ALERT: "urn:creditpulse:schema:credit-alert:1",
    ORDER_DECISION: "urn:creditpulse:schema:order-decision:1",
    MODEL_NOTE: "urn:creditpulse:schema:model-note:1",
    DEAD_LETTER: "urn:creditpulse:schema:dead-letter:1",
}

LevelOut = CloudEvent[CreditLevelChanged]
AlertOut = CloudEvent[CreditAlert]
OrderOut = CloudEvent[OrderDecision]
ModelNoteOut = CloudEvent[ModelNote]
DeadLetterOut = CloudEvent[DeadLetter]
OutEvent = LevelOut | AlertOut | OrderOut | ModelNoteOut
