"""Webhooks to a real HTTP receiver that fails in every way: all events arrive, in order, none twice as seen by id."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from datetime import timedelta

import pytest

from alerts.webhooks import positions, service
from alerts.webhooks.dispatcher import wall_clock
from alerts.webhooks.schedule import Schedule
from alerts.webhooks.state import read_states
from alerts.webhooks.subscription import KIND
from alerts.webhooks.trial import send_test
from schemas.errors import Conflict, InvalidInput
from schemas.topics import ALERTS
from streams.archive.errors import NotFound
from streams.control import Control
from streams.embedded.guard import Child, start_child
from streams.settings import Settings
from streams.topic_admin import ensure_topics

from .conftest import MakeSettings
from .webhook_parts import FAST, KEY, Ledger, Receiver, dispatching, subscribe, until

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere

CUSTOMERS = [f"C{number}" for number in range(9)]


@pytest.fixture
async def settings(make_settings: MakeSettings) -> Settings:
    """Topics, a key for secrets, and leave to send to this machine."""
    made = make_settings(secret_key=KEY, webhook_allow="127.0.0.0/8", dispatch_port=0)
    await ensure_topics(made)
    return made


def start_dispatcher(settings: Settings) -> Child:
    """The process, with retries that a test can wait for."""
    retries = ",".join(["0.1", "0.2", "0.3", *["0.5"] * 30])
    options = ["--webhook-retry-seconds", retries, "--webhook-timeout-seconds", "0.7"]
    return start_child(
        [sys.executable, "-m", "streams.cli", "dispatch", *options],
        log=settings.data_dir / "dispatch.log", env=settings.environment(), name="dispatch",
    )  # fmt: skip


async def test_every_alert_arrives_whatever_the_receiver_and_the_dispatcher_do(settings: Settings) -> None:
    """500, 404, hanging, redirects, endless answers, away for a while; the dispatcher killed with -9 three times."""
    dice, ledger = random.Random(4), Ledger(settings)
    faults: list[int | str] = [500, 404, 503, "redirect", "drip", "hang"]
    async with Receiver() as receiver, Control(settings) as control:
        await subscribe(control, settings, receiver)
        receiver.behave = lambda event: dice.choice(faults) if dice.random() < 0.15 else 200
        child = start_dispatcher(settings)
        try:
            await ledger.publish(CUSTOMERS, 6, twice=True)
            for target in (15, 35):
                await receiver.until(target)
                child.kill()
                child = start_dispatcher(settings)
            await receiver.until(45)
            await receiver.go_away()
            await ledger.publish(CUSTOMERS, 3)
            await asyncio.sleep(1.0)
            child.kill()
            child = start_dispatcher(settings)
            await asyncio.sleep(1.0)
            await receiver.come_back()
            await ledger.publish(CUSTOMERS, 2)
            receiver.behave = lambda event: 200
            await receiver.until(ledger.total, 30)
            await asyncio.sleep(0.5)
        finally:
            code = child.stop()
        assert code == 0, child.last_lines()
        assert receiver.by_customer() == ledger.expected()
        assert receiver.forged == 0
        twice = sum(count - 1 for count in Counter(item.webhook_id for item in receiver.accepted).values())
        assert twice <= 3 * 4, "a kill sends again at most what was under way, four requests"


async def test_without_a_crash_none_is_sent_twice(settings: Settings) -> None:
    """Each accepted event once, though the topic holds each twice; stopped and started in order in between."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        await subscribe(control, settings, receiver, language="zh")
        async with dispatching(settings):
            await ledger.publish(CUSTOMERS, 5, twice=True)
            await receiver.until(20)
        for customer in CUSTOMERS:
            await ledger.send_again(customer, 5)
        await ledger.publish(CUSTOMERS, 5, twice=True)
        async with dispatching(settings):
            await receiver.until(ledger.total)
            await asyncio.sleep(0.3)
        assert len(receiver.accepted) == ledger.total
        assert receiver.by_customer() == ledger.expected()
        assert "收紧：标准 -> 关注" in str(receiver.accepted[0].event["summary"])


