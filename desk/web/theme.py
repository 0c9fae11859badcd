"""Colours of the desk in light and dark, and how each level looks: an icon and a word always stand beside the colour.

The style sheet (static/desk.css) has the same colours as variables; charts cannot read those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.levels import Level

FONT = (
    '"Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
)
"""As in the style sheet: what is drawn on a canvas does not inherit it."""

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

LEVEL_ICONS: dict[Level, str] = {
    Level.PRIME: "verified",
    Level.STANDARD: "check_circle",
    Level.WATCH: "visibility",
    Level.HIGH_RISK: "warning",
    Level.BLOCKED: "block",
    Level.UNRATED: "help_outline",
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme as charts need them; ``series`` for everything that has no meaning of its own."""

    text: str
    muted: str
    line: str
    surface: str
    accent: str
    good: str
    bad: str
    levels: dict[Level, str]
    series: tuple[str, ...]
    heat: tuple[str, ...]


_LIGHT = Palette(
    text="#1b2430", muted="#566173", line="#e4e8ee", surface="#ffffff", accent="#2457c5", good="#1a7f56", bad="#c0362c",
    levels={
        Level.PRIME: "#1a7f56", Level.STANDARD: "#3b78c4", Level.WATCH: "#d19a1c", Level.HIGH_RISK: "#dd6b20",
        Level.BLOCKED: "#b3261e", Level.UNRATED: "#94a0b0",
    },
    series=("#2457c5", "#0f8b8d", "#a15c9e", "#c77d1e", "#64748b", "#4d7c3a"),
    heat=("#f3f6fb", "#c9d8f0", "#8fb0e2", "#5484cf", "#2457c5"),
)  # fmt: skip
_DARK = Palette(
    text="#e6ebf2", muted="#9aa8ba", line="#2a3543", surface="#171e27", accent="#7aa7ff", good="#56c596", bad="#ff8a80",
    levels={
        Level.PRIME: "#4fbf8f", Level.STANDARD: "#6ea3e8", Level.WATCH: "#e3b341", Level.HIGH_RISK: "#f0883e",
        Level.BLOCKED: "#f2645a", Level.UNRATED: "#7d8a9a",
    },
    series=("#7aa7ff", "#4cc2c4", "#d29ad0", "#e0a85a", "#94a3b8", "#8fc07a"),
    heat=("#1c2530", "#24395c", "#2d5291", "#4a7bd0", "#7aa7ff"),
)  # fmt: skip


def palette(theme: Theme) -> Palette:
    """The colours of a theme."""
    return _DARK if theme == "dark" else _LIGHT
