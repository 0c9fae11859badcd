"""Merkle trees by RFC 9162 (section 2.1, SHA-256): roots, growth one leaf at a time, inclusion proofs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf; its prefix keeps a leaf from being taken for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows at its right edge, in the space of one hash per level.

    ``peaks``: roots of the perfect subtrees that make up the tree, the largest (leftmost) first, one per bit of
    ``size``. Given both, the tree goes on growing where it stood.
    """

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Raises ``ValueError`` when there are not as many peaks as the size has."""
        if size < 0 or len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has not {len(peaks)} peaks")
        self.size, self.peaks = size, list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        node, full = leaf, self.size
        while full & 1:
            node, full = node_hash(self.peaks.pop(), node), full >> 1
        self.peaks.append(node)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


class Tree:
    """A whole tree in memory, for proofs; ``leaves`` are hashes of leaves (at least one)."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [node_hash(below[place], below[place + 1]) for place in range(0, len(below) - 1, 2)]
            if len(below) % 2:
                above.append(below[-1])  # the RFC splits at a power of two: a node without sibling moves up as it is
            self._levels.append(above)

    @property
    def root(self) -> bytes:
        """The root."""
        return self._levels[-1][0]

    def proof(self, index: int) -> list[bytes]:
        """The hashes beside the way from this leaf to the root, from below (the RFC's ``PATH``)."""
        found = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                found.append(level[index ^ 1])
            index >>= 1
        return found


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf stands at ``index`` of the tree with this size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, node = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(beside, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root
