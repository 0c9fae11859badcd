"""The head of a policy file's layers: which pack it stands on, and whom each override concerns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.fields import Identifier, ShortText

BOOK_WIDE: tuple[str, ...] = (
    *("version", "default_risk", "roll_risk", "promotion", "drift", "behaviour"),
    *("brake", "freshness"),
)
"""Sections that hold for all customers: learners learn from all, by figures faded alike; brakes look at all."""

SEGMENT_KEYS: tuple[str, ...] = ("segment", "sector", "region")
"""Master data that a segment is chosen by."""


class LayerHead(BaseModel):
    """What a policy file says beside its sections.

    ``packs`` and ``overrides`` hold partial policies: they are checked section by section, with what lies below them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pack: Identifier | None = Field(default=None, description="The pack below this file; absent = the default alone.")
    packs: dict[Identifier, dict[str, object]] = Field(default_factory=dict, description="The firm's own packs.")
    overrides: Annotated[list[dict[str, object]], Field(max_length=10_000)] = Field(default_factory=list)


class Target(BaseModel):
    """Whom an override concerns: a segment (all that is named must match), a corporate group, or one customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segment: Identifier | None = None
    sector: Identifier | None = None
    region: Identifier | None = None
    group: Identifier | None = Field(default=None, description="Customers whose group_parent this is, and itself.")
    customer: Identifier | None = None
    because: ShortText | None = Field(default=None, description="Why, for whoever reads the file later.")

    @model_validator(mode="after")
    def _one_kind(self) -> Target:
        kinds = [bool(self.where), self.group is not None, self.customer is not None]
        if sum(kinds) != 1:
            raise ValueError("names either a segment (segment, sector, region), or a group, or a customer")
        return self

    @property
    def where(self) -> dict[str, str]:
        """What must match of the master data, for a segment."""
        named = {key: getattr(self, key) for key in SEGMENT_KEYS}
        return {key: value for key, value in named.items() if value is not None}

    @property
    def kind(self) -> Literal["segment", "group", "customer"]:
        """Which of the three layers."""
        if self.customer is not None:
            return "customer"
        return "segment" if self.group is None else "group"
