"""Order decisions in words: what stood in the way, the mildest measure, what would let the order pass, who decided."""

from __future__ import annotations

from alerts.plain import plain
from alerts.sentences import joined, money
from alerts.texts import Language, phrase, reason_text, text
from schemas.decisions import Decision, OrderDecision
from schemas.order_measures import OrderMeasure, WayToPass

_LONGEST_ID = 24
_LONGEST_REASON = 200
_INVOICES_NAMED = 3


def order_sentence(customer: str, order: OrderDecision, language: Language) -> str:
    """An order decision on one line."""
    told = phrase(
        "order.sentence",
        language,
        customer=plain(customer, _LONGEST_ID),
        order=plain(order.order_id, _LONGEST_ID),
        amount=money(order.amount, order.currency),
        decision=text(order.decision.value, language),
    )
    why = order_why(order, language)
    return phrase("order.because", language, told=told, why=why) if why else told


def order_why(order: OrderDecision, language: Language) -> str:
    """What stood in the way, the soft measure and the ways to pass; for a release, what brought it about."""
    parts = []
    if order.decision is Decision.RELEASE and order.by is None:
        parts.append(phrase("order.freed_by", language, cause=text(order.cause_type, language)))
    parts += [reason_text(check, language) for check in order.checks]
    if order.by is not None:
        parts.append(phrase("order.by", language, person=plain(order.by, _LONGEST_ID)))
        if order.reason:
            parts.append(plain(order.reason, _LONGEST_REASON))
    if order.measure is not None and (measure := measure_text(order.measure, language)):
        parts.append(measure)
    if order.to_pass and (ways := ways_text(order.to_pass, language)):
        parts.append(ways)
    return joined(parts, language)


def measure_text(measure: OrderMeasure, language: Language) -> str:
    """The mildest measure that is enough; empty for hold and refuse, which the decision itself says."""
    parts = []
    if measure.release_amount is not None:
        parts.append(phrase("measure.partial", language, amount=money(measure.release_amount, measure.currency)))
    if measure.deposit is not None:
        parts.append(phrase("measure.deposit", language, amount=money(measure.deposit, measure.currency)))
    if measure.terms_days is not None:
        parts.append(phrase("measure.terms", language, days=str(measure.terms_days)))
    return joined(parts, language)


def ways_text(ways: list[WayToPass], language: Language) -> str:
    """All ways in which the order would pass, any of which is enough."""
    told = text("way.or", language).join(shown for way in ways if (shown := way_text(way, language)))
    return phrase("way.passes", language, ways=told) if told else ""


def way_text(way: WayToPass, language: Language) -> str:
    """One way; all that it names has to happen."""
    parts = []
    if way.pay is not None:
        some = ", ".join(plain(invoice, _LONGEST_ID) for invoice in way.invoices[:_INVOICES_NAMED])
        more = "" if len(way.invoices) <= _INVOICES_NAMED else ", …"
        code = "way.pay_on" if some else "way.pay"
        parts.append(phrase(code, language, amount=money(way.pay, way.currency), invoices=some + more))
    if way.deposit is not None:
        share = "" if way.deposit_share is None else f" ({way.deposit_share:.0%})"
        parts.append(phrase("way.deposit", language, amount=money(way.deposit, way.currency), share=share))
    if way.reduce_to is not None:
        parts.append(phrase("way.reduce", language, amount=money(way.reduce_to, way.currency)))
    if way.terms_days is not None:
        parts.append(phrase("way.terms", language, days=str(way.terms_days)))
    if way.needs:
        needs = joined([text(code, language) for code in way.needs], language)
        parts.append(phrase("way.person", language, needs=needs))
    return text("way.and", language).join(parts)
