"""Merkle trees: the known roots of Certificate Transparency, the same as pymerkle, and proofs that prove one thing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from models.merkle import EMPTY_ROOT, Frontier, Tree, leaf_hash, verify_inclusion

# Inputs and roots of the reference tests of Certificate Transparency (RFC 6962; the tree of RFC 9162 is the same).
LEAVES = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
sizes = st.integers(1, 70)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def pymerkle(size: int) -> Any:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(size):
        tree.append_entry(b"%d" % number)
    return tree


def test_known_roots() -> None:
    """Tree and frontier give the published roots at every size."""
    hashes, frontier = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES], Frontier()
    assert frontier.root == EMPTY_ROOT
    for size, root in enumerate(ROOTS, start=1):
        frontier.append(hashes[size - 1])
        assert frontier.root.hex() == Tree(hashes[:size]).root.hex() == root


@given(size=sizes, data=st.data())
def test_roots_and_paths_are_those_of_pymerkle(size: int, data: st.DataObject) -> None:
    """Another implementation comes to the same root, and to the same hashes beside the way up."""
    index = data.draw(st.integers(0, size - 1))
    other, ours = pymerkle(size), Tree(leaves(size))
    assert ours.root == other.get_root(size)
    path = other.prove_inclusion(index + 1, size).path
    assert sorted([*ours.proof(index), leaves(size)[index]]) == sorted(path)


@given(size=sizes, split=st.integers(0, 70))
def test_a_frontier_goes_on_where_it_stood(size: int, split: int) -> None:
    """Size and peaks are all that is needed to go on."""
    first = Frontier()
    for leaf in leaves(size)[:split]:
        first.append(leaf)
    again = Frontier(first.size, first.peaks)
    for leaf in leaves(size)[split:]:
        again.append(leaf)
    assert again.root == Tree(leaves(size)).root
    assert len(again.peaks) == again.size.bit_count()


@given(size=sizes, data=st.data())
def test_a_proof_proves_one_leaf_at_one_place(size: int, data: st.DataObject) -> None:
    """It fails with another leaf, index, size, root, or with a hash changed, added or left out."""
    index = data.draw(st.integers(0, size - 1))
    tree, leaf = Tree(leaves(size)), leaves(size)[index]
    proof, root = tree.proof(index), tree.root
    assert verify_inclusion(leaf, index, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, leaf_hash(b"root"))
    assert not verify_inclusion(leaf, index, size, [*proof, root], root)
    other = data.draw(st.integers(-1, size + 1).filter(lambda number: number != index))
    assert not verify_inclusion(leaf, other, size, proof, root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        assert not verify_inclusion(leaf, index, size, proof[:place] + proof[place + 1 :], root)
        changed = bytes([proof[place][0] ^ 1]) + proof[place][1:]
        assert not verify_inclusion(leaf, index, size, [*proof[:place], changed, *proof[place + 1 :]], root)


def test_peaks_must_fit_the_size() -> None:
    """A frontier that contradicts itself is refused."""
    with pytest.raises(ValueError, match="has not 1 peaks"):
        Frontier(3, [EMPTY_ROOT])
