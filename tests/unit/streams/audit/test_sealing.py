"""Sealing: the same chain whatever is repeated, how it is cut, where it is killed and who takes it over."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.audit_chain import Broken
from schemas.errors import InvalidInput, Unavailable
from streams.audit.sealer import Chain
from tests.unit.models.audit_records import chain, checkpoint, record
from tests.unit.streams.audit.parts import FakeArchive, FakeCheckpoints, FakeTopic, fold, place, sealed, sealing

RECORDS = [record(offset, index) for offset in range(8) for index in (0, 1)]
OTHERS = [record(offset, partition=0) for offset in range(11)]
# As an engine leaves it that was killed twice: it begins again from an earlier entry, with other salts.
REPEATED = [
    *RECORDS[:6], *(record(o, i, salt="again") for o in (1, 2) for i in (0, 1)), *RECORDS[6:9],
    record(4, 0, salt="third"), *RECORDS[9:],
]  # fmt: skip


def test_a_chain_is_what_its_definition_says() -> None:
    """Numbers without gaps, hash over the hash before, leaves by the RFC; a checkpoint is that of the whole."""
    expected, rows = chain(RECORDS), fold(1, RECORDS)
    assert [row[:5] for row in rows] == [(1, e.sequence, e.previous_hash, e.hash, e.leaf) for e in expected]
    assert [row[-1] for row in rows] == [e.record for e in expected]
    state = Chain(1)
    for offset, raw in enumerate(RECORDS):
        state.seal(offset, raw)
    assert state.checkpoint() == checkpoint(expected, len(RECORDS))


def test_repeats_are_dropped() -> None:
    """Of a record that was written again the first counts, whatever its salt."""
    assert [row[1:5] + row[-1:] for row in fold(1, REPEATED)] == [row[1:5] + row[-1:] for row in fold(1, RECORDS)]


def test_a_record_of_another_partition_is_refused() -> None:
    """It changes nothing of the chain."""
    state = Chain(1)
    with pytest.raises(InvalidInput, match="partition 0"):
        state.seal(0, record(0, partition=0))
    assert (state.size, state.next_offset) == (0, 1)


@given(
    most=st.integers(1, 9),
    fails=st.lists(st.sampled_from(["", "before", "after"]), max_size=14),
    ends=st.lists(st.integers(1, 6), max_size=6),
)
def test_killed_failed_and_cut_anyhow(most: int, fails: list[str], ends: list[int]) -> None:
    """Failing inserts, restarts after any step, any size of batches: the archive holds the fold of the topic."""

    async def run() -> FakeArchive:
        archive, checkpoints = FakeArchive(fails=list(fails)), FakeCheckpoints()
        for steps in [*ends, 60]:  # each begins as a new process
            topic = FakeTopic({place(0): OTHERS, place(1): REPEATED}, [place(0), place(1)], most=most)
            task = sealing(archive, checkpoints)
            for _ in range(steps):
                try:
                    await task.step(topic)
                except Unavailable:
                    continue
        for told in checkpoints.data:
            entries = chain(RECORDS if told.partition else OTHERS, told.partition)
            assert told == checkpoint(entries, told.tree_size)
            assert (told.partition, told.tree_size - 1) in archive.rows, "published before it was stored"
        return archive

    archive = asyncio.run(run())
    for partition, topic in ((0, OTHERS), (1, REPEATED)):
        rows = [tuple(row.values()) for key, row in sorted(archive.rows.items()) if key[0] == partition]
        assert rows == fold(partition, topic)


async def test_a_rebalance_takes_partitions_away_and_gives_them_back() -> None:
    """What another member has sealed meanwhile is read from the archive, not remembered."""
    archive, checkpoints = FakeArchive(), FakeCheckpoints()
    records = {place(0): OTHERS, place(1): REPEATED}
    ours, theirs = FakeTopic(records, [place(0), place(1)]), FakeTopic(records, [place(1)])
    first, second = sealing(archive, checkpoints), sealing(archive, checkpoints)
    await first.step(ours)
    await first.on_partitions_revoked([place(0), place(1)])
    ours.assigned = [place(0)]
    for _ in range(3):
        await first.step(ours)
        await second.step(theirs)
    await first.on_partitions_revoked([place(0)])
    ours.assigned = [place(0), place(1)]
    for _ in range(8):
        await first.step(ours)
    assert {key[0] for key in archive.rows} == {0, 1}
    assert len(archive.rows) == len(OTHERS) + len(RECORDS)
    assert first.lag({place(0): len(OTHERS), place(1): len(REPEATED)}) == 0


async def test_checkpoints_by_number_and_by_time() -> None:
    """After so many entries, and after so long; none when nothing is new; numbered without gaps per partition."""
    archive, checkpoints = await sealed({1: RECORDS, 0: OTHERS})
    assert [d.tree_size for d in checkpoints.data if d.partition == 1] == [6, 12, 16]
    assert [out.sequence for out in checkpoints.sent if out.data.partition == 1] == [
        "0000000001", "0000000002", "0000000003",
    ]  # fmt: skip
    late = sealing(archive, checkpoints, audit_checkpoint_entries=1000, audit_checkpoint_seconds=0.05)
    topic = FakeTopic({place(1): [*RECORDS, record(20)]}, [place(1)])
    await late.step(topic)
    assert len(checkpoints.sent) == 5
    await asyncio.sleep(0.06)
    await late.step(topic)
    assert (checkpoints.data[-1].tree_size, checkpoints.sent[-1].sequence) == (17, "0000000004")
    await late.step(topic)
    assert len(checkpoints.sent) == 6


async def test_what_is_no_record_is_kept_as_a_reject() -> None:
    """Garbage on the topic stops nothing and is not lost."""
    archive, _ = await sealed({1: [RECORDS[0], b"{", record(3, partition=0), *RECORDS[1:]]})
    assert len(archive.rows) == len(RECORDS)
    assert [row[:4] for row in archive.rejects] == [
        ("audit", 1, 1, "not_an_audit_record"), ("audit", 1, 2, "not_an_audit_record"),
    ]  # fmt: skip


async def test_an_archive_made_anew_becomes_what_was_published() -> None:
    """From the topic the same chain arises; if the topic is another one, sealing stops at the known checkpoint."""
    archive, checkpoints = await sealed({1: RECORDS})
    again = FakeArchive()
    task = sealing(again, checkpoints)
    topic = FakeTopic({place(1): RECORDS}, [place(1)])
    for _ in range(7):
        await task.step(topic)
    assert again.rows == archive.rows
    other = FakeTopic({place(1): [record(0, salt="forged"), *RECORDS[1:]]}, [place(1)], most=20)
    with pytest.raises(Broken, match="not the one that the checkpoint of 16 entries"):
        await sealing(FakeArchive(), checkpoints).step(other)


async def test_an_archive_that_does_not_fit_is_not_gone_on_with() -> None:
    """Entries that are missing in the archive, or that are not on the topic, are told instead of sealed over."""
    archive, checkpoints = await sealed({1: RECORDS})
    short = FakeTopic({place(1): RECORDS[:5]}, [place(1)])
    with pytest.raises(Unavailable, match="another one than the archive has sealed"):
        await sealing(archive, checkpoints).step(short)
    del archive.rows[1, 3]
    with pytest.raises(Unavailable, match="partition 1 has no sequence 3"):
        await sealing(archive, FakeCheckpoints()).step(FakeTopic({place(1): RECORDS}, [place(1)]))
    archive.rows[1, 15]["hash"] = "0" * 64
    with pytest.raises(Broken, match="see `audit verify`"):
        await sealing(archive, checkpoints).step(FakeTopic({place(1): RECORDS}, [place(1)]))
