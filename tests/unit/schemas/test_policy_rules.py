"""Rules of the policy contract that keep a worker from being stopped, or a customer blocked, by a policy."""

from __future__ import annotations

import pytest

from models.policy import parse_policy
from schemas.errors import InvalidInput
from schemas.policy import GRADED


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


MAPPED = "agencies: {mappings: {a: {fresh_days: 1, max_age_days: 2%s}}}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("scorecard: {financial: {nodes: [{at: 0, points: 0}, {at: 5, points: 1000}]}}", "scorecard.financial"),
        ("statements: {fresh_months: 30}", "statements"),
        ("statements: {max_age_months: 0}", "statements.max_age_months"),
        ("statements: {ratios: {ebitda: {weight: 1}}}", "statements.ratios.ebitda"),
        ("statements: {ratios: {altman_z: {weight: -1}}}", "statements.ratios.altman_z.weight"),
        ("agencies: {fresh_days: 800}", "agencies"),
        ("agencies: {order: [a, a]}", "agencies"),
        ("agencies: {order: [a], unmapped: false}", "agencies"),
        (MAPPED % "", "agencies.mappings.a"),
        (MAPPED % ", scale: {worst: 1, best: 2}, ratings: {A: 1}", "agencies.mappings.a"),
        (MAPPED % ", scale: {worst: 1, best: 1}", "agencies.mappings.a.scale"),
        (MAPPED % ", ratings: {}", "agencies.mappings.a.ratings"),
        (MAPPED % ", ratings: {AA: 1001}", "agencies.mappings.a.ratings.AA"),
        ("reviews: {disagreement: 5}", "reviews.disagreement"),
        ("reviews: {anchors: {management: {6: superb}}}", "reviews.anchors.management.6.[key]"),
        ("reviews: {anchors: {charm: {1: none}}}", "reviews.anchors.charm"),
    ],
)  # fmt: skip
def test_rules_of_opinions_make_sense(text: str, field: str) -> None:
    """What could never be applied, or would be applied in another unit than it was meant, is refused by its path."""
    with pytest.raises(InvalidInput) as caught:
        parse_policy(text)
    assert caught.value.field == field


def test_every_grade_has_its_anchor() -> None:
    """Three things are graded 1 to 5, and the default says what each grade means."""
    anchors = parse_policy("{}").reviews.anchors
    for name in GRADED:
        texts = getattr(anchors, name)
        assert sorted(texts) == [1, 2, 3, 4, 5]
        assert len(set(texts.values())) == 5


def test_a_firm_may_word_one_anchor() -> None:
    """The others keep the default's words."""
    anchors = parse_policy("reviews: {anchors: {management: {3: as last year}}}").reviews.anchors
    assert anchors.management[3] == "as last year"
    assert anchors.management[4] == parse_policy("{}").reviews.anchors.management[4]


def test_the_component_that_is_always_known_has_weight() -> None:
    """Without it a customer of whom nothing else is known would score zero, and be blocked for being new."""
    with pytest.raises(InvalidInput, match="default_risk must weigh something") as caught:
        parse_policy("scorecard: {default_risk: {weight: 0}}")
    assert caught.value.field == "scorecard"
