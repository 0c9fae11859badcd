"""What people do with alerts, on a real broker, beside a dispatcher and without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer

from alerts import alert_service
from alerts.dispatch.freshness import TopicWatch
from alerts.dispatch.store import StateStore
from alerts.live_alerts import LiveAlerts
from alerts.routing.inputs import alert_seen
from alerts.routing.state import Stage, State
from schemas.errors import Conflict, InvalidInput, Unavailable
from schemas.topics import ORDERS, PAYMENTS
from streams.archive.errors import NotFound
from streams.control import Control
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings
from tests.integration.dispatch_parts import tightening
from tests.unit.alerts.routing.build import T0, Driver, routing

pytestmark = pytest.mark.embedded_only  # test_dispatch runs the same topics on a real Kafka

NOW = datetime(2026, 2, 2, 3, 0, tzinfo=UTC)


@pytest.fixture
async def settings(make_settings: MakeSettings) -> Settings:
    made = make_settings()
    await ensure_topics(made)
    return made


def driver() -> Driver:
    """Two customers in one group; C2 is blocked, and has been watched."""
    inhibit = [{"source": ["level=BLOCKED"], "target": ["level=WATCH"], "equal": ["customer"]}]
    blocked = {"level": "BLOCKED", "level_before": "WATCH", "cause_kind": "BUST_OUT"}
    made = Driver(routing({"group_by": []}, inhibit=inhibit))
    made.take(*(alert_seen(tightening(name)) for name in ("C1", "C2")), alert_seen(tightening("C2", 2, **blocked)))
    return made.run(31)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[LiveAlerts, Control]]:
    async with LiveAlerts(settings) as live, Control(settings) as control:
        yield live, control


async def test_a_reader_follows_what_is_stored_and_shows_what_people_set_at_once(settings: Settings) -> None:
    dispatcher = driver()
    async with StateStore(settings) as store, opened(settings) as (live, control):
        assert alert_service.list_alerts(live, control, now=NOW) == []
        await store.commit(dispatcher.engine.state.take_changes())
        async with asyncio.timeout(10):
            while len(live.state.alerts) < 3 or not live.state.groups:
                await asyncio.sleep(0.02)

        worst, *rest = alert_service.list_alerts(live, control, now=NOW)
        assert (worst.customer, worst.state, worst.severity, worst.told) == ("C2", "firing", "critical", ["desk"])
        watched = next(alert for alert in rest if alert.customer == "C2")
        assert (watched.muted_by_alert, watched.told) == (worst.id, [])
        (group,) = alert_service.list_groups(live)
        assert (group.receiver, set(group.alerts)) == ("desk", set(live.state.alerts))
        assert len(alert_service.list_alerts(live, control, now=NOW, group=group.id, customer="C1")) == 1

        noted = await alert_service.acknowledge(live, control, worst.id, by="ann", reason="called them", now=NOW)
        assert (noted.state, noted.acknowledged_by, noted.acknowledged_reason) == ("acknowledged", "ann", "called them")
        assert alert_service.list_alerts(live, control, now=NOW, state=Stage.ACKNOWLEDGED) == [noted]
        with pytest.raises(Conflict, match="is acknowledged"):
            await alert_service.acknowledge(live, control, worst.id, by="ben", now=NOW)
        with pytest.raises(InvalidInput, match="acknowledgement: by"):
            await alert_service.acknowledge(live, control, watched.id, by="", now=NOW)
        with pytest.raises(NotFound):
            await alert_service.acknowledge(live, control, "none", by="ann", now=NOW)


async def test_silences_are_set_seen_and_ended(settings: Settings) -> None:
    hour = timedelta(hours=1)
    async with StateStore(settings) as store:
        await store.commit(driver().engine.state.take_changes())
    async with opened(settings) as (live, control):
        given = {"matchers": ["customer=C1"], "reason": "payment plan", "by": "ann"}
        made = await alert_service.add_silence(control, **given, ends=NOW + hour, now=NOW)
        assert alert_service.list_silences(control, now=NOW) == [made]
        (muted,) = alert_service.list_alerts(live, control, now=NOW, customer="C1")
        assert muted.muted_by_silence == made.id
        assert alert_service.get_alert(live, control, muted.id, now=NOW + hour).muted_by_silence is None
        with pytest.raises(InvalidInput, match="must lie in the future"):
            await alert_service.add_silence(control, **given, ends=NOW, now=NOW)
        with pytest.raises(InvalidInput) as told:
            await alert_service.add_silence(control, **{**given, "matchers": ["color=red"]}, ends=NOW + hour, now=NOW)
        assert told.value.field == "matchers"

        ended = await alert_service.expire_silence(control, made.id, by="ben", now=NOW + hour / 2)
        assert (ended.state, ended.ends, ended.author, ended.ended_by) == ("expired", NOW + hour / 2, "ann", "ben")
        assert alert_service.list_silences(control, now=NOW + hour / 2) == []
        assert alert_service.list_silences(control, now=NOW + hour / 2, with_expired=True) == [ended]
        with pytest.raises(Conflict):
            await alert_service.expire_silence(control, made.id, by="ben", now=NOW + hour)
        with pytest.raises(NotFound):
            await alert_service.expire_silence(control, "none", by="ben", now=NOW)


async def test_a_step_is_stored_whole_and_a_second_dispatcher_ends_the_first(settings: Settings) -> None:
    async with StateStore(settings) as first:
        await first.commit({"alert/a": b"1", "alert/b": b"2"})
        await first.commit({"alert/a": None})
        async with StateStore(settings) as second:
            assert second.records == {"alert/b": b"2"}
            with pytest.raises(Unavailable):
                await first.commit({"alert/b": b"3"})
            await second.commit({"alert/c": b"4"})
        async with StateStore(settings) as third:
            assert third.records == {"alert/b": b"2", "alert/c": b"4"}


async def test_how_fresh_topics_are(settings: Settings) -> None:
    """The newest record by its own time, in whichever partition; a topic that never had one is not told."""
    async with TopicWatch(settings, [PAYMENTS, ORDERS]) as watch:
        assert await watch.newest() == {}
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
            for partition, at in ((0, T0 + 5), (1, T0 + 9), (0, T0 + 7)):
                await producer.send_and_wait(settings.topic(PAYMENTS), b"{}", partition=partition, timestamp_ms=at)
            assert await watch.newest() == {PAYMENTS: T0 + 9}
            await producer.send_and_wait(settings.topic(PAYMENTS), b"{}", partition=0, timestamp_ms=T0 + 20)
        assert await watch.newest() == {PAYMENTS: T0 + 20}


def test_the_state_of_a_newer_version_is_refused() -> None:
    with pytest.raises(Exception, match="a newer creditpulse wrote them"):
        State().apply("head/head", b'{"version": 99}')
