"""The words of the pages in English and Simplified Chinese: one file per page, both languages side by side."""

from __future__ import annotations

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
