"""The routing file: the default and the one of the docs are right, mistakes are told with their line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.routing.config import Routing
from alerts.routing.durations import duration_ms, duration_text
from alerts.routing.matchers import parse_matcher
from alerts.routing.routing_text import parse_routing, read_routing
from alerts.routing.silences import silence_record
from alerts.routing.tree import destinations
from schemas.errors import InvalidInput

DOCS = Path(__file__).parents[4] / "docs" / "alerts.md"


def example() -> Routing:
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return parse_routing(text, "docs/alerts.md")


@pytest.mark.parametrize("routing", [read_routing(None), example()], ids=["default", "docs"])
def test_what_we_ship_is_right_and_comes_back_from_json_as_it_was(routing: Routing) -> None:
    assert Routing.model_validate_json(routing.model_dump_json(by_alias=True)) == routing


@pytest.mark.parametrize(
    ("labels", "receiver", "group"),
    [
        ({"region": "CN", "owner": "li", "group": "G1"}, "shanghai", {"owner": "li"}),
        ({"region": "CNX", "group": "G1"}, "credit-desk", {"group": "G1"}),
        ({"kind": "sector", "sector": "steel"}, "credit-desk", {"sector": "steel"}),
        ({"kind": "sector", "sector": "steel", "region": "HK"}, "shanghai", {}),
    ],
)
def test_the_tree_of_the_docs(labels: dict[str, str], receiver: str, group: dict[str, str]) -> None:
    (found,) = destinations(example().route, labels)
    assert (found.receiver, found.group_labels(labels)) == (receiver, group)


RIGHT = "version: t\nreceivers:\n  - name: desk\nroute:\n  receiver: desk\n"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("  group_wait: 30\n", r"t\.yaml:6: route\.group_wait: must be a duration such as 30s"),
        ("  group_by: [owner, colour]\n", r"t\.yaml:6: .*there is no label 'colour'"),
        ("  routes:\n    - {receiver: nobody}\n", r"there is no receiver 'nobody' \(there are: desk\)"),
        ("  routes:\n    - {matchers: ['level~BLOCKED']}\n", r"t\.yaml:7: .*must look like label=value"),
        ("freshness: {paymnts: 1h}\n", r"t\.yaml:6: freshness\.paymnts"),
        ("inhibit:\n  - {source: [], target: ['level=WATCH']}\n", r"t\.yaml:7: inhibit\.0\.source"),
        ("quiet: 1\n", r"t\.yaml:6: quiet: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_told_with_its_line(more: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        parse_routing(RIGHT + more, "t.yaml")


def test_a_url_in_the_file_is_refused_and_not_repeated() -> None:
    text = RIGHT.replace("- name: desk", "- name: desk\n    channels: ['mailto://ann:hunter2@example.org']")
    with pytest.raises(InvalidInput, match="must name a variable of the environment") as told:
        parse_routing(text, "t.yaml")
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "value", "matches"),
    [
        ("level=WATCH", "WATCH", True), ('level="WATCH"', "WATCH", True), ("level!=WATCH", "WATCH", False),
        ("level=~WATCH|BLOCKED", "BLOCKED", True), ("level=~BLOCK", "BLOCKED", False),
        ("level!~BLOCK", "BLOCKED", True), ("level=", "", True), ("level=~.+", "", False),
    ],
)  # fmt: skip
def test_matchers(text: str, value: str, matches: bool) -> None:
    matcher = parse_matcher(text)
    assert matcher.matches({"level": value} if value else {}) is matches
    assert parse_matcher(str(matcher)) == matcher


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|a)*b", ".*.*.*.*b", "(a|a)(a|a)(a|a)(a|a)", "a{1,9}", r"(a)\1", "(?=a)a", "[a"]
)
def test_a_pattern_that_could_take_too_long_or_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"too long|not a pattern"):
        parse_matcher(f"name=~{pattern}")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"matchers": ["customer!=C1"]}, "matchers"), ({"matchers": ["colour=red"]}, "matchers"),
        ({"matchers": []}, "matchers"), ({"reason": "no"}, "reason"), ({"author": ""}, "author"),
        ({"author": "ann\nben"}, "author"), ({"ends": "2026-01-01T00:00:00"}, "ends"),
        ({"ends": "2025-12-31T00:00:00Z"}, "ends"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_silence_that_makes_no_sense_is_refused(changes: dict[str, object], field: str | None) -> None:
    value = {
        "matchers": ["customer=C1"], "author": "ann", "reason": "stocktaking", "starts": "2026-01-01T00:00:00Z",
        "ends": "2026-01-02T00:00:00Z",
    }  # fmt: skip
    with pytest.raises(InvalidInput) as told:
        silence_record({**value, **changes})
    assert (told.value.field or "").split(".")[0] == (field or "")


@pytest.mark.parametrize("text", ["0", "200ms", "30s", "1d12h", "1s500ms"])
def test_durations(text: str) -> None:
    assert duration_text(duration_ms(text)) == text
