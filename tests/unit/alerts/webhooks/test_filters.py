"""Which events a subscription gets."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.webhooks.body import body_of
from alerts.webhooks.filters import wanted
from alerts.webhooks.subscription import WEBHOOK_TOPICS, Filters
from schemas.decisions import AlertKind, Master
from schemas.levels import Level
from schemas.topics import ALERTS, BY_NAME, DEAD_LETTERS, DELIVERIES, LEVELS, MODEL_LOG, ORDER_DECISIONS
from tests.unit.alerts.samples import alert, envelope, exposure, level, order

# alert() is a tightening STANDARD -> WATCH, score 712 -> 598, exposure 12,500 USD, of C1
RETRACTION = alert(kind=AlertKind.RETRACTION, level=Level.PRIME, level_before=Level.WATCH, score=800, score_before=500)

EUROS = exposure(currency="EUR", exposure=Decimal(10))


def test_without_filters_everything_passes() -> None:
    for data in (alert(), level(), order(), RETRACTION):
        assert wanted(Filters(), envelope(data))


@pytest.mark.parametrize(
    ("filters", "data", "passes"),
    [
        ({"kinds": ["tightening", "hold"]}, alert(), True),
        ({"kinds": ["tightening", "hold"]}, order(), True),
        ({"kinds": ["tightening", "hold"]}, RETRACTION, False),
        ({"kinds": ["tightening"]}, level(), False),
        ({"level_at_or_below": "WATCH"}, alert(), True),
        ({"level_at_or_below": "STANDARD"}, alert(), True),
        ({"level_at_or_below": "HIGH_RISK"}, alert(), False),
        ({"level_at_or_below": "WATCH"}, alert(level=Level.UNRATED), False),
        ({"level_at_or_below": "HIGH_RISK"}, order(), True),
        ({"level_at_or_below": "WATCH"}, RETRACTION, True),
        ({"level_at_or_below": "HIGH_RISK"}, RETRACTION, False),
        ({"min_level_step": 1}, alert(), True),
        ({"min_level_step": 2}, alert(), False),
        ({"min_level_step": 2}, alert(level_before=Level.PRIME), True),
        ({"min_level_step": 1}, alert(level_before=Level.UNRATED), False),
        ({"min_level_step": 1}, order(), False),
        ({"min_score_drop": 114}, alert(), True),
        ({"min_score_drop": 115}, alert(), False),
        ({"min_score_drop": 1}, alert(score_before=None), False),
        ({"min_score_drop": 1}, order(), False),
        ({"min_score_drop": 1}, RETRACTION, True),
        ({"exposure_above": {"USD": "12499.99"}}, alert(), True),
        ({"exposure_above": {"USD": "12500"}}, alert(), False),
        ({"exposure_above": {"EUR": "1"}}, alert(), False),
        ({"exposure_above": {"EUR": "1", "USD": "1"}}, order(), True),
        ({"exposure_above": {"EUR": "9"}}, alert(exposures=[exposure(), EUROS]), True),
        ({"level_at_or_below": "WATCH", "min_level_step": 2}, alert(), False),
    ],
)  # fmt: skip
def test_all_filters_must_hold(filters: dict[str, Any], data: Any, passes: bool) -> None:
    assert wanted(Filters.model_validate(filters), envelope(data)) is passes


@pytest.mark.parametrize(
    ("filters", "master", "passes"),
    [
        ({"segments": ["retail"]}, Master(segment="retail"), True),
        ({"segments": ["retail"]}, Master(segment="lending"), False),
        ({"segments": ["retail"]}, None, False),
        ({"sectors": ["steel", "wood"]}, Master(sector="wood"), True),
        ({"groups": ["P1"]}, Master(group_parent="P1"), True),
        ({"groups": ["P1"]}, Master(group_parent="P2"), False),
        ({"groups": ["C1"]}, None, True),
        ({"segments": ["retail"], "groups": ["P1"]}, Master(segment="retail", group_parent="P2"), False),
    ],
)
def test_the_master_data_are_those_of_the_event(filters: dict[str, Any], master: Master | None, passes: bool) -> None:
    """Alerts, levels and orders say who the customer is. The parent of a group belongs to it, known or not."""
    given = Filters.model_validate(filters)
    known = {} if master is None else {"master": master}
    for data in (alert(**known), level(**known), order(**known)):
        assert wanted(given, envelope(data, subject="C1")) is passes


def test_what_can_be_subscribed_to() -> None:
    """Every out topic but raw records of strangers, and the log of the deliveries themselves."""
    assert {ALERTS, LEVELS, ORDER_DECISIONS, MODEL_LOG} <= set(WEBHOOK_TOPICS)
    assert not {DEAD_LETTERS, DELIVERIES} & set(WEBHOOK_TOPICS)


GOLDEN = Path(__file__).parents[2] / "schemas" / "golden"
DOCUMENTS = [path for topic in WEBHOOK_TOPICS for path in sorted(GOLDEN.glob(f"out.{topic}.*.json"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_kind_of_event_can_be_filtered(path: Path) -> None:
    """What has no level, score, exposure or customer passes without filters, and with a filter of these it does not."""
    text = path.read_text(encoding="utf-8")
    event = BY_NAME[path.name.split(".")[1]].contract.validate_json(text)
    assert wanted(Filters(), event)
    assert body_of(event, text, None) == text
    assert json.loads(body_of(event, text, "zh"))["id"] == event.id
    without = {"model-log", "audit-checkpoints"} & {path.name.split(".")[1]}
    for filters in (
        {"level_at_or_below": "PRIME"}, {"min_level_step": 1}, {"min_score_drop": 1}, {"exposure_above": {"USD": -0}},
        {"groups": [event.subject]},
    ):  # fmt: skip
        passes = wanted(Filters.model_validate(filters), event)
        assert not (without and passes)


@pytest.mark.parametrize(
    "filters",
    [{"topics": []}, {"min_level_step": 0}, {"exposure_above": {"XXX": 1}}, {"exposure_above": {"USD": -1}},
     {"level_at_or_below": "BAD"}, {"min_score": 3}, {"segments": [""]}],
)  # fmt: skip
def test_wrong_filters_are_refused(filters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Filters.model_validate(filters)
