"""Durations as people write them in the routing file: 30s, 5m, 4h, 1d12h."""

from __future__ import annotations

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WHOLE = re.compile(r"(?:\d{1,9}(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+)(ms|[smhdw])")


def duration_ms(text: object) -> int:
    """Milliseconds of ``1d12h``; raises ValueError."""
    if text in (0, "0"):
        return 0
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise ValueError("must be a duration such as 30s, 5m, 4h or 1d12h")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def duration_text(ms: int) -> str:
    """``1d12h``."""
    parts, left = [], ms
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"
