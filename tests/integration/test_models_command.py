"""A person's word on the models, through Kafka: `creditpulse models` sends it, every partition obeys, the log tells."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from schemas.topics import POLICY
from streams.settings import Settings
from streams.topic_reader import read_to_end
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Pipeline, publish

pytestmark = pytest.mark.embedded_only


def run(settings: Settings, *arguments: str) -> str:
    """The command as a person starts it; what it prints."""
    command = [sys.executable, "-m", "streams.cli", "models", *arguments]
    done = subprocess.run(command, env=settings.environment(), capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


async def test_a_model_is_restored_and_a_wrong_name_refused(make_settings: MakeSettings) -> None:
    """Each partition notes that it is back at the checkpoint; of a challenger that nobody has, that it was refused."""
    settings = make_settings()
    with Pipeline(settings) as pipeline:
        await publish(settings, Book(customers=12, days=120).events())
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        notes = json.loads(await asyncio.to_thread(run, settings, "log", "--json"))
        months = sorted({note["time"][:10] for note in notes if note["data"]["kind"] == "quality"})
        restored = await asyncio.to_thread(run, settings, "restore", "A", months[-1], "--by", "ana", "--json")
        promoted = await asyncio.to_thread(run, settings, "promote", "B", "nobody", "--by", "ana", "--json")
        await pipeline.drain()
        found = json.loads(await asyncio.to_thread(run, settings, "log", "--json"))
    told = [(note["data"]["kind"], note["data"]["model"], note["data"]["partition"]) for note in found]
    partitions = range(settings.partitions)
    assert sorted(t for t in told if t[0] == "restored") == [("restored", months[-1], n) for n in partitions]
    assert sorted(t for t in told if t[0] == "refused") == [("refused", "nobody", n) for n in partitions]
    sent = {json.loads(text)["sent"] for text in (restored, promoted)}
    assert sent == {json.loads(record.value or b"")["event_id"] async for record in read_to_end(settings, POLICY)}
