"""The demo, started as a user starts it: its numbers are true and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from streams.archive.reader import Reader
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, event_line

from .book import Book
from .demo_process import belonging_to, command, run, start, wait_for, wait_until_gone

pytestmark = [
    pytest.mark.embedded_only,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"),
]


async def _archived_levels_and_alerts(data_dir: Path) -> tuple[Counter[str], int]:
    """Customers by level, and the number of alerts, as the archive of the ended demo holds them."""
    settings = Settings(_env_file=None, data_dir=data_dir)
    async with Reader(settings) as reader:
        levels = Counter(row["level"] for row in await reader.view("current_levels", limit=1000))
        return levels, len(await reader.view("alerts", limit=1000))


async def test_the_numbers_of_a_finished_demo_are_true(tmp_path: Path) -> None:
    """One JSON object; every event published is applied; levels and alerts equal those in the archive."""
    data_dir = tmp_path / "demo"
    arguments = ("--events", "2000", "--customers", "60", "--speed", "max", "--exit-when-done", "--json")
    done = run("demo", *arguments, "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["finished"] is True
    assert told["events_in"] == 2000
    assert told["events_in"] == told["events_applied"] + told["duplicates"] + told["dead_letters"]
    assert told["log_entries"] > told["events_applied"]  # ticks
    assert told["decisions"] == sum(told["decisions_by_topic"].values()) > 0
    assert told["alerts"] == sum(told["alerts_by_kind"].values()) == told["decisions_by_topic"].get("credit-alerts", 0)
    assert told["customers"] == sum(told["levels"].values()) > 0
    assert told["events_per_s"] > 0
    if told["latency_samples"]:
        assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99"]
    levels, alerts = await _archived_levels_and_alerts(data_dir)
    assert levels == Counter({level: count for level, count in told["levels"].items() if count})
    assert alerts == told["alerts"]
    assert not belonging_to(data_dir)


async def test_refused_events_are_counted_and_stop_nothing(tmp_path: Path) -> None:
    """A file of events with alerts in it, and a broken one among them: one dead letter, all others applied."""
    events = [event for event in Book(customers=20, days=90).events() if event.topic != "ticks"]
    broken = TimedEvent("payments", "C000", events[50].timestamp_ms, b'{"type": "payment.received"}')
    path = tmp_path / "events.jsonl"
    path.write_text("".join(map(event_line, [*events[:51], broken, *events[51:]])), encoding="utf-8")
    data_dir = tmp_path / "demo"
    arguments = ("--events-file", str(path), "--speed", "max", "--exit-when-done", "--json")
    done = run("demo", *arguments, "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["dead_letters"] == 1
    assert told["events_in"] == len(events) + 1 == told["events_applied"] + told["duplicates"] + 1
    assert told["alerts"] > 0
    assert told["latency_samples"] == told["alerts"]  # each alert led back to the publication of its cause
    _, alerts = await _archived_levels_and_alerts(data_dir)
    assert alerts == told["alerts"]


def test_ctrl_c_ends_everything_in_order(tmp_path: Path) -> None:
    """Other commands join it by the file that it names. Ctrl-C in the middle: exit code 0, a summary, where the logs
    are, and no process left."""
    data_dir, out = tmp_path / "demo", tmp_path / "out.txt"
    demo = start(data_dir, "--customers", "30", "--history", "20", "--speed", "3600x", out=out)
    try:
        wait_for("-- live", out, demo)
        assert len(belonging_to(data_dir)) >= 6  # itself, broker, archive, gate, engine, dispatcher
        assert f". {data_dir}/env.sh" in out.read_text(encoding="utf-8")
        assert (data_dir / "env.sh").stat().st_mode & 0o077 == 0, "it holds the demo's secret key"
        topics = json.loads(_joined(data_dir, "topics", "list", "--json"))
        assert {topic["topic"]: topic["records"] for topic in topics}["customer-events"] > 0
        assert "whsec_" in _joined(data_dir, "subscriptions", "add", "http://127.0.0.1:9/hooks")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=40) == 0
    finally:
        demo.kill()
    told = out.read_text(encoding="utf-8")
    assert "stopped: " in told
    assert str(data_dir / "logs") in told
    assert not belonging_to(data_dir)


def _joined(data_dir: Path, *arguments: str) -> str:
    """What a command prints that works on a running demo."""
    return subprocess.run(
        ["/bin/sh", "-c", f'. "{data_dir}/env.sh" && exec "$@"', "sh", *command(*arguments)],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def test_a_killed_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    """SIGKILL of the demo itself: the kernel ends all its parts."""
    data_dir, out = tmp_path / "demo", tmp_path / "out.txt"
    demo = start(data_dir, "--customers", "30", "--history", "20", "--speed", "3600x", out=out)
    try:
        wait_for("-- live", out, demo)
    finally:
        demo.kill()
    demo.wait(timeout=10)
    wait_until_gone(data_dir)


def test_a_part_that_dies_is_named(tmp_path: Path) -> None:
    """When the engine dies the demo says so, names its log, ends everything else, and exits with 1."""
    data_dir, out = tmp_path / "demo", tmp_path / "out.txt"
    demo = start(data_dir, "--customers", "30", "--history", "20", "--speed", "3600x", out=out)
    try:
        wait_for("-- live", out, demo)
        (engine,) = [
            pid for pid in belonging_to(data_dir) if b"--role\0engine" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(engine, signal.SIGKILL)
        assert demo.wait(timeout=40) == 1
    finally:
        demo.kill()
    told = out.with_suffix(".err").read_text(encoding="utf-8")
    assert "the engine ended by itself" in told
    assert str(data_dir / "logs" / "engine.log") in told
    assert not belonging_to(data_dir)


def test_wrong_input_starts_nothing(tmp_path: Path) -> None:
    """A used directory, a missing file, a wrong speed: exit code 2, a message, no process."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    for arguments, told in (
        (("--data-dir", str(tmp_path / "used")), "not empty"),
        (("--data-dir", str(tmp_path / "a"), "--events-file", str(tmp_path / "missing.jsonl")), "missing.jsonl"),
        (("--data-dir", str(tmp_path / "b"), "--speed", "fast"), "speed"),
    ):
        done = run("demo", *arguments, "--exit-when-done", "--json", timeout=40)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert told in done.stderr
        assert "Traceback" not in done.stderr
    assert not belonging_to(tmp_path)
