"""Keys stand on the partition where every Kafka client with murmur2 puts them."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.partitioner import partition_of


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        # Kafka's own test vectors (org.apache.kafka.common.utils.UtilsTest.testMurmur2).
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_a_key_is_placed_as_the_java_client_does(key: bytes, hashed: int) -> None:
    """The partition is murmur2 of the key, without its sign, modulo the number of partitions."""
    for partitions in (1, 2, 4, 7, 1024):
        assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


@given(st.binary(max_size=80), st.integers(1, 64))
def test_our_own_producer_places_every_key_alike(key: bytes, partitions: int) -> None:
    """What aiokafka does without being told a partition is what the gate expects."""
    everywhere = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)
