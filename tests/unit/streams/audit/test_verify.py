"""Checks of the archive and of exports: right ones pass, and of a wrong one the entry is named."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.audit_chain import Broken
from schemas.audit import CheckpointOut
from schemas.errors import InvalidInput, Unavailable
from streams.archive.errors import NotFound
from streams.archive.reader import Reader
from streams.audit.customer import prove_customer
from streams.audit.export import export_all, export_customer
from streams.audit.outcome import Outcome
from streams.audit.verify import Span, verify_archive
from streams.audit.verify_file import verify_file
from tests.unit.models.audit_records import record
from tests.unit.streams.audit.parts import NOW, FakeArchive, FakeCheckpoints, sealed

RECORDS = [record(offset) for offset in range(30)]
OTHERS = [record(offset, partition=0, customer="D1") for offset in range(0, 22, 2)]


def quiet(done: int, total: int) -> None:
    """No progress bar."""
    assert 0 <= done <= total


async def verified(archive: FakeArchive, checkpoints: FakeCheckpoints, span: Span | None = None) -> Outcome:
    return await verify_archive(cast(Reader, archive), checkpoints.data, span or Span(), quiet)


def places(outcome: Outcome) -> list[tuple[int, int]]:
    return [(broken.partition, broken.sequence) for broken in outcome.broken]


async def test_an_archive_as_it_was_sealed() -> None:
    """All entries of all partitions, in pages, and every checkpoint."""
    archive, checkpoints = await sealed({1: RECORDS, 0: OTHERS})
    outcome = await verified(archive, checkpoints)
    assert (outcome.broken, outcome.entries, outcome.checkpoints) == ([], 41, len(checkpoints.sent))
    assert outcome.as_json()["partitions"][1] == {
        "partition": 1, "entries": 30, "first": 0, "last": 29, "checkpoints": 5,
        "hash": checkpoints.data[-1].hash, "root": checkpoints.data[-1].root,
    }  # fmt: skip


async def test_the_first_broken_entry_of_each_partition_is_told() -> None:
    """One fault does not hide that of another partition, and an entry that is gone not the one before."""
    archive, checkpoints = await sealed({1: RECORDS, 0: OTHERS})
    archive.rows[1, 20]["customer_id"] = "C99"
    archive.rows[1, 25]["hash"] = "0" * 64
    del archive.rows[0, 10]
    outcome = await verified(archive, checkpoints)
    assert places(outcome) == [(0, 10), (1, 20)]
    assert outcome.broken[1].customer == "C6"
    assert "column customer_id says 'C99', its record 'C6'" in str(outcome.broken[1])
    assert outcome.as_json()["ok"] is False


async def test_a_partition_that_is_gone() -> None:
    """The checkpoints know that there was one."""
    archive, checkpoints = await sealed({1: RECORDS, 0: OTHERS})
    archive.rows = {key: row for key, row in archive.rows.items() if key[0]}
    assert places(await verified(archive, checkpoints)) == [(0, 0)]


@pytest.mark.parametrize(
    ("span", "entries"),
    [
        (Span(first=13), 30 - 12),  # from the checkpoint of 12
        (Span(first=3), 30),  # there is no checkpoint before
        (Span(first=12, last=17), 6),
        (Span(last=4), 5),
        (Span(first=29, last=400), 6),
    ],
)
async def test_a_part(span: Span, entries: int) -> None:
    """From the last checkpoint before the beginning up to the end that is asked for; the rest is not looked at."""
    archive, checkpoints = await sealed({1: RECORDS})
    assert [out.tree_size for out in checkpoints.data] == [6, 12, 18, 24, 30]
    outcome = await verified(archive, checkpoints, span)
    assert (outcome.broken, outcome.entries) == ([], entries)
    for untouched in (2, 28):
        archive.rows[1, untouched]["record"] = RECORDS[0].decode()
    low, high = 30 - entries if span.last is None else (span.first or 0), span.last or 29
    found = places(await verified(archive, checkpoints, span))
    assert found == [(1, sequence) for sequence in (2, 28) if low <= sequence <= high or sequence == 28 <= high][:1]


async def test_a_part_of_what_is_gone() -> None:
    """Asked only for the end, it is told that the end is missing."""
    archive, checkpoints = await sealed({1: RECORDS})
    for sequence in range(20, 30):
        del archive.rows[1, sequence]
    assert places(await verified(archive, checkpoints, Span(first=27))) == [(1, 20)]
    assert places(await verified(archive, checkpoints, Span(last=19))) == []


@pytest.fixture
async def world() -> tuple[FakeArchive, FakeCheckpoints]:
    return await sealed({1: RECORDS, 0: OTHERS})


async def exported(world: tuple[FakeArchive, FakeCheckpoints], path: Path, customer: str | None = None) -> Path:
    archive, checkpoints = world
    reader = cast(Reader, archive)
    if customer is None:
        await export_all(reader, path, NOW, quiet)
    else:
        await export_customer(reader, customer, checkpoints.data, path, NOW, quiet)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
async def test_exports_pass(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path, name: str) -> None:
    """Of all and of a customer; the customer's holds nothing of others but hashes."""
    checkpoints = world[1].data
    whole = verify_file(await exported(world, tmp_path / name), checkpoints, quiet)
    assert (whole.broken, whole.entries, whole.checkpoints, whole.notes) == ([], 41, len(checkpoints), [])
    path = await exported(world, tmp_path / name, "C2")
    one = verify_file(path, checkpoints, quiet)
    expected = sum(json.loads(raw)["customer"] == "C2" for raw in [*RECORDS, *OTHERS])
    assert (one.broken, one.entries) == ([], expected)
    raw = gzip.decompress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()
    assert all(f'C{other}\\"'.encode() not in raw for other in range(7) if other != 2)


