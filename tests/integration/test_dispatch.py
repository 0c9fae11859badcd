"""The dispatcher on a real broker: every alert is told, none twice, whatever is killed in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from alerts.dispatch.store import StateStore
from schemas.decisions import AlertKind
from schemas.errors import Unavailable
from schemas.levels import Level
from streams.embedded.broker import free_port
from streams.embedded.guard import Child
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings
from tests.integration.dispatch_parts import ChatRoom, publish_alerts, start_dispatch, tightening, write_routing


async def cli(settings: Settings, *words: str) -> str:
    """Output of a command of ours."""
    child = await asyncio.create_subprocess_exec(
        ".venv/bin/creditpulse", *words, env={**os.environ, **settings.environment()},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await child.communicate()
    assert child.returncode == 0, err.decode()
    return out.decode()


async def start(settings: Settings, room: ChatRoom) -> Child:
    return await asyncio.to_thread(start_dispatch, settings, DESK_CHAT=room.url)


async def test_killed_and_started_again_it_tells_all_and_none_twice(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Alerts before, while and after; acknowledgement and silence outlive the kill; ends are told."""
    routing = write_routing(tmp_path / "routing.yaml", ["${DESK_CHAT}"])
    settings = make_settings(routing_file=routing, dispatch_port=free_port(), clock="wall")
    await ensure_topics(settings)
    names = [f"C{number}" for number in range(12)]
    await publish_alerts(settings, *(tightening(name) for name in names[:4]))
    async with ChatRoom() as room:
        child = await start(settings, room)
        await room.until("new", set(names[:4]))
        listed = {item["customer"]: item for item in json.loads(await cli(settings, "alerts", "list", "--json"))}
        await cli(settings, "alerts", "ack", listed["C0"]["id"], "--by", "ann", "--reason", "called them")
        muted = ["--match", "customer=C9", "--for", "1h", "--by", "ann", "--reason", "payment plan"]
        await cli(settings, "alerts", "silence", "add", *muted)
        await publish_alerts(settings, *(tightening(name) for name in names[4:7]))
        os.kill(child.pid, signal.SIGKILL)
        child.stop(timeout=10)
        await publish_alerts(settings, *(tightening(name) for name in names[7:10]))
        child = await start(settings, room)
        easing = {"kind": AlertKind.EASING, "level": Level.STANDARD, "level_before": Level.WATCH}
        await publish_alerts(settings, *(tightening(name) for name in names[10:]), tightening("C1", 2, **easing))
        await room.until("new", set(names) - {"C9"})
        await room.until("over", {"C1"})
        after = {item["customer"]: item for item in json.loads(await cli(settings, "alerts", "list", "--json"))}
        assert (after["C0"]["state"], after["C0"]["acknowledged_by"]) == ("acknowledged", "ann")
        assert after["C9"]["muted_by_silence"] is not None
        assert "C9" not in room.told("new")
        assert after["C1"]["state"] == "resolved"
        assert child.stop(timeout=20) == 0
        assert len(room.references) == len(set(room.references)) == len(room.messages)


async def test_a_channel_that_fails_holds_up_no_other_and_gets_all_later(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    routing = write_routing(tmp_path / "routing.yaml", ["${DESK_CHAT}", "${HEAD_CHAT}"])
    settings = make_settings(routing_file=routing, dispatch_port=free_port(), clock="wall")
    await ensure_topics(settings)
    async with ChatRoom() as well, ChatRoom() as ill:
        ill.broken = True
        urls = {"DESK_CHAT": well.url, "HEAD_CHAT": ill.url}
        child = await asyncio.to_thread(start_dispatch, settings, **urls)
        await publish_alerts(settings, tightening("C1"), tightening("C2"))
        await well.until("new", {"C1", "C2"})
        while not ill.refused:
            await asyncio.sleep(0.05)
        assert child.stop(timeout=20) == 0
        ill.broken = False
        child = await asyncio.to_thread(start_dispatch, settings, **urls)
        await ill.until("new", {"C1", "C2"})
        assert child.stop(timeout=20) == 0
        assert len(well.messages) == len(ill.messages) == 2
        assert sorted(well.references) == sorted(ill.references)


async def test_a_step_is_stored_whole_and_a_second_dispatcher_ends_the_first(make_settings: MakeSettings) -> None:
    settings = make_settings()
    await ensure_topics(settings)
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
