"""The one rule for Ed25519: what the standalone verifier takes with OpenSSL is what the log takes with libsodium."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import bindings
from nacl.exceptions import CryptoError

from truceline.adapters.log.ed25519_strict import (
    NEUTRAL,
    Point,
    add,
    decode_point,
    encode_point,
    is_neutral,
    is_sound_key,
    is_strict,
    multiply,
)
from truceline.adapters.log.note import verify_ed25519

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
BASE_BYTES = (4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little")

seeds = st.binary(min_size=32, max_size=32)


def decoded(content: bytes) -> Point:
    """Decode a point that there is."""
    point = decode_point(content)
    assert point is not None
    return point


BASE = decoded(BASE_BYTES)


def low_order_points() -> list[Point]:
    """Find the eight points of low order: multiples of one of order 8."""
    for number in range(2, 99):
        point = decode_point(number.to_bytes(32, "little"))
        low = NEUTRAL if point is None else multiply(ORDER, point)
        if not is_neutral(multiply(4, low)):
            return [multiply(times, low) for times in range(8)]
    raise AssertionError("there is a point of order 8")


LOW_ORDER = low_order_points()


def by_openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    """Ask OpenSSL alone."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def by_libsodium(public: bytes, message: bytes, signature: bytes) -> bool:
    """Ask libsodium alone."""
    try:
        bindings.crypto_sign_open(signature + message, public)
    except CryptoError:
        return False
    return True


def by_standalone(public: bytes, message: bytes, signature: bytes) -> bool:
    """Answer as a verifier does that has the rule and OpenSSL only."""
    return is_strict(signature, public) and by_openssl(public, message, signature)


def crafted(key_bytes: bytes, nonce_bytes: bytes, *, message: bytes, key_number: int, shift: int = 0) -> bytes:
    """Sign with any spelling of any key and nonce: S = r + h a, so that what is left over is of low order."""
    digest = hashlib.sha512(nonce_bytes + key_bytes + message).digest()
    signed = (77 + int.from_bytes(digest, "little") * key_number) % ORDER + shift * ORDER
    return nonce_bytes + signed.to_bytes(32, "little")


def test_points_are_those_of_the_standard() -> None:
    """The base point has the prime order, eight points have low order, and each comes back from its bytes."""
    assert is_neutral(multiply(ORDER, BASE))
    assert not is_neutral(BASE)
    assert 8 == len({encode_point(point) for point in LOW_ORDER})
    assert all(encode_point(decoded(encode_point(point))) == encode_point(point) for point in LOW_ORDER)
    assert encode_point(add(BASE, BASE)) == encode_point(multiply(2, BASE))


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_keys_that_are_made_are_sound(seed: bytes) -> None:
    """The key of every seed is sound, and decoding agrees with both libraries."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    assert is_sound_key(public)
    assert public == encode_point(decoded(public)) == bindings.crypto_sign_seed_keypair(seed)[0]


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_soundness_is_what_libsodium_calls_a_valid_point(content: bytes) -> None:
    """Any 32 bytes are a sound key exactly where libsodium calls them a valid point."""
    assert bindings.crypto_core_ed25519_is_valid_point(content) == is_sound_key(content)


def edge_keys() -> list[bytes]:
    """Give keys that libraries differ on: low order, mixed order, not canonical, x = 0 with a sign, no point at all."""
    low = [encode_point(point) for point in LOW_ORDER]
    mixed = [encode_point(add(BASE, point)) for point in LOW_ORDER[1:]]
    over = [(number + PRIME | sign << 255).to_bytes(32, "little") for number in range(19) for sign in (0, 1)]
    signed = [bytes([1, *bytes(30), 0x80]), (PRIME - 1 | 1 << 255).to_bytes(32, "little")]
    return [*low, *mixed, *over, *signed, b"\x02" + bytes(31), b"\xff" * 32, b"", bytes(31), bytes(33)]


@pytest.mark.parametrize("key", edge_keys(), ids=bytes.hex)
def test_keys_that_libraries_differ_on_are_unsound(key: bytes) -> None:
    """No key of low or mixed order, of another spelling, or that is no point, is sound; libsodium says the same."""
    assert not is_sound_key(key)
    assert len(key) != 32 or not bindings.crypto_core_ed25519_is_valid_point(key)


@given(seeds, st.binary(max_size=60))
@settings(max_examples=30, deadline=None)
def test_true_signatures_hold_everywhere(seed: bytes, message: bytes) -> None:
    """A signature made by a sound key is taken by libsodium, by OpenSSL, by the rule and by the log."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    answers = {each(public, message, signature) for each in (by_openssl, by_libsodium, by_standalone, verify_ed25519)}

    assert {True} == answers


@given(seeds, st.binary(max_size=60), st.integers(0, 95), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_any_byte_changed_is_found_everywhere(seed: bytes, message: bytes, place: int, change: int) -> None:
    """With one byte of key or signature changed, the log and the standalone verifier both refuse."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    both = bytearray(key.public_key().public_bytes_raw() + key.sign(message))
    both[place] ^= change
    public, signature = bytes(both[:32]), bytes(both[32:])

    assert not verify_ed25519(public, message, signature)
    assert not by_standalone(public, message, signature)


def test_log_and_standalone_verifier_agree_on_crafted_signatures() -> None:
    """Over keys and nonces of every mixed and low order, nothing is taken by one and not by the other."""
    nonces = [encode_point(add(multiply(77, BASE), point)) for point in LOW_ORDER]
    nonces += [encode_point(point) for point in LOW_ORDER]
    keys = [(encode_point(add(multiply(5, BASE), point)), 5) for point in LOW_ORDER]
    keys += [(encode_point(point), 0) for point in LOW_ORDER]
    answers = []
    for key, key_number in keys:
        for nonce in nonces:
            for number in range(3):
                message = b"message %d" % number
                signature = crafted(key, nonce, message=message, key_number=key_number)
                answers.append((verify_ed25519(key, message, signature), by_standalone(key, message, signature)))

    assert {(True, True), (False, False)} == set(answers)
    assert 3 == answers.count((True, True)), "a sound key with a sound nonce, and nothing else"


def test_openssl_alone_takes_what_the_rule_refuses() -> None:
    """Without the rule OpenSSL would take signatures under a key of low order, for any message."""
    taken = []
    for key in map(encode_point, LOW_ORDER):
        for number in range(16):
            message = b"%d" % number
            taken.append((key, message, crafted(key, encode_point(multiply(77, BASE)), message=message, key_number=0)))
    by_rule = [verify_ed25519(*each) or by_standalone(*each) for each in taken]

    assert any(by_openssl(*each) for each in taken)
    assert not any(by_rule)


def test_a_number_above_the_order_is_refused() -> None:
    """S + L signs nothing, though the curve would have it."""
    public, nonce = encode_point(multiply(5, BASE)), encode_point(multiply(77, BASE))
    true = crafted(public, nonce, message=b"m", key_number=5)
    shifted = crafted(public, nonce, message=b"m", key_number=5, shift=1)

    assert (True, True) == (verify_ed25519(public, b"m", true), by_standalone(public, b"m", true))
    assert (False, False) == (verify_ed25519(public, b"m", shifted), is_strict(shifted, public))
    assert not is_strict(true[:-1], public)
