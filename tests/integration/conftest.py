"""Real parts for the tests: a broker for the session, settings of its own for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.broker import EmbeddedBroker, free_port
from streams.settings import Settings

MakeSettings = Callable[..., Settings]

ALONE = "default_risk: {shared: false}\nroll_risk: {shared: false}\n"
"""The default policy, but for what partitions tell each other: when that comes depends on the broker, and a run is to
be compared with one in process. test_model_sharing.py looks at it."""

CRASH_STORES = ["rocksdb://"] if os.environ.get("CREDITPULSE_TEST_BROKER") else ["memory://"]
"""The store of the longest tests: memory on the embedded broker, RocksDB on a real Kafka. CI runs both, so each store
and each broker is crashed; all four pairs would cost minutes and show nothing that these two do not."""


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A broker that the tests may stop and wake."""
    base = tmp_path_factory.mktemp("broker")
    with EmbeddedBroker.start(base / "data", base / "logs") as running:
        yield running


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> str:
    """URL of a broker: the one named by CREDITPULSE_TEST_BROKER (real Kafka), else the embedded one."""
    given = os.environ.get("CREDITPULSE_TEST_BROKER")
    if given:
        return given
    running: EmbeddedBroker = request.getfixturevalue("embedded_broker")
    return running.url


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def make_settings(broker: str, topic_prefix: str, tmp_path: Path) -> MakeSettings:
    """Settings on the broker with topics and consumer groups of this test; keyword arguments override."""

    policy_file = tmp_path / "policy.yaml"
    policy_file.write_text(ALONE)

    def make(**overrides: Any) -> Settings:
        values: dict[str, Any] = {
            "broker": broker,
            "topic_prefix": topic_prefix,
            "app_id": topic_prefix.rstrip("."),
            "data_dir": tmp_path / "data",
            "clickhouse_dsn": f"chdb://{tmp_path / 'clickhouse'}",
            "partitions": 2,
            "policy_file": policy_file,
            "clock": "events",
            "web_port": free_port(),
            "archive_port": free_port(),
            "gate_max_idle_ms": 200,
        }
        return Settings(_env_file=None, **{**values, **overrides})

    return make