async def test_without_checkpoints(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """A whole export is checked by itself and that is said; one customer's cannot be."""
    outcome = verify_file(await exported(world, tmp_path / "a"), None, quiet)
    assert (outcome.broken, len(outcome.notes)) == ([], 1)
    with pytest.raises(InvalidInput, match="give --checkpoints"):
        verify_file(await exported(world, tmp_path / "b", "C2"), None, quiet)


async def test_an_export_older_than_the_checkpoints(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """It is no fault, but said, that newer entries are not in the file."""
    path = await exported(await sealed({1: RECORDS[:20]}), tmp_path / "old")
    outcome = verify_file(path, world[1].data, quiet)
    assert outcome.broken == []
    assert any("does not reach to the checkpoint of 30 entries" in note for note in outcome.notes)


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(customer=st.sampled_from([None, "C2"]), data=st.data())
def test_any_byte_of_an_export(customer: str | None, data: st.DataObject, files: Callable[[str | None], Path]) -> None:
    """Whatever byte of an entry's line is flipped: that entry is named."""
    path, checkpoints = files(customer), files("checkpoints")
    known = [json.loads(line) for line in _lines(checkpoints)]
    lines = _lines(path)
    number = data.draw(st.integers(1, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[number]) - 2))
    flipped = bytes([lines[number][at] ^ data.draw(st.integers(1, 255))])
    line = lines[number][:at] + flipped + lines[number][at + 1 :]
    changed = path.with_suffix(".changed")
    changed.write_bytes(b"".join([*lines[:number], line, *lines[number + 1 :]]))
    outcome = verify_file(changed, [CheckpointOut.model_validate(item).data for item in known], quiet)
    assert outcome.broken, line
    entry = json.loads(lines[number])
    in_its_place = at <= lines[number].index(b',"', len(b'{"partition":0,"'))  # then another place is named
    assert (entry["partition"], entry["sequence"]) in places(outcome) or in_its_place


@pytest.fixture
async def files(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> Callable[[str | None], Path]:
    """An export of all, one of a customer, and the checkpoints."""
    await exported(world, tmp_path / "all")
    await exported(world, tmp_path / "C2", "C2")
    text = "".join(out.model_dump_json() + "\n" for out in world[1].sent)
    (tmp_path / "checkpoints").write_text(text, encoding="utf-8")
    return lambda name: tmp_path / (name or "all")


async def test_lines_left_out_doubled_and_swapped(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """In both kinds of export, at the end as in the middle; a file without entries is not whole either."""
    checkpoints = world[1].data
    for customer in (None, "C2"):
        path = await exported(world, tmp_path / "a", customer)
        lines = _lines(path)
        for changed in (
            [*lines[:3], *lines[4:]], lines[:-1], [*lines[:3], lines[2], *lines[3:]],
            [*lines[:2], lines[3], lines[2], *lines[4:]], lines[:1],
        ):  # fmt: skip
            path.write_bytes(b"".join(changed))
            assert verify_file(path, checkpoints, quiet).broken


async def test_a_decision_kept_back_from_a_customer(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """Who hides an entry, and says that there are fewer, leaves a gap in the numbers of the decisions."""
    path = await exported(world, tmp_path / "a", "C2")
    lines = _lines(path)
    header = json.loads(lines[0])
    partition = json.loads(lines[-2])["partition"]
    header["entries"][str(partition)] -= 1
    path.write_bytes(b"".join([json.dumps(header).encode() + b"\n", *lines[1:-2], lines[-1]]))
    [broken] = verify_file(path, world[1].data, quiet).broken
    assert broken.sequence == json.loads(lines[-1])["sequence"]
    assert "1 decisions of its type were left out" in broken.what


async def test_another_customers_entry(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """A proof that is right does not make it the customer's."""
    path = await exported(world, tmp_path / "a", "C2")
    path.write_bytes(path.read_bytes().replace(b'"customer":"C2"}', b'"customer":"C3"}', 1))
    [broken] = verify_file(path, world[1].data, quiet).broken
    assert "entry of C2, not of C3" in broken.what


async def test_checkpoints_that_others_hold(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """Against a checkpoint of another history, or none of that size, nothing is proven."""
    path = await exported(world, tmp_path / "a", "C2")
    forged = [c.model_copy(update={"root": "0" * 64}) for c in world[1].data]
    assert "do not lead to the published root" in verify_file(path, forged, quiet).broken[0].what
    assert "no checkpoint of" in verify_file(path, world[1].data[:1], quiet).broken[0].what


async def test_what_cannot_be_exported(world: tuple[FakeArchive, FakeCheckpoints], tmp_path: Path) -> None:
    """An unknown customer, nothing covered yet, a changed archive: told, and no file is left."""
    archive, checkpoints = world
    path = tmp_path / "a"
    with pytest.raises(NotFound, match="nobody"):
        await exported(world, path, "nobody")
    with pytest.raises(Unavailable, match="no checkpoint covers"):
        await exported((archive, FakeCheckpoints()), path, "C2")
    archive.rows[1, 4]["leaf"] = "not hex"
    with pytest.raises(Broken, match="see `audit verify`"):
        await exported((archive, checkpoints), path, "C2")
    assert os.listdir(tmp_path) == []


async def test_entries_that_no_checkpoint_covers_are_counted(tmp_path: Path) -> None:
    """They follow with the next export."""
    archive, checkpoints = await sealed({1: RECORDS})
    done = await export_customer(cast(Reader, archive), "C2", checkpoints.data[:2], tmp_path / "a", NOW, quiet)
    assert (done.entries, done.uncovered) == (2, 2)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}\n", b"\x00\xff", b'{"creditpulse_audit":2,"scope":"all","made":"2026-01-01T00:00:00Z","entries":{}}\n'],
)
def test_a_file_that_is_no_export(content: bytes, tmp_path: Path) -> None:
    """It is refused as wrong input, gzipped or not."""
    for name in ("a", "a.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput):
            verify_file(tmp_path / name, None, quiet)


async def test_one_customer_is_proven_as_an_outside_party_would() -> None:
    """All entries up to the last checkpoint; of a wrong record the entry is named, of a wrong tree where it ends."""
    archive, checkpoints = await sealed({1: RECORDS})
    good = await prove_customer(archive, "C2", checkpoints.data, NOW)
    assert (good.proven, good.uncovered, good.broken) == (4, 0, None)
    early = await prove_customer(archive, "C2", checkpoints.data[:2], NOW)
    assert (early.proven, early.uncovered, early.broken) == (2, 2, None)
    archive.rows[1, 9]["record"] = archive.rows[1, 9]["record"].replace("approve", "release").replace("C2", "C2 ")
    changed = (await prove_customer(archive, "C2", checkpoints.data, NOW)).broken
    assert changed is not None
    assert (changed.partition, changed.sequence) == (1, 9)
    archive.rows[1, 16]["leaf"] = "00" * 32
    grown = (await prove_customer(archive, "C2", checkpoints.data, NOW)).broken
    assert grown is not None
    assert grown.sequence == 29
    with pytest.raises(NotFound):
        await prove_customer(archive, "nobody", checkpoints.data, NOW)
