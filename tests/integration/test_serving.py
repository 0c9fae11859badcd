"""The processes of API and desk, started and stopped as an operator does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import httpx
import pytest

from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings

pytestmark = pytest.mark.embedded_only  # what is proved here is the process; brokers are compared elsewhere


@pytest.mark.parametrize(("command", "number"), [("api", signal.SIGTERM), ("desk", signal.SIGINT)])
def test_stopped_as_told_is_no_failure(make_settings: MakeSettings, command: str, number: signal.Signals) -> None:
    """Exit code 0, as the help says: who supervises it would take another for a crash."""
    settings, port = make_settings(), free_port()
    asyncio.run(ensure_topics(settings))
    program = [sys.executable, "-m", "streams.cli", command, "--port", str(port)]
    child = start_child(program, log=settings.data_dir / "served.log", env=settings.environment(), name=command)
    try:
        _wait_until_it_answers(child, f"http://127.0.0.1:{port}/health")
        os.kill(child.pid, number)
        assert child.process.wait(30) == 0, child.last_lines()
    finally:
        child.stop(timeout=10)


def _wait_until_it_answers(child: Child, url: str) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert child.poll() is None, child.last_lines()
        try:
            assert httpx.get(url).status_code in (200, 503)
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, child.last_lines()
            time.sleep(0.1)
