"""SHA-256 of whole columns: of every row of a matrix, or of pieces that lie one behind the other.

A call of `hashlib` costs ten times what it hashes of a leaf. Compiled code that hashes one piece in each lane of the
processor's vectors costs about a second to load, so it is loaded once a process has hashed as much as that would have
taken; small batches never load it. It is used only if it gives what `hashlib` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]
Lengths = TypeVar("Lengths", int, Longs)

DIGEST_BYTES = 32
BLOCK_BYTES = 64
LENGTH_BYTES = 8
SINGLE_MOST_COUNT = 500_000
"""How many are hashed one by one in a process before the compiled code is loaded, which takes about as long."""
BATCH_LEAST_COUNT = 32
"""Fewer at once are hashed one by one."""
PIECE_MOST_BYTES = 1_024
"""Longer pieces are hashed one by one: the price of a call is small beside them."""
BLOCKS_AT_ONCE_COUNT = 4_096
"""Padded blocks worked on at once: they fit into a processor's nearest memory."""

FRAMES_KEPT_COUNT = 16
"""Paddings of rows that are remembered, at most a quarter of a megabyte each."""


class Lanes(NamedTuple):
    """The compiled code: how many pieces it hashes at once, and its two functions (see `sha256_lanes`)."""

    lanes_count: int
    digest_padded: Callable[[Words, Longs, Longs, Words], None]
    pad_pieces: Callable[[Bytes, Longs, Longs, Longs, Bytes], None]


class Hashing:
    """Hashes columns, first one by one and, after enough of that, by compiled code where there is any."""

    def __init__(self, load: Callable[[], Lanes]) -> None:
        """Begin without having loaded anything."""
        self._load = load
        self._lanes: Lanes | None = None
        self._single_count = 0
        self._is_refused = False

    def lanes_for(self, count: int) -> Lanes | None:
        """Give the compiled code if that many at once are worth it, and count them as hashed one by one if not."""
        if self._lanes is None and not self._is_refused and self._single_count + count > SINGLE_MOST_COUNT:
            self.prepare()
        if self._lanes is not None and count >= BATCH_LEAST_COUNT:
            return self._lanes
        self._single_count += count
        return None

    def prepare(self) -> bool:
        """Load the compiled code now and hold it against `hashlib`; say whether it can be used."""
        if self._lanes is None and not self._is_refused:
            try:
                lanes = self._load()
                self._lanes = lanes if _agrees(lanes) else None
            except Exception:  # noqa: BLE001  (whatever a compiler runs into, `hashlib` gives the same)
                self._lanes = None
            self._is_refused = self._lanes is None
        return self._lanes is not None


def _load() -> Lanes:
    from truceline.adapters.log import sha256_lanes

    return Lanes(sha256_lanes.LANES_COUNT, sha256_lanes.digest_padded, sha256_lanes.pad_pieces)


def _agrees(lanes: Lanes) -> bool:
    """Say whether compiled code and `hashlib` give the same for lengths around every edge of padding."""
    lengths = np.arange(2 * BLOCK_BYTES + 2)
    content = bytes(range(256)) * 33
    expected = b"".join(_one_by_one(content, lengths))
    return _pieces_in_lanes(lanes, content, lengths).tobytes() == expected


HASHING = Hashing(_load)
"""This process's hashing."""


def digest_rows(rows: Bytes, *, prefix: bytes = b"") -> Bytes:
    """Give the SHA-256 [n, 32] of each row [n, width], each behind the same prefix."""
    count, width = rows.shape
    lanes = HASHING.lanes_for(count) if len(prefix) + width <= PIECE_MOST_BYTES else None
    if lanes is not None:
        return _rows_in_lanes(lanes, rows, prefix)
    content = rows.tobytes()
    made = [sha256(prefix + content[at * width : (at + 1) * width]).digest() for at in range(count)]
    return as_rows(b"".join(made), width_bytes=DIGEST_BYTES)


def digest_pieces(content: bytes, lengths: Longs) -> Bytes:
    """Give the SHA-256 [n, 32] of pieces that lie one behind the other, by their lengths [n] in bytes."""
    assert int(lengths.sum()) == len(content), "the pieces are all there is"
    if len(lengths) and lengths[0] > 0 and (lengths == lengths[0]).all():
        return digest_rows(as_rows(content, width_bytes=int(lengths[0])))
    lanes = HASHING.lanes_for(len(lengths))
    if lanes is not None:
        return _pieces_in_lanes(lanes, content, lengths)
    return as_rows(b"".join(_one_by_one(content, lengths)), width_bytes=DIGEST_BYTES)


