"""The real parts that are measured: filled topics, and worker processes with what they say of themselves."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from bench.entries import Entry
from bench.figures import Sample
from schemas.errors import Unavailable
from schemas.topics import LOG
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.settings import Settings
from streams.supervisor import worker_command
from streams.topic_admin import ensure_topics

PARTITIONS = 4
_START_SECONDS = 60.0
_BATCH = 5_000
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def settings_for(broker: str, data_dir: Path, prefix: str, app_id: str, **overrides: Any) -> Settings:
    """The product's default settings, but for names of this run and ticks that come with the events."""
    values: dict[str, Any] = {
        "broker": broker,
        "topic_prefix": prefix,
        "app_id": app_id,
        "data_dir": data_dir / app_id,
        "clickhouse_dsn": f"chdb://{data_dir / 'unused'}",
        "partitions": PARTITIONS,
        "clock": "events",
    }
    return Settings(_env_file=None, **{**values, **overrides})


async def fill_log(settings: Settings, entries: Iterable[Entry]) -> None:
    """Write entries into the log, as the gate would have."""
    await ensure_topics(settings)
    rows = ((entry.partition, entry.key, entry.raw, entry.timestamp_ms) for entry in entries)
    await write(settings, settings.topic(LOG), rows)


async def write(settings: Settings, topic: str, rows: Iterable[tuple[int, bytes | None, bytes, int | None]]) -> None:
    """Write ``(partition, key, value, timestamp_ms)`` into a topic and wait until the broker has all."""
    async with AIOKafkaProducer(**settings.kafka_client_options(), linger_ms=5, max_batch_size=262_144) as producer:
        acks = []
        for partition, key, value, timestamp_ms in rows:
            acks.append(await producer.send(topic, value, key, partition=partition, timestamp_ms=timestamp_ms))
            if len(acks) >= _BATCH:
                for ack in acks:
                    await ack
                acks.clear()
        for ack in acks:
            await ack


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all threads (Linux)."""
    # After the name of the program, which may hold blanks: utime and stime are the fields 14 and 15 of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


@dataclass(slots=True)
class Worker:
    """A running ``creditpulse worker --role ...`` process. Context manager: stopped at the end, whatever happens."""

    settings: Settings
    role: str
    child: Child = field(init=False)
    port: int = field(init=False)

    def __enter__(self) -> Worker:
        self.port = free_port()
        self.child = start_child(
            worker_command(self.role, self.port, "WARNING"),
            log=self.settings.data_dir / f"{self.role}.log",
            env=self.settings.environment(),
            name=self.role,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.kill()

    def page(self, path: str) -> bytes | None:
        """A page of its web server; None while it does not answer. Raises Unavailable when the process has ended."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except OSError:
            if self.child.poll() is not None:
                message = f"{self.role} ended with {self.child.poll()}; end of its log:\n{self.child.last_lines()}"
                raise Unavailable(message) from None
            return None
        finally:
            connection.close()

    def counter(self, name: str) -> float | None:
        """The sum of a counter over its labels."""
        text = self.page("/metrics")
        if text is None:
            return None
        families = text_string_to_metric_families(text.decode())
        return sum(
            sample.value for family in families if family.name == name for sample in family.samples
            if sample.name == f"{name}_total"
        )  # fmt: skip

    def cpu_seconds(self) -> float:
        """Processor time that the process has used, all threads (Linux)."""
        return cpu_seconds(self.child.pid)

    def memory_mb(self) -> dict[str, float]:
        """Resident memory now and at its highest, in MB (Linux)."""
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        return {name: int(status[key].split()[0]) * 1024 / 1e6 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}


@dataclass(frozen=True, slots=True)
class Watched:
    """A counter as it rose, and the processor time at the first and last sample of its rise."""

    samples: list[Sample]
    cpu: list[Sample]


def watch(worker: Worker, counter: str, total: float, *, most_seconds: float, every: float = 0.1) -> Watched:
    """Sample a counter from its first count until ``total`` or ``most_seconds`` later; raises Unavailable."""
    seen: list[Sample] = []
    cpu: list[Sample] = []
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        count = worker.counter(counter)
        if count:
            if not seen:
                deadline = time.monotonic() + most_seconds
            seen.append(Sample(time.monotonic(), count))
            cpu.append(Sample(worker.cpu_seconds(), count))
            if count >= total:
                break
        time.sleep(every)
    if not seen:
        raise Unavailable(f"{worker.role} did nothing in {_START_SECONDS:.0f} s:\n{worker.child.last_lines()}")
    return Watched(seen, cpu)
