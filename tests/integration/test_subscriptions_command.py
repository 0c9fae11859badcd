"""``creditpulse subscriptions``, as a person or script uses it, and what the service refuses."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alerts.webhooks import service
from alerts.webhooks.dispatcher import wall_clock
from alerts.webhooks.subscription import NewSubscription
from schemas.decisions import Master
from schemas.errors import Conflict, InvalidInput
from streams.cli import main
from streams.control import Control
from streams.settings import Settings
from streams.topic_admin import ensure_topics

from .conftest import MakeSettings
from .webhook_parts import KEY, Ledger, Receiver, dispatching, subscribe

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere


@pytest.fixture
def settings(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Topics, a key, leave to send to this machine; the same in the environment of the commands."""
    made = make_settings(secret_key=KEY, webhook_allow="127.0.0.0/8")
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    asyncio.run(ensure_topics(made))
    return made


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["subscriptions", *words], catch_exceptions=False)


def good(*words: str) -> Any:
    """The JSON that the command prints."""
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


async def deliver(settings: Settings, receiver: Receiver, ledger: Ledger, times: int) -> None:
    async with dispatching(settings):
        await ledger.publish(["A", "B"], times)
        await receiver.until(ledger.total)


def test_a_subscription_from_its_beginning_to_its_end(settings: Settings) -> None:
    """Made, shown, tested, delivered to, replayed, rotated, paused, resumed, removed: all by commands."""
    receiver, ledger = Receiver(), Ledger(settings)
    made = good("add", receiver.url, "--level", "WATCH", "--exposure", "USD=1000", "--by", "ann", "--name", "ERP")
    name = made["id"]
    assert made["filters"] == {
        "topics": ["credit-alerts"], "level_at_or_below": "WATCH", "exposure_above": {"USD": "1000"},
    }  # fmt: skip
    receiver.secrets.append(made["secret"])
    assert "secret" not in good("show", name)
    assert good("show", name, "--secret")["secret"] == made["secret"]

    tried = call("test", name, "--json")
    assert (tried.exit_code, json.loads(tried.output)["error"]) == (1, "connect")

    async def serve(times: int) -> None:
        async with receiver:
            await deliver(settings, receiver, ledger, times)

    asyncio.run(serve(2))
    assert [entry["data"]["outcome"] for entry in good("deliveries", name)] == ["delivered"] * 4
    assert good("deliveries", name, "--failed") == good("deliveries", name, "--dead") == []
    assert good("show", name)["deliveries"]["attempts"] == 4
    lines = call("deliveries", name).output.splitlines()
    assert len(lines) == 4
    assert "delivered 200 attempt 1" in lines[0]

    event = good("deliveries", name)[0]["data"]["event_id"]
    assert call("redeliver", name, event).output == "asked for 1 to be sent again\n"
    assert good("redeliver", name, "--dead") == {"events": 0}
    assert good("replay", name, "--customer", "B", "--from-sequence", "2") == {"events": 1}
    receiver.accepted.clear()
    asyncio.run(_again(settings, receiver, 2))
    assert {item.event["id"] for item in receiver.accepted} == {event, "ticks/0/2/B/tightening"}

    assert len(good("rotate", name)["secrets"]) == 2
    paused = good("pause", name, "--reason", "moving")
    assert (paused["id"], paused["status"], paused["reason"]) == (name, "paused", "moving")
    assert f"{name}  paused (moving)" in call("list").output
    since = call("replay", name, "--since", "2020-01-01")
    assert since.output == "asked for everything since 2020-01-01T00:00:00+00:00 to be sent again\n"
    assert good("replay", name, "--since", "0001-01-01") == {"events": None}
    assert "there is no such event" in call("replay", name, "--customer", "nobody", "--from-sequence", "1").output
    assert good("resume", name)["status"] == "active"
    assert good("list")[0]["status"] == "active"
    assert call("pause", name).output == f"paused {name}\n"
    assert good("remove", name) == {"removed": name}
    assert good("list") == []


