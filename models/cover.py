"""Guarantees and insurance that count by the policy: how much per currency, until when, and when to look again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from models.account import ZERO, External
from schemas.policy import CoverLimit

Covered = dict[str, tuple[Decimal, int]]
"""By currency: what counts together, and the last day (ordinal) before some of it ends."""


def covered(external: External, day: int, rules: CoverLimit) -> Covered:
    """The policy's share of the cover that is in force on a day, not yet capped; valid through its expiry."""
    found: Covered = {}
    for amount, currency, expires in _of_kind(external, rules):
        if expires >= day:
            before, until = found.get(currency, (ZERO, expires))
            found[currency] = before + amount * Decimal(str(rules.share)), min(until, expires)
    return found


def capped(found: Covered, base: Mapping[str, Decimal], rules: CoverLimit) -> Covered:
    """What adds to base limits. A currency without one has no limit set, and cover must not bring one into being."""
    most = None if rules.most is None else Decimal(str(rules.most))
    return {
        currency: (amount if most is None else min(amount, base[currency] * most), until)
        for currency, (amount, until) in found.items()
        if currency in base
    }


def cover_days(external: External, day: int, rules: CoverLimit) -> list[int]:
    """Days after ``day`` on which cover ends, or is to be announced to end."""
    if not rules.share or not external.covers:
        return []
    days = []
    for _, _, expires in _of_kind(external, rules):
        days += [expires + 1, expires - rules.notice_days]
    return [at for at in days if at > day]


def _of_kind(external: External, rules: CoverLimit) -> Iterator[tuple[Decimal, str, int]]:
    for kind, amount, currency, expires in external.covers.values():
        if kind in rules.kinds:
            yield amount, currency, expires