def as_rows(content: bytes, *, width_bytes: int) -> Bytes:
    """See bytes as rows [n, width], without copying them."""
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, width_bytes)


def _one_by_one(content: bytes, lengths: Longs) -> Iterator[bytes]:
    start = 0
    for end in np.cumsum(lengths).tolist():
        yield sha256(content[start:end]).digest()
        start = end


def _rows_in_lanes(lanes: Lanes, rows: Bytes, prefix: bytes) -> Bytes:
    """Hash rows by pieces of the matrix; what is the same in every row is copied once."""
    blocks_count = _blocks_count(len(prefix) + rows.shape[1])
    at_once = min(len(rows), max(lanes.lanes_count, BLOCKS_AT_ONCE_COUNT // blocks_count))
    frame = _frame(prefix, rows.shape[1], -(-at_once // lanes.lanes_count) * lanes.lanes_count)
    padded, at_once = frame.padded.copy(), len(frame.padded)
    blocks = padded.view(np.uint32).reshape(-1, BLOCK_BYTES // 4)
    made = np.empty((len(rows), DIGEST_BYTES // 4), dtype=">u4")
    words = np.empty((DIGEST_BYTES // 4, at_once), dtype=np.uint32)
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        padded[: len(some), len(prefix) : len(prefix) + rows.shape[1]] = some
        lanes.digest_padded(blocks, frame.firsts, frame.counts, words)
        made[first : first + at_once] = words[:, : len(some)].T
    return made.view(np.uint8)


class _Frame(NamedTuple):
    """Rows of one width, padded, with their prefix and without their content; each one's first block and blocks."""

    padded: Bytes
    firsts: Longs
    counts: Longs


@lru_cache(FRAMES_KEPT_COUNT)
def _frame(prefix: bytes, width_bytes: int, rows_count: int) -> _Frame:
    end = len(prefix) + width_bytes
    blocks_count = _blocks_count(end)
    padded = np.zeros((rows_count, blocks_count * BLOCK_BYTES), dtype=np.uint8)
    padded[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
    padded[:, end] = 0x80
    padded[:, -LENGTH_BYTES:] = np.frombuffer((8 * end).to_bytes(LENGTH_BYTES, "big"), dtype=np.uint8)
    return _Frame(padded, np.arange(rows_count) * blocks_count, np.full(rows_count, blocks_count))


def _pieces_in_lanes(lanes: Lanes, content: bytes, lengths: Longs) -> Bytes:
    """Hash pieces in the order of their lengths, so that those in the lanes end together; the long ones singly."""
    starts = np.cumsum(lengths) - lengths
    made = np.empty((len(lengths), DIGEST_BYTES), dtype=np.uint8)
    is_long = lengths > PIECE_MOST_BYTES
    singly = zip(starts[is_long].tolist(), lengths[is_long].tolist(), strict=True)
    long_made = b"".join([sha256(content[start : start + length]).digest() for start, length in singly])
    made[is_long] = as_rows(long_made, width_bytes=DIGEST_BYTES)
    counts = np.where(is_long, 0, _blocks_count(lengths)).astype(np.uint8)
    order = np.argsort(counts, kind="stable")
    short = order[np.count_nonzero(counts == 0) :]
    bodies = np.frombuffer(content, dtype=np.uint8)
    groups = np.cumsum(_blocks_count(lengths[short])) // BLOCKS_AT_ONCE_COUNT
    for chosen in np.split(short, np.flatnonzero(np.diff(groups)) + 1):
        made[chosen] = _group_in_lanes(lanes, bodies, starts[chosen], lengths[chosen])
    return made


def _group_in_lanes(lanes: Lanes, content: Bytes, starts: Longs, lengths: Longs) -> Bytes:
    counts = np.ones(-(-len(starts) // lanes.lanes_count) * lanes.lanes_count, dtype=np.int64)
    counts[: len(starts)] = _blocks_count(lengths)
    firsts = np.cumsum(counts) - counts
    padded = np.zeros(int(counts.sum()) * BLOCK_BYTES, dtype=np.uint8)
    lanes.pad_pieces(content, starts, lengths, firsts, padded)
    words = np.empty((DIGEST_BYTES // 4, len(counts)), dtype=np.uint32)
    lanes.digest_padded(padded.view(np.uint32).reshape(-1, BLOCK_BYTES // 4), firsts, counts, words)
    return np.ascontiguousarray(words[:, : len(starts)].T.astype(">u4")).view(np.uint8)


def _blocks_count(length_bytes: Lengths) -> Lengths:
    """Give the number of blocks of a padded piece (FIPS 180-4, 5.1.1)."""
    return (length_bytes + LENGTH_BYTES) // BLOCK_BYTES + 1
