"""Laws of models.policy."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml

from models.policy import default_policy, default_policy_text, parse_policy
from schemas.errors import InvalidInput
from schemas.levels import LADDER, Level
from schemas.policy import Policy


def _refused(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_policy(text, "firm.yaml")
    assert "firm.yaml" in caught.value.message
    return caught.value


def test_default_names_every_section_and_field() -> None:
    """The default policy leaves nothing to hidden defaults: each field of each section stands in the file."""
    document = yaml.safe_load(default_policy_text())
    assert set(document) == set(Policy.model_fields)
    for name, section in Policy.model_fields.items():
        fields = getattr(section.annotation, "model_fields", None)
        if fields is not None:
            assert set(document[name]) == set(fields), name


def test_empty_overlay_is_the_default() -> None:
    """A firm that names nothing gets the default."""
    assert parse_policy("{}") == default_policy()


def test_overlay_changes_only_what_it_names() -> None:
    """One number in one section: its neighbours and all other sections keep the default."""
    found = parse_policy("version: firm-7\nladder:\n  WATCH: {exit: 400}\n")
    assert found.version == "firm-7"
    assert (found.ladder.WATCH.enter, found.ladder.WATCH.exit) == (500, 400)
    assert found.model_copy(update={"version": "default-1", "ladder": default_policy().ladder}) == default_policy()
    assert found.ladder.model_copy(update={"WATCH": default_policy().ladder.WATCH}) == default_policy().ladder


def test_lists_are_replaced_whole() -> None:
    """Nodes and caps are lists: a firm's list stands for the default's, it is not mixed into it."""
    found = parse_policy("knock_outs: {ageing: [{days_past_due: 45, at_most: BLOCKED}]}")
    assert [(cap.days_past_due, cap.at_most) for cap in found.knock_outs.ageing] == [(45, Level.BLOCKED)]
    assert len(found.knock_outs.early) == 1


def test_overlay_does_not_change_the_default() -> None:
    """Parsing a firm's policy leaves the default as it was."""
    before = default_policy().model_dump_json()
    parse_policy("{ladder: {dwell_days: 99}, limits: {base: {EUR: 5}}}")
    assert default_policy().model_dump_json() == before
    assert parse_policy("{limits: {base: {USD: 5}}}").limits.base == {"USD": 5}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("ladder: {dwell_days: -1}", "ladder.dwell_days"),
        ("ladder: {dwell_days: soon}", "ladder.dwell_days"),
        ("ladder: {WATCH: {enter: 2000}}", "ladder.WATCH.enter"),
        ("ladder: {WATCH: {enter: 400, exit: 420}}", "ladder.WATCH"),
        ("ladder: {STANDARD: {enter: 880}}", "ladder"),
        ("default_risk: {base_rate: 1.5}", "default_risk.base_rate"),
        ("behaviour: {half_life_days: 0}", "behaviour.half_life_days"),
        ("behaviour: {half_life_days: .inf}", "behaviour.half_life_days"),
        ("behaviour: {half_life_days: .nan}", "behaviour.half_life_days"),
        ("materiality: {tolerance: -1}", "materiality.tolerance"),
        ("measures: {WATCH: {orders: maybe}}", "measures.WATCH.orders"),
        ("measures: {WATCH: {deposit_share: 2}}", "measures.WATCH.deposit_share"),
        ("knock_outs: {ageing: [{days_past_due: 10, at_most: WORSE}]}", "knock_outs.ageing.0.at_most"),
        ("limits: {round_to: 0}", "limits.round_to"),
        ("limits: {base: {EUR: -5}}", "limits.base.EUR"),
        ("scorecard: {ageing: {weight: -1}}", "scorecard.ageing.weight"),
        ("scorecard: {ageing: {nodes: [{at: 0, points: 1}]}}", "scorecard.ageing.nodes"),
        ("scorecard: {ageing: {nodes: [{at: 0, points: 1}, {at: 0, points: 0}]}}", "scorecard.ageing"),
        ("version: ''", "version"),
        ("ladder:", "ladder"),
        ("ladder: 5", "ladder"),
    ],
)
def test_bad_value_is_named_by_its_path(text: str, field: str) -> None:
    """A value that cannot be is refused with the file and the dotted path of the field."""
    error = _refused(text)
    assert (error.code, error.field) == ("policy_invalid", field)
    assert field in error.message


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("laddr: {}", "laddr"),
        ("ladder: {dwel_days: 3}", "ladder.dwel_days"),
        ("ladder: {WATCH: {entry: 3}}", "ladder.WATCH.entry"),
        ("scorecard: {aging: {weight: 3}}", "scorecard.aging"),
        ("knock_outs: {early: [{days_past_due: 1, probability: 1, at_most: WATCH, at_least: 3}]}",
         "knock_outs.early.0.at_least"),
    ],
)  # fmt: skip
def test_unknown_keys_are_refused(text: str, field: str) -> None:
    """A typing error never silently keeps the default: unknown keys are named by their path."""
    assert _refused(text).field == field


def test_several_faults_are_counted() -> None:
    """The first fault is named, and how many there are beside it."""
    assert "(and 2 more)" in _refused("ladder: {dwell_days: -1, probation_days: -1, evidence_floor: -1}").message


def test_key_given_twice_is_refused() -> None:
    """YAML would silently keep the second of two equal keys; we do not."""
    error = _refused("ladder: {dwell_days: 3, probation_days: 5, dwell_days: 9}")
    assert error.code == "policy_not_yaml"
    assert "dwell_days" in error.message


@pytest.mark.parametrize(
    "text", ["a: [", "a: 'b", "\tx: 1", "? [a, b]\n: 1", "a: 2024-13-45", "!!python/object:os.x {}"]
)
def test_what_is_no_yaml_is_refused(text: str) -> None:
    """Broken, impossible or dangerous YAML is a wrong input, never another error."""
    assert _refused(text).code == "policy_not_yaml"


def test_endless_nesting_is_refused() -> None:
    """A text nested beyond all measure is a wrong input, not the end of the process."""
    assert _refused("[" * 20_000).code == "policy_not_yaml"


@pytest.mark.parametrize("text", ["", "# nothing but a comment", "- a list", "42", "a text"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    """A policy is a mapping of sections."""
    assert _refused(text).code == "policy_not_a_mapping"


def test_points_must_have_one_good_direction() -> None:
    """A curve that rises and falls is refused."""
    nodes = "[{at: 0, points: 0}, {at: 1, points: 9}, {at: 2, points: 3}]"
    assert _refused(f"scorecard: {{ageing: {{nodes: {nodes}}}}}").field == "scorecard.ageing"


def test_default_ladder_has_hysteresis_everywhere() -> None:
    """In the default each level is left below where it is entered, and bands do not overlap."""
    bands = [default_policy().ladder.band(level) for level in LADDER[:-1]]
    assert all(band.exit < band.enter for band in bands)
    assert all(lower.enter <= upper.exit for upper, lower in pairwise(bands))


def test_worse_levels_never_get_more() -> None:
    """In the default, limits and terms fall and deposits rise from PRIME to BLOCKED."""
    sets = [default_policy().measures.of(level) for level in LADDER]
    assert [s.limit_factor for s in sets] == sorted((s.limit_factor for s in sets), reverse=True)
    assert [s.terms_days for s in sets] == sorted((s.terms_days for s in sets), reverse=True)
    assert [s.deposit_share for s in sets] == sorted(s.deposit_share for s in sets)
