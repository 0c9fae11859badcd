"""The chain of chunks: what is accepted, handed over, acknowledged, and how far a commit may go."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.transport.chain import Chunk, ChunkChain, Rewind
from streams.transport.errors import GapFound, Misdelivered
from tests.unit.streams.faust_parts import Raw

PLACE = TP("log", 0)


def records(offsets: Iterable[int]) -> list[Raw]:
    """A fetched batch with these offsets."""
    return [Raw("log", 0, offset, 0, b"k", b"v") for offset in offsets]


def chain_at(position: int, *, sparse: bool = False) -> ChunkChain:
    """A chain that begins at ``position``."""
    chain = ChunkChain(PLACE, sparse=sparse)
    chain.rebase(position)
    return chain


def accept(chain: ChunkChain, first: int, last: int, *, hand_over: bool = True) -> Chunk:
    """Fetch the offsets ``first`` to ``last`` into the chain, and give them to the agent."""
    chunk = chain.fetched(records(range(first, last + 1)))
    assert isinstance(chunk, Chunk)
    if hand_over:
        assert chain.handed_over(chunk)
    return chunk


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=12), data=st.data())
def test_commit_never_passes_an_unacknowledged_chunk(sizes: list[int], data: st.DataObject) -> None:
    """In whatever order chunks are acknowledged, the commit position is the first offset not acknowledged."""
    chain = chain_at(100)
    chunks, position = [], 100
    for size in sizes:
        chunks.append(accept(chain, position, position + size - 1))
        position += size
    open_offsets = set(range(100, position))
    for chunk in data.draw(st.permutations(chunks)):
        assert chain.acknowledged(chunk)
        open_offsets -= set(range(chunk.first, chunk.last + 1))
        assert chain.safe == min(open_offsets, default=position)
    assert chain.ahead == 0


def test_a_hole_of_one_offset_holds_the_commit_back() -> None:
    """A chunk of a single record is missed as any other: the commit waits for it."""
    chain = chain_at(0)
    first, second = accept(chain, 0, 0), accept(chain, 1, 9)
    assert chain.acknowledged(second)
    assert chain.safe == 0
    assert chain.acknowledged(first)
    assert chain.safe == 10


def test_a_repeated_acknowledgement_counts_once() -> None:
    """Acknowledging the same chunk again changes nothing and says so."""
    chain = chain_at(0)
    first, second = accept(chain, 0, 4), accept(chain, 5, 9)
    assert chain.acknowledged(second)
    assert not chain.acknowledged(second)
    assert chain.safe == 0
    assert chain.acknowledged(first)
    assert not chain.acknowledged(first)
    assert chain.safe == 10


def test_a_chunk_of_an_older_chain_is_a_stranger() -> None:
    """After a rebase, a chunk of before is neither processed nor acknowledged, even with the same offsets."""
    chain = chain_at(0)
    old = accept(chain, 0, 4)
    late = accept(chain, 5, 9, hand_over=False)
    chain.rebase(0)
    new = accept(chain, 0, 4)
    assert not chain.is_current(old)
    assert not chain.handed_over(late)
    assert not chain.acknowledged(old)
    assert chain.safe == 0
    assert chain.acknowledged(new)
    assert chain.safe == 5


def test_chunks_of_two_partitions_are_told_apart() -> None:
    """No chunk of one chain is current in another, whatever their offsets."""
    one, other = chain_at(0), chain_at(0)
    assert not other.is_current(accept(one, 0, 4))


def test_a_chain_without_position_accepts_nothing() -> None:
    """Before a partition is positioned, and after it is revoked, nothing that was fetched is delivered."""
    chain = ChunkChain(PLACE)
    assert chain.fetched(records(range(5))) is None
    chain.rebase(0)
    accept(chain, 0, 4)
    chain.rebase(None)
    assert chain.fetched(records(range(5, 10))) is None
    assert (chain.position, chain.safe, chain.ahead) == (None, None, 0)


def test_what_was_fetched_before_is_trimmed() -> None:
    """A batch that begins below the position delivers its new records only; one without news, nothing."""
    chain = chain_at(0)
    accept(chain, 0, 4)
    assert chain.fetched(records(range(2, 5))) is None
    chunk = accept(chain, 2, 8)
    assert [record.offset for record in chunk.records] == [5, 6, 7, 8]
    assert (chunk.first, chunk.last) == (5, 8)


@pytest.mark.parametrize("offsets", [[7, 8, 9], [5, 7, 8]], ids=["starts too high", "hole inside"])
def test_missing_records_are_fetched_again_once_then_are_a_gap(offsets: list[int]) -> None:
    """Records that are missing make the consumer go back; when they are missing again, the worker must stop."""
    chain = chain_at(5)
    assert chain.fetched(records(offsets)) == Rewind(5)
    assert chain.position == 5
    with pytest.raises(GapFound, match="wanted offset 5"):
        chain.fetched(records(offsets))


def test_a_rewind_that_helped_is_forgotten() -> None:
    """Each position may be fetched again once: an earlier rewind does not make a later one a gap."""
    chain = chain_at(0)
    assert chain.fetched(records([2, 3])) == Rewind(0)
    accept(chain, 0, 3)
    assert chain.fetched(records([6])) == Rewind(4)
    accept(chain, 4, 6)
    assert chain.position == 7


def test_sparse_topics_may_have_holes_after_a_second_look() -> None:
    """Where markers leave holes, the chunk counts from the position to its last record, after one rewind."""
    chain = chain_at(5, sparse=True)
    assert chain.fetched(records([7, 9])) == Rewind(5)
    chunk = chain.fetched(records([7, 9]))
    assert isinstance(chunk, Chunk)
    assert (chunk.first, chunk.last, len(chunk.records)) == (5, 9, 2)
    assert chain.handed_over(chunk)
    assert chain.acknowledged(chunk)
    assert chain.safe == 10


def test_a_chunk_lost_on_the_way_to_the_agent_is_a_gap() -> None:
    """When the chunk before never reached the agent, the next one is not processed over it."""
    chain = chain_at(0)
    accept(chain, 0, 4, hand_over=False)
    second = accept(chain, 5, 9, hand_over=False)
    with pytest.raises(GapFound, match="dropped between fetch and agent"):
        chain.handed_over(second)


def test_a_chunk_reaches_the_agent_once() -> None:
    """The same chunk handed over twice is an error of wiring, not work."""
    chain = chain_at(0)
    chunk = accept(chain, 0, 4)
    with pytest.raises(Misdelivered, match="twice"):
        chain.handed_over(chunk)


def test_only_what_was_delivered_may_be_acknowledged() -> None:
    """An acknowledgement of a chunk that no agent has had is refused, and the commit stays."""
    chain = chain_at(0)
    chunk = accept(chain, 0, 4, hand_over=False)
    with pytest.raises(Misdelivered, match="never delivered"):
        chain.acknowledged(chunk)
    assert chain.safe == 0


def test_ahead_counts_what_is_not_safe_yet() -> None:
    """How far the fetch is ahead counts up to the first chunk not acknowledged, not the number of open ones."""
    chain = chain_at(10)
    first, second = accept(chain, 10, 14), accept(chain, 15, 19)
    assert chain.ahead == 10
    chain.acknowledged(second)
    assert chain.ahead == 10
    chain.acknowledged(first)
    assert chain.ahead == 0


def test_what_holds_no_record_is_done_once_it_is_passed() -> None:
    """The marker behind a transaction: nothing of it is delivered, and the commit goes beyond it."""
    chain = chain_at(5, sparse=True)
    first = accept(chain, 5, 7)
    chain.passed(9)
    assert (chain.position, chain.safe) == (8, 5), "a chunk is open: its acknowledgement comes first"
    assert chain.acknowledged(first)
    chain.passed(9)
    assert (chain.position, chain.safe, chain.ahead) == (9, 9, 0)
    chain.passed(3)
    assert chain.position == 9
    second = chain.fetched(records([9, 10]))
    assert isinstance(second, Chunk)
    assert (second.first, chain.handed_over(second), chain.acknowledged(second), chain.safe) == (9, True, True, 11)


def test_nothing_is_passed_before_the_chain_begins() -> None:
    """Where the consumer stands before it is positioned says nothing."""
    chain = ChunkChain(PLACE, sparse=True)
    chain.passed(9)
    assert chain.position is None
