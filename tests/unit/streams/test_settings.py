"""Settings: what is wrong is refused at the start, and what connects to Kafka follows from them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from streams.settings import Settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of ours in the environment, no .env in the current directory."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"CREDITPULSE_{field.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_has_to_be_set() -> None:
    """The defaults are those of the embedded parts on this machine, reachable from nowhere else."""
    settings = Settings()
    assert settings.bootstrap_servers == ["127.0.0.1:9092"]
    assert settings.web_host == "127.0.0.1"
    assert settings.clock == "wall"


def test_the_environment_sets_and_an_empty_variable_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """CREDITPULSE_X sets x; an empty variable, as compose files pass it on, leaves the default."""
    monkeypatch.setenv("CREDITPULSE_PARTITIONS", "7")
    monkeypatch.setenv("CREDITPULSE_POLICY_FILE", "")
    monkeypatch.setenv("PARTITIONS", "9")
    assert Settings().partitions == 7
    assert Settings().policy_file is None


def test_a_file_in_the_current_directory_sets_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """.env is read; the environment wins over it."""
    (tmp_path / ".env").write_text("CREDITPULSE_PARTITIONS=5\nCREDITPULSE_APP_ID=mine\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("CREDITPULSE_PARTITIONS", "6")
    assert (Settings().partitions, Settings().app_id) == (6, "mine")


@pytest.mark.parametrize(
    ("given", "servers"),
    [
        ("kafka://a:1", ["a:1"]),
        ("a:1,b:2", ["a:1", "b:2"]),
        ("kafka://a:1,b:2", ["a:1", "b:2"]),
        ("kafka://[::1]:9092", ["[::1]:9092"]),
    ],
)
def test_a_broker_is_one_address_or_several(given: str, servers: list[str]) -> None:
    """With or without scheme; aiokafka gets host:port of each."""
    settings = Settings(broker=given)
    assert settings.bootstrap_servers == servers
    assert settings.broker == "kafka://" + ",".join(servers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("broker", "kafka://"),
        ("broker", "kafka://host"),
        ("broker", "kafka://a:1,b"),
        ("broker", "kafka://a:x"),
        ("broker", "kafka://a:99999"),
        ("app_id", "Credit Pulse"),
        ("instance_id", ""),
        ("topic_prefix", "a/b"),
        ("partitions", 0),
        ("partitions", "many"),
        ("replication_factor", 0),
        ("store", "disk://"),
        ("web_port", 70_000),
        ("clock", "sundial"),
        ("tick_seconds", 0),
        ("future_tolerance_hours", -1),
        ("gate_buffer_records", 1),
        ("max_event_bytes", 2_000_000),
        ("kafka_security_protocol", "ssl"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: Any) -> None:
    """The error names the one setting that is wrong, before anything is started with it."""
    with pytest.raises(ValidationError) as caught:
        Settings(**{name: value})
    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


def test_a_topic_has_the_prefix() -> None:
    """Several installations may share a broker."""
    assert Settings(topic_prefix="test.").topic("payments") == "test.payments"
    assert Settings().topic("payments") == "payments"


def test_settings_do_not_change() -> None:
    """A process reads them once; nobody changes them under it."""
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.partitions = 9  # type: ignore[misc]


def test_a_child_process_gets_what_was_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment made for a child gives it equal settings, secrets included, and no defaults."""
    given = Settings(
        broker="a:1,b:2", partitions=3, data_dir=tmp_path, clock="events", tick_seconds=0.5, kafka_password="s3cret",
        policy_file=None,
    )  # fmt: skip
    variables = given.environment()
    assert set(variables) == {
        f"CREDITPULSE_{name}"
        for name in ("BROKER", "PARTITIONS", "DATA_DIR", "CLOCK", "TICK_SECONDS", "KAFKA_PASSWORD")
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


def test_a_secret_is_not_shown() -> None:
    """Neither a log line nor an error shows a password."""
    settings = Settings(kafka_password="s3cret", clickhouse_password="pa55")
    assert "s3cret" not in f"{settings!r} {settings}"
    assert "pa55" not in f"{settings!r} {settings}"


def test_without_security_a_client_needs_the_servers_alone() -> None:
    """PLAINTEXT: no certificate, no user."""
    assert Settings().kafka_client_options() == {
        "bootstrap_servers": ["127.0.0.1:9092"], "security_protocol": "PLAINTEXT",
    }  # fmt: skip
    assert Settings().kafka_ssl_context() is None


@pytest.mark.parametrize(("protocol", "encrypted"), [("SASL_PLAINTEXT", False), ("SASL_SSL", True)])
def test_a_user_is_told_to_the_broker(protocol: Any, encrypted: bool) -> None:
    """SASL: mechanism, user and password in clear, as aiokafka takes them; TLS where the protocol says so."""
    settings = Settings(kafka_security_protocol=protocol, kafka_username="me", kafka_password="s3cret")
    options = settings.kafka_client_options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("me", "s3cret")
    assert ("ssl_context" in options) is encrypted


def test_a_broker_must_prove_who_it_is() -> None:
    """TLS checks the broker's certificate and name."""
    context = Settings(kafka_security_protocol="SSL").kafka_ssl_context()
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
