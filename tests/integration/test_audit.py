"""The audit trail through all parts: recorded, sealed, killed amid it, checked, handed out, tampered with."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from models.audit_chain import GENESIS, chain_hash
from schemas.assessments import LevelOverridden
from schemas.audit import AuditRecord
from schemas.levels import Level
from schemas.log import PolicyActivated
from schemas.topics import ASSESSMENTS, AUDIT, AUDIT_CHECKPOINTS, POLICY
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.reader import Reader
from streams.cli import main
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, timed
from streams.topic_reader import read_to_end
from tests.integration.book import START, Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Pipeline, decisions, publish
from tests.integration.test_archive_service import health, until


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """``creditpulse audit ...``: exit code and what it prints."""
    done = CliRunner().invoke(main, ["audit", *arguments], env=settings.environment())
    return done.exit_code, done.output


def run_elsewhere(*arguments: str) -> tuple[int, str]:
    """The same on a machine that has neither our broker nor our archive."""
    env = {**os.environ, "CREDITPULSE_BROKER": "kafka://127.0.0.1:1", "CREDITPULSE_DATA_DIR": "nowhere"}
    command = [sys.executable, "-m", "streams.cli", "audit", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def verified(settings: Settings, *arguments: str) -> tuple[int, dict[str, Any]]:
    """``creditpulse audit verify --json``."""
    code, text = run(settings, "verify", "--json", *arguments)
    return code, json.loads(text)


def acts_of_people() -> list[TimedEvent]:
    """An override that changes nothing that is not changed already, and a policy."""
    at = START + timedelta(days=60)
    override = LevelOverridden(
        version=1, event_id="set-by-ana", occurred_at=at, customer_id="C001", by="ana", reason="known for long",
        level=Level.WATCH, expires_on=(at + timedelta(days=10)).date(),
    )  # fmt: skip
    again = override.model_copy(update={"event_id": "again-by-ana"})
    policy = PolicyActivated(version=1, event_id="policy-2", occurred_at=at, by="committee", text="version: second\n")
    later = at + timedelta(hours=1)
    return [timed(ASSESSMENTS, at, override), timed(ASSESSMENTS, later, again), timed(POLICY, later, policy)]


async def records(settings: Settings) -> dict[tuple[int, int, int], tuple[AuditRecord, bytes]]:
    """The first record of each place on the topic, in order."""
    found: dict[tuple[int, int, int], tuple[AuditRecord, bytes]] = {}
    async for record in read_to_end(settings, AUDIT):
        raw = record.value or b""
        content = AuditRecord.model_validate_json(raw)
        assert content.partition == record.partition
        found.setdefault((content.partition, content.offset, content.index), (content, raw))
    return found


async def test_recorded_sealed_and_checked(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Engine and archive are killed amid the work: each decision and act is sealed once; a changed row is named."""
    settings = make_settings(max_poll_records=100, audit_checkpoint_entries=40, audit_checkpoint_seconds=0.5)
    events = sorted([*Book(customers=12, days=120).events(), *acts_of_people()], key=lambda e: e.timestamp_ms)
    with Pipeline(settings) as pipeline:
        for role in ("gate", "engine", "archive"):
            pipeline.start(role)
        half = len(events) * 2 // 3
        await publish(settings, events[:half])
        await until(lambda: _covered(settings))
        await publish(settings, events[half:])
        for role in ("engine", "archive"):
            pipeline.kill(role)
            pipeline.start(role)
        await pipeline.drain()
        found = await records(settings)
        await until(lambda: _covered(settings))
        await _check_records(settings, found)
        await _check_chain(settings, found)

        checkpoints, export = tmp_path / "checkpoints.jsonl", tmp_path / "C001.jsonl.gz"
        code, outcome = await asyncio.to_thread(verified, settings)
        assert code == 0, outcome
        assert (outcome["ok"], outcome["entries"], outcome["broken"]) == (True, len(found), [])
        assert outcome["checkpoints"] > settings.partitions
        code, text = await asyncio.to_thread(run, settings, "checkpoints", "--out", str(checkpoints), "--json")
        lines = len(checkpoints.read_bytes().splitlines())
        assert (code, json.loads(text)) == (0, {"file": str(checkpoints), "checkpoints": lines}), text
        customer = ("export", "--customer", "C001", "--out", str(export), "--json")
        code, text = await asyncio.to_thread(run, settings, *customer)
        entries = len(gzip.decompress(export.read_bytes()).splitlines()) - 1
        assert (code, json.loads(text)) == (0, {"file": str(export), "entries": entries, "uncovered": 0}), text
        await _check_span(settings, outcome)
        told = await health(settings)
        assert told["audit"] == {"sealed": told["audit"]["sealed"], "lag": 0}
        assert pipeline.children["archive"].stop() == 0
    proven = ("verify", "--file", str(export), "--checkpoints", str(checkpoints))
    code, text = await asyncio.to_thread(run_elsewhere, *proven)
    assert code == 0, text
    assert "are as they were sealed" in text
    await _check_tampered(settings, checkpoints)


