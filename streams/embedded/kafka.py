"""A real Apache Kafka on this machine, one node, in place of the embedded broker: for proofs, and to try it.

``python -m streams.embedded.kafka run -- COMMAND`` starts one, runs the command on it, and stops it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import click
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import CreditPulseError, Unavailable
from streams.embedded.broker import RunningBroker, free_port, wait_for_port
from streams.embedded.guard import Child, start_child
from streams.embedded.kafka_jars import fetch_kafka, find_java, kafka_version

_START_SECONDS = 90.0
_HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")
_LARGEST_RECORD = 8 * 1024 * 1024
"""As streams.app.MAX_REQUEST: the state of a very large customer passes Kafka's default of 1 MB."""

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
message.max.bytes={largest}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
"""

_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


class KafkaBroker(RunningBroker):
    """A running Apache Kafka: broker and controller in one process, data kept in its folder."""

    STOP_SECONDS = 30.0

    @classmethod
    def start(cls, data_dir: Path, log_dir: Path, port: int = 0) -> KafkaBroker:
        """Fetch Kafka if need be, start it and wait until it serves; port 0 takes a free one.

        Raises Unavailable: no Java, no Maven to fetch with, or it does not start; the message says which.
        """
        java, libs = find_java(), fetch_kafka()
        port = port or free_port()
        properties = _configure(data_dir.resolve(), port)
        log_dir.mkdir(parents=True, exist_ok=True)
        program = [java, *_HEAP, f"-Dlog4j2.configurationFile={properties.with_name('log4j2.properties')}"]
        program += ["-cp", f"{libs}/*"]
        _format(program, properties)
        child = start_child([*program, "kafka.Kafka", str(properties)], log=log_dir / "kafka.log", name="kafka")
        broker = cls(child, port)
        try:
            wait_for_port(child, port, _START_SECONDS)
            _wait_until_it_serves(child, port)
        except BaseException:
            broker.stop()
            raise
        return broker


def _configure(data_dir: Path, port: int) -> Path:
    """Write the node's settings; ports may differ from start to start, the data stays."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "server.properties"
    text = _PROPERTIES.format(port=port, controller=free_port(), logs=data_dir / "logs", largest=_LARGEST_RECORD)
    path.write_text(text, encoding="utf-8")
    path.with_name("log4j2.properties").write_text(_LOG4J, encoding="utf-8")
    return path


def _format(program: list[str], properties: Path) -> None:
    """Give the storage its cluster id, once in its life."""
    if (properties.parent / "logs" / "meta.properties").exists():
        return
    # Kafka writes ids as the URL-safe base64 of a UUID; one that begins with a dash would be taken for an option.
    cluster_id = "c" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    command = [*program, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_START_SECONDS)
    if done.returncode:
        raise Unavailable(f"Kafka could not format {properties.parent / 'logs'}:\n{done.stdout}{done.stderr}")


def _wait_until_it_serves(child: Child, port: int) -> None:
    """The port opens before the node takes requests: wait until it names itself in the cluster's metadata."""
    deadline = time.monotonic() + _START_SECONDS
    # In a thread: the caller may have a running event loop of its own.
    with ThreadPoolExecutor(max_workers=1) as probe:
        while child.poll() is None and time.monotonic() < deadline:
            if probe.submit(asyncio.run, _serves(port)).result():
                return
            time.sleep(0.1)
    raise Unavailable(f"{child.name} does not serve; end of {child.log}:\n{child.last_lines()}")


async def _serves(port: int) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=5000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A real Apache Kafka on this machine, for tests and trials (needs Java 17 or later, and Maven to fetch it)."""


@main.command()
def fetch() -> None:
    """Fetch Kafka from Maven Central into $CREDITPULSE_KAFKA_HOME (default .cache/kafka-VERSION)."""
    click.echo(f"Apache Kafka {kafka_version()}: {fetch_kafka()}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 (default: a free one).")
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), help="Keep data and log here.")
@click.option(
    "--env", "variable", default="CREDITPULSE_TEST_BROKER", show_default=True, help="Variable that gets the URL."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(port: int, folder: Path | None, variable: str, command: tuple[str, ...]) -> None:
    """Start Kafka, run COMMAND with its URL in the environment, stop Kafka, and end as COMMAND ended.

    \b
    Example:  python -m streams.embedded.kafka run -- pytest tests/integration
              python -m streams.embedded.kafka run --dir data/kafka --env CREDITPULSE_BROKER -- creditpulse worker
    """
    if shutil.which(command[0]) is None:
        raise click.UsageError(f"there is no program {command[0]!r}")
    find_java(), fetch_kafka()  # before a folder is made: on most machines one of these is what is missing
    base = folder or Path(tempfile.mkdtemp(prefix="creditpulse-kafka-"))
    with KafkaBroker.start(base / "data", base / "logs", port) as broker:
        click.echo(f"Apache Kafka {kafka_version()} at {broker.url}, log {broker.child.log}", err=True)
        code = _run(command, {variable: broker.url})
    if folder is None and code == 0:
        shutil.rmtree(base)
    sys.exit(code)


def _run(command: tuple[str, ...], environment: dict[str, str]) -> int:
    """Run a command in our terminal to its end; a SIGTERM to us goes to it, Ctrl-C reaches it by itself."""
    process = subprocess.Popen(command, env={**os.environ, **environment})

    def told(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    try:
        main()
    except CreditPulseError as error:
        click.echo(f"streams.embedded.kafka: {error}", err=True)
        sys.exit(1)
