"""The processes of the demo, all below one directory: broker, archive, gate, engine, dispatcher, desk; in order."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from pydantic import SecretStr

from alerts.routing.routing_text import DEFAULT_ROUTING
from schemas.errors import InvalidInput, Unavailable
from streams.embedded.broker import EmbeddedBroker, free_port
from streams.embedded.guard import Child, start_child
from streams.settings import Settings
from streams.supervisor import worker_command

PARTITIONS = 2
"""The default-risk model learns per partition: a small book is better not split further."""
_PACED_IDLE_MS, _MAX_IDLE_MS = 20, 500
"""How long the gate waits for topics that have nothing: at full speed they reach the broker at different moments."""


def demo_settings(data_dir: Path, broker: str, *, full_speed: bool) -> Settings:
    """Settings of all parts; whatever the environment says, only embedded parts are used, and nobody is told of alerts.

    The key that webhook secrets are made from lives as long as the demo; webhooks may go to this machine.
    """
    return Settings(
        broker=broker,
        clickhouse_dsn=f"chdb://{data_dir.resolve() / 'clickhouse'}",
        app_id="creditpulse-demo",
        instance_id="demo",
        topic_prefix="",
        partitions=PARTITIONS,
        replication_factor=1,
        data_dir=data_dir.resolve(),
        web_host="127.0.0.1",
        archive_port=free_port(),
        dispatch_port=free_port(),
        desk_port=free_port(),
        # Named, not left out: a part would read another one from the environment, or from .env.
        routing_file=DEFAULT_ROUTING,
        secret_key=SecretStr(secrets.token_urlsafe(32)),
        webhook_allow="127.0.0.1/32",
        clock="events",
        store="memory://",
        delivery="chunks",
        gate_max_idle_ms=_MAX_IDLE_MS if full_speed else _PACED_IDLE_MS,
        kafka_security_protocol="PLAINTEXT",
    )


def fresh_directory(data_dir: Path) -> Path:
    """The directory, made; raises InvalidInput when it holds something: a demo begins with an empty book."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        used = any(data_dir.iterdir())
    except OSError as error:
        raise InvalidInput("data_dir_unusable", f"--data-dir {data_dir}: {error.strerror}", "data_dir") from error
    if used:
        message = f"--data-dir {data_dir}: is not empty; a demo begins with an empty book, name a new directory"
        raise InvalidInput("data_dir_not_empty", message, "data_dir")
    return data_dir


class DemoParts:
    """The running parts. Context manager; start it from the main thread (see ``start_child``)."""

    def __init__(self, data_dir: Path, *, full_speed: bool, desk: bool = True) -> None:
        self.data_dir, self.logs = data_dir, data_dir / "logs"
        self._desk = desk
        self.gate_port, self.engine_port = free_port(), free_port()
        self._broker = EmbeddedBroker.start(data_dir / "broker", self.logs)
        self.settings = demo_settings(data_dir, self._broker.url, full_speed=full_speed)
        self._children: list[Child] = []

    def start(self) -> None:
        """Start archive, gate, engine, dispatcher and, if wanted, the desk; the topics must be there."""
        command = [sys.executable, "-m", "streams.cli"]
        self._start("archive", [*command, "archive"])
        self._start("gate", worker_command("gate", self.gate_port, "INFO"))
        self._start("engine", worker_command("engine", self.engine_port, "INFO"))
        self._start("dispatcher", [*command, "dispatch"])
        if self._desk:
            self._start("desk", [*command, "desk", "--demo"])

    @property
    def web_ports(self) -> dict[str, int]:
        """Where gate and engine serve health and metrics, by their names."""
        return {"gate": self.gate_port, "engine": self.engine_port}

    @property
    def desk_url(self) -> str | None:
        """Where the desk is, if there is one."""
        return f"http://127.0.0.1:{self.settings.desk_port}" if self._desk else None

    def write_environment(self) -> Path:
        """A file for a shell to read (``. FILE``): commands of ours that are started there work on this demo.

        It holds the demo's secret key: only its owner may read it.
        """
        path = self.data_dir / "env.sh"
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in self.settings.environment().items())
        path.touch(mode=0o600)
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def check(self) -> None:
        """Raises Unavailable, with the end of its log, when a part has ended by itself."""
        for child in (self._broker.child, *self._children):
            code = child.poll()
            if code is not None:
                raise Unavailable(
                    f"the {child.name} ended by itself (code {code}); end of {child.log}:\n{child.complaints()}"
                )

    def stop(self) -> None:
        """Stop all parts: those that write first, the broker last. Safe to call twice."""
        for child in self._children:
            if child.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)
        for child in reversed(self._children):
            child.stop(timeout=20.0)
        self._broker.stop()

    def _start(self, name: str, command: list[str]) -> None:
        log = self.logs / f"{name}.log"
        self._children.append(start_child(command, log=log, env=self.settings.environment(), name=name))

    def __enter__(self) -> DemoParts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
