"""Laws of signed notes and of the keys written as text."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.log.keys_text import SignatureKind
from truceline.adapters.log.note import (
    Note,
    Signature,
    Signer,
    Verifier,
    cosign,
    parse_note,
    parse_signature_lines,
    sign_note,
    verify_mldsa44,
    verify_note,
    with_signatures,
)
from truceline.adapters.log.refusal import Refused

TEXT = "log.example/truce\n3\n" + base64.b64encode(bytes(range(32))).decode() + "\n"
LOG = Signer.ed25519("log.example/truce", bytes(32))
LOG_PQ = Signer.mldsa44("log.example/truce", b"\x01" * 32)
WITNESS = Signer.cosigner("witness.example/w", b"\x02" * 32)
WITNESS_PQ = Signer.mldsa44("witness.example/q", b"\x03" * 32)
SIGNERS = (LOG, LOG_PQ, WITNESS, WITNESS_PQ)
VERIFIERS = tuple(signer.verifier for signer in SIGNERS)
TIME_S = 1_790_000_000
FULL = sign_note(TEXT, SIGNERS, time_s=TIME_S)

PUBLISHED_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""The example of golang.org/x/mod/sumdb/note, where the format comes from."""


def test_the_published_example_is_verified() -> None:
    """The key and note that Go's documentation shows are read, written and verified as they are there."""
    verifier = Verifier.from_vkey(PUBLISHED_VKEY)
    note = parse_note(PUBLISHED_NOTE)

    assert PUBLISHED_VKEY == verifier.vkey
    assert PUBLISHED_NOTE == note.format()
    assert ("PeterNeumann",) == tuple(part.name for part in verify_note(note, [verifier], is_exact=True))


def test_every_kind_of_signature_is_verified() -> None:
    """What is signed by each kind of key is verified by its public key read from text, and says its time."""
    note = parse_note(FULL)
    found = verify_note(note, [Verifier.from_vkey(signer.vkey) for signer in SIGNERS], is_exact=True)
    times = [part.time_s(signer.kind) for part, signer in zip(found, SIGNERS, strict=True)]

    assert FULL == note.format() == parse_note(FULL.encode()).format()
    assert [0, TIME_S, TIME_S, TIME_S] == times
    assert [64, 8 + 2420, 8 + 64, 8 + 2420] == [len(part.content) for part in found]


def test_a_cosignature_is_a_line_to_be_added() -> None:
    """A witness's line, added to a log's note, is verified there, and adding it twice is adding it once."""
    note = parse_note(sign_note(TEXT, [LOG]))
    line = parse_signature_lines(cosign(TEXT, WITNESS, time_s=TIME_S))
    once = with_signatures(note, line)

    assert 2 == len(verify_note(once, [LOG.verifier, WITNESS.verifier], is_exact=True))
    assert once == with_signatures(once, line)


@given(st.integers(0), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_any_byte_changed_in_a_note_is_found(place: int, change: int) -> None:
    """A note with one byte changed is refused by whoever knows all of its keys."""
    content = bytearray(FULL.encode())
    content[place % len(content)] ^= change

    with pytest.raises(Refused):
        verify_note(parse_note(bytes(content)), VERIFIERS, is_exact=True)


@given(st.integers(0))
@settings(max_examples=200, deadline=None)
def test_a_note_cut_off_or_drawn_out_is_found(place: int) -> None:
    """A note that lost its end, or to which a byte was added, is refused."""
    content = FULL.encode()
    place %= len(content)
    for spoiled in (content[:place], content[:place] + b"A" + content[place:], content + b"\n"):
        with pytest.raises(Refused):
            verify_note(parse_note(spoiled), VERIFIERS, is_exact=True)


def test_unknown_keys_are_passed_over_and_known_ones_held() -> None:
    """A note needs one known key's signature, is not spoiled by unknown ones, and is by a known one that is false."""
    note = parse_note(FULL)
    false = Signature(LOG.name, LOG.verifier.key_id, bytes(64))

    assert (note.signatures[0],) == verify_note(note, [LOG.verifier])
    with pytest.raises(Refused, match="no known key"):
        verify_note(note, [Signer.ed25519("log.example/truce", b"\x09" * 32).verifier])
    with pytest.raises(Refused, match="does not hold"):
        verify_note(with_signatures(note, [false]), [LOG.verifier])
    for verifiers in ([LOG.verifier], [*VERIFIERS, Signer.ed25519("other", b"\x09" * 32).verifier]):
        with pytest.raises(Refused, match="known keys"):
            verify_note(note, verifiers, is_exact=True)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text\n",
        "text\n\n",
        "\n\n",
        "text\n\n— name AAAAAAA=",
        "text\n\n- name AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— nameAAAAAAA=\n",
        "text\n\n— na+me AAAAAAA=\n",
        "text\n\n— na\u2003me AAAAAAA=\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— name AAAAAAA\n",
        "text\n\n— name AAAAAAA= \n",
        "text\n\n— name AAAA\n",
        "text\n\n— name é\n",
        "te\rxt\n\n— name AAAAAAA=\n",
        "text\n\n— name AAAAAAA=\n\n",
        "text\n\n" + "— name AAAAAAA=\n" * 101,
        "x" * (1 << 20) + "\n\n— name AAAAAAA=\n",
        f"text\n\n— {'n' * 256} AAAAAAA=\n",
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        "te\ud800xt\n\n— name AAAAAAA=\n",
    ],
)
def test_what_is_not_a_note_is_refused(content: str | bytes) -> None:
    """A note has one spelling; everything near it is refused, and never read as another note."""
    with pytest.raises(Refused):
        parse_note(content)


