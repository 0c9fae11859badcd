"""How our topics are configured: nothing goes by age, and a dead letter fits."""

from __future__ import annotations

import pytest

from schemas.topics import (
    ALERT_STATE,
    ALERTS,
    AUDIT,
    BY_NAME,
    CONTROL,
    DEAD_LETTERS,
    LEVELS,
    LOG,
    TOPICS,
    WEBHOOK_STATE,
    Topic,
)
from streams.topic_admin import LARGEST_DEAD_LETTER, topic_config

FOREVER = str(2**63 - 1)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_no_record_goes_by_its_age(topic: Topic) -> None:
    """Timestamps are event times: a replay of 2018 must neither be deleted nor be cut into a file a week."""
    config = topic_config(topic)
    assert config["segment.ms"] == FOREVER
    assert topic.compacted or (config["retention.ms"], config["retention.bytes"]) == ("-1", "-1")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_times_ahead_are_left_to_the_gate(topic: Topic) -> None:
    """The broker takes any timestamp, so that the gate can refuse it with a reason."""
    assert topic_config(topic)["message.timestamp.after.max.ms"] == FOREVER


def test_what_holds_the_latest_only_is_compacted() -> None:
    """The latest of each customer, setting or subscription is kept for ever; everywhere else each record counts."""
    policies = {topic.name: topic_config(topic)["cleanup.policy"] for topic in TOPICS}
    assert {name for name, policy in policies.items() if policy == "compact"} == {
        LEVELS, CONTROL, WEBHOOK_STATE, ALERT_STATE,
    }  # fmt: skip
    assert policies[LOG] == policies[ALERTS] == "delete"
    assert "retention.ms" not in topic_config(BY_NAME[LEVELS])


def test_what_may_be_large() -> None:
    """Beyond the broker's default: a refused record stands whole in dead-letters, cause and decision in audit."""
    sizes = {topic.name: topic_config(topic).get("max.message.bytes") for topic in TOPICS}
    assert {name for name, size in sizes.items() if size} == {AUDIT, DEAD_LETTERS}
    assert sizes[DEAD_LETTERS] == str(LARGEST_DEAD_LETTER)
