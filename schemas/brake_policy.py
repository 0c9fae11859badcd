"""The sections ``brake`` and ``freshness`` of the policy: what a bad policy or a broken feed cannot do to the book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Amount, Currency, EscalationDays, Share

CapCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]


class BrakeRules(BaseModel):
    """How many customers may be tightened, or have an order held, in one hour (of event time) under one policy version.

    Each of the two is counted by itself. Numbers are the whole book's: each partition works with its even part of them,
    rounded up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Share | None = Field(description="At most this share of the rated customers; null = no such bound.")
    hold_share: Share | None = Field(
        description="At most this share of them has an order newly held; null = no such bound."
    )
    customers: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        description="At most so many customers; null = no such bound."
    )
    exposure: dict[Currency, Amount] = Field(
        description="At most customers with so much exposure together; a currency not named has no such bound."
    )
    always: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="So many customers pass whatever the bounds say: a share must not stop the second of three."
    )
    except_for: list[CapCode] = Field(
        max_length=50,
        description="Knock-outs (DPD_90, BUST_OUT, ...) and order checks by code: what they demand always passes.",
    )
    reject_days: Annotated[int, Field(ge=1, le=365)] = Field(
        description="A tightening that a person rejected is not asked for again so long, unless it gets worse."
    )
    escalation_days: EscalationDays = Field(
        description="Days after which what waits for a person is told again, louder each time."
    )

    @property
    def is_on(self) -> bool:
        """Whether tightenings have any bound."""
        return self.share is not None or self._has_bounds

    @property
    def brakes_holds(self) -> bool:
        """Whether holds of orders have any bound."""
        return self.hold_share is not None or self._has_bounds

    def is_named(self, codes: Iterable[str]) -> bool:
        """Whether one of these codes always passes."""
        return any(code in self.except_for for code in codes)

    @property
    def _has_bounds(self) -> bool:
        return self.customers is not None or bool(self.exposure)


class Freshness(BaseModel):
    """When the payments feed counts as stale: then open items stop ageing, for what was paid cannot be known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stale_hours: Annotated[float, Field(gt=0, le=8760)] | None = Field(
        description="No payment for so long while other topics go on; null = open items always age by the clock ..."
    )
    missed_payments: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        description="... and so many are missing by the usual rate: a small book is quiet without being stale."
    )
