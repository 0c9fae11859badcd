"""Where a limit and the terms come from, as one line for a person."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from alerts.plain import plain
from alerts.texts import Language, amount_text, phrase, text
from schemas.decisions import LimitBasis


def limit_line(basis: LimitBasis, language: Language) -> str:
    """``44,500 USD = net worth of 2025-12-31 400,000 x 0.1 x 1 + cover 4,500 until 2026-05-31, then 40,000``."""
    told = phrase(
        "limit.basis",
        language,
        limit=amount_text(basis.limit),
        currency=basis.currency,
        base=_base(basis, language),
        factor=_plain_number(basis.factor),
    )
    if basis.cover is None or basis.cover_until is None or basis.limit_after is None:
        return told
    counted = basis.cover * min(basis.factor, Decimal(1))
    return told + phrase(
        "limit.cover",
        language,
        cover=amount_text(counted),
        until=basis.cover_until.isoformat(),
        after=amount_text(basis.limit_after),
    )


def _base(basis: LimitBasis, language: Language) -> str:
    figures, base = {name: plain(value) for name, value in basis.figures.items()}, amount_text(basis.base)
    try:
        if basis.source == "statement":
            figure = text(f"limit.{figures['figure']}", language)
            amount = amount_text(Decimal(figures["amount"]))
            named = {"figure": figure, "amount": amount, "share": figures["share"], "as_of": figures["as_of"]}
            return phrase("limit.statement", language, **named)
        if basis.source == "orders":
            return phrase("limit.orders", language, days=figures["order_days"], amount=base)
    except (KeyError, InvalidOperation):
        return base  # of a sender that names other figures
    return phrase(f"limit.{basis.source}", language, amount=base)


def _plain_number(value: Decimal) -> str:
    return f"{value.normalize():f}"
