"""One attempt: what is sent, and what is made of the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from alerts.webhooks.body import body_of
from alerts.webhooks.sender import Outcome, Sender
from alerts.webhooks.transport import resolve
from tests.unit.alerts.samples import alert, envelope, level, order

SECRET = "whsec_" + "A" * 32
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


def streamed(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
    """An answer as it comes from a network: its body has yet to be read."""

    async def parts() -> AsyncIterator[bytes]:
        yield body

    return httpx.Response(status, headers=headers, content=parts())


async def sent(answer: Answer, body: str = "{}", seconds: float = 5.0) -> Outcome:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    sender = Sender(client, "https://example.com/hooks?a=1", lambda: datetime.now(UTC), total_seconds=seconds)
    outcome = await sender.send("ticks/0/1/C1/tightening", body, [SECRET])
    await sender.close()
    return outcome


async def test_what_a_receiver_gets() -> None:
    """The body as it is, signed, as a CloudEvent in structured mode."""
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return streamed(204)

    outcome = await sent(answer, '{"名":1}')
    assert (outcome.status, outcome.error, outcome.response) == (204, None, None)
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", "https://example.com/hooks?a=1")
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["user-agent"].startswith("creditpulse/")
    assert request.headers["webhook-id"] == "ticks/0/1/C1/tightening"
    assert Webhook(SECRET).verify(request.content, dict(request.headers)) == {"名": 1}


@pytest.mark.parametrize(
    ("status", "error"),
    [(199, "status"), (301, "redirect"), (307, "redirect"), (400, "status"), (410, "status"), (500, "status")],
)
async def test_everything_but_2xx_is_a_failure(status: int, error: str) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return streamed(status, b"x" * 5_000, {"location": "http://10.0.0.1/"})

    outcome = await sent(answer)
    assert (outcome.status, outcome.error, outcome.response, outcome.gone) == (status, error, "x" * 300, status == 410)


@pytest.mark.parametrize(("header", "seconds"), [("120", 120.0), ("soon", None), ("-1", None), ("9" * 30, None)])
async def test_retry_after(header: str, seconds: float | None) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return streamed(429, headers={"retry-after": header})

    assert (await sent(answer)).retry_after == seconds


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (httpx.ReadTimeout("slow"), "timeout"), (httpx.ConnectTimeout("slow"), "timeout"),
        (httpx.ConnectError("no"), "connect"), (httpx.ReadError("cut"), "connect"),
        (httpx.RemoteProtocolError("not HTTP"), "protocol"),
    ],
)  # fmt: skip
async def test_no_answer_is_an_outcome(raised: Exception, error: str) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        raise raised

    outcome = await sent(answer)
    assert (outcome.status, outcome.error, outcome.response) == (None, error, str(raised))


async def test_an_attempt_has_an_end() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200)

    outcome = await sent(answer, seconds=0.05)
    assert (outcome.status, outcome.error) == (None, "timeout")


async def test_what_a_receiver_says_cannot_steer_a_terminal() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return streamed(500, b"\x1b[31m\xff\r\nno\x00")

    assert (await sent(answer)).response == "[31m\ufffd  no"


def test_without_a_language_the_body_is_the_very_text_of_the_topic() -> None:
    event = envelope(alert())
    assert body_of(event, ' {"as": "it is"}', None) == ' {"as": "it is"}'


@pytest.mark.parametrize(("data", "summary"), [(alert(), "C1 tightened: standard -> watch"), (order(), "O1")])
def test_a_language_adds_a_sentence(data: object, summary: str) -> None:
    """All else stays; levels have no sentence."""
    event = envelope(data)
    body = json.loads(body_of(event, event.model_dump_json(), "en"))
    assert summary in body.pop("summary")
    assert body == json.loads(event.model_dump_json())
    text = envelope(level()).model_dump_json()
    assert body_of(envelope(level()), text, "en") == text


async def test_a_name_that_is_none_is_not_resolved() -> None:
    with pytest.raises(OSError, match="no host name"):
        await resolve("a" * 70 + ".example.com", 443)
