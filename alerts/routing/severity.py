"""How urgent a tightening is: by the level reached, the step, what is at stake, and knock-outs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from alerts.routing.config import SeverityRules
from schemas.envelope import Severity
from schemas.levels import LADDER, Level

ORDER: tuple[Severity, ...] = (Severity.INFO, Severity.NOTICE, Severity.WARNING, Severity.CRITICAL)


def rank(severity: str) -> int:
    """0 for info up to 3 for critical."""
    return ORDER.index(Severity(severity))


def level_rank(level: str) -> int:
    """0 for PRIME up to 4; UNRATED counts as STANDARD: a first rating that is worse tightens."""
    return Level.STANDARD.rank if level == Level.UNRATED else LADDER.index(Level(level))


def severity_of(
    rules: SeverityRules, level: str, level_before: str, at_stake: Mapping[str, Decimal], caps: Iterable[str]
) -> Severity:
    """The severity: that of the level, one higher for a deep fall, and at least what stake and knock-outs ask for.

    Amounts are compared with the thresholds of their own currency, never with each other.
    """
    found = rank(rules.by_level.get(Level(level), Severity.INFO))
    if level_rank(level) - level_rank(level_before) >= rules.raised_by_steps:
        found = min(found + 1, len(ORDER) - 1)
    for currency, thresholds in rules.at_least.items():
        reached = [rank(severity) for severity, least in thresholds.items() if at_stake.get(currency, 0) >= least]
        found = max([found, *reached])
    return ORDER[max([found, *(rank(rules.knock_outs[code]) for code in caps if code in rules.knock_outs)])]


def is_small(rules: SeverityRules, at_stake: Mapping[str, Decimal]) -> bool:
    """Whether all that is at stake lies below the thresholds; a currency without one is never small."""
    limits = {str(currency): limit for currency, limit in rules.small_below.items()}
    amounts = {currency: amount for currency, amount in at_stake.items() if amount}
    return bool(limits) and all(
        currency in limits and amount < limits[currency] for currency, amount in amounts.items()
    )
