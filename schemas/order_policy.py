"""The section ``order_checks`` of the policy: which steps an order has to pass, what is enough, and who may release."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.fields import Amount, Currency, EscalationDays
from schemas.order_measures import SoftMeasure

_Days = Annotated[int, Field(ge=0, le=3650)]
LimitState = Literal["approve", "hold", "reject"]


class OrderChecks(BaseModel):
    """The checks of an order when it is placed or changed, and again when what held it may be gone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    utilisation: bool
    utilisation_share: Annotated[Decimal, Field(gt=0, le=10)] = Field(description="Of the limit that orders may fill.")
    horizon_days: _Days | None = Field(
        description="Hold when what is open and to be delivered so soon passes the limit; null = off."
    )
    level: bool
    oldest_item_dpd: _Days | None = Field(description="Hold when a material item is this late; null = off.")
    max_order: dict[Currency, Amount] = Field(description="Hold larger orders; a currency not named has no maximum.")
    split_window_days: _Days = Field(description="max_order looks at the sum of orders placed within so many days.")
    payment_index_floor: Annotated[float, Field(ge=0, le=100)] | None = Field(
        description="Hold below this payment index (80 = prompt); null = off."
    )
    terms: bool = Field(description="Hold when longer terms are asked for than level and agreement allow.")
    no_limit: LimitState = Field(description="An order in a currency in which no limit is set.")
    expired_limit: LimitState = Field(description="An agreed limit whose last day has passed.")
    group_limit: bool = Field(description="Hold when the corporate group passes its limit, as far as it is known.")
    group_limits: dict[Currency, Amount] = Field(description="The group's limit; not named: what is reported with it.")

    soft_measures: list[SoftMeasure] = Field(max_length=3, description="Measures milder than a hold, mildest first.")
    soft: Literal["hold", "condition"] = Field(
        description="Where shorter terms or a deposit are enough: hold and say so, or approve on this condition."
    )
    max_deposit: Annotated[Decimal, Field(ge=0, le=1)] = Field(description="Above this share no deposit is enough.")
    deposit_step: Annotated[Decimal, Field(gt=0, le=1)] = Field(description="Deposits are rounded up to this share.")
    partial: bool = Field(description="Let go the part of a held order that fits, and hold the rest.")

    forced_hold_days: _Days = Field(description="A person's hold or refusal sticks to an order id so long.")
    release_days: _Days = Field(description="How long a person's release holds if the person names no day.")
    four_eyes_above: dict[Currency, Amount] = Field(
        description="Releases above this need a second person; of one order, those by one person count together."
    )
    hold_escalation_days: EscalationDays = Field(
        description="Days after which a held order is told again, louder each time."
    )

    holdout_share: Annotated[float, Field(ge=0, le=0.05)] = Field(
        description="Share of held orders that pass all the same, drawn by their ids, to learn the truth; 0 = off."
    )
    holdout_most: dict[Currency, Amount] = Field(description="Only orders up to this amount; others are never drawn.")

    @field_validator("soft_measures")
    @classmethod
    def _each_once(cls, value: list[SoftMeasure]) -> list[SoftMeasure]:
        if len(set(value)) < len(value):
            raise ValueError("names a measure twice")
        return value
