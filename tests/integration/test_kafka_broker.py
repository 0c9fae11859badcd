"""A real Apache Kafka of ours: it starts, keeps its data, is stopped or dies with us, and says what it lacks."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.topics import MARKET, PAYMENTS
from streams.embedded.kafka import KafkaBroker
from streams.embedded.kafka_jars import find_java
from streams.publisher import Publisher
from streams.sources.event_file import TimedEvent
from streams.topic_admin import ensure_topics, topic_states
from streams.topic_reader import read_to_end
from tests.integration.conftest import MakeSettings
from tests.integration.test_embedded import is_running, wait_until

pytestmark = pytest.mark.embedded_only  # it starts its own broker
needs_kafka = pytest.mark.skipif(
    sys.platform != "linux"
    or shutil.which("java") is None
    or (shutil.which("mvn") is None and "CREDITPULSE_KAFKA_HOME" not in os.environ),
    reason="no Java, or no Maven to fetch Kafka with (or no /proc to look for what stayed behind)",
)
RUN = [sys.executable, "-m", "streams.embedded.kafka", "run"]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m streams.embedded.kafka run`` with these words."""
    return subprocess.run(
        [*RUN, *words], env=os.environ | environment, capture_output=True, text=True, timeout=180, check=False
    )


@needs_kafka
async def test_kafka_keeps_its_data_over_a_restart(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Stopped and started again, on another port, it has every record: those of years ago and of a year ahead too."""
    now = datetime.now(UTC)
    times = [now - timedelta(days=3000), now - timedelta(days=1000), now, now + timedelta(days=365)]
    stamps = [int(at.timestamp() * 1000) for at in times]
    seen: list[list[int]] = []
    for start in range(2):
        with KafkaBroker.start(tmp_path / "kafka", tmp_path / "logs") as broker:
            settings = make_settings(broker=broker.url)
            if start == 0:
                await ensure_topics(settings)
                async with Publisher(settings) as publisher:
                    for stamp in stamps:
                        await publisher.send(TimedEvent(PAYMENTS, "C1", stamp, b"{}"))
                    await publisher.flush()
            seen.append([record.timestamp async for record in read_to_end(settings, PAYMENTS)])
        assert not is_running(broker.child.pid)
    assert seen == [stamps, stamps]


@needs_kafka
async def test_years_of_events_stay_in_one_file(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Record times that are years apart do not cut a topic into a file a week, and nothing of it is deleted."""
    first = datetime(2018, 1, 1, tzinfo=UTC)
    with KafkaBroker.start(tmp_path / "kafka", tmp_path / "logs") as broker:
        settings = make_settings(broker=broker.url)
        await ensure_topics(settings)
        async with Publisher(settings) as publisher:
            for week in range(100):
                stamp = int((first + timedelta(weeks=week)).timestamp() * 1000)
                await publisher.send(TimedEvent(MARKET, None, stamp, b"{}"))
                await publisher.flush()
        records = {state.topic.name: state.records for state in await topic_states(settings)}
    files = list((tmp_path / "kafka" / "logs" / f"{settings.topic(MARKET)}-0").glob("*.log"))
    assert (records[MARKET], len(files)) == (100, 1)


@needs_kafka
def test_run_passes_url_and_exit_code_and_leaves_nothing(tmp_path: Path) -> None:
    """The command finds the broker in its environment, its exit code is ours, and Kafka is gone afterwards."""
    script = "import os, sys; print(os.environ['SOME_BROKER']); sys.exit(7)"
    done = run("--dir", str(tmp_path), "--env", "SOME_BROKER", "--", sys.executable, "-c", script)
    assert done.stdout.startswith("kafka://127.0.0.1:"), done.stderr
    assert done.returncode == 7
    assert kafkas_in(tmp_path) == []


@needs_kafka
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_kafka_does_not_outlive_run(tmp_path: Path, number: signal.Signals) -> None:
    """However `run` is ended while its command runs, no Kafka stays behind."""
    script = "import sys, time; print('up', flush=True); time.sleep(600)"
    command = [*RUN, "--dir", str(tmp_path), "--", sys.executable, "-c", script]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        assert len(kafkas_in(tmp_path)) == 1
        process.send_signal(number)
        assert process.wait(60) == (128 + signal.SIGTERM if number == signal.SIGTERM else -number)
        wait_until(lambda: kafkas_in(tmp_path) == [])
        process.stdout.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_missing_java_is_said(tmp_path: Path) -> None:
    """Without Java, or with one too old, the message names what is needed; no broker, no traceback."""
    done = run("--", sys.executable, "-c", "pass", PATH=str(tmp_path), JAVA_HOME="")
    assert done.returncode == 1
    assert done.stderr.startswith("streams.embedded.kafka: Apache Kafka needs Java 17 or later")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_202"])
def test_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """A Java older than 17 is named with its path and version."""
    java = program(tmp_path / "bin" / "java", f"""echo 'openjdk version "{version}"' >&2""")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(Exception, match=f"{java} is Java {version.split('.')[0]}"):
        find_java()


def test_missing_or_failing_maven_is_said(tmp_path: Path) -> None:
    """Where Kafka has to be fetched and cannot be, the message says how else to get it, or what Maven said."""
    program(tmp_path / "bin" / "java", """echo 'openjdk version "21.0.1"' >&2""")
    surroundings = {"PATH": str(tmp_path / "bin"), "JAVA_HOME": "", "CREDITPULSE_KAFKA_HOME": str(tmp_path / "home")}
    missing = run("--", sys.executable, "-c", "pass", **surroundings)
    assert (missing.returncode, "set CREDITPULSE_KAFKA_HOME" in missing.stderr) == (1, True)
    program(tmp_path / "bin" / "mvn", "echo no such artifact; exit 1")
    failing = run("--", sys.executable, "-c", "pass", **surroundings)
    assert (failing.returncode, "no such artifact" in failing.stderr) == (1, True)
    assert list((tmp_path / "home").iterdir()) == []


def program(path: Path, script: str) -> Path:
    """A small shell program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def kafkas_in(folder: Path) -> list[int]:
    """Running Kafka processes whose settings lie in the folder."""
    return [pid for pid, words in processes() if "kafka.Kafka" in words and any(str(folder) in word for word in words)]


def processes() -> list[tuple[int, list[str]]]:
    """Every process with its command line."""
    found: list[tuple[int, list[str]]] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((int(entry.name), (entry / "cmdline").read_text().split("\0")))
            except OSError:
                continue
    return found
