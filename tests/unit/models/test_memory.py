"""Laws of models.memory."""

from __future__ import annotations

from models import memory


def _ids(*names: str) -> list[bytes]:
    return [memory.id_hash(name) for name in names]


def test_hash_is_64_bits_of_blake2b() -> None:
    """The hash of an id is the same in each process and release: 8 bytes of BLAKE2b (b2sum -l 64)."""
    assert memory.id_hash("") == bytes.fromhex("e4a6a0577479b2b4")
    assert len(memory.id_hash("发票-1")) == 8
    assert memory.id_hash("INV-1") != memory.id_hash("INV-2")


def test_remembered_id_is_contained() -> None:
    """An id is contained from when it is remembered, others are not."""
    one, two = _ids("one", "two")
    seen: dict[int, bytes] = {}
    assert not memory.contains(seen, one)
    memory.remember(seen, one, 10)
    assert memory.contains(seen, one)
    assert not memory.contains(seen, two)


def test_ids_of_several_days_are_all_contained() -> None:
    """Every id of every day is found, wherever it stands."""
    hashes = _ids(*"abcdef")
    seen: dict[int, bytes] = {}
    for at, digest in enumerate(hashes):
        memory.remember(seen, digest, 10 + at // 2)
    assert sorted(seen) == [10, 11, 12]
    assert all(memory.contains(seen, digest) for digest in hashes)


def test_hit_across_two_hashes_is_none() -> None:
    """Eight bytes that begin inside one hash and end in the next are no remembered id."""
    seen = {1: bytes(range(8)) + bytes(range(8, 16))}
    assert not memory.contains(seen, bytes(range(4, 12)))
    assert memory.contains(seen, bytes(range(8, 16)))


def test_hit_is_found_behind_a_false_one() -> None:
    """A false hit across a border does not hide the true one behind it."""
    wanted = bytes([5, 5, 5, 5, 6, 6, 6, 6])
    seen = {1: bytes([0, 0, 0, 0, 5, 5, 5, 5]) + bytes([6, 6, 6, 6, 0, 0, 0, 0]) + wanted}
    assert memory.contains(seen, wanted)


def test_hit_across_two_days_is_none() -> None:
    """Bytes of the end of one day and the beginning of the next are no remembered id."""
    seen = {1: bytes([0, 0, 0, 0, 1, 2, 3, 4]), 2: bytes([5, 6, 7, 8, 0, 0, 0, 0])}
    assert not memory.contains(seen, bytes([1, 2, 3, 4, 5, 6, 7, 8]))


def test_forget_takes_out_one_id_only() -> None:
    """A forgotten id is as if never seen; its neighbours stay."""
    one, two, three = _ids("one", "two", "three")
    seen: dict[int, bytes] = {}
    for digest in (one, two, three):
        memory.remember(seen, digest, 5)
    memory.forget(seen, two)
    assert [memory.contains(seen, digest) for digest in (one, two, three)] == [True, False, True]
    assert seen[5] == one + three


def test_forget_of_an_unknown_id_changes_nothing() -> None:
    """To forget what was never remembered is no change."""
    one, two = _ids("one", "two")
    seen = {5: one}
    memory.forget(seen, two)
    assert seen == {5: one}


def test_prune_drops_days_older_than_kept() -> None:
    """A day goes when it is older than keep_days; a day exactly keep_days old stays."""
    a, b, c = _ids("a", "b", "c")
    seen = {89: a, 90: b, 100: c}
    memory.prune(seen, today=100, keep_days=10, keep_count=0)
    assert seen == {90: b, 100: c}


def test_prune_keeps_the_last_ids_however_old() -> None:
    """Old days stay as long as they are needed for the last keep_count ids."""
    a, b, c, d = _ids("a", "b", "c", "d")
    seen = {1: a, 2: b + c, 100: d}
    memory.prune(seen, today=100, keep_days=10, keep_count=3)
    assert seen == {2: b + c, 100: d}


def test_prune_drops_whole_days_only() -> None:
    """A day with more ids than may go is kept whole."""
    a, b, c = _ids("a", "b", "c")
    seen = {1: a + b, 100: c}
    memory.prune(seen, today=100, keep_days=10, keep_count=2)
    assert seen == {1: a + b, 100: c}
