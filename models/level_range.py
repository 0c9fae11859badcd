"""The interval of a level: which levels the evidence is compatible with, at both ends of the default risk."""

from __future__ import annotations

from collections.abc import Mapping

from models.level_ladder import level_kept, level_on_merit
from models.opinions import Opinion
from models.scorecard import Scorecard
from schemas.decisions import LevelRange
from schemas.levels import LADDER, Level
from schemas.policy import Ladder


def level_range(
    level: Level,
    cap: Level,
    probabilities: tuple[float, float],
    measures: Mapping[str, float],
    opinions: Mapping[str, Opinion],
    scorecard: Scorecard,
    ladder: Ladder,
) -> LevelRange:
    """The levels that the customer would have if its default risk were at the low or the high end (80 % interval).

    Everything else stays as it is, facts that hold the level down included. The level itself always lies within: it
    may be held by dwell time, probation or a person. Of an unrated customer, the levels that its first rating may get.
    """
    low, high = probabilities
    scores = [sum(scorecard.points({**measures, "default_risk": p}, opinions).values()) for p in (high, low)]
    if level is Level.UNRATED:
        found = [max(level_on_merit(s, cap, ladder), Level.STANDARD, key=lambda merit: merit.rank) for s in scores]
        worst, best = found
    else:
        worst = max(level, level_kept(level, scores[0], cap, ladder), key=LADDER.index)
        best = min(level, level_on_merit(scores[1], cap, ladder), key=LADDER.index)
    return LevelRange(best=best, worst=worst, score_low=scores[0], score_high=scores[1])
