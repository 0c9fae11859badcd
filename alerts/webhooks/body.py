"""What a webhook's body holds: the CloudEvent as it stands in the topic, with a sentence where one is wanted."""

from __future__ import annotations

import json

from alerts.order_text import order_sentence
from alerts.sentences import alert_sentence
from alerts.texts import Language
from schemas.decisions import CreditAlert, OrderDecision, OutEvent


def body_of(event: OutEvent, text: str, language: Language | None) -> str:
    """The text of the topic; with a language and for alerts and orders, the extension attribute ``summary`` in it."""
    data = event.data
    if language is None or not isinstance(data, CreditAlert | OrderDecision):
        return text
    if isinstance(data, CreditAlert):
        summary = alert_sentence(event.subject, data, language)
    else:
        summary = order_sentence(event.subject, data, language)
    return json.dumps(json.loads(text) | {"summary": summary}, ensure_ascii=False, separators=(",", ":"))
