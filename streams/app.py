"""Build the Faust apps: one for the gate, one for the engine, each a consumer group of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faust
from faust.types.web import Request, Response, View
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.topics import LOG, MERGED_TOPICS, RELAYED_TOPICS, TOPICS
from streams.clock import register_clock
from streams.engine.agent import EngineAgent
from streams.engine.per_event import PerEventEngine
from streams.gate.agent import Gate
from streams.metrics import Metrics
from streams.settings import Settings
from streams.transport.assignor import WholeAssignor
from streams.transport.consumer import ChunkConsumer
from streams.transport.install import use_chunks
from streams.transport.options import ChunkOptions

MAX_REQUEST = 8 * 1024 * 1024
"""Bytes of the largest record we send; an account of a very large customer may pass Kafka's default of 1 MB."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A Faust app of ours with its metrics."""

    app: faust.App
    metrics: Metrics


def _faust_app(settings: Settings, role: str, web_port: int) -> faust.App:
    datadir = settings.data_dir / f"faust-{role}-{settings.instance_id}"
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        f"{settings.app_id}-{role}",
        broker=settings.broker,
        broker_credentials=_credentials(settings),
        store=settings.store,
        datadir=str(datadir),
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=True,
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=web_port,
        # Part of the member's subscription, and compared when Kafka hands a static member its old assignment: with
        # the default (host and port) a worker that comes back on another host or port would never start.
        canonical_url=f"http://{settings.instance_id}.{role}.{settings.app_id}",
        # Static membership: a restarted worker takes its own place at once, without a rebalance storm.
        consumer_group_instance_id=f"{settings.app_id}-{role}-{settings.instance_id}",
        PartitionAssignor=WholeAssignor,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=30.0,
        broker_heartbeat_interval=3.0,
        broker_rebalance_timeout=60.0,
        broker_commit_interval=0.5,
        broker_max_poll_records=settings.max_poll_records,
        stream_buffer_maxsize=32,
        producer_linger=0.0,
        producer_max_batch_size=1_000_000,
        producer_max_request_size=MAX_REQUEST,
        producer_request_timeout=60.0,
        worker_redirect_stdouts=False,
    )


def _credentials(settings: Settings) -> Any:
    protocol = settings.kafka_security_protocol
    context = settings.kafka_ssl_context()
    if protocol.startswith("SASL"):
        password = settings.kafka_password.get_secret_value() if settings.kafka_password else None
        return faust.SASLCredentials(
            username=settings.kafka_username,
            password=password,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


def build_gate(settings: Settings, web_port: int) -> Worker:
    """The app that validates and merges the public topics into the log."""
    app, metrics = _faust_app(settings, "gate", web_port), Metrics()
    gate = Gate(app, settings, metrics)
    gate.register()
    topics = frozenset(map(settings.topic, (*MERGED_TOPICS, *RELAYED_TOPICS)))
    # Others write the public topics: where they do it in transactions, the markers leave holes in the offsets.
    public = frozenset(settings.topic(topic.name) for topic in TOPICS if topic.direction == "in")
    use_chunks(app, ChunkOptions(topics=topics, is_paused=gate.is_paused, sparse=public))
    if settings.clock == "wall":
        register_clock(app, settings)
    _register_pages(app, metrics)
    return Worker(app, metrics)


def build_engine(settings: Settings, web_port: int, policy_text: str) -> Worker:
    """The app that folds the log into levels, alerts and order decisions."""
    app, metrics = _faust_app(settings, "engine", web_port), Metrics()
    if settings.delivery == "chunks":
        agent = EngineAgent(app, settings, metrics, policy_text)
        agent.register()
        use_chunks(app, ChunkOptions(topics=frozenset({settings.topic(LOG)})))
        _register_pages(app, metrics, agent)
    else:
        PerEventEngine(app, settings, metrics, policy_text).register()
        _register_pages(app, metrics)
    return Worker(app, metrics)


def _register_pages(app: faust.App, metrics: Metrics, agent: EngineAgent | None = None) -> None:
    """``/metrics`` for Prometheus, ``/health`` for whoever restarts us."""

    @app.page("/metrics")
    async def metrics_page(view: View, request: Request) -> Response:
        if agent is not None:
            agent.observe_customers()
        if isinstance(app.consumer, ChunkConsumer):
            for tp, lag in app.consumer.health().lag.items():
                metrics.lag.labels(tp.topic, tp.partition).set(lag)
        return view.bytes(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @app.page("/health")
    async def health_page(view: View, request: Request) -> Response:
        if not isinstance(app.consumer, ChunkConsumer):
            return view.json({"ok": True})
        health = app.consumer.health()
        body = {
            "ok": health.ok,
            "recovering": health.recovering,
            "lag": {f"{tp.topic}/{tp.partition}": lag for tp, lag in health.lag.items()},
        }
        return view.json(body, status=200 if health.ok else 503)
