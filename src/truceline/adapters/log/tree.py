"""Merkle tree hashes and proofs as RFC 6962 (2.1) and RFC 9162 (2.1.3, 2.1.4) define them, whole batches at a time.

Every hash is 32 bytes of SHA-256. A proof is a tuple of hashes, from the leaf upwards. Verification answers `False` for
whatever is not exactly a proof: other lengths, other counts, sizes of 2^63 and above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec
import numpy as np

from truceline.adapters.log.entry_rows import rows_of
from truceline.adapters.log.sha256_many import BATCH_LEAST_COUNT, Bytes, as_rows, digest_pieces, digest_rows

HASH_BYTES = 32
SIZE_MOST_COUNT = 2**63 - 1
"""The largest tree that is taken."""
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""

_LEAF = b"\x00"
_NODE = b"\x01"

Range = tuple[int, int]
"""Leaves from the first index to before the second, whose tree hash is meant."""


def leaf_hash(entry: bytes) -> bytes:
    """Give the hash of one entry (RFC 6962, 2.1)."""
    return sha256(_LEAF + entry).digest()


def leaf_hashes_of(entries: Iterable[bytes]) -> list[bytes]:
    """Give the hashes of many entries, in order."""
    return [sha256(_LEAF + entry).digest() for entry in entries]


def leaf_hash_rows(entries: Sequence[bytes]) -> Bytes:
    """Give the hashes of many entries as rows [n, 32]: the whole column at once."""
    rows = rows_of(entries)
    if rows is not None:
        return digest_rows(rows.matrix(), prefix=_LEAF)
    lengths = np.fromiter(map(len, entries), dtype=np.int64, count=len(entries)) + len(_LEAF)
    return digest_pieces(b"".join([_LEAF + entry for entry in entries]), lengths)


def node_hash_rows(hashes: Bytes) -> Bytes:
    """Hash neighbouring rows [2 n, 32] together, one level up [n, 32]."""
    return digest_rows(hashes.reshape(-1, 2 * HASH_BYTES), prefix=_NODE)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Give the hash of a node from those of its two children (RFC 6962, 2.1)."""
    return sha256(_NODE + left + right).digest()


