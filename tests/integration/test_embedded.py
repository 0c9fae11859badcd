"""The embedded parts and the supervisor: they start, are watched, and never stay behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from schemas.errors import Unavailable
from streams.embedded.broker import EmbeddedBroker, free_port, wait_for_port
from streams.embedded.guard import start_child
from streams.topic_admin import ensure_topics, topic_states
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import decisions, in_process, publish

pytestmark = pytest.mark.embedded_only

PARENT = """
import sys, time
from pathlib import Path
from streams.embedded.broker import EmbeddedBroker
broker = EmbeddedBroker.start(Path(sys.argv[1]) / "data", Path(sys.argv[1]) / "logs")
print(broker.child.pid, flush=True)
time.sleep(600)
"""


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Poll a condition; fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_no_part_outlives_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL of the parent takes its broker with it."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(pid))


async def test_broker_keeps_its_data_over_a_restart(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Stopped and started again on its directory, the broker still has every record; logs are kept."""
    book = Book(customers=3, days=20).events()
    for _ in range(2):
        with EmbeddedBroker.start(tmp_path / "data", tmp_path / "logs") as running:
            settings = make_settings(broker=running.url)
            if await ensure_topics(settings):
                await publish(settings, book)
            records = sum(state.records for state in await topic_states(settings) if state.topic.direction == "in")
            pid = running.child.pid
        assert not is_running(pid)
    assert records == sum(event.topic != "ticks" for event in book)
    assert (tmp_path / "logs" / "broker.log").exists()


def test_a_part_that_does_not_start_says_why(tmp_path: Path) -> None:
    """A child that ends at once is reported with the end of its log."""
    child = start_child([sys.executable, "-c", "raise SystemExit('no such disk')"], log=tmp_path / "x.log", name="part")
    with pytest.raises(Unavailable, match="no such disk"):
        wait_for_port(child, 1, 10.0)


def test_a_free_port_is_given_out_once() -> None:
    """No two of those who are to listen soon get the same port, and no outgoing connection gets it in between."""
    ports = [free_port() for _ in range(300)]
    assert len(set(ports)) == 300
    assert max(ports) < 32_768


def two_free_ports() -> int:
    """A port that nobody listens on, nor on the next: the gate takes the one, the engine the other."""
    while True:
        port = free_port()
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port + 1))
            return port


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")
async def test_supervisor_restarts_and_stops_both_roles(make_settings: MakeSettings) -> None:
    """A role that is killed comes back and nothing is lost; SIGTERM ends all of them with code 0."""
    settings = make_settings(web_port=two_free_ports())
    await ensure_topics(settings)
    events = Book(customers=12, days=90).events()
    expected, _ = in_process(events, settings.partitions)
    log = settings.data_dir / "supervisor.log"
    command = [sys.executable, "-m", "streams.cli", "worker", "--web-port", str(settings.web_port)]
    supervisor = start_child(command, log=log, env=settings.environment())
    try:
        wait_until(lambda: len(_children(supervisor.pid)) == 2)
        first = _children(supervisor.pid)
        os.kill(min(first), signal.SIGKILL)
        wait_until(lambda: len(_children(supervisor.pid)) == 2 and _children(supervisor.pid) != first)
        await publish(settings, events)
        deadline = time.monotonic() + 40
        while await decisions(settings) != expected and time.monotonic() < deadline:
            assert supervisor.poll() is None, supervisor.last_lines()
        assert await decisions(settings) == expected
        running = _children(supervisor.pid)
        assert supervisor.stop(timeout=40.0) == 0
        assert not any(is_running(pid) for pid in running)
    finally:
        supervisor.kill()


def _children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
