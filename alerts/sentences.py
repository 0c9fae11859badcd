"""Alerts and order decisions as one sentence for a person: who, what, why, how much is at stake, the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from alerts.plain import plain
from alerts.texts import Language, amount_text, phrase, reason_text, text
from schemas.decisions import (
    AlertKind,
    Counterfactual,
    CreditAlert,
    Opinion,
    OrderCheck,
    OrderLetGo,
    Reason,
    TighteningReview,
    WayBack,
)
from schemas.levels import Level

_LONGEST_ID = 24
_LONGEST_DETAIL = 300
AnyCurrency = TypeVar("AnyCurrency", bound=str)


def money(amount: Decimal, currency: str) -> str:
    """``12,345 USD``; cents are shown below one thousand only."""
    return f"{amount_text(amount)} {currency}"


def joined(parts: Sequence[str], language: Language) -> str:
    """Parts of a sentence, one behind the other."""
    return text("separator", language).join(parts)


def amounts(by_currency: Mapping[AnyCurrency, Decimal], language: Language) -> str:
    """Several amounts, never added across currencies; zero amounts are left out."""
    shown = [money(amount, currency) for currency, amount in sorted(by_currency.items()) if amount]
    return " + ".join(shown) or text("none", language)


def reason_line(reason: Reason, language: Language) -> str:
    """A reason with its points, or a cap (which has none)."""
    told = reason_text(reason, language)
    return f"{told} ({reason.contribution:+d})" if reason.contribution else told


def opinion_line(opinion: Opinion, language: Language) -> str:
    """What others say of the customer, what weight it has left if it aged, and the figures and sources behind it."""
    told = text(opinion.code, language)
    if opinion.value is not None:
        told = reason_text(OrderCheck(code=opinion.code, detail={"value": f"{opinion.value:.4g}"}), language)
    if opinion.confidence < 1:
        told = phrase("opinion.aged", language, told=told, share=f"{opinion.confidence:.0%}")
    return joined([told, *(_behind(name, value, language) for name, value in opinion.detail.items())], language)


def _behind(name: str, value: str, language: Language) -> str:
    if name == "disputed":
        value = ", ".join(text(f"opinion.{part}", language) for part in value.split(", "))
    return f"{text(f'opinion.{name}', language)} {plain(value, _LONGEST_DETAIL)}"


def top_reasons(alert: CreditAlert, most: int = 3) -> list[Reason]:
    """What drove the alert: caps that hold the level first, then contributions in its direction, largest first."""
    worse = alert.kind in (AlertKind.TIGHTENING, AlertKind.REVIEW)
    signed, level = (-1 if worse else 1), alert.level if alert.review is None else alert.review.to_level
    caps = [cap for cap in alert.caps if cap.detail.get("at_most") == level.value]
    drove = [reason for reason in alert.reasons if reason.contribution * signed > 0]
    found = [*(caps if worse else []), *drove]
    return found[:most]


def score_before(alert: CreditAlert) -> int | None:
    """The score to compare with; none for a first rating: what an unrated customer had rested on no evidence."""
    return None if alert.level_before is Level.UNRATED else alert.score_before


def alert_head(customer: str, alert: CreditAlert, language: Language) -> str:
    """``C1 tightened: standard -> watch, score 712 -> 598``."""
    named = {
        "customer": plain(customer, _LONGEST_ID),
        "kind": text(alert.kind.value, language),
        "before": text(alert.level_before.value, language),
        "after": text(alert.level.value, language),
    }
    key = "alert.stayed" if alert.level is alert.level_before else "alert.moved"
    if score_before(alert) is None:
        score = phrase("alert.first_score", language, after=str(alert.score))
    else:
        score = phrase("alert.score", language, before=str(score_before(alert)), after=str(alert.score))
    return phrase("alert.head", language, moved=phrase(key, language, **named), score=score)


def alert_why(alert: CreditAlert, language: Language) -> str:
    """The leading reasons with their points, so that all points shown sum to the change of the score; the cause
    where no reason led. A first rating has no points."""
    leading = top_reasons(alert)
    if score_before(alert) is None:  # points would compare with a score that rested on nothing
        lines = [reason_text(reason, language) for reason in leading]
    else:
        lines = [*(reason_line(reason, language) for reason in leading), *_rest(alert, leading, language)]
    cause = text(alert.cause_kind, language)
    if alert.cause_kind in ("LIMIT_OR_TERMS", "COVER_ENDED", "OVERRIDE", "LATE_NEWS", "ORDER_HOLD"):
        lines = [cause, *lines]
    return phrase("alert.because", language, reasons=joined(lines or [cause], language))


def _rest(alert: CreditAlert, leading: list[Reason], language: Language) -> list[str]:
    rest = sum(reason.contribution for reason in alert.reasons) - sum(reason.contribution for reason in leading)
    return [phrase("alert.rest", language, points=f"{rest:+d}")] if leading and rest else []


def way_back_text(way: WayBack, language: Language) -> str:
    """What leads back to the better level."""
    named = {
        "level": text(way.to_level.value, language),
        "date": way.not_before.date().isoformat() if way.not_before else text("none", language),
    }
    if not way.pay:
        return phrase("way_back.wait", language, **named)
    told = phrase("way_back.pay", language, amounts=amounts(way.pay, language), **named)
    if not way.invoices:
        return told
    some = ", ".join(plain(invoice, _LONGEST_ID) for invoice in way.invoices[:3])
    more = "" if len(way.invoices) <= 3 else ", …"
    return f"{told} {phrase('way_back.invoices', language, invoices=some + more)}"


def help_text(found: Counterfactual, language: Language) -> str:
    """What further invoices paid on time would lead to; empty where paying what is overdue is all (the way back)."""
    if not found.on_time:
        return ""
    code = "help.from" if found.not_before else "help.later"
    named = {
        "count": str(found.on_time),
        "level": text(found.to_level.value, language),
        "date": found.not_before.date().isoformat() if found.not_before else "",
    }
    told = phrase(code, language, **named)
    return f"{told} {phrase('help.approximate', language)}" if found.approximate else told


def order_let_go(order: OrderLetGo) -> str:
    """``SO-1 (1,200 USD)``."""
    return f"{plain(order.order_id, _LONGEST_ID)} ({money(order.amount, order.currency)})"


def review_text(review: TighteningReview, language: Language) -> str:
    """What became of what the brake stopped, who decided, and why a decision changed nothing."""
    if review.order_ids:
        amounts_of = {order.order_id: order for order in review.let_go}
        orders = ", ".join(
            order_let_go(amounts_of[order_id]) if order_id in amounts_of else plain(order_id, _LONGEST_ID)
            for order_id in review.order_ids
        )
        told = phrase(f"review.held.{review.state}", language, orders=orders)
    else:
        told = phrase(f"review.state.{review.state}", language, level=text(review.to_level.value, language))
        if review.let_go:
            orders = ", ".join(map(order_let_go, review.let_go))
            told = phrase("review.let_go", language, told=told, orders=orders)
    if review.waited_days is not None:
        told = phrase("review.waited", language, told=told, days=str(review.waited_days))
    if review.by is not None:
        by, reason = plain(review.by, _LONGEST_ID), plain(review.reason or "", _LONGEST_DETAIL)
        told = phrase("review.by", language, told=told, by=by, reason=reason)
    if review.refusal is None:
        return told
    return phrase("review.refused", language, told=told, why=reason_text(review.refusal, language))


def alert_sentence(customer: str, alert: CreditAlert, language: Language) -> str:
    """The whole alert on one line."""
    parts = [alert_head(customer, alert, language), alert_why(alert, language)]
    if any(alert.at_stake.values()):
        parts.append(phrase("alert.at_stake", language, amounts=amounts(alert.at_stake, language)))
    limits = {item.currency: item.limit for item in alert.exposures if item.limit is not None}
    if limits:
        shown = " + ".join(money(limit, currency) for currency, limit in sorted(limits.items()))
        parts.append(phrase("alert.limit", language, amounts=shown))
    if alert.way_back is not None:
        parts.append(way_back_text(alert.way_back, language))
    if alert.review is not None:
        parts.append(review_text(alert.review, language))
    if alert.ageing_as_of is not None:
        parts.append(phrase("alert.ageing_as_of", language, date=alert.ageing_as_of.isoformat()))
    parts += [text_ for help_ in alert.counterfactuals if (text_ := help_text(help_, language))]
    if alert.provisional:
        parts.append(phrase("alert.provisional", language))
    return joined(parts, language)