def level_above(level: bytes) -> bytes:
    """Hash neighbours of a level together, hashes one behind the other; one without neighbour is left out."""
    width = 2 * HASH_BYTES
    if len(level) >= BATCH_LEAST_COUNT * width:
        whole_bytes = len(level) // width * width
        return node_hash_rows(as_rows(level[:whole_bytes], width_bytes=HASH_BYTES)).tobytes()
    pairs = range(0, len(level) // width * width, width)
    return b"".join([sha256(_NODE + level[at : at + width]).digest() for at in pairs])


def pair_up(hashes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours together, one level up; the number of hashes is even."""
    return [sha256(_NODE + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=True)]


def fold(hashes: Sequence[bytes]) -> bytes:
    """Give the root over a full subtree: 1, 2, 4, ... hashes of one level."""
    while len(hashes) > 1:
        hashes = pair_up(hashes)
    return hashes[0]


def root_over(parts: Sequence[bytes]) -> bytes:
    """Give the root of a tree from the hashes of its full subtrees, the largest (leftmost) first."""
    if not parts:
        return EMPTY_ROOT
    root = parts[-1]
    for left in reversed(parts[:-1]):
        root = node_hash(left, root)
    return root


class Frontier(msgspec.Struct, frozen=True):
    """All that a tree must remember to grow: its size and the hashes of its full subtrees, the largest first.

    `hashes` has one 32-byte hash for each bit set in `size_count`.
    """

    size_count: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no tree has."""
        if not 0 <= self.size_count <= SIZE_MOST_COUNT:
            raise ValueError(f"size_count={self.size_count} is outside [0, {SIZE_MOST_COUNT}]")
        if len(self.hashes) != self.size_count.bit_count() or any(len(part) != HASH_BYTES for part in self.hashes):
            raise ValueError(f"{len(self.hashes)} hashes do not fit size_count={self.size_count}")

    def append_all(self, leaf_hashes: Sequence[bytes]) -> Frontier:
        """Give the frontier after more leaves; batches do not matter."""
        standing, made_last, level = list(self.hashes), [], list(leaf_hashes)
        size_count = self.size_count
        while level:
            if size_count & 1:  # a full subtree of this height waits for its right neighbour
                level.insert(0, standing.pop())
            if len(level) & 1:
                made_last.append(level.pop())
            level = pair_up(level)
            size_count >>= 1
        return Frontier(self.size_count + len(leaf_hashes), (*standing, *reversed(made_last)))

    def root(self) -> bytes:
        """Give the root of the tree."""
        return root_over(self.hashes)


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes (RFC 6962, 2.1)."""
    return Frontier().append_all(leaf_hashes).root()


def split_of(size_count: int) -> int:
    """Give the largest power of two below a size of at least 2."""
    return 1 << ((size_count - 1).bit_length() - 1)


def full_parts(part: Range) -> list[Range]:
    """Cut leaves that begin where a subtree begins into full subtrees, the largest first."""
    start, end = part
    parts = []
    while start < end:
        width = 1 << ((end - start).bit_length() - 1)
        parts.append((start, start + width))
        start += width
    return parts


def inclusion_ranges(leaf_index: int, tree_size_count: int) -> list[Range]:
    """Give the leaves under each hash of an inclusion proof, in the order of the proof (RFC 9162, 2.1.3.1)."""
    assert 0 <= leaf_index < tree_size_count <= SIZE_MOST_COUNT, "a proof is made for a leaf of the tree"
    start, end, found = 0, tree_size_count, []
    while end - start > 1:
        middle = start + split_of(end - start)
        if leaf_index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(old_size_count: int, new_size_count: int) -> list[Range]:
    """Give the leaves under each hash of a consistency proof, in the order of the proof (RFC 9162, 2.1.4.1)."""
    assert 0 <= old_size_count <= new_size_count <= SIZE_MOST_COUNT, "a tree only grows"
    if old_size_count in {0, new_size_count}:
        return []
    start, end, found = 0, new_size_count, []
    while end != old_size_count:
        middle = start + split_of(end - start)
        if old_size_count <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return ([(start, end)] if start else []) + found[::-1]


def inclusion_proof(leaf_hashes: Sequence[bytes], leaf_index: int, tree_size_count: int) -> tuple[bytes, ...]:
    """Prove that the leaf at an index is in the tree of the first `tree_size_count` leaves."""
    assert tree_size_count <= len(leaf_hashes), "the leaves are there"
    return tuple(root_of(leaf_hashes[start:end]) for start, end in inclusion_ranges(leaf_index, tree_size_count))


def consistency_proof(leaf_hashes: Sequence[bytes], old_size_count: int, new_size_count: int) -> tuple[bytes, ...]:
    """Prove that the tree of the first leaves, as many as the old size says, is where that of the new size began."""
    assert new_size_count <= len(leaf_hashes), "the leaves are there"
    return tuple(root_of(leaf_hashes[start:end]) for start, end in consistency_ranges(old_size_count, new_size_count))


def verify_inclusion(
    *, leaf_hash: bytes, leaf_index: int, tree_size_count: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Say whether a proof shows the leaf at that index of the tree with that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= leaf_index < tree_size_count <= SIZE_MOST_COUNT or not _are_hashes((leaf_hash, root, *proof)):
        return False
    node_index, last_index, made = leaf_index, tree_size_count - 1, leaf_hash
    for part in proof:
        if last_index == 0:
            return False
        if node_index & 1 or node_index == last_index:
            made = node_hash(part, made)
            while not node_index & 1 and node_index:
                node_index, last_index = node_index >> 1, last_index >> 1
        else:
            made = node_hash(made, part)
        node_index, last_index = node_index >> 1, last_index >> 1
    return last_index == 0 and made == root


def verify_consistency(
    *, old_size_count: int, new_size_count: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether a proof shows that the old tree is where the new one began (RFC 9162, 2.1.4.2).

    The tree without leaves is where every tree began: its proof is empty, and its root is `EMPTY_ROOT`.
    """
    if not 0 <= old_size_count <= new_size_count <= SIZE_MOST_COUNT or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old_size_count == 0:
        return not proof and old_root == EMPTY_ROOT and (new_size_count > 0 or new_root == EMPTY_ROOT)
    if old_size_count == new_size_count:
        return not proof and old_root == new_root
    parts = list(proof)
    if old_size_count & (old_size_count - 1) == 0:
        parts.insert(0, old_root)
    if not parts:
        return False
    made = _both_roots(old_size_count, new_size_count, parts)
    return made == (old_root, new_root)


def _both_roots(old_size_count: int, new_size_count: int, parts: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    node_index, last_index = old_size_count - 1, new_size_count - 1
    while node_index & 1:
        node_index, last_index = node_index >> 1, last_index >> 1
    old = new = parts[0]
    for part in parts[1:]:
        if last_index == 0:
            return None
        if node_index & 1 or node_index == last_index:
            old, new = node_hash(part, old), node_hash(part, new)
            while not node_index & 1 and node_index:
                node_index, last_index = node_index >> 1, last_index >> 1
        else:
            new = node_hash(new, part)
        node_index, last_index = node_index >> 1, last_index >> 1
    return (old, new) if last_index == 0 else None


def _are_hashes(hashes: Iterable[bytes]) -> bool:
    return all(len(part) == HASH_BYTES for part in hashes)
