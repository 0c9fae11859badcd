"""Which partition a key belongs on: murmur2, as the Java client and aiokafka compute it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key among so many."""
    return (int(murmur2(key)) & 0x7FFFFFFF) % partitions


UNKEYED_PARTITION = 0
"""Where we publish what has no key (market and policy events): on one partition, so that it keeps its order."""
