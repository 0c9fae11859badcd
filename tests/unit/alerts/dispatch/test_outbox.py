"""Each channel by itself: in order, tried again ever more slowly, given up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from alerts.dispatch.apprise_channel import AppriseChannel
from alerts.dispatch.message import Message, Settled
from alerts.dispatch.outbox import Outbox
from alerts.routing.config import channel_url
from schemas.errors import InvalidInput, Unavailable


class Channel:
    """Fails so many times, or always."""

    def __init__(self, fails: float = 0, error: Exception | None = None) -> None:
        self.fails, self.error = fails, error or Unavailable("not now")
        self.sent: list[str] = []
        self.attempts = 0

    async def send(self, message: Message) -> None:
        self.attempts += 1
        if self.attempts <= self.fails:
            raise self.error
        self.sent.append(message.key)


def message(key: str, channel: str = "a") -> Message:
    return Message(key, "desk", channel, "info", "title", "text", "html", made=1_000)


class Clock:
    ms = 1_000

    def __call__(self) -> int:
        return self.ms


@asynccontextmanager
async def sending(
    channels: dict[str, Channel], messages: Sequence[Message], now: Clock | None = None
) -> AsyncIterator[list[Settled]]:
    """Until all are settled."""
    settled: list[Settled] = []
    done = asyncio.Event()

    async def settle(result: Settled) -> None:
        settled.append(result)
        if len(settled) == len(messages):
            done.set()

    places = {("desk", name): channel for name, channel in channels.items()}
    async with Outbox(places, settle, now or Clock(), give_up_after=60_000, first_pause=0.001) as outbox:
        for one in messages:
            await outbox.put(one)
        await asyncio.wait_for(done.wait(), 10)
        yield settled


async def test_what_fails_is_tried_again_and_the_order_is_kept() -> None:
    channel = Channel(fails=2)
    async with sending({"a": channel}, [message("1"), message("2")]) as settled:
        assert channel.sent == ["1", "2"]
        assert [(one.key, one.outcome, one.attempts) for one in settled] == [("1", "sent", 3), ("2", "sent", 1)]


async def test_the_next_one_waits_until_it_is_stored_that_the_one_before_was_sent() -> None:
    """Killed before, only that one is sent again."""
    channel, stored = Channel(), asyncio.Event()
    settled: list[str] = []

    async def settle(result: Settled) -> None:
        settled.append(result.key)
        await stored.wait()

    async with Outbox({("desk", "a"): channel}, settle, Clock(), give_up_after=60_000) as outbox:
        for key in ("1", "2"):
            await outbox.put(message(key))
        while not settled:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (channel.sent, outbox.waiting) == (["1"], 2)
        stored.set()
        while outbox.waiting:
            await asyncio.sleep(0)
    assert channel.sent == ["1", "2"]


async def test_what_cannot_be_stored_is_told() -> None:
    """The service ends, and begins anew from what is stored."""

    channel, error = Channel(), Unavailable("the broker is away")

    async def settle(result: Settled) -> None:
        raise error

    with suppress(Unavailable):  # told again at the end
        async with Outbox({("desk", "a"): channel}, settle, Clock(), give_up_after=60_000) as outbox:
            outbox.check()
            await outbox.put(message("1"))
            while not channel.sent:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            with pytest.raises(Unavailable, match="away"):
                outbox.check()


async def test_a_channel_that_raises_anything_holds_up_no_other() -> None:
    ill, well = Channel(fails=3, error=RuntimeError("a library's")), Channel()
    async with sending({"a": ill, "b": well}, [message("1"), message("2", "b")]) as settled:
        assert [one.key for one in settled] == ["2", "1"]


async def test_what_is_too_old_is_given_up_with_the_last_error() -> None:
    clock, channel = Clock(), Channel(fails=float("inf"))
    clock.ms = 61_001 + 1_000
    async with sending({"a": channel}, [message("1")], clock) as settled:
        assert [(one.outcome, one.error) for one in settled] == [("given_up", "not now")]


async def test_a_channel_that_the_routing_does_not_name_any_more() -> None:
    async with sending({}, [message("1", "gone")]) as settled:
        assert (settled[0].outcome, settled[0].attempts) == ("given_up", 0)


def test_a_channel_without_a_url_is_named_and_its_url_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidInput, match="set DESK to an Apprise URL"):
        channel_url("${DESK}", {"DESK": " "})
    with pytest.raises(InvalidInput) as told:
        AppriseChannel("${DESK}", channel_url("${DESK}", {"DESK": "mailto://user:hunter2@"}))
    assert "hunter2" not in str(told.value) + caplog.text
