"""The audit chain: whatever somebody does to it afterwards, the first entry that it touches is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit_chain import Broken, ChainCheck, SealedEntry, chain_hash, read_head
from models.merkle import leaf_hash
from schemas.audit import AuditCheckpoint
from schemas.errors import InvalidInput
from tests.unit.models.audit_records import chain, checkpoint, record

SIZE = 24
RECORDS = [record(offset, index) for offset in range(0, SIZE, 2) for index in (0, 1)]
ENTRIES = chain(RECORDS)
CHECKPOINTS = [checkpoint(ENTRIES, size) for size in (7, 15, SIZE)]
sequences = st.integers(0, SIZE - 1)


def check(
    entries: Sequence[SealedEntry], checkpoints: Sequence[AuditCheckpoint] = (), start: AuditCheckpoint | None = None
) -> ChainCheck:
    """All of them, up to the end."""
    found = ChainCheck(1, checkpoints, start)
    for entry in entries:
        found.take(entry)
    found.end()
    return found


def broken(entries: Sequence[SealedEntry], checkpoints: Sequence[AuditCheckpoint] = ()) -> Broken:
    """What is found wrong."""
    with pytest.raises(Broken) as caught:
        check(entries, checkpoints)
    assert caught.value.partition == 1
    return caught.value


def test_a_chain_that_nobody_touched() -> None:
    """All entries and checkpoints agree; the last hash and root are those of the last checkpoint."""
    found = check(ENTRIES, CHECKPOINTS)
    assert (found.checked, found.checkpoints_passed) == (SIZE, 3)
    assert (found.hash, found.root) == (CHECKPOINTS[-1].hash, CHECKPOINTS[-1].root)


@given(start=st.sampled_from(CHECKPOINTS[:2]))
def test_it_may_begin_at_a_checkpoint(start: AuditCheckpoint) -> None:
    """From a checkpoint on the rest comes to the same hash and root."""
    found = check(ENTRIES[start.tree_size :], CHECKPOINTS, start)
    assert (found.checked, found.root) == (SIZE - start.tree_size, CHECKPOINTS[-1].root)


@settings(max_examples=400)
@given(sequence=sequences, data=st.data())
def test_any_byte_flipped_names_the_entry(sequence: int, data: st.DataObject) -> None:
    """In a record, a hash, a leaf or a column that people look for: the entry is named, with id and what is wrong."""
    entry = ENTRIES[sequence]
    texts = {name: getattr(entry, name) for name in ("record", "hash", "leaf", "previous_hash")}
    texts |= {name: value for name, value in entry.columns.items() if isinstance(value, str)}
    name = data.draw(st.sampled_from(sorted(texts)))
    at = data.draw(st.integers(0, len(texts[name]) - 1))
    flipped = chr(ord(texts[name][at]) ^ data.draw(st.integers(1, 127)))
    text = texts[name][:at] + flipped + texts[name][at + 1 :]
    changes = {"columns": {**entry.columns, name: text}} if name in entry.columns else {name: text}
    entries = [*ENTRIES[:sequence], replace(entry, **changes), *ENTRIES[sequence + 1 :]]
    found = broken(entries)
    assert found.sequence == sequence
    assert found.id is not None
    assert (found.customer == entry.columns["customer_id"]) or name == "record"


@given(sequence=sequences, number=st.sampled_from(["log_offset", "entry_index"]))
def test_a_number_changed_names_the_entry(sequence: int, number: str) -> None:
    """Columns with numbers are checked as well."""
    entry = ENTRIES[sequence]
    changed = replace(entry, columns={**entry.columns, number: entry.columns[number] + 1})
    assert broken([*ENTRIES[:sequence], changed, *ENTRIES[sequence + 1 :]]).sequence == sequence


@given(sequence=sequences)
def test_an_entry_left_out(sequence: int) -> None:
    """Missing in the middle it is seen at once, missing at the end by the checkpoint."""
    found = broken(ENTRIES[:sequence] + ENTRIES[sequence + 1 :], CHECKPOINTS)
    assert (found.sequence, "missing" in found.what) == (sequence, True)


@given(size=sequences)
def test_an_end_cut_off(size: int) -> None:
    """A checkpoint knows of more."""
    assert broken(ENTRIES[:size], CHECKPOINTS).sequence == size


@given(first=sequences, second=sequences.filter(bool), renumbered=st.booleans())
def test_two_entries_swapped(first: int, second: int, renumbered: bool) -> None:
    """Whether or not they take over each other's numbers, the first of the two is named."""
    first, second = sorted((first, second))
    if first == second:
        first -= 1
    entries = list(ENTRIES)
    entries[first], entries[second] = entries[second], entries[first]
    if renumbered:
        entries = [replace(entry, sequence=number) for number, entry in enumerate(entries)]
    assert broken(entries).sequence == first


@given(sequence=sequences, renumbered=st.booleans(), forged=st.booleans())
def test_an_entry_put_in(sequence: int, renumbered: bool, forged: bool) -> None:
    """A copy or a forgery, with hashes that fit itself, does not fit what stands around it."""
    entry = ENTRIES[sequence]
    if forged:
        raw = record(1000)
        previous = bytes.fromhex(entry.previous_hash)
        hashes = {"hash": chain_hash(previous, raw).hex(), "leaf": leaf_hash(raw).hex()}
        entry = replace(entry, record=raw.decode(), columns={}, **hashes)
    entries = [*ENTRIES[:sequence], entry, *ENTRIES[sequence:]]
    if renumbered:
        entries = [replace(entry, sequence=number) for number, entry in enumerate(entries)]
    assert broken(entries).sequence in (sequence, sequence + 1)


@given(sequence=sequences)
def test_a_chain_sealed_anew(sequence: int) -> None:
    """Who changes a record and all hashes after it is found by the next checkpoint, which says how far it was whole."""
    changed = [*RECORDS]
    changed[sequence] = record(2 * (sequence // 2), sequence % 2, customer="C99")
    forged = chain(changed)
    check(forged)
    found = broken(forged, CHECKPOINTS)
    assert found.sequence == max((c.tree_size for c in CHECKPOINTS if c.tree_size <= sequence), default=0)
    assert "not those that the checkpoint of" in found.what


def test_records_of_another_place() -> None:
    """Repetitions and records of another partition are refused although hashed rightly."""
    assert broken(chain([record(3), record(3)])).sequence == 1
    assert broken(chain([record(3), record(4, partition=0)])).sequence == 1
    assert broken(chain([record(3)], partition=0)).sequence == 0


def test_a_checkpoint_that_contradicts_itself_or_another() -> None:
    """Peaks that do not make the root start nothing; of two checkpoints of one size one is wrong."""
    wrong = CHECKPOINTS[0].model_copy(update={"root": "0" * 64})
    with pytest.raises(Broken, match="contradicts itself"):
        ChainCheck(1, (), wrong)
    with pytest.raises(Broken, match="contradicts itself"):
        ChainCheck(1, (), wrong.model_copy(update={"peaks": []}))
    assert broken(ENTRIES, [*CHECKPOINTS, wrong]).sequence in (0, 7)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"null", b"\xff", record(1)[:-1], record(1).replace(b'"C1"', b'"\xff"'),
        record(1, time="2025-03-01T12:00:00"), record(1, time="1825-03-01T12:00:00Z"), record(-1), record(2**63),
        record(1, partition=2**32), record(1, by=None), record(1, salt="x").replace(b'"x"', b'"\xc3"'),
    ],
)  # fmt: skip
def test_what_is_no_record(raw: bytes) -> None:
    """It is refused with a reason."""
    with pytest.raises(InvalidInput):
        read_head(raw)
