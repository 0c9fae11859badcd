"""What a subscription wants to hear, in words."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.texts import text
from alerts.webhooks.subscription import Filters
from desk.web.frame import Words
from schemas.decisions import AlertKind, Decision

_OF_EVENTS = frozenset(kind.value for kind in (*AlertKind, *Decision))


def filter_words(words: Words, filters: Filters) -> str:
    """``Credit alerts; kind tightened; level WATCH or worse``: topics first, then all that must hold."""
    t, f = words.t, words.f
    parts = [_several(words, (topic_word(words, name) for name in filters.topics))]
    if filters.kinds:
        parts.append(t("only_kinds", what=_several(words, (kind_word(words, kind) for kind in filters.kinds))))
    if filters.level_at_or_below is not None:
        parts.append(t("only_level", level=words.code(filters.level_at_or_below)))
    if filters.min_level_step is not None:
        parts.append(t("only_step", count=f.number(filters.min_level_step)))
    if filters.min_score_drop is not None:
        parts.append(t("only_drop", count=f.number(filters.min_score_drop)))
    if filters.exposure_above:
        amounts = (f.money(amount, currency) for currency, amount in filters.exposure_above.items())
        parts.append(t("only_exposure", what=_several(words, amounts)))
    for name, values in (("segments", filters.segments), ("sectors", filters.sectors), ("groups", filters.groups)):
        if values:
            parts.append(t(f"only_{name}", what=_several(words, values)))
    return t("filter_join").join(parts)


def topic_word(words: Words, topic: str) -> str:
    """What a topic is called."""
    return words.t(f"topic_{topic.replace('-', '_')}")


def kind_word(words: Words, kind: str) -> str:
    """What a kind of alert, a decision on an order or a model note is called."""
    if kind in _OF_EVENTS:
        return text(kind, words.language)
    try:
        return words.t(f"models.kind_{kind}")
    except KeyError:
        return kind  # the filter takes any text


def _several(words: Words, values: Iterable[str]) -> str:
    return words.t("list_join").join(sorted(values))
