"""Explain a limit: where its base comes from, the level's factor, the cover, and what is left when cover ends."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from models.account import Account
from models.measures import LimitRules
from schemas.decisions import LimitBasis
from schemas.fields import Currency
from schemas.levels import Level

Source = Literal["agreed", "policy", "orders", "statement"]


def limit_basis(account: Account, level: Level, day: int, rules: LimitRules) -> list[LimitBasis]:
    """One explanation per currency with a limit set; what ``rules.granted`` computes, told."""
    base = rules.base(account)
    if not base:
        return []
    limits, cover = rules.granted(account, level, day), rules.cover(account, base, day)
    found = []
    for currency, amount in sorted(base.items()):
        source, figures = _origin(account, currency, amount, rules)
        told = LimitBasis(
            currency=Currency(currency),
            source=source,
            base=amount,
            figures=figures,
            factor=rules.factor(level),
            limit=limits[currency],
        )
        if currency in cover:
            counted, until = cover[currency]
            after = rules.granted(account, level, until + 1)[currency]
            ends = {"cover": counted, "cover_until": date.fromordinal(until), "limit_after": after}
            told = told.model_copy(update=ends)
        found.append(told)
    return found


def _origin(account: Account, currency: str, base: Decimal, rules: LimitRules) -> tuple[Source, dict[str, str]]:
    if currency in account.master.base_limits:
        return "agreed", {}
    if rules.is_set(currency):
        return "policy", {}
    statement = account.external.statement
    if statement is None or rules.by_statement(account).get(currency) != base:
        return "orders", {"order_days": str(rules.order_days)}
    name, amount, share = min(rules.statement_parts(statement), key=lambda part: part[1] * part[2])
    as_of = date.fromordinal(statement.as_of).isoformat()
    return "statement", {"figure": name, "amount": str(amount), "share": str(share), "as_of": as_of}