async def _check_records(settings: Settings, found: dict[Any, tuple[AuditRecord, bytes]]) -> None:
    """Each decision on the out topics is recorded, and each act of a person, in each partition that it concerns."""
    made = set(await decisions(settings))
    assert {content.id for content, _ in found.values() if content.kind == "decision"} == made
    acts = sorted((content.id, content.by) for content, _ in found.values() if content.kind == "action")
    everywhere = [("policy-2", "committee")] * settings.partitions
    assert acts == sorted([("set-by-ana", "ana"), ("again-by-ana", "ana"), *everywhere])


async def _check_chain(settings: Settings, found: dict[Any, tuple[AuditRecord, bytes]]) -> None:
    """What is stored is the fold of the topic: repeats dropped, each hash over the one before."""
    async with Reader(settings) as reader:
        for partition in range(settings.partitions):
            previous = GENESIS
            raws = [raw for place, (_, raw) in sorted(found.items()) if place[0] == partition]
            rows = await reader.view("audit", limit=10_000)
            ours = [row for row in rows if row["partition"] == partition]
            assert [row["sequence"] for row in ours] == list(range(len(raws)))
            for row, raw in zip(ours, raws, strict=True):
                previous = chain_hash(previous, raw)
                assert (row["record"].encode(), row["hash"]) == (raw, previous.hex())


async def _covered(settings: Settings) -> bool:
    """Whether checkpoints cover all that is recorded so far, and something is."""
    entries, sizes = len(await records(settings)), dict[int, int]()
    async for record in read_to_end(settings, AUDIT_CHECKPOINTS):
        data = json.loads(record.value or b"")["data"]
        sizes[data["partition"]] = max(sizes.get(data["partition"], 0), data["tree_size"])
    return 0 < entries == sum(sizes.values())


async def _check_span(settings: Settings, whole: dict[str, Any]) -> None:
    """A part by time, or by sequence, begins at the checkpoint before it and ends with the same hash."""
    code, part = await asyncio.to_thread(verified, settings, "--from", (START + timedelta(days=90)).isoformat())
    assert code == 0
    assert 0 < part["entries"] < whole["entries"]
    assert [item["hash"] for item in part["partitions"]] == [item["hash"] for item in whole["partitions"]]
    code, part = await asyncio.to_thread(verified, settings, "--to", "9")
    assert (code, part["entries"]) == (0, 10 * settings.partitions)


async def _check_tampered(settings: Settings, checkpoints: Path) -> None:
    """A record that somebody changes in the database, in secret, is named; so is the end when it is cut off."""
    kept = ("--checkpoints", str(checkpoints))
    await _change(
        settings,
        "ALTER TABLE audit_entries UPDATE record = replaceOne(record, '\"USD\"', '\"EUR\"') "
        "WHERE partition = 1 AND sequence = 17 SETTINGS mutations_sync = 2",
    )
    code, outcome = await asyncio.to_thread(verified, settings, *kept)
    assert (code, outcome["ok"]) == (1, False)
    [broken] = outcome["broken"]
    assert (broken["partition"], broken["sequence"]) == (1, 17)
    assert broken["customer"].startswith("C0")
    assert "its record is not the one that was sealed" in broken["what"]
    await _change(settings, "DELETE FROM audit_entries WHERE partition = 0 AND sequence >= 12")
    code, outcome = await asyncio.to_thread(verified, settings, *kept)
    assert code == 1
    assert [(b["partition"], b["sequence"]) for b in outcome["broken"]] == [(0, 12), (1, 17)]


async def _change(settings: Settings, sql: str) -> None:
    database = ClickHouse(parse_dsn(settings))
    try:
        await database.open(create=False)
        await database.command(sql)
    finally:
        await database.close()
