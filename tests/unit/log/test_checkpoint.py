"""Laws of checkpoints and leaves: what is signed, and what is logged."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from truceline.adapters.log.leaf import (
    LEAF_BYTES,
    Leaf,
    LeafKind,
    commitment_of,
    commitment_to_hash,
    parse_leaf,
    subject_tag_of,
)
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.tree import EMPTY_ROOT

PUBLISHED = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
"""The example of c2sp.org/tlog-checkpoint."""
ROOT = base64.b64encode(b"r" * 32).decode()
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
counts = st.integers(0, 2**63 - 1)


def test_the_published_example_is_read_and_written() -> None:
    """The standard's own checkpoint comes back byte for byte."""
    checkpoint = parse_checkpoint(PUBLISHED)

    assert ("example.com/behind-the-sofa", 20852163, ()) == (
        checkpoint.origin,
        checkpoint.size_count,
        checkpoint.extensions,
    )
    assert PUBLISHED == format_checkpoint(checkpoint)


@given(lines, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines, max_size=3))
def test_a_checkpoint_is_read_as_it_was_written(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    """Any checkpoint comes back from its text."""
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))

    assert checkpoint == parse_checkpoint(format_checkpoint(checkpoint))


@given(st.text(alphabet="a1+0/=\n \r-", max_size=60) | st.sampled_from([PUBLISHED[:-9], PUBLISHED + "x\n", PUBLISHED]))
def test_a_checkpoint_has_one_spelling(text: str) -> None:
    """Whatever is read as a checkpoint is written back as the same bytes."""
    try:
        checkpoint = parse_checkpoint(text)
    except Refused:
        return

    assert text == format_checkpoint(checkpoint)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        f"o\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n\u0661\n{ROOT}\n",
        f"o\n1 \n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n",
        f"o\n99999999999999999999999\n{ROOT}\n",
        f"o\n0\n{ROOT}\n",
        f"o\n1\n{ROOT[:-4]}\n",
        f"o\n1\n{base64.b64encode(bytes(14)).decode()}\n",
        f"o\n1\n{ROOT[:-2]}B=\n",
        f"o\n1\n{ROOT}\n\n",
        f"o\n1\n{ROOT}\ntab\there\n",
        f"o\n1\n{ROOT}\n" + "x\n" * 17,
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    """Another spelling of number or hash, an empty line, a size no log has, or a line missing: nothing is guessed."""
    with pytest.raises(Refused):
        parse_checkpoint(text)


def test_what_no_log_can_mean_is_refused_when_built() -> None:
    """A checkpoint cannot be built with another length of hash, a size out of bounds, or a false empty root."""
    for size, root in ((1, bytes(31)), (-1, bytes(32)), (2**63, bytes(32)), (0, bytes(32))):
        with pytest.raises(Refused):
            Checkpoint("o", size, root)

    assert 0 == parse_checkpoint(format_checkpoint(Checkpoint("o", 0, EMPTY_ROOT))).size_count


@given(st.sampled_from(LeafKind), counts, st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=8))
def test_a_leaf_is_read_as_it_was_written(kind: LeafKind, time_ms: int, commitment: bytes, tag: bytes) -> None:
    """Any leaf comes back from its 50 bytes."""
    leaf = Leaf(kind, time_ms, commitment, tag)

    assert LEAF_BYTES == len(leaf.encode())
    assert leaf == parse_leaf(leaf.encode())


def test_the_layout_of_a_leaf_is_fixed() -> None:
    """The bytes of a leaf stand where the layout says, so that another program can read them."""
    leaf = Leaf(LeafKind.KEY, 0x0102030405060708, b"c" * 32, b"t" * 8)

    assert b"\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08" + b"c" * 32 + b"t" * 8 == leaf.encode()


def test_what_is_not_a_leaf_is_refused() -> None:
    """Another length, version, kind, or field that does not fit is refused."""
    good = Leaf(LeafKind.SEALED, 1, bytes(32), bytes(8)).encode()
    for content in (b"", good[:-1], good + b"\0", b"\x02" + good[1:], good[:1] + b"\xff" + good[2:]):
        with pytest.raises(Refused):
            parse_leaf(content)
    with pytest.raises(Refused):
        parse_leaf(good[:2] + b"\x80" + good[3:])
    for time_ms, commitment, tag in ((-1, bytes(32), bytes(8)), (0, bytes(31), bytes(8)), (0, bytes(32), bytes(9))):
        with pytest.raises(Refused):
            Leaf(LeafKind.SEALED, time_ms, commitment, tag)


@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_a_commitment_is_to_one_body_and_one_salt(body: bytes, other: bytes, salt: bytes, bit: int) -> None:
    """Another body or another salt gives another commitment, and the body's hash alone gives the same."""
    other_salt = (int.from_bytes(salt, "big") ^ 1 << bit).to_bytes(32, "big")
    made = commitment_of(body, salt)

    assert hashlib.sha256(b"ev/v1\0" + salt + hashlib.sha256(body).digest()).digest() == made
    assert made == commitment_to_hash(hashlib.sha256(body).digest(), salt)
    assert (body == other) == (made == commitment_of(other, salt))
    assert made != commitment_of(body, other_salt)


def test_a_commitment_wants_its_lengths() -> None:
    """A salt or hash of another length is refused, so that nothing can slide from one into the other."""
    for salt, content in ((bytes(31), bytes(32)), (bytes(32), bytes(33))):
        with pytest.raises(Refused):
            commitment_to_hash(content, salt)


def test_a_subject_is_found_by_the_key_only() -> None:
    """The same subject has the same tag under one key, and another under another."""
    assert subject_tag_of("sensor 7", bytes(32)) == subject_tag_of("sensor 7", bytes(32))
    assert 3 == len({subject_tag_of(*each) for each in [("a", bytes(32)), ("b", bytes(32)), ("a", b"\x01" * 32)]})
    assert 8 == len(subject_tag_of("", bytes(32)))
