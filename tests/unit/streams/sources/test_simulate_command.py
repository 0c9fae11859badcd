"""``creditpulse simulate``: a file of events, the truth behind it, and a summary."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli import main
from streams.sources.event_file import read_events
from streams.sources.simulate import Portfolio, simulate

SMALL = ("--customers", "12", "--days", "60", "--seed", "9", "--start", "2024-03-01")


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


def test_the_file_holds_the_portfolio_of_the_options(tmp_path: Path) -> None:
    """Customers, days, seed and start are those asked for, and the summary counts what was written."""
    done = _run(*SMALL, "--out", tmp_path / "events.jsonl", "--json")
    assert done.exit_code == 0, done.output
    found = list(read_events(tmp_path / "events.jsonl"))
    assert found == list(simulate(Portfolio(12, 60, 9, datetime(2024, 3, 1, tzinfo=UTC))))
    summary = json.loads(done.stdout)
    assert summary["events"] == len(found)
    assert summary["by_topic"] == Counter(event.topic for event in found)
    assert sum(summary["stories"].values()) == 12


def test_the_same_options_give_the_same_files(tmp_path: Path) -> None:
    """Events and truth, byte for byte, also packed."""
    for name in ("a", "b"):
        files = ("--out", tmp_path / f"{name}.jsonl.gz", "--truth", tmp_path / f"{name}.truth")
        assert _run(*SMALL, *files).exit_code == 0
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert (tmp_path / "a.truth").read_bytes() == (tmp_path / "b.truth").read_bytes()


def test_the_truth_names_every_customer_once(tmp_path: Path) -> None:
    """A line per customer with its story; every customer of the events is there."""
    _run(*SMALL, "--out", tmp_path / "events.jsonl", "--truth", tmp_path / "truth.jsonl")
    truth = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    ids = [line["customer_id"] for line in truth]
    assert len(set(ids)) == len(ids) == 12
    assert {event.key for event in read_events(tmp_path / "events.jsonl")} - {None} <= set(ids)
    assert all(line["story"] for line in truth)


def test_numbers_out_of_bounds_are_wrong_input(tmp_path: Path) -> None:
    """Exit code 2, the option is named, nothing is written."""
    for option, value in (("--customers", "0"), ("--days", "0"), ("--start", "1999-12-31"), ("--start", "2081-01-01")):
        done = _run(option, value, "--out", tmp_path / "events.jsonl")
        assert done.exit_code == 2
        assert option.removeprefix("--") in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """Exit code 1 for the events and for the truth."""
    absent = tmp_path / "absent" / "file"
    for files in (("--out", absent), ("--out", tmp_path / "events.jsonl", "--truth", absent)):
        done = _run(*SMALL, *files)
        assert done.exit_code == 1
        assert "absent" in done.stderr
