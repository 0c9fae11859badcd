"""The dispatcher on a real broker: every alert is told, whatever is killed in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

from click.testing import CliRunner

from schemas.decisions import AlertKind, Master
from schemas.levels import Level
from schemas.topics import MODEL_LOG
from streams.cli import main
from streams.embedded.broker import free_port
from streams.embedded.guard import Child
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings
from tests.integration.dispatch_parts import (
    ChatRoom,
    MailBox,
    page,
    publish_alerts,
    start_dispatch,
    tightening,
    write_routing,
)
from tests.unit.alerts.samples import envelope, note


async def cli(settings: Settings, *words: str) -> str:
    """Output of a command of ours."""
    done = await asyncio.to_thread(CliRunner().invoke, main, words, env=settings.environment())
    assert done.exit_code == 0, done.output
    return done.stdout


async def start(settings: Settings, room: ChatRoom, mails: MailBox) -> Child:
    return await asyncio.to_thread(start_dispatch, settings, DESK_CHAT=room.url, DESK_MAIL=mails.url)


async def test_killed_and_started_again_it_tells_all_and_repeats_at_most_what_was_under_way(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Alerts before, while and after; acknowledgement and silence outlive the kill; ends are told; by chat and mail."""
    routing = write_routing(tmp_path / "routing.yaml", ["${DESK_CHAT}", "${DESK_MAIL}"])
    settings = make_settings(routing_file=routing, dispatch_port=free_port(), clock="wall")
    await ensure_topics(settings)
    names = [f"C{number}" for number in range(8)]
    hostile = Master(name="<script>alert(1)</script>")
    await publish_alerts(settings, *(tightening(name, master=hostile) for name in names[:2]))
    async with MailBox() as mails, ChatRoom() as room:
        child = await start(settings, room, mails)
        await room.until("new", set(names[:2]))
        listed = {item["customer"]: item for item in json.loads(await cli(settings, "alerts", "list", "--json"))}
        await cli(settings, "alerts", "ack", listed["C0"]["id"], "--by", "ann", "--reason", "called them")
        muted = ["--match", "customer=C5", "--for", "1h", "--by", "ann", "--reason", "payment plan"]
        await cli(settings, "alerts", "silence", "add", *muted)
        await publish_alerts(settings, *(tightening(name) for name in names[2:4]))
        os.kill(child.pid, signal.SIGKILL)
        child.stop(timeout=10)
        await publish_alerts(settings, *(tightening(name) for name in names[4:6]))
        child = await start(settings, room, mails)
        easing = {"kind": AlertKind.EASING, "level": Level.STANDARD, "level_before": Level.WATCH}
        await publish_alerts(settings, *(tightening(name) for name in names[6:]), tightening("C1", 2, **easing))
        await room.until("new", set(names) - {"C5"})
        await room.until("over", {"C1"})
        after = {item["customer"]: item for item in json.loads(await cli(settings, "alerts", "list", "--json"))}
        assert (after["C0"]["state"], after["C0"]["acknowledged_by"]) == ("acknowledged", "ann")
        assert after["C5"]["muted_by_silence"] is not None
        assert "C5" not in room.told("new")
        assert after["C1"]["state"] == "resolved"
        await mails.until(len(room.messages))
        metrics = await asyncio.to_thread(page, settings, "metrics")
        assert 'creditpulse_alerts{stage="acknowledged"} 1.0' in metrics
        assert 'creditpulse_messages_total{outcome="sent",receiver="desk"}' in metrics
        assert child.stop(timeout=20) == 0
        assert len(room.references) == len(room.messages)
        for references in (room.references, mails.references):
            assert len(references) - len(set(references)) <= 1, "a kill sends again at most what was under way"
        # The mails say the same: the reference ends with the number of the message alone.
        assert set(mails.references) == set(room.references)
        assert "&lt;script&gt;" in "".join(mails.bodies())
        assert "<script>" not in "".join(mails.bodies())
        assert {mail["To"] for mail in mails.mails} == {"desk@example.org"}


async def test_that_payments_are_missing_is_told_and_that_they_are_back(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    """By the engine's own notes, with the limit of its policy; the routing file asks about no topic."""
    routing = write_routing(tmp_path / "routing.yaml", ["${DESK_CHAT}"])
    settings = make_settings(routing_file=routing, dispatch_port=free_port(), clock="wall")
    await ensure_topics(settings)
    stale, back = (
        envelope(
            note(task="book", kind=kind, partition=0, statistic=hours, threshold=2.0),
            event_id=f"ticks/0/{number}/partition-0/{kind}", subject="partition-0",
        ).model_copy(update={"sequence": f"{number:010d}"})
        for number, kind, hours in ((1, "payments_stale", 2.5), (2, "payments_back", 0.1))
    )  # fmt: skip
    async with ChatRoom() as room:
        child = await asyncio.to_thread(start_dispatch, settings, DESK_CHAT=room.url)
        for number, (event, told) in enumerate(
            ((stale, "no payment heard since 2025-03-14 14:30"), (back, "topic payments has new records again"))
        ):
            await publish_alerts(settings, event, topic=MODEL_LOG)
            async with asyncio.timeout(60):
                while len(room.messages) <= number:
                    await asyncio.sleep(0.05)
            assert told in room.messages[number]["message"]
        assert child.stop(timeout=20) == 0


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
