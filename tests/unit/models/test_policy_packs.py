"""Laws of the packs that come with creditpulse."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from models.policy import default_policy, layered_policy, parse_policy
from models.policy_check import dead_settings
from models.policy_text import PACKS, pack_text
from schemas.levels import LADDER


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_is_right_and_says_only_what_differs(name: str) -> None:
    """It is a valid policy with its own version, nothing in it is dead, and it can be laid under any firm's file."""
    policy = layered_policy(f"pack: {name}")
    assert policy.base.version == f"{name}-1"
    assert dead_settings(policy) == []
    assert parse_policy(f"pack: {name}\nversion: ours").version == "ours"


@pytest.mark.parametrize("name", PACKS)
def test_every_number_of_a_pack_has_its_reason(name: str) -> None:
    """Each block of settings stands beside a comment that gives the reason or the source."""
    sections = pack_text(name).split("\n\n")[1:]
    assert sections
    assert all("#" in section for section in sections)


def test_the_example_of_the_documentation_is_right() -> None:
    """What docs/policy.md shows can be copied: it is valid, and everything in it has an effect."""
    text = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
    example = layered_policy(text.split("```yaml\n")[1].split("```")[0])
    assert {layer.kind for layer in example.overrides} == {"segment", "group", "customer"}
    assert dead_settings(example) == []


@pytest.mark.parametrize("name", PACKS)
def test_worse_levels_never_get_more(name: str) -> None:
    """As in the default, limits and terms never rise, and deposits never fall, down the ladder."""
    sets = [parse_policy(f"pack: {name}").measures.of(level) for level in LADDER]
    for better, worse in pairwise(sets):
        assert worse.limit_factor <= better.limit_factor
        assert worse.terms_days <= better.terms_days
        assert worse.deposit_share >= better.deposit_share


def test_packs_differ_where_trades_differ() -> None:
    """Orders far ahead count at a manufacturer, not at a wholesaler; a lender's bad event is 30 days past due."""
    horizon = {name: parse_policy(f"pack: {name}").limits.credit_horizon_days for name in PACKS}
    assert horizon["wholesale"] < default_policy().limits.credit_horizon_days < horizon["manufacturing"]
    assert parse_policy("pack: lending").default_risk.late_days == 30
