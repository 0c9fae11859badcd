"""Put a notification into words: a title, plain text, and HTML in which everything is escaped."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts.dispatch.item_text import item_line, time_text, who
from alerts.plain import plain
from alerts.routing.notification import Digest, Item, Notification
from alerts.routing.state import Silence
from alerts.sentences import joined, money
from alerts.texts import Language, phrase, text
from models.calendar import from_ms

_MOST_IDS, _MOST_NAMES = 5, 2
_ORDER = ("new", "escalated", "corrected", "retracted", "resolved", "standing")


class Section(NamedTuple):
    """A heading and its lines."""

    title: str
    lines: list[str]


class Words(NamedTuple):
    """A notification in words."""

    title: str
    text: str
    html: str


def in_words(note: Notification, language: Language) -> Words:
    """The notification in a language. What strangers wrote cannot steer a screen, a mail header or a page."""
    title, sections = _content(note, language)
    footer = _footer(note, language)
    named = {"title": title, "sections": sections, "footer": footer, "language": language}
    environment = _environment()
    return Words(
        title,
        environment.get_template("alerts.txt.j2").render(named).strip() + "\n",
        environment.get_template("alerts.html.j2").render(named),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("alerts"), autoescape=select_autoescape(["html.j2"]), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def _content(note: Notification, language: Language) -> tuple[str, list[Section]]:
    if note.digest is not None:
        return _digest(note.digest, language)
    if note.silence is not None:
        told = phrase("notify.silence", language, **_silence(note.silence))
        return phrase("notify.title.silence", language, ends=time_text(from_ms(note.silence.ends))), [Section(told, [])]
    return _title(note, language), _by_change(note, language)


def _title(note: Notification, language: Language) -> str:
    news = [item for item in note.items if item.change != "standing"] or list(note.items)
    subjects = list(dict.fromkeys(who(item, language) for item in news))
    about, more = ", ".join(subjects[:_MOST_NAMES]), len(subjects[_MOST_NAMES:]) + note.more
    if more:
        about = phrase("notify.others", language, some=about, count=str(more))
    severity = text(note.severity, language)
    if note.kind == "repeat":
        return phrase("notify.title.repeat", language, severity=severity, who=about)
    counted = [
        phrase("notify.counted", language, count=str(note.counts[change]), change=text(f"change.{change}", language))
        for change in _ORDER
        if change != "standing" and change in note.counts
    ]
    if len(news) == 1:
        counted = [text(f"change.{news[0].change}", language)]
    return phrase("notify.title.alerts", language, severity=severity, counts=", ".join(counted), who=about)


def _by_change(note: Notification, language: Language) -> list[Section]:
    found = []
    for change in _ORDER:
        items = [item for item in note.items if item.change == change]
        if items:
            found.append(Section(text(f"change.{change}", language), [item_line(item, language) for item in items]))
    if note.more:
        found.append(Section(phrase("notify.more", language, count=str(note.more)), []))
    return found


def _digest(digest: Digest, language: Language) -> tuple[str, list[Section]]:
    sections = [
        Section(text("digest.levels", language), _counts(digest.by_level, language)),
        Section(text("digest.kinds", language), _counts(digest.by_kind, language)),
    ]
    for currency, items in digest.top.items():
        lines = [_at_stake(item, currency, language) for item in items]
        sections.append(Section(phrase("digest.top", language, currency=currency), lines))
    holds = [
        phrase("digest.hold", language, count=str(count), amount=money(Decimal(total), currency))
        for currency, (count, total) in digest.holds.items()
    ]
    ending = [phrase("digest.ends", language, **_silence(silence)) for silence in digest.ending]
    nothing = [text("digest.nothing", language)]
    sections.append(Section(text("digest.holds", language), holds or nothing))
    sections.append(Section(text("digest.ending", language), ending or nothing))
    total = str(sum(digest.by_kind.values()))
    return phrase("notify.title.digest", language, date=digest.date, count=total), sections


def _counts(counts: dict[str, int], language: Language) -> list[str]:
    found = [f"{text(code, language)}: {count}" for code, count in counts.items()]
    return found or [text("digest.nothing", language)]


def _at_stake(item: Item, currency: str, language: Language) -> str:
    return joined([money(Decimal(item.at_stake[currency]), currency), item_line(item, language)], language)


def _silence(silence: Silence) -> dict[str, str]:
    return {
        "matchers": plain(" ".join(silence.matchers), 200),
        "author": plain(silence.author),
        "reason": plain(silence.reason, 200),
        "ends": time_text(from_ms(silence.ends)),
    }


def _footer(note: Notification, language: Language) -> str:
    ids = [item.key for item in note.items if item.stage == "firing"][:_MOST_IDS]
    if not ids:
        return phrase("notify.reference_plain", language, reference=note.id)
    return phrase("notify.reference", language, reference=note.id, ids=", ".join(ids))
