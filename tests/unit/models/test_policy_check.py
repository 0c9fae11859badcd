"""Laws of models.policy_check: what has no effect is told, and what has one is not."""

from __future__ import annotations

import pytest

from models.policy import default_policy_text, layered_policy
from models.policy_check import dead_settings


def dead(text: str) -> list[str]:
    """The settings without effect, as ``line path``."""
    found = dead_settings(layered_policy(text, "firm.yaml"))
    return [f"{setting.place.removeprefix('firm.yaml:')} {setting.path}" for setting in found]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("ladder:\n  dwell_days: 14\n  probation_days: 31", ["2 ladder.dwell_days"]),
        ("pack: wholesale\nmateriality: {amount_days: 20000}", ["2 materiality.amount_days"]),
        ("pack: wholesale\nmateriality: {amount_days: 50000}", []),
        ("limits: {base: {}}", ["1 limits.base"]),
        ("limits: {base: {EUR: 5}}", []),
        ("version: default-1", []),
        ("scorecard: {agency: {nodes: [{at: 0, points: 0}, {at: 1, points: 1000}]}}", ["1 scorecard.agency.nodes"]),
        ("packs: {a: {ladder: {dwell_days: 3}}}", ["1 packs.a"]),
        ("pack: a\npacks: {a: {ladder: {dwell_days: 3}}}", []),
        ("pack: a\npacks:\n  a: {pack: b, ladder: {dwell_days: 3}}\n  b: {ladder: {dwell_days: 3}}",
         ["3 packs.a.ladder.dwell_days"]),
    ],
)  # fmt: skip
def test_the_book(text: str, paths: list[str]) -> None:
    """A value that a lower layer gives already, and a pack that nobody names."""
    assert dead(text) == paths


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        ("- {customer: C1, ladder: {dwell_days: 14}}", ["2 overrides.0.ladder.dwell_days"]),
        ("- {customer: C1, ladder: {dwell_days: 13}}", []),
        ("- {customer: C1, limits: {base: {}}}", ["2 overrides.0.limits.base"]),
        # What a lower layer changes, a higher one may bring back.
        ("- {sector: a, ladder: {dwell_days: 3}}\n- {customer: C1, ladder: {dwell_days: 14}}", []),
        ("- {customer: C1, ladder: {dwell_days: 14}}\n- {sector: a, ladder: {dwell_days: 3}}", []),
        ("- {sector: a, ladder: {dwell_days: 3}}\n- {sector: b, ladder: {dwell_days: 14}}",
         ["3 overrides.1.ladder.dwell_days"]),
        ("- {sector: a, ladder: {dwell_days: 3}}\n- {region: b, ladder: {dwell_days: 14}}", []),
        ("- {customer: C1, ladder: {dwell_days: 3}}\n- {customer: C2, ladder: {dwell_days: 14}}",
         ["3 overrides.1.ladder.dwell_days"]),
        # The later of two segments lies over the earlier: a narrow one before the wide one is never seen.
        ("- {sector: a, region: b, ladder: {dwell_days: 3}}\n- {sector: a, ladder: {dwell_days: 4}}",
         ["2 overrides.0.ladder.dwell_days"]),
        ("- {sector: a, ladder: {dwell_days: 4}}\n- {sector: a, region: b, ladder: {dwell_days: 3}}", []),
        ("- {sector: a, region: b, ladder: {dwell_days: 3}}\n- {sector: a, ladder: {probation_days: 4}}", []),
    ],
)  # fmt: skip
def test_overrides(overrides: str, paths: list[str]) -> None:
    """A value is dead when it holds without the override for everyone it may concern, or never holds."""
    assert dead(f"overrides:\n{overrides}") == paths


NODES = "nodes: [{at: 0, points: 0}, {at: 1, points: 9}]"


@pytest.mark.parametrize(
    ("text", "is_dead"),
    [
        (f"scorecard: {{agency: {{weight: 0, {NODES}}}}}", True),
        (f"scorecard: {{agency: {{weight: 1, {NODES}}}}}", False),
        (f"scorecard: {{agency: {{weight: 0, {NODES}}}}}\n"
         "overrides: [{group: a, scorecard: {agency: {weight: 1}}}]", False),
        (f"scorecard: {{agency: {{weight: 0}}}}\noverrides: [{{group: a, scorecard: {{agency: {{{NODES}}}}}}}]", True),
        (f"overrides: [{{group: a, scorecard: {{agency: {{weight: 0, {NODES}}}}}}}]", True),
        (f"statements: {{ratios: {{quick_ratio: {{weight: 0, {NODES}}}}}}}", True),
        (f"statements: {{ratios: {{quick_ratio: {{{NODES}}}}}}}", False),
        (f"scorecard: {{agency: {{weight: 0}}}}\noverrides: [{{group: a, scorecard: {{agency: {{{NODES}}}}}}}, "
         "{customer: C1, scorecard: {agency: {weight: 1}}}]", False),
    ],
)  # fmt: skip
def test_a_curve_that_weighs_nothing_is_dead(text: str, is_dead: bool) -> None:
    """Whoever changes the curve of a component of weight 0 is told that it is never used, unless it may be."""
    told = [str(setting) for setting in dead_settings(layered_policy(text)) if setting.path.endswith("nodes")]
    assert len(told) == is_dead
    assert all("weighs nothing, so its curve is never used" in each for each in told)


def test_a_copy_of_the_default_is_all_dead() -> None:
    """Who copies the whole default and changes nothing has said nothing."""
    policy = layered_policy(default_policy_text())
    paths = {value.path for value in policy.explain()}
    assert {setting.path for setting in dead_settings(policy)} == paths - {"version"}
