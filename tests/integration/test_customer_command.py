"""``creditpulse customer``: the sheet of a customer from a real archive, and clear messages without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.levels import Level

from .book import Book
from .conftest import MakeSettings
from .demo_process import run
from .pipeline import Pipeline, publish

pytestmark = pytest.mark.embedded_only


async def test_a_customer_is_shown_from_the_archive(make_settings: MakeSettings) -> None:
    """After gate, engine and archive have run: level, score, exposure and timeline, as text, as JSON, in Chinese."""
    settings = make_settings()
    await publish(settings, Book(customers=8, days=100).events())
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        pipeline.stop()
    env = settings.environment()
    archived = run("archive", "--once", env=env)
    assert archived.returncode == 0, archived.stderr
    found = run("customer", "C003", "--timeline", "5", "--json", env=env)
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert told["customer_id"] == "C003"
    assert Level(told["level"]).worse_than(Level.STANDARD)  # C003 stops paying after a third of the time
    assert len(told["timeline"]) == 5
    shown = run("customer", "C003", env=env)
    assert shown.returncode == 0, shown.stderr
    assert f"-> {told['score']}" in shown.stdout
    assert "USD" in shown.stdout
    chinese = run("customer", "C003", "--lang", "zh", env=env)
    assert "时间线" in chinese.stdout
    unknown = run("customer", "nobody", env=env)
    assert unknown.returncode == 1
    assert "knows no customer 'nobody'" in unknown.stderr


def test_without_an_archive_the_message_says_what_to_start(tmp_path: Path) -> None:
    """No archive was ever there: exit code 1, one line that names the command, no traceback."""
    done = run("customer", "C1", "--data-dir", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "creditpulse archive" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "nothing").exists()
