"""One alert of a notification as a line of text, in English or Chinese."""

from __future__ import annotations

from datetime import datetime

from alerts.plain import plain
from alerts.routing.durations import duration_text
from alerts.routing.notification import Item
from alerts.sentences import alert_head, alert_sentence
from alerts.texts import Language, phrase, text
from models.calendar import from_ms
from schemas.decisions import AlertOut

_LONGEST_ID = 40


def time_text(time: datetime) -> str:
    """``2026-02-02 02:40 UTC``."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def who(item: Item, language: Language) -> str:
    """The customer with its name, or what else the alert is about."""
    labels = item.labels
    if not item.customer:
        return f"{text(labels['kind'], language)} {plain(labels.get('sector') or labels.get('topic', ''), _LONGEST_ID)}"
    name = labels.get("name")
    shown = plain(item.customer, _LONGEST_ID)
    return f"{shown} {plain(name, _LONGEST_ID)}" if name else shown


def item_line(item: Item, language: Language) -> str:
    """What a person has to know of it: all of it when it is new, the head when it stands, the end when it is over."""
    told = _condition(item, language) if not item.customer else _customer(item, language)
    if item.change == "standing" and item.acked_by:
        return phrase("notify.acked", language, told=told, by=plain(item.acked_by))
    return told


def _customer(item: Item, language: Language) -> str:
    if item.change in ("resolved", "retracted"):
        return phrase(
            f"notify.{item.change}",
            language,
            customer=who(item, language),
            cause=text(item.labels["cause_kind"], language),
            level=text(item.facts.get("level", item.labels["level_before"]), language),
            because=plain(item.because, 100),
        )
    event = AlertOut.model_validate_json(item.event)
    name = who(item, language)
    told = alert_head(name, event.data, language)
    if item.change in ("new", "escalated"):
        told = alert_sentence(name, event.data, language)
    if item.change == "corrected":
        return phrase("notify.corrected", language, told=told, because=plain(item.because, 100))
    return told


def _condition(item: Item, language: Language) -> str:
    facts, is_over = item.facts, item.change == "resolved"
    if item.labels["kind"] == "sector":
        code = "notify.sector_over" if is_over else "notify.sector"
        return phrase(code, language, sector=plain(facts["sector"]), customers=facts["customers"])
    named = {"topic": facts["topic"], "newest": time_text(from_ms(int(facts["newest"])))}
    if is_over:
        return phrase("notify.fresh", language, **named)
    code = "notify.frozen" if "frozen" in facts else "notify.stale"
    return phrase(code, language, limit=duration_text(int(facts["limit"])), **named)
