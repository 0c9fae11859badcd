"""All settings of a process, from the environment (``CREDITPULSE_...``), read once at its start and passed down."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One frozen object per process. To move from the embedded parts to real ones, set BROKER and CLICKHOUSE_DSN."""

    model_config = SettingsConfigDict(
        env_prefix="CREDITPULSE_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    broker: str = Field(default="kafka://127.0.0.1:9092", description="Bootstrap servers: kafka://host:port,host:port")
    clickhouse_dsn: str = Field(
        default="",
        description="chdb:///absolute/path (engine in process; default: below DATA_DIR) or "
        "clickhouse[s]://user@host:port/database",
    )
    clickhouse_password: SecretStr | None = None
    clickhouse_ca_file: Path | None = None

    app_id: str = Field(default="creditpulse", pattern=r"^[a-z][a-z0-9-]{0,40}$")
    instance_id: str = Field(default="worker-0", pattern=r"^[A-Za-z0-9._-]{1,60}$")
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,60}$")
    partitions: int = Field(default=4, ge=1, le=1024)
    replication_factor: int = Field(default=1, ge=1, le=9)
    data_dir: Path = Path("data")
    policy_file: Path | None = Field(default=None, description="Laid over the default policy; None = default alone.")
    store: str = Field(default="memory://", pattern=r"^(memory|rocksdb)://$")

    web_host: str = "127.0.0.1"
    web_port: int = Field(default=6066, ge=0, le=65535)
    archive_port: int = Field(default=6068, ge=0, le=65535, description="Health and read API of the archive.")
    api_port: int = Field(default=6070, ge=0, le=65535, description="REST API for other systems.")
    dispatch_port: int = Field(default=6071, ge=0, le=65535, description="Health of the dispatcher.")
    routing_file: Path | None = Field(default=None, description="Who is told of alerts; None = nobody.")
    api_requests_per_minute: int = Field(default=30_000, ge=1, description="Of one API key.")
    api_stale_minutes: float = Field(default=10.0, gt=0, description="Credit checks on older data are marked stale ...")
    api_when_stale: Literal["hold", "approve"] = Field(default="hold", description="... and get this decision.")

    desk_port: int = Field(default=6072, ge=0, le=65535, description="Risk desk: pages and REST API in one process.")
    desk_url: str = Field(
        default="", pattern=r"^(https?://[^/\s]+/?)?$",
        description="How browsers reach the desk; https:// makes its cookies Secure. Needed for OIDC.",
    )  # fmt: skip
    oidc_issuer: str = Field(default="", description="Sign-in through an identity provider (OpenID Connect).")
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = Field(default="SSO", description="What the sign-in page calls the provider.")
    oidc_scope: str = "openid profile email"
    oidc_name_claim: str = Field(default="email", description="The claim that names a person in the audit trail.")
    oidc_role_claim: str = Field(default="groups", description="A text or list; dots lead into objects.")
    oidc_roles: str = Field(default="", description="VALUE=ROLE,...: which role a value of that claim gives.")

    audit_checkpoint_entries: int = Field(
        default=1_000, ge=1, description="A partition's audit trail gets a checkpoint after so many new entries,"
    )
    audit_checkpoint_seconds: float = Field(default=60.0, gt=0, description="or when one is new for so long.")
    secret_key: SecretStr | None = Field(
        default=None, description="Webhook secrets are made from it; new,old while it is being changed."
    )
    webhook_allow: str = Field(
        default="", description="Networks (CIDR) and host names, comma-separated, that webhooks may go to all the same."
    )
    webhook_most_subscriptions: int = Field(default=1_000, ge=1, description="Subscriptions that there may be at once.")

    clock: Literal["wall", "events"] = Field(
        default="wall", description="wall: the worker makes the ticks. events: whoever replays makes them."
    )
    tick_seconds: float = Field(default=60.0, gt=0, description="Wall clock: seconds between ticks.")
    gate_max_idle_ms: int = Field(default=20, ge=0, le=60_000)
    gate_buffer_records: int = Field(default=5_000, ge=10)
    future_tolerance_hours: float = Field(default=24.0, gt=0, description="Events further ahead are refused.")
    max_poll_records: int = Field(default=500, ge=1, le=100_000, description="Most records of one chunk.")
    max_event_bytes: int = Field(default=65_536, ge=1_024, le=1_000_000)
    delivery: Literal["chunks", "default"] = Field(
        default="chunks", description="default = Faust's per-event path, kept for comparison in bench/."
    )

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None

    @field_validator("broker")
    @classmethod
    def _broker_url(cls, value: str) -> str:
        servers = value.removeprefix("kafka://")
        if not servers or any(urlsplit(f"//{server}").port is None for server in servers.split(",")):
            raise ValueError("must look like kafka://host:port or kafka://host:port,host:port")
        return f"kafka://{servers}"

    @property
    def bootstrap_servers(self) -> list[str]:
        """``host:port`` of each broker, as aiokafka takes them."""
        return self.broker.removeprefix("kafka://").split(",")

    def topic(self, name: str) -> str:
        """The full name of a topic of ours."""
        return self.topic_prefix + name

    def environment(self) -> dict[str, str]:
        """The environment variables that give a child process what was set here, and not left to its default."""
        found = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if value is not None:
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                found[f"CREDITPULSE_{name.upper()}"] = text
        return found

    def kafka_ssl_context(self) -> ssl.SSLContext | None:
        """TLS context for Kafka, or None where the protocol has no TLS."""
        if self.kafka_security_protocol not in ("SSL", "SASL_SSL"):
            return None
        context = ssl.create_default_context(cafile=str(self.kafka_ca_file) if self.kafka_ca_file else None)
        if self.kafka_cert_file:
            context.load_cert_chain(self.kafka_cert_file, self.kafka_key_file)
        return context

    def kafka_client_options(self) -> dict[str, object]:
        """Keyword arguments that connect any aiokafka client."""
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.kafka_security_protocol,
        }
        context = self.kafka_ssl_context()
        if context is not None:
            options["ssl_context"] = context
        if self.kafka_security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.kafka_sasl_mechanism
            options["sasl_plain_username"] = self.kafka_username
            options["sasl_plain_password"] = self.kafka_password.get_secret_value() if self.kafka_password else None
        return options
