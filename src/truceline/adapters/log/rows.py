"""What goes into the log's journal and what stands there: records, batches, checkpoints, key sets, stamps."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec
import numpy as np

from truceline.adapters.log.leaf import LEAF_BYTES, SALT_BYTES, LeafKind
from truceline.adapters.log.sha256_many import Longs
from truceline.adapters.log.tree import HASH_BYTES, Frontier

SECRET_BYTES = SALT_BYTES + HASH_BYTES
"""Salt, then SHA-256 of the body: what is known of a leaf beyond the leaf, until it is erased."""
ERASED = bytes(SECRET_BYTES)
"""What stands in the place of an erased secret."""
LENGTH_BYTES = 4
LENGTH_TYPE = ">u4"
"""How a body's length is written."""

NO_SEQUENCE = -1


class LogRecord(msgspec.Struct, frozen=True):
    """One record on its way into the log: exact bytes, and by which source and sequence it is the same record.

    Without a sequence (`NO_SEQUENCE`) it is known by the hash of its bytes.
    """

    body: bytes
    source: str
    sequence: int = NO_SEQUENCE
    kind: LeafKind = LeafKind.SEALED


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: durable when this is given."""

    first_leaf_index: int
    new_count: int
    known_count: int
    equivocation_count: int
    padding_count: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One committed batch: `leaves` is its leaves, one behind the other, `secrets` and `bodies` what they commit to."""

    batch_index: int
    first_leaf_index: int
    leaves: bytes
    secrets: bytes
    lengths: bytes
    bodies: bytes

    @property
    def leaf_count(self) -> int:
        """Give how many leaves there are."""
        return len(self.leaves) // LEAF_BYTES

    def entries(self) -> list[bytes]:
        """Give the leaves one by one."""
        return [self.leaves[place : place + LEAF_BYTES] for place in range(0, len(self.leaves), LEAF_BYTES)]

    def length_column(self) -> Longs:
        """Give the length of each body in bytes."""
        whole_bytes = len(self.lengths) // LENGTH_BYTES * LENGTH_BYTES
        return np.frombuffer(self.lengths[:whole_bytes], dtype=LENGTH_TYPE).astype(np.int64)

    def body_lengths(self) -> list[int]:
        """Give the same as numbers."""
        lengths: list[int] = self.length_column().tolist()
        return lengths


class SealedLeaf(msgspec.Struct, frozen=True, kw_only=True):
    """One leaf with what it commits to; salt and body are `None` once erased."""

    leaf_index: int
    leaf: bytes
    salt: bytes | None
    body: bytes | None


class SignedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as the log signed it, with the frontier from which the tree grows on."""

    size_count: int
    root: bytes
    note: str
    frontier: Frontier
    time_s: int


class KeySet(msgspec.Struct, frozen=True, kw_only=True):
    """The log's keys from a leaf on: that leaf holds `statement`, signed by the keys before (the first: by itself)."""

    leaf_index: int
    vkeys: tuple[str, ...]
    statement: str


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp over a checkpoint's note, as its authority answered (RFC 3161, DER)."""

    size_count: int
    response: bytes
    logged_time_ms: int


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """That salt and body of a leaf were erased, when, and for which reason."""

    leaf_index: int
    body_sha256: str
    reason: str
    time_ms: int


def row_digest(*values: int | bytes | str) -> bytes:
    """Give the SHA-256 over a row's values, each with its kind and length before it."""
    digest = sha256()
    for value in values:
        content = value if isinstance(value, bytes) else str(value).encode()
        digest.update(f"{type(value).__name__[0]}{len(content)}:".encode())
        digest.update(content)
    return digest.digest()


def runs_of(keys: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int, int]]:
    """Give stretches of (source, sequence, leaf index) in which both numbers go up by one: with their length."""
    runs: list[tuple[str, int, int, int]] = []
    for source, sequence, leaf_index in keys:
        if runs:
            last_source, first, first_leaf_index, count = runs[-1]
            if (last_source, first + count, first_leaf_index + count) == (source, sequence, leaf_index):
                runs[-1] = (source, first, first_leaf_index, count + 1)
                continue
        runs.append((source, sequence, leaf_index, 1))
    return runs
