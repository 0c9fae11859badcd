"""Weigh what others say of a customer by the policy: statement, agency reports, reviews, each with its confidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import ceil, fsum
from types import MappingProxyType
from typing import Final

from models.account import AgencyReport, External, Review, Statement
from models.curve import Curve
from schemas.policy import GRADED, AgencyMapping, Policy

DAYS_PER_MONTH: Final = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Opinion:
    """A component's measure (None: nothing usable was said), how much of its weight age has left (0 to 1), what
    explains it, and ``unaged``: the measure if nothing had grown too old that nothing newer has replaced."""

    value: float | None
    confidence: float
    detail: dict[str, str] = field(default_factory=dict)
    unaged: float | None = None


NO_OPINIONS: Final[Mapping[str, Opinion]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AgencyVoice:
    """What one agency's report says by the policy: points 0 to 1000, or (None) why it cannot be used."""

    agency: str
    as_of: int
    points: float | None
    confidence: float
    unused: str | None = None


def confidence(age: float, fresh: float, at_most: float) -> float:
    """1 up to the age ``fresh``, 0 from ``at_most`` on, falling linearly between (all in one unit of time)."""
    if age <= fresh:
        return 1.0
    return 0.0 if age >= at_most else (at_most - age) / (at_most - fresh)


class OpinionRules:
    """A policy's rules for statements, agencies and reviews, made ready to weigh them."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._ratios: dict[str, tuple[float, Curve]] = {}
        for name, component in policy.statements.ratios:
            if component.weight > 0:
                self._ratios[name] = (component.weight, Curve([(node.at, node.points) for node in component.nodes]))
        self._rank = {agency: rank for rank, agency in enumerate(policy.agencies.order)}

    def opinions(self, external: External, day: int) -> dict[str, Opinion]:
        """Opinions by scorecard component; one that cannot be used, or is too old, is there with confidence 0."""
        found = {}
        if external.statement is not None:
            found["financial"] = self._of_statement(external.statement, day)
        if external.agencies:
            found["agency"] = self._of_agencies(external.agencies, day)
        if external.reviews:
            found["qualitative"] = self._of_reviews(external.reviews, day)
        return found

    def statement_points(self, ratios: Mapping[str, float]) -> float | None:
        """Weighted mean of the points of the known ratios, 0 to 1000; None when none of weight is known."""
        known = [(*self._ratios[name], ratios[name]) for name in self._ratios if name in ratios]
        total = fsum(weight for weight, _, _ in known)
        return fsum(weight / total * curve(value) for weight, curve, value in known) if known else None

    def _of_statement(self, statement: Statement, day: int) -> Opinion:
        rules, points = self._policy.statements, self.statement_points(statement.ratios)
        weight = confidence((day - statement.as_of) / DAYS_PER_MONTH, rules.fresh_months, rules.max_age_months)
        detail = {"as_of": _iso(statement.as_of), **{name: f"{x:.4g}" for name, x in statement.ratios.items()}}
        return Opinion(points, 0.0 if points is None else weight, detail, unaged=points)

    def agency_voices(self, agencies: Mapping[str, AgencyReport], day: int) -> list[AgencyVoice]:
        """All reports in the order in which they are asked; agencies out of the policy's order come last, the
        newest of them first."""
        last = len(self._rank)
        asked = sorted(agencies.items(), key=lambda item: (self._rank.get(item[0], last), -item[1].as_of, item[0]))
        return [self._voice(agency, report, day) for agency, report in asked]

    def _voice(self, agency: str, report: AgencyReport, day: int) -> AgencyVoice:
        rules = self._policy.agencies
        mapping = rules.mappings.get(agency)
        if mapping is None and not rules.unmapped:
            said: float | str = "the policy does not know the agency"
        else:
            said = _points(report, mapping)
        ages = mapping or rules
        weight = confidence(day - report.as_of, ages.fresh_days, ages.max_age_days)
        if isinstance(said, str):
            return AgencyVoice(agency, report.as_of, None, 0.0, said)
        return AgencyVoice(agency, report.as_of, said, weight, None if weight > 0 else "too old")

    def _of_agencies(self, agencies: Mapping[str, AgencyReport], day: int) -> Opinion:
        """The first usable report; if all that could be used are too old, the first of them without confidence."""
        voices = self.agency_voices(agencies, day)
        readable = [voice for voice in voices if voice.points is not None]
        heard = next((voice for voice in readable if voice.confidence > 0), readable[0] if readable else None)
        unused = "; ".join(f"{voice.agency}: {voice.unused}" for voice in voices if voice.unused)
        detail = {"unused": unused} if unused else {}
        if heard is None or heard.points is None:
            return Opinion(None, 0.0, detail)
        unaged = next(voice.points for voice in readable if voice.points is not None and voice.as_of >= heard.as_of)
        source = _said({"agency": heard.agency, "as_of": _iso(heard.as_of)})
        return Opinion(heard.points / 1000.0, heard.confidence, source | detail, unaged=unaged / 1000.0)

    def _of_reviews(self, reviews: Mapping[str, Review], day: int) -> Opinion:
        """The reviews that hold, of reviewers whom the policy knows; if all have expired, those without confidence."""
        reviewers = self._policy.reviews.reviewers
        known = {who: review for who, review in reviews.items() if not reviewers or who in reviewers}
        holding = {who: review for who, review in known.items() if day <= review.expires}
        detail = {
            "reviewers": _names(holding),
            "expired": _names(who for who in known if who not in holding),
            "unknown_reviewers": _names(who for who in reviews if who not in known),
        }
        if not known:
            return Opinion(None, 0.0, _said(detail))
        threshold = self._policy.reviews.disagreement
        grade, disputed = panel(holding or known, threshold)
        newest = max((review.as_of for review in holding.values()), default=0)
        unaged, _ = panel({who: r for who, r in known.items() if who in holding or r.as_of > newest}, threshold)
        detail["disputed"] = _names(disputed)
        return Opinion(grade, 1.0 if holding else 0.0, _said(detail), unaged=unaged)


def panel(reviews: Mapping[str, Review], disagreement: float) -> tuple[float, list[str]]:
    """The mean grade of several reviews, 1 to 5, and what they dispute.

    Taken grade by grade: where the grades lie further apart than ``disagreement``, only their worse half counts (the
    middle one of an odd number belongs to it): whoever saw a danger may know what the others do not.
    """
    grades, disputed = [], []
    for name in GRADED:
        given = sorted(getattr(review, name) for review in reviews.values())
        if given[-1] - given[0] > disagreement:
            disputed.append(name)
            given = given[: (len(given) + 1) // 2]
        grades.append(fsum(given) / len(given))
    return fsum(grades) / len(grades), disputed


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat() if day > 0 else "unknown"


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _said(detail: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in detail.items() if text}


def next_change(external: External, day: int, policy: Policy) -> int | None:
    """The next day after ``day`` on which a statement or report has lost all confidence, or a review has expired."""
    days = [review.expires + 1 for review in external.reviews.values()]
    if external.statement is not None:
        days.append(external.statement.as_of + ceil(policy.statements.max_age_months * DAYS_PER_MONTH))
    for agency, report in external.agencies.items():
        ages = policy.agencies.mappings.get(agency) or policy.agencies
        days.append(report.as_of + ages.max_age_days)
    return min((found for found in days if found > day), default=None)


def _points(report: AgencyReport, mapping: AgencyMapping | None) -> float | str:
    """Points of a report, 0 to 1000; or why it has none."""
    if mapping is not None and mapping.ratings is not None:
        if report.rating is None:
            return "the report names no rating"
        points = mapping.ratings.get(report.rating)
        return f"the policy's table has no rating {report.rating!r}" if points is None else points
    if report.score is None:
        return "the policy maps no ratings of the agency"
    worst, best = report.scale_worst, report.scale_best
    if mapping is not None and mapping.scale is not None:
        scale = mapping.scale
        if worst is not None and (worst, best) != (scale.worst, scale.best):
            return f"it is on the scale {worst} to {best}, the policy's is {scale.worst} to {scale.best}"
        worst, best = scale.worst, scale.best
    return _on_scale(report.score, worst, best)


def _on_scale(score: Decimal, worst: Decimal | None, best: Decimal | None) -> float | str:
    if worst is None or best is None:
        return "neither the report nor the policy names the scale"
    if not min(worst, best) <= score <= max(worst, best):
        return f"score {score} is off the policy's scale {worst} to {best}"
    return 1000.0 * float((score - worst) / (best - worst))
