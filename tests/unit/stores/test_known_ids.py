"""The set of known ids is a set: nothing else can be told from outside."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from truceline.adapters.stores.known_ids import KnownIds, first_occurrences, keys_of

HEX = st.binary(min_size=16, max_size=16).map(bytes.hex)
PREFIXES = st.sampled_from(["obs-", "", "x-"])
IDS = st.one_of(st.tuples(PREFIXES, HEX).map("".join), st.text(max_size=40))
SMALL = st.integers(0, 3)


@given(st.lists(st.lists(IDS, max_size=20), max_size=6))
def test_known_ids_behave_as_a_set(chunks: list[list[str]]) -> None:
    """An id is held exactly if it was added before, whatever form it has and whatever chunk it came in."""
    known, reference = KnownIds(), set()
    for chunk in chunks:
        keys = keys_of(pa.chunked_array([pa.array(chunk, pa.string())]))
        assert known.contains(keys).tolist() == [name in reference for name in chunk]
        fresh = ~known.contains(keys) & first_occurrences(keys)
        known.add(keys[fresh])
        reference.update(chunk)

    assert len(reference) == len(known)


@given(st.lists(st.lists(st.tuples(SMALL, SMALL), max_size=8), max_size=8))
def test_keys_that_share_their_upper_half_are_told_apart(chunks: list[list[tuple[int, int]]]) -> None:
    """All 128 bits count, not the 64 that are sorted by."""
    known, reference = KnownIds(), set()
    for chunk in chunks:
        keys = np.array(chunk, dtype=np.uint64).reshape(-1, 2)
        assert known.contains(keys).tolist() == [pair in reference for pair in chunk]
        known.add(keys[~known.contains(keys) & first_occurrences(keys)])
        reference.update(chunk)

    assert len(reference) == len(known)


@given(st.lists(HEX, min_size=1, max_size=20), st.integers(0, 5), st.integers(0, 20))
def test_an_id_has_one_key_wherever_it_stands(digits: list[str], start: int, length: int) -> None:
    """Slices, odd neighbours and other prefixes in the chunk do not change a key."""
    names = [f"obs-{each}" for each in digits]
    whole = keys_of(pa.chunked_array([pa.array([*names, "odd", "obs-" + "g" * 32])]))[: len(names)]
    sliced = pa.array(["before", *names])[1:][start : start + length]
    part = keys_of(pa.chunked_array([sliced]))

    assert whole[start : start + length].tolist() == part.tolist()


@given(st.lists(st.lists(st.integers(0, 7_000), min_size=1, max_size=3), min_size=1, max_size=12), st.booleans())
def test_few_asked_of_many_are_found_as_well(asks: list[list[int]], shares_upper_half: bool) -> None:
    """Whether keys are looked through as they came, or sorted after the fifth ask, the answer is that of a set."""
    numbers = np.random.default_rng(3).permutation(9_000).astype(np.uint64)[:5_000]
    upper = np.arange(9_000, dtype=np.uint64) // np.uint64(4 if shares_upper_half else 1) << np.uint64(44)
    known, held = KnownIds(), set(numbers.tolist())
    for part in np.array_split(numbers, 3):
        known.add(np.stack([upper[part.astype(int)], part], axis=1))
    for ask in asks:
        keys = np.stack([upper[ask], np.array(ask, np.uint64)], axis=1)

        assert known.contains(keys).tolist() == [number in held for number in ask]

    assert len(known) == len(numbers)