async def test_gone_disables_and_resuming_goes_on(settings: Settings) -> None:
    """410: nothing is sent any more; after resume everything that came meanwhile arrives."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        created = await subscribe(control, settings, receiver)
        name = created.subscription.id
        receiver.behave = lambda event: 410
        async with dispatching(settings):
            await ledger.publish(["A"])
            await until(lambda: (control.get(KIND, name) or {})["status"] == "disabled")
            before = receiver.requests
            await ledger.publish(["A", "B"])
            await asyncio.sleep(0.5)
            assert receiver.requests == before
            found = service.get_subscription(control, name)
            assert found.reason == "the endpoint answered 410 Gone"
            with pytest.raises(Conflict, match="disabled"):
                await service.pause(control, name, now=wall_clock())
            receiver.behave = lambda event: 200
            await service.resume(control, settings, name, now=wall_clock())
            await receiver.until(3)
        assert receiver.by_customer() == {"A": [1, 2], "B": [1]}
        outcomes = [entry.data.outcome for entry in await positions.attempts_of(settings, name)]
        assert outcomes == ["disabled", "delivered", "delivered", "delivered"]


async def test_a_slow_receiver_holds_up_nobody_else(settings: Settings) -> None:
    """One endpoint hangs on everything, another gets all of it meanwhile."""
    ledger = Ledger(settings)
    async with Receiver() as slow, Receiver() as quick, Control(settings) as control:
        await subscribe(control, settings, slow)
        await subscribe(control, settings, quick)
        slow.behave = lambda event: "hang"
        async with dispatching(settings, timeout=3.0):
            await ledger.publish(CUSTOMERS, 10)
            await quick.until(ledger.total, 8)
            assert slow.accepted == []
            slow.behave = lambda event: 200
            await slow.until(ledger.total, 20)
        assert slow.by_customer() == quick.by_customer() == ledger.expected()


async def test_the_endpoints_rate_is_kept(settings: Settings) -> None:
    """Eight events at four a second: four at once, the others in the second after."""
    ledger, arrived = Ledger(settings), list[float]()
    async with Receiver() as receiver, Control(settings) as control:
        await subscribe(control, settings, receiver, rate_per_second=4)

        def behave(event: dict[str, object]) -> int:
            arrived.append(asyncio.get_running_loop().time())
            return 200

        receiver.behave = behave
        async with dispatching(settings):
            await ledger.publish(CUSTOMERS[:8])
            await receiver.until(8)
        for start in arrived:
            assert sum(start <= at < start + 0.9 for at in arrived) <= 4


async def test_what_waits_has_a_bound(settings: Settings) -> None:
    """While nothing can be delivered only so many events are held; afterwards all of them arrive, in order."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        name = (await subscribe(control, settings, receiver, rate_per_second=1000)).subscription.id
        receiver.behave = lambda event: 500
        async with dispatching(settings, Schedule((0.5,) * 60), window=50):
            await ledger.publish([f"C{number}" for number in range(10)], 12)
            await asyncio.sleep(1.5)
            state = (await read_states(settings))[name]
            assert len(state.waiting) == 50
            assert sum(state.positions.values()) == 50
            receiver.behave = lambda event: 200
            await receiver.until(ledger.total, 30)
        assert receiver.by_customer() == ledger.expected()
        assert len(receiver.accepted) == ledger.total


async def test_the_dead_are_listed_and_can_be_sent_again(settings: Settings) -> None:
    """One event that is never taken dies and lets the next of its customer pass; redelivered, it arrives."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        name = (await subscribe(control, settings, receiver)).subscription.id
        receiver.behave = lambda event: 500 if event["sequence"] == "0000000002" else 200
        async with dispatching(settings, Schedule((0.05, 0.05))):
            await ledger.publish(["A"], 3)
            await receiver.until(2)
            assert receiver.by_customer() == {"A": [1, 3]}
            (dead,) = (await read_states(settings))[name].dead
            assert (dead.event_id, dead.attempts, dead.error) == ("ticks/0/2/A/tightening", 3, "500: [31mnot now")
            receiver.behave = lambda event: 200
            places = [(dead.topic, dead.partition, dead.offset)]
            assert await positions.places_of(settings, name, [dead.event_id]) == places
            await service.send_again(control, name, places, by="ann", now=wall_clock())
            await receiver.until(3)
            await until(lambda: not control.all("webhook-request"))
        assert (await read_states(settings))[name].dead == []
        attempts = await positions.attempts_of(settings, name)
        told = [(entry.data.event_id.split("/")[2], entry.data.attempt, entry.data.outcome) for entry in attempts]
        assert told == [
            ("1", 1, "delivered"), ("2", 1, "retry"), ("2", 2, "retry"), ("2", 3, "dead"), ("3", 1, "delivered"),
            ("2", 1, "delivered"),
        ]  # fmt: skip
        assert [int(entry.sequence) for entry in attempts] == [1, 2, 3, 4, 5, 6]
        with pytest.raises(InvalidInput, match="no attempt to deliver 'x'"):
            await positions.places_of(settings, name, ["x"])


async def test_nothing_delivered_for_long_disables(settings: Settings) -> None:
    """After `disable_after` without any success."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        name = (await subscribe(control, settings, receiver)).subscription.id
        receiver.behave = lambda event: 500
        async with dispatching(settings, Schedule((0.1,) * 50, disable_after=timedelta(seconds=0.5))):
            await ledger.publish(["A"])
            await until(lambda: (control.get(KIND, name) or {})["status"] == "disabled")
        assert str(service.get_subscription(control, name).reason).startswith("nothing could be delivered since")