def test_a_note_may_have_empty_lines() -> None:
    """The last empty line divides the text from the signatures, wherever else there are some."""
    content = sign_note("first\n\nlast\n", [LOG])

    assert "first\n\nlast\n" == parse_note(content).text
    assert 16 == len(parse_note("text\n\n" + "— name AAAAAAA=\n" * 16).signatures)


def test_a_text_that_cannot_be_signed_is_refused() -> None:
    """A text with control signs or without its end is not signed, nor is one that is no checkpoint by a cosigner."""
    for text in ("no end", "a\x00b\n", ""):
        with pytest.raises(Refused):
            sign_note(text, [LOG])
    with pytest.raises(Refused):
        cosign("no checkpoint\n", WITNESS, time_s=TIME_S)
    with pytest.raises(Refused):
        LOG_PQ.sign("é" * 200 + TEXT)


def test_a_signature_of_another_kind_does_not_hold() -> None:
    """A signature is not taken for another key, text, time or length, nor for a text that is no checkpoint."""
    note = parse_note(FULL)
    for verifier, part in zip(VERIFIERS, note.signatures, strict=True):
        cut, late = part.content[:-1], bytes([1, *part.content[1:8]]) + part.content[8:]

        assert verifier.verifies(TEXT, part)
        assert not verifier.verifies("no checkpoint\n", part)
        assert not verifier.verifies(TEXT, part._replace(content=cut))
        assert not verifier.verifies(TEXT, part._replace(content=late))
        assert not verifier.verifies(TEXT, part._replace(content=b"\xff" * len(part.content)))
        assert 1 == sum(other.verifies(TEXT, part) for other in VERIFIERS)
    assert not verify_mldsa44(bytes(1312), b"", bytes(2420))
    assert not verify_mldsa44(bytes(7), b"", bytes(2420))


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.kind.name)
def test_keys_are_read_as_they_were_written(signer: Signer) -> None:
    """A signer read from its text signs as before, and any damage to the text is found without being shown."""
    again = Signer.from_skey(signer.skey)

    assert (signer.vkey, signer.skey) == (again.vkey, again.skey)
    assert again.verifier.verifies(TEXT, signer.sign(TEXT, time_s=5))
    for place in range(12, len(signer.skey)):
        spoiled = signer.skey[:place] + chr(ord(signer.skey[place]) ^ 1) + signer.skey[place + 1 :]
        with pytest.raises(Refused) as refused:
            Signer.from_skey(spoiled)
        assert signer.skey[-20:] not in str(refused.value)


@given(st.sampled_from(SIGNERS), st.integers(0), st.integers(1, 127))
@settings(max_examples=150, deadline=None)
def test_any_sign_changed_in_a_verifier_key_is_found(signer: Signer, place: int, change: int) -> None:
    """A verifier key with one sign changed is refused: its id is made from name, type and key."""
    vkey = signer.vkey
    place %= len(vkey)
    spoiled = vkey[:place] + chr(ord(vkey[place]) ^ change) + vkey[place + 1 :]

    with pytest.raises(Refused):
        Verifier.from_vkey(spoiled)


def test_unsound_keys_are_refused_where_they_are_read() -> None:
    """A key of low order, of another length, kind or name is refused before anything is verified with it."""
    ed25519 = SignatureKind.ED25519
    for public in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32, bytes(31)):
        with pytest.raises(Refused):
            Verifier("name", ed25519, public)
    for name in ("", "a b", "a+b", "a\tb", "n" * 256, "\ud800"):
        with pytest.raises(Refused):
            Verifier(name, ed25519, LOG.verifier.public_key)
    for text in ("PRIVATE+KEY+", "name", "name+12345678+", "name+12345678+Ag==", "name+1234567G+AQ==", ""):
        with pytest.raises(Refused):
            Verifier.from_vkey(text)
        with pytest.raises(Refused):
            Signer.from_skey(text)
    with pytest.raises(Refused, match="seed"):
        Signer.from_skey("PRIVATE+KEY+name+12345678+AQA=")


def test_times_no_clock_has_are_refused() -> None:
    """A cosignature's time is at most 2^63 - 1, and a cosignature/v1 says one."""
    with pytest.raises(Refused):
        LOG_PQ.sign(TEXT, time_s=2**63)
    with pytest.raises(AssertionError):
        cosign(TEXT, WITNESS, time_s=0)
    with pytest.raises(AssertionError):
        WITNESS.sign(TEXT)

    assert LOG_PQ.verifier.verifies(TEXT, LOG_PQ.sign(TEXT, time_s=2**63 - 1))
    assert Note(TEXT, (LOG.sign(TEXT),)).format() == sign_note(TEXT, [LOG])