async def _again(settings: Settings, receiver: Receiver, count: int) -> None:
    async with receiver, dispatching(settings):
        await receiver.until(count)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["add", "http://10.1.2.3/x"], 2, "must be reached by https"),
        (["add", "https://10.1.2.3/x"], 2, "is not public"),
        (["add", "https://u:p@example.com/"], 2, "no user name"),
        (["add", "http://127.0.0.1/x", "--exposure", "USD"], 2, "EUR=50000"),
        (["add", "http://127.0.0.1/x", "--exposure", "QQQ=1"], 2, "exposure_above"),
        (["add", "http://127.0.0.1/x", "--step", "9"], 2, "min_level_step"),
        (["add", "http://127.0.0.1/x", "--topic", "dead-letters"], 2, "dead-letters"),
        (["show", "sub-none"], 1, "no subscription"),
        (["rotate", "sub-none"], 1, "no subscription"),
        (["remove", "sub-none"], 1, "no subscription"),
        (["deliveries", "sub-none"], 1, "no subscription"),
        (["redeliver", "sub-none", "x"], 1, "no subscription"),
        (["redeliver", "sub-none"], 2, "give ids"),
        (["replay", "sub-none"], 2, "--since"),
        (["replay", "sub-none", "--customer", "A"], 2, "--from-sequence"),
    ],
)
def test_wrong_input_is_told_and_changes_nothing(settings: Settings, words: list[str], code: int, says: str) -> None:
    result = call(*words)
    assert (result.exit_code, says in result.output) == (code, True), result.output
    assert good("list") == []


def test_without_a_key_no_subscription_is_made(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDITPULSE_SECRET_KEY")
    result = call("add", "http://127.0.0.1/x")
    assert (result.exit_code, "CREDITPULSE_SECRET_KEY is not set" in result.output) == (2, True)
    assert good("list") == []


def test_there_may_be_only_so_many(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is refused, and says which setting; one that is removed makes room."""
    monkeypatch.setenv("CREDITPULSE_WEBHOOK_MOST_SUBSCRIPTIONS", "2")
    made = [good("add", f"http://127.0.0.1/{number}")["id"] for number in range(2)]
    refused = call("add", "http://127.0.0.1/third", "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "there are 2 subscriptions already (CREDITPULSE_WEBHOOK_MOST_SUBSCRIPTIONS)" in refused.stderr
    assert [item["id"] for item in good("list")] == made
    good("remove", made[0])
    assert good("add", "http://127.0.0.1/third")["url"] == "http://127.0.0.1/third"


async def test_secrets_do_not_pile_up(make_settings: MakeSettings) -> None:
    """Five are valid at most; one that has expired makes room."""
    settings = make_settings(secret_key=KEY, webhook_allow="127.0.0.1")
    await ensure_topics(settings)
    new = NewSubscription(url="http://127.0.0.1:9/x")
    async with Control(settings) as control:
        now = wall_clock()
        made = await service.create_subscription(control, settings, new, by="ann", now=now, start={})
        name = made.subscription.id
        for _ in range(4):
            await service.rotate_secret(control, settings, name, now=now)
        with pytest.raises(Conflict, match="5 valid secrets"):
            await service.rotate_secret(control, settings, name, now=now)
        later = await service.rotate_secret(control, settings, name, now=now + timedelta(hours=25))
        assert len(later.subscription.secrets) == 2
        wrong = NewSubscription.model_validate({"url": new.url, "filters": {"topics": ["orders"]}})
        with pytest.raises(InvalidInput, match="cannot be subscribed to"):
            await service.create_subscription(control, settings, wrong, by="ann", now=now, start={})


async def test_only_the_segment_that_was_asked_for(make_settings: MakeSettings) -> None:
    """Who the customer is stands in the event; without it, an event is of no segment."""
    settings = make_settings(secret_key=KEY, webhook_allow="127.0.0.0/8")
    await ensure_topics(settings)
    ledger = Ledger(settings)
    async with Receiver() as receiver, Control(settings) as control:
        await subscribe(control, settings, receiver, filters={"segments": ["retail"]})
        async with dispatching(settings):
            await ledger.publish(["B"], 2, master=Master(segment="lending"))
            await ledger.publish(["C"], 2)
            await ledger.publish(["A"], 2, master=Master(segment="retail"))
            await receiver.until(2)
        assert receiver.by_customer() == {"A": [1, 2]}
