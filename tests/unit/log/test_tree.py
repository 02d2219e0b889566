"""Laws of the Merkle tree, held against RFC 6962 as it is defined."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.log.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes_of,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from unit.log.rfc6962 import audit_path, consistency, numbered, tree_hash

MOST_COUNT = 70
ENTRIES = numbered(MOST_COUNT)
LEAVES = leaf_hashes_of(ENTRIES)
ROOTS = [tree_hash(ENTRIES[:count]) for count in range(MOST_COUNT + 1)]

sizes = st.integers(1, MOST_COUNT)


def is_included(index: int, size: int, *, proof: list[bytes], root: bytes | None = None, leaf: bytes = b"") -> bool:
    """Ask for the leaf of the fixed tree."""
    return verify_inclusion(
        leaf_hash=leaf or LEAVES[index],
        leaf_index=index,
        tree_size_count=size,
        proof=proof,
        root=root or ROOTS[size],
    )


def is_consistent(old: int, new: int, *, proof: list[bytes], roots: tuple[bytes, bytes] | None = None) -> bool:
    """Ask for two sizes of the fixed tree."""
    old_root, new_root = roots or (ROOTS[old], ROOTS[new])
    return verify_consistency(old_size_count=old, new_size_count=new, old_root=old_root, new_root=new_root, proof=proof)


def spoiled(content: bytes, place: int) -> bytes:
    """Give the same bytes with one bit the other way."""
    changed = bytearray(content)
    changed[place % len(content)] ^= 1 << place % 8
    return bytes(changed)


def test_hashes_are_those_of_the_standard() -> None:
    """Leaves and nodes are hashed behind different first bytes, so that none can be shown for the other."""
    assert sha256(b"\x00abc").digest() == leaf_hash(b"abc")
    assert sha256(b"\x01" + bytes(64)).digest() == node_hash(bytes(32), bytes(32))
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == EMPTY_ROOT.hex()


def test_roots_and_proofs_are_those_of_the_definition() -> None:
    """Every root, inclusion proof and consistency proof of small trees is the one RFC 6962 defines."""
    for size in range(MOST_COUNT + 1):
        assert ROOTS[size] == root_of(LEAVES[:size])
        for index in range(size):
            assert audit_path(index, ENTRIES[:size]) == list(inclusion_proof(LEAVES, index, size))
        for old in range(1, size + 1):
            assert consistency(old, ENTRIES[:size]) == list(consistency_proof(LEAVES, old, size))


def test_every_true_proof_is_accepted() -> None:
    """What was proven is verified, for every leaf and every pair of sizes of small trees, the empty one included."""
    for size in range(MOST_COUNT + 1):
        assert all(is_included(index, size, proof=audit_path(index, ENTRIES[:size])) for index in range(size))
        assert all(is_consistent(old, size, proof=consistency(old, ENTRIES[:size])) for old in range(1, size + 1))
        assert is_consistent(0, size, proof=[])


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, MOST_COUNT))
def test_batches_do_not_matter(lengths: list[int], first_count: int) -> None:
    """A frontier is the same whether leaves came one by one, in batches, or all at once."""
    frontier, size_count = Frontier().append_all(LEAVES[:first_count]), first_count
    for length in lengths:
        frontier = frontier.append_all(LEAVES[size_count : size_count + length])
        size_count = frontier.size_count

    assert Frontier().append_all(LEAVES[:size_count]) == frontier
    assert ROOTS[size_count] == frontier.root()


@given(sizes, st.integers(0), st.integers(0), st.integers(0))
@settings(max_examples=300)
def test_any_bit_changed_in_an_inclusion_proof_is_found(size: int, index: int, part: int, place: int) -> None:
    """A proof with one bit changed, in leaf, root or any hash, is refused."""
    index %= size
    proof = audit_path(index, ENTRIES[:size])
    parts = [LEAVES[index], ROOTS[size], *proof]
    part %= len(parts)
    parts[part] = spoiled(parts[part], place)

    assert not is_included(index, size, proof=parts[2:], root=parts[1], leaf=parts[0])


@given(sizes, st.integers(1), st.integers(0), st.integers(0))
@settings(max_examples=300)
def test_any_bit_changed_in_a_consistency_proof_is_found(size: int, old: int, part: int, place: int) -> None:
    """A proof with one bit changed, in either root or any hash, is refused."""
    old = old % size + 1
    parts = [ROOTS[old], ROOTS[size], *consistency(old, ENTRIES[:size])]
    part %= len(parts)
    parts[part] = spoiled(parts[part], place)

    assert not is_consistent(old, size, proof=parts[2:], roots=(parts[0], parts[1]))


@given(sizes, st.integers(0), st.integers(0, MOST_COUNT + 9))
def test_a_leaf_stands_at_one_place_only(size: int, index: int, other: int) -> None:
    """A true proof is refused for every other index."""
    index %= size
    proof = audit_path(index, ENTRIES[:size])

    assert (other == index) == verify_inclusion(
        leaf_hash=LEAVES[index], leaf_index=other, tree_size_count=size, proof=proof, root=ROOTS[size]
    )


@given(sizes, st.integers(0), st.booleans())
def test_a_proof_has_one_length(size: int, index: int, is_longer: bool) -> None:
    """A proof with a hash too many or too few is refused."""
    index %= size
    proofs = [audit_path(index, ENTRIES[:size]), consistency(index + 1, ENTRIES[:size])]
    first, second = [[*proof, bytes(32)] if is_longer else proof[:-1] for proof in proofs]

    assert is_longer or not proofs[0] or not is_included(index, size, proof=first)
    assert not is_longer or not is_included(index, size, proof=first)
    assert second == proofs[1] or not is_consistent(index + 1, size, proof=second)


@pytest.mark.parametrize("length", [0, 14, 31, 33, 64])
def test_hashes_of_another_length_are_refused(length: int) -> None:
    """Whatever is not 32 bytes long is no hash, even where it would be equal."""
    wrong = bytes(length)

    assert not verify_inclusion(leaf_hash=wrong, leaf_index=0, tree_size_count=1, proof=[], root=wrong)
    assert not is_consistent(3, 3, proof=[], roots=(wrong, wrong))
    assert not is_consistent(0, 3, proof=[], roots=(EMPTY_ROOT, wrong))
    assert not is_included(0, 2, proof=[wrong])
    with pytest.raises(ValueError, match="do not fit"):
        Frontier(1, (wrong,))


@pytest.mark.parametrize("size_count", [-1, 2**63, 2**64])
def test_sizes_that_no_log_has_are_refused(size_count: int) -> None:
    """Sizes below 0 and from 2^63 on are refused before anything is computed."""
    with pytest.raises(ValueError, match="outside"):
        Frontier(size_count, (bytes(32),))

    assert not verify_inclusion(
        leaf_hash=LEAVES[0], leaf_index=0, tree_size_count=size_count, proof=[bytes(32)] * 63, root=ROOTS[1]
    )
    assert not verify_consistency(
        old_size_count=0, new_size_count=size_count, old_root=EMPTY_ROOT, new_root=ROOTS[1], proof=[]
    )


def test_the_largest_tree_is_taken() -> None:
    """A proof of 63 hashes at the largest size is verified like any other."""
    made = LEAVES[0]
    for _ in range(63):
        made = node_hash(made, bytes(32))

    assert verify_inclusion(
        leaf_hash=LEAVES[0], leaf_index=0, tree_size_count=2**63 - 1, proof=[bytes(32)] * 63, root=made
    )


def test_a_tree_does_not_shrink() -> None:
    """A proof from a larger to a smaller tree, or from the empty tree with hashes or another root, is refused."""
    assert not is_consistent(5, 4, proof=consistency(4, ENTRIES[:5]))
    assert not is_consistent(0, 4, proof=[ROOTS[4]])
    assert not is_consistent(0, 4, proof=[], roots=(ROOTS[4], ROOTS[4]))
    assert not is_consistent(0, 0, proof=[], roots=(EMPTY_ROOT, ROOTS[4]))
    assert not is_consistent(4, 4, proof=[], roots=(ROOTS[4], ROOTS[5]))
    assert not is_consistent(3, 5, proof=[])