async def test_replay_from_a_sequence_and_from_a_time(settings: Settings) -> None:
    """The same events with the same ids come again: of one customer from a sequence on, or all since a time."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        name = (await subscribe(control, settings, receiver)).subscription.id
        async with dispatching(settings):
            await ledger.publish(["A", "B"], 4)
            await receiver.until(8)
            receiver.accepted.clear()
            places = await positions.of_customer(settings, [ALERTS], "A", 3)
            await service.send_again(control, name, places, by="ann", now=wall_clock())
            await receiver.until(2)
            await asyncio.sleep(0.3)
            assert receiver.by_customer() == {"A": [3, 4]}
            receiver.accepted.clear()
            since = wall_clock() - timedelta(hours=1)
            found = await positions.at_time(settings, [ALERTS], since)
            await service.go_back(control, name, found, by="ann", now=wall_clock())
            await receiver.until(8)
            await asyncio.sleep(0.3)
            assert receiver.by_customer() == {"A": [1, 2, 3, 4], "B": [1, 2, 3, 4]}
            assert len(receiver.accepted) == 8


async def test_a_new_secret_signs_beside_the_old_one_for_a_while(settings: Settings) -> None:
    """After a rotation a receiver with either secret accepts; after the overlap only the new one."""
    ledger = Ledger(settings)
    async with Receiver() as old, Receiver() as new, Control(settings) as control:
        of_old, of_new = await subscribe(control, settings, old), await subscribe(control, settings, new)
        for created, overlap in ((of_old, 24), (of_new, 24)):
            name = created.subscription.id
            rotated = await service.rotate_secret(
                control, settings, name, now=wall_clock(), overlap=timedelta(hours=overlap)
            )
            assert rotated.secret != created.secret
        new.secrets = [rotated.secret]
        async with dispatching(settings):
            await ledger.publish(["A"])
            await old.until(1)
            await new.until(1)
            await service.rotate_secret(
                control, settings, of_old.subscription.id, now=wall_clock(), overlap=timedelta()
            )
            async with asyncio.timeout(20):  # the dispatcher hears of the rotation a moment later
                while not old.forged:
                    await ledger.publish(["A"])
                    await asyncio.sleep(0.2)
            accepted, sent = len(old.ids()), ledger.sequences["A"]
            await ledger.publish(["A"])
            await new.until(sent + 1)
        assert (len(old.ids()), new.forged) == (accepted, 0)


async def test_test_delivery_pause_and_removal(settings: Settings) -> None:
    """A test says what came of it; paused gets nothing and misses nothing; removed is forgotten."""
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        created = await subscribe(control, settings, receiver)
        name = created.subscription.id
        assert (await send_test(settings, created.subscription, wall_clock)).status == 200
        receiver.behave = lambda event: "redirect"
        assert (await send_test(settings, created.subscription, wall_clock)).error == "redirect"
        receiver.behave = lambda event: "drip"
        outcome = await send_test(settings, created.subscription, wall_clock, seconds=2.0)
        assert (outcome.error, outcome.status, len(outcome.response or "")) == ("status", 500, 300)
        receiver.behave = lambda event: 200
        receiver.accepted.clear()
        async with dispatching(settings, FAST):
            await service.pause(control, name, reason="moving", now=wall_clock())
            await ledger.publish(["A"], 2)
            await asyncio.sleep(0.5)
            assert receiver.accepted == []
            await service.resume(control, settings, name, now=wall_clock())
            await receiver.until(2)
            await service.remove(control, name)
            await ledger.publish(["A"])
            await asyncio.sleep(0.5)
        assert receiver.by_customer() == {"A": [1, 2]}
        assert await read_states(settings) == {}
        with pytest.raises(NotFound, match="no subscription"):
            service.get_subscription(control, name)
