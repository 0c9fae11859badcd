"""The embedded Kafka broker: noida-db, one binary from its wheel, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import secrets
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import noida_db

from schemas.errors import Unavailable
from streams.embedded.guard import Child, start_child

_START_SECONDS = 20.0
_PORTS = range(20_000, 32_000)


class RunningBroker:
    """A broker that runs as a child of this process, on 127.0.0.1. Context manager: stopped at its end."""

    STOP_SECONDS: ClassVar[float] = 20.0

    def __init__(self, child: Child, port: int) -> None:
        self.child, self.port = child, port

    @property
    def url(self) -> str:
        """What CREDITPULSE_BROKER takes."""
        return f"kafka://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop it in order: it saves its data first. Killed when that takes longer than ``STOP_SECONDS``."""
        self.child.stop(timeout=self.STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class EmbeddedBroker(RunningBroker):
    """A running noida-db, for trial and test. It keeps its data over a restart while nobody writes; a SIGKILL, or a
    stop under load, loses what it acknowledged last (measured: up to 120 of 5,130 records per partition)."""

    @classmethod
    def start(cls, data_dir: Path, log_dir: Path, port: int = 0) -> EmbeddedBroker:
        """Start a broker and wait until it listens; port 0 takes a free one. Raises Unavailable."""
        data_dir.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        binary = Path(noida_db.__file__).with_name("noida-db.exe" if os.name == "nt" else "noida-db")
        binary.chmod(0o755)  # wheels carry no executable bit
        command = [str(binary), "start", "--data-dir", str(data_dir), "--only", "kafka"]
        child = start_child(
            [*command, "--kafka-port", str(port), "--host", "127.0.0.1"], log=log_dir / "broker.log", name="broker"
        )
        broker = cls(child, port)
        try:
            wait_for_port(child, port, _START_SECONDS)
        except BaseException:
            broker.stop()
            raise
        return broker


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now; no other call, in whatever process, gets it while this one runs.

    Taken from below the range from which systems take the ports of outgoing connections (RFC 6335: 49152, Linux:
    32768): between this call and the start of what is to listen there, any connection could get one of those.
    """
    for _ in range(1000):
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as claim:
            try:
                probe.bind(("127.0.0.1", port))
                claim.bind(("127.0.0.1", port))
            except OSError:
                continue
            claim.detach()  # UDP's port of that number stays bound as long as the process lives: the mark for others
            return port
    raise Unavailable(f"no free port from {_PORTS.start} to {_PORTS.stop - 1}")


def wait_for_port(child: Child, port: int, seconds: float) -> None:
    """Wait until the child listens on the port; raises Unavailable, with the end of its log, if it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Unavailable(f"{child.name} did not start; end of {child.log}:\n{child.last_lines()}")
