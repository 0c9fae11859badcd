"""``creditpulse import``: a ledger becomes a file of events, or nothing is written and the reason is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli import main
from streams.sources.event_file import read_events
from streams.sources.ledger import ledger_events
from tests.unit.streams.sources.books import ROWS, write_ledger

BAD = "I8,C1,2024-01-02,2024-02-01,,-5,USD"


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


def test_the_file_holds_the_events_of_the_ledger(tmp_path: Path) -> None:
    """What is written is what the ledger says, and the summary counts it."""
    ledger, out = write_ledger(tmp_path / "ledger.csv"), tmp_path / "events.jsonl.gz"
    done = _run(ledger, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert list(read_events(out)) == list(ledger_events(ledger))
    summary = json.loads(done.stdout)
    assert summary["events"] == 5
    assert summary["by_topic"] == {"orders": 3, "payments": 2}
    assert summary["customers"] == 2
    assert summary["skipped_rows"] == 0


def test_the_same_ledger_gives_the_same_file(tmp_path: Path) -> None:
    """Byte for byte, also packed."""
    ledger = write_ledger(tmp_path / "ledger.csv")
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        assert _run(ledger, "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_a_bad_row_stops_the_import_and_nothing_is_written(tmp_path: Path) -> None:
    """Exit code 2, file, line and field on stderr, no output file."""
    ledger = write_ledger(tmp_path / "ledger.csv", [*ROWS, BAD])
    done = _run(ledger, "--out", tmp_path / "events.jsonl")
    assert done.exit_code == 2
    assert f"{ledger}: line 5: amount: " in done.stderr
    assert not (tmp_path / "events.jsonl").exists()


def test_skipped_rows_are_written_with_their_reason(tmp_path: Path) -> None:
    """With a file for bad rows the import goes on, and each of them stands there with line, field and values."""
    ledger, rest = write_ledger(tmp_path / "ledger.csv", [*ROWS, BAD]), tmp_path / "bad.csv"
    done = _run(ledger, "--out", tmp_path / "events.jsonl", "--skip-bad-rows", rest, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["skipped_rows"] == 1
    with rest.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["line"], row["field"]) == ("5", "amount")
    assert json.loads(row["row"])["invoice_id"] == "I8"


def test_columns_currency_and_date_format_are_taken_from_the_options(tmp_path: Path) -> None:
    """--map repeated, --currency and --date-format make a strange ledger ours."""
    header = "doc,customer_id,issue_date,due_date,sum"
    ledger = write_ledger(tmp_path / "ledger.csv", ["I1,C1,31.01.2024,01.03.2024,7"], header)
    options = ("--map", "doc=invoice_id", "--map", "sum=amount", "--currency", "EUR", "--date-format", "%d.%m.%Y")
    done = _run(ledger, "--out", tmp_path / "events.jsonl", *options)
    assert done.exit_code == 0, done.output
    (event,) = read_events(tmp_path / "events.jsonl")
    told = json.loads(event.raw)
    assert (told["invoice_id"], told["currency"], told["issue_date"]) == ("I1", "EUR", "2024-01-31")


def test_a_mapping_without_a_target_is_refused(tmp_path: Path) -> None:
    """--map needs both names."""
    ledger = write_ledger(tmp_path / "ledger.csv")
    for mapping in ("doc", "doc=", "=amount", "doc=colour"):
        done = _run(ledger, "--out", tmp_path / "events.jsonl", "--map", mapping)
        assert done.exit_code == 2, mapping
        assert mapping in done.stderr


def test_a_place_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """Exit code 1, and the place is named."""
    ledger = write_ledger(tmp_path / "ledger.csv", [*ROWS, BAD])
    absent = tmp_path / "absent"
    skip = ("--skip-bad-rows", absent / "bad.csv")
    for options in ((absent / "events.jsonl", "--skip-bad-rows", tmp_path / "bad.csv"), (tmp_path / "e.jsonl", *skip)):
        done = _run(ledger, "--out", *options)
        assert done.exit_code == 1, done.output
        assert "absent" in done.stderr
