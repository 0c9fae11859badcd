"""The words of the pages in English and Simplified Chinese: one file per page, both languages side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import yaml

from alerts.texts import Language


@lru_cache(maxsize=1)
def messages() -> Mapping[str, Mapping[str, str]]:
    """All texts: key -> language -> text; the key is ``file.name``, as in ``overview.title``."""
    found: dict[str, dict[str, str]] = {}
    for file in resources.files("desk.web.messages").iterdir():
        if file.name.endswith(".yaml"):
            stem = file.name.removesuffix(".yaml")
            entries = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            found |= {f"{stem}.{name}": entry for name, entry in entries.items()}
    return found


def translate(key: str, language: Language, **named: str) -> str:
    """A text with its named parts filled in; raises KeyError for an unknown key or part."""
    text = messages()[key][language]
    return text.format_map(named) if named else text


def said(told: str, language: Language) -> str:
    """What a service says in English, in the language of a page: sentence by sentence, as far as messages/said.yaml has
    them. Names of fields and places before a sentence (``amount: ...``) stay, and so does what is not known."""
    return (
        told
        if language == "en"
        else _whole(told, language) or "; ".join(_said(part, language) for part in told.split("; "))
    )


def _said(told: str, language: Language) -> str:
    found = _whole(told.removeprefix("Value error, "), language)
    if found is not None:
        return found
    before, colon, rest = told.partition(": ")
    return f"{_whole(before, language) or before}{colon}{_said(rest, language)}" if colon else told


def _whole(told: str, language: Language) -> str | None:
    for pattern, key in _sentences():
        match = pattern.fullmatch(told)
        if match is not None:
            return translate(key, language, **match.groupdict())
    return None


@lru_cache(maxsize=1)
def _sentences() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences as patterns, the longest first: one may be the beginning of another."""
    known = [(entry["en"], key) for key, entry in messages().items() if key.startswith("said.")]
    known.sort(key=lambda pair: -len(_PART.sub("", pair[0])))
    return tuple(
        (re.compile(_PART.sub(r"(?P<\1>.*)", re.sub(r"([.()?|+*^$\[\]`])", r"\\\1", text))), key) for text, key in known
    )


_PART = re.compile(r"\{(\w+)\}")
