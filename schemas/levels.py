"""The credit levels, best first, and how they compare."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A customer's credit level. ``UNRATED`` stands beside the ladder until there is evidence enough."""

    PRIME = "PRIME"
    STANDARD = "STANDARD"
    WATCH = "WATCH"
    HIGH_RISK = "HIGH_RISK"
    BLOCKED = "BLOCKED"
    UNRATED = "UNRATED"

    @property
    def rank(self) -> int:
        """0 for PRIME up to 4 for BLOCKED; raises ``ValueError`` for UNRATED, which has no place on the ladder."""
        return LADDER.index(self)

    def worse_than(self, other: Level) -> bool:
        """Whether this level is further down the ladder; False when either one is UNRATED."""
        return Level.UNRATED not in (self, other) and self.rank > other.rank


BY_VALUE: dict[str, Level] = {level.value: level for level in Level}
"""The levels by what is stored of them: several times quicker than ``Level(value)``."""

LADDER: tuple[Level, ...] = (Level.PRIME, Level.STANDARD, Level.WATCH, Level.HIGH_RISK, Level.BLOCKED)
