"""The set of observation ids already in a store: 16 bytes each, in columns, asked for whole chunks at once."""

from __future__ import annotations

import binascii
import hashlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

HEX_DIGIT_COUNT = 32
"""Length of the hexadecimal part of a content id (128 bits)."""

RUN_LOOK_COUNT = 1_000
"""What beginning to look into a run costs, in looks for one key."""

RUN_MERGE_RATIO = 4
"""Sorted runs are merged into one once looking into each of them by itself has cost this many looks a key held."""

SORTED_PASS_COUNT = 4
"""Keys are sorted once they have been looked through so often: that costs about as much as sorting them."""

SORTED_ASKED_RATIO = 1_000
"""Keys are sorted at once where more than one is asked for so many held."""

Keys: TypeAlias = npt.NDArray[np.uint64]
"""Ids as an array of shape (n, 2): the upper and the lower 64 bits."""


class KnownIds:
    """A growing set of 128-bit keys; memory is 16 bytes a key, and thrice that for a moment while runs are merged.

    Keys are held as they came and looked through for the few that are asked, so that ten million are there in seconds
    when a store is opened and asked for little. Whoever asks for much pays for sorting them, by and by, into one run.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._runs: list[Keys] = []
        self._unsorted: list[Keys] = []
        self._look_count = 0
        self._passed_count = 0

    def __len__(self) -> int:
        """Give how many keys are held."""
        return sum(len(run) for run in self._runs + self._unsorted)

    def contains(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Say for each key whether it is held."""
        self._sort_what_is_worth_it(len(keys))
        found = np.zeros(len(keys), dtype=np.bool_)
        for run in self._runs:
            found |= _is_in_run(run, keys)
        if self._unsorted:
            order = np.argsort(keys[:, 0])
            asked = keys[order]
            for run in self._unsorted:
                found[order] |= _stands_in(run, asked)
        return found

    def add(self, keys: Keys) -> None:
        """Hold these keys from now on; none of them may be held already or stand twice among them."""
        if len(keys):
            self._unsorted.append(keys)

    def add_all(self, other: KnownIds) -> None:
        """Hold every key of another set, none of which may be held already."""
        self._runs += other._runs
        self._unsorted += other._unsorted

    def _sort_what_is_worth_it(self, asked_count: int) -> None:
        unsorted_count = sum(len(run) for run in self._unsorted)
        self._passed_count += unsorted_count
        if asked_count * SORTED_ASKED_RATIO > unsorted_count or self._passed_count > SORTED_PASS_COUNT * unsorted_count:
            self._runs += [_sorted(run) for run in self._unsorted]
            self._unsorted, self._passed_count = [], 0
        self._look_count += (asked_count + RUN_LOOK_COUNT) * max(len(self._runs) - 1, 0)
        if len(self._runs) > 1 and self._look_count > RUN_MERGE_RATIO * len(self):
            self._runs, self._look_count = [_sorted(np.concatenate(self._runs))], 0


def first_occurrences(keys: Keys) -> npt.NDArray[np.bool_]:
    """Say for each key whether it stands here for the first time."""
    upper = np.sort(keys[:, 0])
    if not (upper[1:] == upper[:-1]).any():
        return np.ones(len(keys), dtype=np.bool_)
    order = np.lexsort((np.arange(len(keys)), keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    is_first = np.ones(len(keys), dtype=np.bool_)
    is_first[order[1:]] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return is_first


def keys_of(ids: pa.ChunkedArray) -> Keys:
    """Give the 128-bit key of each id: its hexadecimal part, mixed with its prefix; other ids are hashed."""
    parts = [_keys_of_chunk(chunk) for chunk in ids.chunks if len(chunk)]
    return np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.uint64)


def _keys_of_chunk(ids: pa.Array) -> Keys:
    lengths = np.diff(_offsets(ids))
    length = int(lengths[0])
    if length >= HEX_DIGIT_COUNT and (lengths == length).all():
        characters = _characters(ids).reshape(len(ids), length)
        prefix = characters[:, :-HEX_DIGIT_COUNT]
        packed = _packed(characters[:, -HEX_DIGIT_COUNT:].tobytes())
        if packed is not None and (prefix == prefix[0]).all():
            return packed ^ _mask_of_prefix(prefix[0].tobytes())
    return np.stack([_key_of_text(text) for text in ids.to_pylist()])


def _key_of_text(text: str) -> Keys:
    prefix, digits = text[:-HEX_DIGIT_COUNT], text[-HEX_DIGIT_COUNT:]
    if len(digits) == HEX_DIGIT_COUNT and not digits.strip("0123456789abcdef"):
        key = np.frombuffer(bytes.fromhex(digits), dtype=">u8").astype(np.uint64)
        return key ^ _mask_of_prefix(prefix.encode())
    return _hashed(b"text\x1f" + text.encode())


def _packed(digits: bytes) -> Keys | None:
    """Give the keys that stretches of 32 small hexadecimal digits write, or `None` where there are other characters."""
    try:
        octets = binascii.unhexlify(digits)
    except ValueError:
        return None
    if digits.lower() != digits:
        return None
    return np.frombuffer(octets, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _mask_of_prefix(prefix: bytes) -> Keys:
    return _hashed(b"prefix\x1f" + prefix)


def _hashed(content: bytes) -> Keys:
    digest = hashlib.blake2b(content, digest_size=16).digest()
    return np.frombuffer(digest, dtype=">u8").astype(np.uint64)


def _offsets(ids: pa.Array) -> npt.NDArray[np.int32]:
    assert ids.type == pa.string(), f"ids are of type {ids.type}, not string"
    assert ids.null_count == 0, "an id is missing"
    return np.frombuffer(ids.buffers()[1], dtype=np.int32)[ids.offset : ids.offset + len(ids) + 1]


def _characters(ids: pa.Array) -> npt.NDArray[np.uint8]:
    offsets = _offsets(ids)
    return np.frombuffer(ids.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]


def _sorted(keys: Keys) -> Keys:
    """Sort by the upper halves only: those of different ids are all but never equal."""
    return keys[np.argsort(keys[:, 0])]


def _is_in_run(run: Keys, keys: Keys) -> npt.NDArray[np.bool_]:
    """Say which keys stand in a sorted run: by the upper halves, then along the (very short) stretches of equals."""
    upper, lower = run[:, 0], run[:, 1]
    place = np.searchsorted(upper, keys[:, 0], side="left")
    found = np.zeros(len(keys), dtype=np.bool_)
    open_rows = np.flatnonzero(place < len(run))
    while len(open_rows):
        here = place[open_rows]
        open_rows = open_rows[upper[here] == keys[open_rows, 0]]
        here = place[open_rows]
        found[open_rows] |= lower[here] == keys[open_rows, 1]
        place[open_rows] += 1
        open_rows = open_rows[~found[open_rows] & (place[open_rows] < len(run))]
    return found


def _stands_in(run: Keys, asked: Keys) -> npt.NDArray[np.bool_]:
    """Say which keys, sorted by their upper halves, stand in a run in any order: one pass over the run."""
    may_stand = np.zeros(1 << 16, dtype=np.bool_)
    may_stand[asked[:, 0] >> np.uint64(48)] = True
    candidates = run[may_stand[run[:, 0] >> np.uint64(48)]]
    return _is_in_run(_sorted(candidates), asked)
