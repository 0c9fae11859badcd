"""What codes mean, in English and Simplified Chinese: levels, reasons, caps, causes, kinds, decisions, checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml

from alerts.plain import plain
from schemas.decisions import OrderCheck, Reason

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_SHARES = frozenset(
    {("DEFAULT_RISK", "value"), ("UTILISATION", "value"), ("EARLY_WARNING", "probability"), ("CONCENTRATION", "value")}
)
"""Details that are shares of one and read better in percent."""
_KINDS = {"market": "excused", "disputed": "disputed"}
"""Details for which a code has a text of its own."""
_AMOUNTS = frozenset({"exposure", "order", "limit", "short_by"})
_LATE_EVENT = re.compile(r"invoice paid more than (\d+) days late")
_AGEING_CAP = re.compile(r"DPD_\d+")


@lru_cache(maxsize=len(LANGUAGES))
def texts(language: Language) -> Mapping[str, str]:
    """All texts of a language by code."""
    file = resources.files("alerts.messages").joinpath(f"{language}.yaml")
    found: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def text(code: str, language: Language) -> str:
    """The text of a code; a code without one (from a newer sender) is shown as it is."""
    return texts(language).get(_entry(code)) or plain(code)


def phrase(key: str, language: Language, **named: str) -> str:
    """A sentence of ours with its named parts filled in; raises KeyError for an unknown key or part."""
    return texts(language)[key].format_map(named)


def reason_text(reason: Reason | OrderCheck, language: Language) -> str:
    """What a reason, cap or check says, with its numbers where it has them."""
    kind = next((kind for name, kind in _KINDS.items() if name in reason.detail), "detail")
    template = texts(language).get(f"{_entry(reason.code)}.{kind}")
    if template is None:
        return text(reason.code, language)
    shown = {name: _shown(reason.code, name, value, language) for name, value in reason.detail.items()}
    try:
        return template.format_map(shown)
    except (KeyError, ValueError):
        return text(reason.code, language)  # the numbers are not those that the text names


def bad_event_text(bad_event: str, language: Language) -> str:
    """The bad event whose probability is told (``DefaultRisk.bad_event``)."""
    late = _LATE_EVENT.fullmatch(bad_event)
    return phrase("bad_event.late", language, days=late[1]) if late else plain(bad_event, 200)


def amount_text(amount: Decimal) -> str:
    """``12,345``; cents are shown below one thousand only."""
    return f"{amount:,.0f}" if abs(amount) >= 1000 else f"{amount:,.2f}"


def _entry(code: str) -> str:
    # The policy chooses the days of these caps, and so their codes: DPD_15, DPD_30, ...
    return "DPD" if _AGEING_CAP.fullmatch(code) else code


def _shown(code: str, name: str, value: str, language: Language) -> str:
    if name == "level":
        return text(value, language)
    try:
        if (code, name) in _SHARES:
            return f"{float(value):.0%}"
        if name in _AMOUNTS:
            return amount_text(Decimal(value))
        if name == "value":
            return f"{float(value):.3g}"
    except (ValueError, InvalidOperation):
        pass
    return plain(value)
