"""A part's port that another program has got: the demo asks again, and at last names the port; it never takes the
other's answers for its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import generate_latest

from desk.demo_parts import DemoParts
from desk.demo_progress import Pulse, Stranger, is_ready, read_pulse, until_ready
from desk.demo_run import DemoRun, Plan
from desk.demo_show import SilentShow
from schemas.errors import Unavailable
from streams.embedded.broker import free_port
from streams.metrics import Metrics

pytestmark = pytest.mark.embedded_only

OURS = b'{"ok": true, "recovering": false, "lag": {"payments/0": 0}}'
RECOVERING = b'{"ok": true, "recovering": true, "lag": {"payments/0": 0}}'
GARBAGE = {
    "HTML": b"<html><body>It works!</body></html>",
    "no text": b"\xff\xfe\x00\x80",
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "health of another service": b'{"ok": true}',
    "another kind of lag": b'{"ok": true, "recovering": false, "lag": 7}',
    "metrics of another service": b"# TYPE up gauge\nup 1.0\n",
}


@asynccontextmanager
async def answering(port: int, answers: Iterator[bytes], status: bytes = b"200 OK") -> AsyncIterator[None]:
    """An HTTP server that gives these answers, whatever is asked, and then none."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = next(answers)
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\nLocation: /\r\n\r\n" % (status, len(body))
        writer.write(body if body.startswith(b"SSH") else head + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((body, b"200 OK") for body in GARBAGE.values()),
        (GARBAGE["HTML"], b"404 Not Found"),
        (GARBAGE["HTML"], b"302 Found"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", b""),
    ],
    ids=[*GARBAGE, "404", "redirect", "no HTTP"],
)
async def test_a_stranger_is_told_from_a_part(body: bytes, status: bytes) -> None:
    """Gate and engine are not ready, there are no figures, and after a while the port is named."""
    gate, engine = free_port(), free_port()
    ports = {"gate": gate, "engine": engine}
    async with (
        aiohttp.ClientSession() as session,
        answering(gate, repeat(OURS)),
        answering(engine, repeat(body), status),
    ):
        with pytest.raises(Stranger):
            await is_ready(session, ports)
        assert await read_pulse(session, {"gate": engine, "engine": engine}, 2) is None
        with pytest.raises(Unavailable, match=f"on port {engine} of 127.0.0.1, where the engine should"):
            await until_ready(session, ports, patience=0.3)


async def test_a_stranger_may_go_and_the_part_may_take_its_time() -> None:
    """Each strange answer is asked again; while nobody answers, or a part recovers, there is no end to the patience."""
    gate, engine = free_port(), free_port()
    ports = {"gate": gate, "engine": engine}
    answers = chain([GARBAGE["HTML"]] * 3, [RECOVERING] * 8, [GARBAGE["HTML"]] * 3, repeat(OURS))
    async with aiohttp.ClientSession() as session, answering(gate, repeat(OURS)):
        assert not await is_ready(session, ports)
        waiting = asyncio.create_task(until_ready(session, ports, patience=0.8))
        await asyncio.sleep(1.0)
        async with answering(engine, answers):
            await asyncio.wait_for(waiting, 20)
            assert next(answers) == OURS


async def test_figures_of_parts_are_read() -> None:
    """What a gate and an engine serve that have done nothing is theirs."""
    port = free_port()
    async with aiohttp.ClientSession() as session, answering(port, repeat(generate_latest(Metrics().registry))):
        assert await read_pulse(session, {"gate": port, "engine": port}, 2) == Pulse()


async def test_a_demo_on_a_taken_port_says_which(tmp_path: Path) -> None:
    """It is not taken for the gate; whether its log tells it first or our patience ends, the port is in the message."""
    with DemoParts(tmp_path / "demo", full_speed=True, desk=False) as parts:
        async with answering(parts.gate_port, repeat(GARBAGE["HTML"])):
            with pytest.raises(Unavailable, match=str(parts.gate_port)):
                await DemoRun(parts, Plan([], None, 0, exit_when_done=True), SilentShow()).run()
