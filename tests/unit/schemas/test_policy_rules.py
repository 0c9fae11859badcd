"""Rules of the policy contract that keep a worker from being stopped, or a customer blocked, by a policy."""

from __future__ import annotations

import pytest

from models.policy import parse_policy
from schemas.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("knock_outs: {ageing: [{days_past_due: 1, at_most: UNRATED}]}", "knock_outs.ageing.0.at_most"),
        (
            "knock_outs: {early: [{days_past_due: 1, probability: 0.5, at_most: UNRATED}]}",
            "knock_outs.early.0.at_most",
        ),
        ("knock_outs: {unpaid_reversal: UNRATED}", "knock_outs.unpaid_reversal"),
        ("knock_outs: {bust_out: UNRATED}", "knock_outs.bust_out"),
    ],
)
def test_caps_are_on_the_ladder(text: str, field: str) -> None:
    """A cap at UNRATED compares with no level: it is refused before a worker meets it."""
    with pytest.raises(InvalidInput, match="must be on the ladder") as caught:
        parse_policy(text)
    assert caught.value.field == field


def test_the_component_that_is_always_known_has_weight() -> None:
    """Without it a customer of whom nothing else is known would score zero, and be blocked for being new."""
    with pytest.raises(InvalidInput, match="default_risk must weigh something") as caught:
        parse_policy("scorecard: {default_risk: {weight: 0}}")
    assert caught.value.field == "scorecard"
