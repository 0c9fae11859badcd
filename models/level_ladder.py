"""Which level follows from score and caps: tighten at once, ease one step at a time after dwell and probation."""

from __future__ import annotations

from typing import NamedTuple

from schemas.levels import LADDER, Level
from schemas.policy import Ladder


class Standing(NamedTuple):
    """Where an account stands on the ladder. Days are ordinals."""

    level: Level
    since: int
    better_since: int | None = None


def level_on_merit(score: int, cap: Level, ladder: Ladder) -> Level:
    """The best level that the score may enter, held down by ``cap``."""
    merit = Level.BLOCKED
    for level in LADDER[:-1]:
        if score >= ladder.band(level).enter:
            merit = level
            break
    return cap if cap.rank > merit.rank else merit


def level_kept(current: Level, score: int, cap: Level, ladder: Ladder) -> Level:
    """The level that the score still keeps, from ``current`` downwards, held down by ``cap``."""
    kept = Level.BLOCKED
    for level in LADDER[current.rank : -1]:
        if score >= ladder.band(level).exit:
            kept = level
            break
    return cap if cap.rank > kept.rank else kept


def next_standing(
    standing: Standing, *, score: int, cap: Level, evidence: int, day: int, may_tighten: bool, ladder: Ladder
) -> Standing:
    """The standing after an assessment.

    Below the evidence floor the account is UNRATED and nothing tightens. The first rating is at most STANDARD.
    ``may_tighten`` is False for what arrives late: such news may ease, never tighten.
    """
    if standing.level is Level.UNRATED:
        if evidence < ladder.evidence_floor or not may_tighten:
            return standing
        first = max(level_on_merit(score, cap, ladder), Level.STANDARD, key=lambda level: level.rank)
        return Standing(first, day)
    kept = level_kept(standing.level, score, cap, ladder)
    if kept.worse_than(standing.level):
        return Standing(kept, day) if may_tighten else standing
    return _towards_better(standing, level_on_merit(score, cap, ladder), day, ladder)


def _towards_better(standing: Standing, merit: Level, day: int, ladder: Ladder) -> Standing:
    if not standing.level.worse_than(merit):
        return Standing(standing.level, standing.since)
    better_since = day if standing.better_since is None else standing.better_since
    dwelt = day - standing.since >= ladder.dwell_days
    proven = day - better_since >= ladder.probation_days
    if not (dwelt and proven):
        return Standing(standing.level, standing.since, better_since)
    eased = LADDER[standing.level.rank - 1]
    return Standing(eased, day, day if eased.worse_than(merit) else None)


def earliest_easing(standing: Standing, ladder: Ladder) -> int | None:
    """The day on which the account will be eased if nothing changes; None while it does not deserve it."""
    if standing.better_since is None:
        return None
    return max(standing.since + ladder.dwell_days, standing.better_since + ladder.probation_days)
