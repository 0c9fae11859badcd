"""Clients of the broker are never left open by a failed start, and their errors are ours."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, NotLeaderForPartitionError

from schemas.errors import InvalidInput, Unavailable
from streams.kafka_client import broker_errors, open_consumer, opening, start
from streams.settings import Settings

SETTINGS = Settings(broker="kafka://127.0.0.1:1")


class _Client:
    def __init__(self, error: Exception | None = None) -> None:
        self._error, self.did = error, list[str]()

    async def start(self) -> None:
        self.did.append("start")
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        self.did.append("stop")


async def test_a_client_that_cannot_start_is_stopped_and_so_are_those_before_it() -> None:
    """Both are stopped, the body is never reached."""
    first, second = _Client(), _Client(KafkaConnectionError("away"))
    with pytest.raises(Unavailable, match=r"^no broker answers at kafka://127\.0\.0\.1:1$"):
        async with opening(SETTINGS, first, second):
            pytest.fail("opened")
    assert first.did == second.did == ["start", "stop"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotLeaderForPartitionError(), Unavailable),
        (OSError("no route"), Unavailable),
        (InvalidInput("code", "not of the broker", "field"), InvalidInput),
    ],
)
async def test_what_fails_while_opening_stops_the_client(error: Exception, told: type[Exception]) -> None:
    """An error of the broker becomes Unavailable, any other stays what it is."""
    client = _Client()
    with pytest.raises(told):
        async with opening(SETTINGS, client):
            raise error
    assert client.did == ["start", "stop"]


async def test_a_started_client_stays_open() -> None:
    """Only who opened it stops it."""
    client = _Client()
    await start(SETTINGS, client)
    assert client.did == ["start"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KafkaError("busy"), "topic t: KafkaError('busy')"),
        (KafkaConnectionError("away"), "no broker answers at kafka://127.0.0.1:1"),
    ],
)
def test_the_message_says_what_failed(error: Exception, message: str) -> None:
    """That no broker answers goes before what it was asked for."""
    with pytest.raises(Unavailable) as raised, broker_errors(SETTINGS, "topic t"):
        raise error
    assert str(raised.value) == message


async def test_without_a_broker_a_consumer_does_not_open() -> None:
    """aiokafka's own client, nobody listens on the port."""
    with pytest.raises(Unavailable, match="no broker answers at"):
        async with open_consumer(SETTINGS):
            pytest.fail("opened")
