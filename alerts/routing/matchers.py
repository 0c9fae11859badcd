"""Label matchers as in Alertmanager: ``name=value``, ``!=``, ``=~``, ``!~``; a label that is missing is empty."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LABELS: tuple[str, ...] = (
    "cause_kind", "customer", "group", "kind", "level", "level_before", "name", "owner", "provisional", "region",
    "sector", "segment", "severity", "size", "step", "topic",
)  # fmt: skip
"""Every label that an alert can have: a matcher on another one would never say anything, so it is refused."""

_FORM = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_LONGEST = 300
_MOST_CHOICES = 3
_CHOICES, _MULTIPLIED = re.compile(r"[*+?(]"), re.compile(r"\)[*+?]|\{|\(\?|\\\d")
"""What makes a pattern try again, and what makes it do so without end."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label; patterns match the whole value."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        escaped = self.value.replace('"', '\\"')
        return f'{self.name}{self.operator}"{escaped}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels fulfil it."""
        found = labels.get(self.name, "")
        if self.operator == "=":
            return found == self.value
        if self.operator == "!=":
            return found != self.value
        hit = re.fullmatch(self.value, found, re.DOTALL) is not None
        return hit if self.operator == "=~" else not hit


def parse_matcher(text: object) -> Matcher:
    """The matcher of ``level=~"HIGH_RISK|BLOCKED"`` (quotes may be left out); raises ValueError."""
    form = _FORM.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if form is None:
        raise ValueError("must look like label=value, label!=value, label=~pattern or label!~pattern")
    name, operator, value = form.groups()
    if name not in LABELS:
        raise ValueError(f"there is no label {name!r} (there are: {', '.join(LABELS)})")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"')
    if operator in ("=~", "!~"):
        _check_pattern(value)
    return Matcher(name, operator, value)


def _check_pattern(value: str) -> None:
    """Patterns come from people who use the API: one must not be able to hold up the dispatcher for hours."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a pattern: {error}") from error
    if _MULTIPLIED.search(value) or len(_CHOICES.findall(value)) > _MOST_CHOICES:
        raise ValueError(
            f"{value!r} could take too long: at most {_MOST_CHOICES} of * + ? (, none behind a group, no {{ or (?"
        )


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether the labels fulfil all of them; no matcher matches everything."""
    return all(matcher.matches(labels) for matcher in matchers)
