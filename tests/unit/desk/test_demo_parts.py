"""The demo's parts: a fresh directory, and settings that lead nowhere but to the embedded parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.routing.routing_text import read_routing
from desk.demo_parts import demo_settings, fresh_directory
from schemas.errors import InvalidInput
from streams.archive.dsn import parse_dsn
from streams.settings import Settings


def test_a_used_directory_is_refused(tmp_path: Path) -> None:
    """A demo never writes into somebody's data; a new or empty directory is taken."""
    assert fresh_directory(tmp_path / "a" / "b").is_dir()
    assert fresh_directory(tmp_path / "a" / "b").is_dir()
    (tmp_path / "a" / "b" / "file").touch()
    with pytest.raises(InvalidInput, match="not empty"):
        fresh_directory(tmp_path / "a" / "b")
    with pytest.raises(InvalidInput, match="--data-dir"):
        fresh_directory(tmp_path / "a" / "b" / "file" / "c")


def test_the_environment_cannot_lead_the_demo_to_real_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever broker, prefix or ClickHouse the environment names, all children get the embedded ones, and no routing
    that tells somebody."""
    for name, value in (
        ("BROKER", "kafka://prod:9092"), ("CLICKHOUSE_DSN", "clickhouse://prod:8123/db"), ("TOPIC_PREFIX", "prod."),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"), ("CLOCK", "wall"), ("APP_ID", "prod"), ("WEB_HOST", "10.0.0.1"),
        ("INSTANCE_ID", "prod-1"), ("STORE", "rocksdb://"), ("DELIVERY", "default"),
        ("ROUTING_FILE", "/etc/prod/routing.yaml"), ("SECRET_KEY", "prod" * 10),
    ):  # fmt: skip
        monkeypatch.setenv(f"CREDITPULSE_{name}", value)
    settings = demo_settings(tmp_path, "kafka://127.0.0.1:1234", full_speed=False)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    child = Settings(_env_file=None)
    assert child.model_dump() == settings.model_dump()
    assert child.broker == "kafka://127.0.0.1:1234"
    assert parse_dsn(child).path == tmp_path / "clickhouse"
    assert "prod" not in str(child.environment())
    assert all(not receiver.channels for receiver in read_routing(child.routing_file).receivers)
    assert (child.clock, child.kafka_security_protocol, child.web_host) == ("events", "PLAINTEXT", "127.0.0.1")
