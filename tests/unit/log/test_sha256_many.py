"""Laws of SHA-256 over whole columns: compiled or not, it is what `hashlib` gives."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.log import sha256_many
from truceline.adapters.log.entry_rows import EntryRows, rows_of
from truceline.adapters.log.sha256_many import Hashing, Lanes, as_rows, digest_pieces, digest_rows
from truceline.adapters.log.tiles import EMPTY_EDGE, extend
from truceline.adapters.log.tree import Frontier, leaf_hash_rows, leaf_hashes_of, level_above, pair_up

LOAD = sha256_many._load
COMPILED = Hashing(LOAD)
SINGLY = Hashing(LOAD)
SINGLY._is_refused = True
VECTORS = {
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
    ): ("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
}
"""Messages and digests of NIST's examples for FIPS 180."""


@pytest.fixture(autouse=True, params=["compiled", "singly"])
def hashing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Hash everything of a test by compiled code, and again one by one."""
    assert COMPILED.prepare(), "the compiled code is what these tests are about"
    monkeypatch.setattr(sha256_many, "HASHING", COMPILED if request.param == "compiled" else SINGLY)
    monkeypatch.setattr(sha256_many, "BATCH_LEAST_COUNT", 1)
    return str(request.param)


def chance_bytes(count: int) -> bytes:
    """Give bytes that look like chance and are the same every time."""
    return np.random.default_rng(count).bytes(count)


def digests(pieces: list[bytes]) -> list[bytes]:
    """Hash pieces together and give their digests one by one."""
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    return list(EntryRows(digest_pieces(b"".join(pieces), lengths).tobytes(), width_bytes=32))


def test_the_standards_examples_come_out() -> None:
    """NIST's example messages have NIST's digests, alone and beside each other."""
    expected = [bytes.fromhex(digest) for digest in VECTORS.values()]

    assert expected == digests(list(VECTORS))
    assert expected == [digests([message])[0] for message in VECTORS]


def test_every_length_is_padded_as_the_standard_asks() -> None:
    """Pieces of 0 to 300 bytes, and some around the length from which they are hashed singly, have their digests."""
    pieces = [chance_bytes(length) for length in (*range(301), *range(1_020, 1_030), 5_000)]

    assert [sha256(piece).digest() for piece in pieces] == digests(pieces)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 5_000])
def test_rows_are_hashed_behind_their_prefix(count: int) -> None:
    """Each row's digest is that of prefix and row, whatever the width and however many there are."""
    for width in (1, 32, 50, 55, 56, 64, 119, 120, 2_000):
        content = chance_bytes(min(count, 200 if width > 64 else count) * width)
        for prefix in (b"", b"\1", b"ev/v1\0"):
            expected = [sha256(prefix + row).digest() for row in EntryRows(content, width_bytes=width)]

            assert b"".join(expected) == digest_rows(as_rows(content, width_bytes=width), prefix=prefix).tobytes()


@given(st.lists(st.one_of(st.binary(max_size=130), st.integers(0, 3_000).map(chance_bytes)), max_size=90))
@settings(max_examples=60, deadline=None)
def test_any_pieces_are_hashed_in_their_order(pieces: list[bytes]) -> None:
    """Digests stand in the order of the pieces, whatever their lengths and contents."""
    assert [sha256(piece).digest() for piece in pieces] == digests(pieces)


def test_a_tree_has_one_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles and root of a tree do not depend on how its hashes are made."""
    monkeypatch.setattr(sha256_many, "BATCH_LEAST_COUNT", 64)
    for entries in ([number.to_bytes(50, "big") for number in range(3_000)], [b"x" * (n % 90) for n in range(700)]):
        edge, files = extend(EMPTY_EDGE, entries)

        assert leaf_hashes_of(entries) == list(EntryRows(leaf_hash_rows(entries).tobytes(), width_bytes=32))
        assert Frontier().append_all(leaf_hashes_of(entries)) == edge.frontier()
        assert b"".join(leaf_hashes_of(entries)[256:512]) == files["tile/0/001"]


@pytest.mark.parametrize("count", [0, 1, 2, 127, 128, 129, 256])
def test_the_level_above_is_that_of_its_pairs(count: int) -> None:
    """Hashes that lie one behind the other are paired as single ones are; the last of an odd number is left out."""
    level = chance_bytes(32 * count)
    hashes = list(EntryRows(level, width_bytes=32))[: count & ~1]

    assert b"".join(pair_up(hashes)) == level_above(level)


def test_little_work_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled code is loaded once, and only after as much was hashed one by one as loading costs."""
    asked: list[int] = []

    def load() -> Lanes:
        asked.append(1)
        return LOAD()

    monkeypatch.setattr(sha256_many, "SINGLE_MOST_COUNT", 1_000)
    hashing = Hashing(load)
    before = [hashing.lanes_for(count) for count in (10, 500, 490)]
    early_count = len(asked)
    after = [hashing.lanes_for(count) for count in (10, 500)]

    assert [None] * 3 == before
    assert (0, 1) == (early_count, len(asked))
    assert all(lanes is not None for lanes in after)


@pytest.mark.parametrize("fault", ["missing", "wrong", "failing"])
def test_code_that_cannot_be_trusted_is_not_used(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no compiler, or what it made fails or gives another digest, `hashlib` hashes; it is asked once."""
    asked: list[str] = []

    def load() -> Lanes:
        asked.append(fault)
        if fault == "missing":
            raise ImportError
        return Lanes(32, wrong if fault == "wrong" else failing, LOAD().pad_pieces)

    def wrong(*columns: np.ndarray) -> None:
        columns[-1][:] = 7

    def failing(*columns: np.ndarray) -> None:
        raise RuntimeError(len(columns))

    monkeypatch.setattr(sha256_many, "SINGLE_MOST_COUNT", 0)
    monkeypatch.setattr(sha256_many, "HASHING", Hashing(load))

    for _ in range(2):
        assert [sha256(b"abc" * 9).digest()] * 90 == digests([b"abc" * 9] * 90)
    assert [fault] == asked


def test_rows_are_a_sequence_like_any_other() -> None:
    """Entries of one width give the same items, slices and length as a list of them; others stay what they are."""
    entries = [bytes([number]) * 5 for number in range(9)]
    rows = rows_of(entries)

    assert rows is not None
    assert (entries, 9, entries[-1], entries[4]) == (list(rows), len(rows), rows[-1], rows[4])
    for place in (slice(2, 5), slice(7, None), slice(5, 2), slice(-2, 40), slice(None)):
        assert entries[place] == list(rows[place])
    with pytest.raises(IndexError):
        rows[9]
    assert [None, None, None] == [rows_of(others) for others in ([], [b""], [b"a", b"bc"])]
    assert rows is rows_of(rows)
