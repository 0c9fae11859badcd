"""Remember ids for a while in few bytes: 64-bit hashes grouped by day, oldest days forgotten first."""

from __future__ import annotations

from hashlib import blake2b

_WIDTH = 8


def id_hash(identifier: str) -> bytes:
    """64 bits of BLAKE2b: two of a million ids of one customer collide with probability 3e-8."""
    return blake2b(identifier.encode(), digest_size=_WIDTH).digest()


def contains(memory: dict[int, bytes], digest: bytes) -> bool:
    """Whether the id was remembered and not yet forgotten."""
    packed = b"".join(memory.values())
    at = packed.find(digest)
    while at >= 0:
        if at % _WIDTH == 0:  # a hit across the border of two hashes is none
            return True
        at = packed.find(digest, at + 1)
    return False


def remember(memory: dict[int, bytes], digest: bytes, day: int) -> None:
    """Add an id under the day it was seen on."""
    memory[day] = memory.get(day, b"") + digest


def forget(memory: dict[int, bytes], digest: bytes) -> None:
    """Take an id out again, as if it had never been seen."""
    for day, packed in memory.items():
        for at in range(0, len(packed), _WIDTH):
            if packed[at : at + _WIDTH] == digest:
                memory[day] = packed[:at] + packed[at + _WIDTH :]
                return


def prune(memory: dict[int, bytes], today: int, keep_days: int, keep_count: int) -> None:
    """Forget whole days that are older than ``keep_days`` and not needed to keep the last ``keep_count`` ids."""
    if len(memory) <= 1 or min(memory) >= today - keep_days:
        return
    count = sum(map(len, memory.values())) // _WIDTH
    for day in sorted(memory):
        size = len(memory[day]) // _WIDTH
        if day >= today - keep_days or count - size < keep_count:
            return
        del memory[day]
        count -= size
