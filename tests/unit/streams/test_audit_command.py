"""``creditpulse audit`` as an auditor meets it: exit codes, words, and what is wrong with what was given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result

from streams.archive.reader import Reader
from streams.audit.export import export_all, export_customer
from streams.cli import main
from tests.unit.models.audit_records import record
from tests.unit.streams.audit.parts import NOW, sealed

NOBODY = {"CREDITPULSE_BROKER": "kafka://127.0.0.1:1", "CREDITPULSE_DATA_DIR": "/nonexistent/data"}


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Two exports and their checkpoints."""
    archive, checkpoints = await sealed({1: [record(offset) for offset in range(30)]})
    reader = cast(Reader, archive)
    await export_all(reader, tmp_path / "all.jsonl", NOW, lambda done, total: None)
    await export_customer(reader, "C2", checkpoints.data, tmp_path / "C2.jsonl", NOW, lambda done, total: None)
    text = "".join(out.model_dump_json() + "\n" for out in checkpoints.sent)
    (tmp_path / "checkpoints.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)], env=NOBODY)


@pytest.mark.parametrize(("name", "entries"), [("all", 30), ("C2", 4)])
def test_exports_are_checked_without_broker_and_archive(folder: Path, name: str, entries: int) -> None:
    """Two files are all that it needs; in words and as JSON."""
    given = ("--file", folder / f"{name}.jsonl", "--checkpoints", folder / "checkpoints.jsonl")
    done = run("verify", *given)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"{entries} entries in 1 partitions are as they were sealed" in done.stdout
    told = json.loads(run("verify", *given, "--json").stdout)
    assert (told["ok"], told["entries"], told["broken"]) == (True, entries, [])


def test_a_changed_export_fails_and_names_the_entry(folder: Path) -> None:
    """Exit code 1, partition, sequence, decision and customer."""
    path = folder / "all.jsonl"
    path.write_bytes(path.read_bytes().replace(b"o/1/17/0", b"o/1/77/0"))
    done = run("verify", "--file", path, "--checkpoints", folder / "checkpoints.jsonl")
    assert done.exit_code == 1
    assert "BROKEN  partition 1, sequence 17 (o/1/77/0, customer C3): its record is not the one" in done.stdout
    assert "17 entries in 1 partitions are as sealed before the first broken one" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "--file", "C2.jsonl"), "give --checkpoints FILE"),
        (("verify", "--file", "all.jsonl", "--from", "3"), "leave out --from and --to"),
        (("verify", "--file", "checkpoints.jsonl"), "is no export of an audit trail"),
        (("verify", "--file", "nowhere.jsonl"), "does not exist"),
        (("verify", "--file", "all.jsonl", "--checkpoints", "all.jsonl"), "all.jsonl, line 1: no checkpoint"),
        (("verify", "--checkpoints", "checkpoints.jsonl", "--from", "soon"), "--from: neither a sequence nor a time"),
        (("verify", "--checkpoints", "checkpoints.jsonl", "--to", "2026-01-01"), "--to: neither"),
        (("export", "--out", "x"), "either --customer or --all"),
        (("export", "--out", "x", "--all", "--customer", "C2"), "either --customer or --all"),
        (("export", "--all"), "Missing option '--out'"),
    ],
)
def test_wrong_input(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 2 and a sentence that says what to do; nothing is written."""
    before = sorted(folder.iterdir())
    given = [str(folder / part) if part.endswith(".jsonl") or part == "x" else part for part in arguments]
    done = run(*given)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.stderr.split())
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("arguments", [("verify",), ("export", "--customer", "C2", "--out", "x"), ("checkpoints",)])
def test_without_a_broker(folder: Path, arguments: tuple[str, ...]) -> None:
    """Exit code 1 and who does not answer."""
    given = [*arguments, "--out", "x"] if arguments == ("checkpoints",) else arguments
    done = run(*[str(folder / part) if part == "x" else part for part in given])
    assert done.exit_code == 1, done.output
    assert "no broker answers at" in done.stderr


def test_without_an_archive(folder: Path) -> None:
    """With checkpoints at hand the broker is not asked, but the archive is."""
    done = run("verify", "--checkpoints", folder / "checkpoints.jsonl")
    assert done.exit_code == 1
    assert "there is no archive at" in done.stderr
