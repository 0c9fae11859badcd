"""Run the gate and the engine as one: two processes, started again when one ends by itself, stopped together."""

from __future__ import annotations

import logging
import logging.config
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType

from streams.embedded.guard import Child, start_child
from streams.log_format import logging_config
from streams.settings import Settings

log = logging.getLogger(__name__)

_RESTARTS, _WINDOW_SECONDS = 5, 120.0
"""A role that ends more often than this within the window will not get better by another start."""


@dataclass(slots=True)
class _Role:
    """One process of the worker and when it was started again lately."""

    name: str
    web_port: int
    child: Child | None = None
    restarts: list[float] = field(default_factory=list)

    def may_restart(self, now: float) -> bool:
        """Whether another start is within bounds; counts it."""
        self.restarts = [at for at in self.restarts if now - at < _WINDOW_SECONDS]
        self.restarts.append(now)
        return len(self.restarts) <= _RESTARTS


def worker_command(role: str, web_port: int, log_level: str) -> list[str]:
    """The command line of one role of the worker."""
    program = [sys.executable, "-m", "streams.cli", "worker", "--role", role]
    return [*program, "--web-port", str(web_port), "--log-level", log_level]


def supervise_worker(settings: Settings, port: int, log_level: str) -> int:
    """Run both roles until SIGTERM or SIGINT; the gate serves pages on ``port``, the engine on the next.

    Returns 0 when told to stop, 1 when a role keeps ending. What a role has not finished when it ends is in
    Kafka: the next start goes on from there.
    """
    logging.config.dictConfig(logging_config(log_level))
    stop = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    roles = [_Role("gate", port), _Role("engine", port + 1 if port else 0)]
    try:
        for role in roles:
            _start(role, settings, log_level)
        while not stop.wait(0.2):
            for role in roles:
                if role.child is not None and role.child.poll() is not None and not _again(role, settings, log_level):
                    return 1
        return 0
    finally:
        _stop(roles)


def _start(role: _Role, settings: Settings, log_level: str) -> None:
    path = settings.data_dir / "logs" / f"{role.name}.log"
    role.child = start_child(worker_command(role.name, role.web_port, log_level), log=path, name=role.name)
    log.info("%s: started, process %d, log %s, pages on port %d", role.name, role.child.pid, path, role.web_port)


def _again(role: _Role, settings: Settings, log_level: str) -> bool:
    child = role.child
    if child is None:
        return False
    log.error("%s: ended with %s; end of its log:\n%s", role.name, child.poll(), child.complaints())
    if not role.may_restart(time.monotonic()):
        log.error("%s: ended %d times in %.0f s, giving up", role.name, _RESTARTS + 1, _WINDOW_SECONDS)
        return False
    _start(role, settings, log_level)
    return True


def _stop(roles: list[_Role]) -> None:
    children = [role.child for role in roles if role.child is not None]
    for child in children:
        if child.poll() is None:
            os.kill(child.pid, signal.SIGTERM)
    for child in children:
        code = child.stop(timeout=30.0)
        log.info("%s: stopped with %s", child.name, code)
