"""Keys of sensors and officers: one rule of verification (libsodium's), key ids, and the MAC keys of each day.

Ed25519 verifiers differ on crafted input: of the 914 edge vectors of CCTV (Valsorda, `C2SP/CCTV/ed25519`) libsodium
accepts 43 and OpenSSL 208. Two verifiers that differ could be shown evidence on which they disagree, so every
verification here goes through libsodium, which refuses non-canonical encodings and points of low order; at enrolment a
key is also held to lie in the prime-order subgroup.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from nacl import bindings
from nacl.exceptions import CryptoError

from truceline.adapters.segments.format import HASH_BYTES, KEY_ID_BYTES, MAC_BYTES, SIGNATURE_BYTES, Spans

PUBLIC_KEY_BYTES = 32
SEED_BYTES = 32
DAY_NS = 86_400_000_000_000
"""A MAC key serves one UTC day."""

_DAY_PREFIX = b"mac/v1\n"


class SigningKey(NamedTuple):
    """An Ed25519 key pair, made from a 32-byte seed."""

    public: bytes
    secret: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Give the pair of a seed (RFC 8032, 5.1.5)."""
        public, secret = bindings.crypto_sign_seed_keypair(seed)
        return cls(public, secret)

    @property
    def key_id(self) -> bytes:
        """Give the first 8 bytes of SHA-256 of the public key."""
        return key_id_of(self.public)

    def sign(self, content: bytes) -> bytes:
        """Give the 64-byte signature of some bytes."""
        return bindings.crypto_sign(content, self.secret)[:SIGNATURE_BYTES]


def key_id_of(public_key: bytes) -> bytes:
    """Give the first 8 bytes of SHA-256 of a public key."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def is_sound_key(public_key: bytes) -> bool:
    """Say whether bytes are a canonical Ed25519 point in the prime-order subgroup, other than the neutral one."""
    return len(public_key) == PUBLIC_KEY_BYTES and bindings.crypto_core_ed25519_is_valid_point(public_key)


def is_signed(content: bytes, signature: bytes, public_key: bytes) -> bool:
    """Say whether a signature holds by libsodium's rule."""
    if len(signature) != SIGNATURE_BYTES or len(public_key) != PUBLIC_KEY_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + content, public_key)
    except CryptoError:
        return False
    return True


def exchange_public(secret: bytes) -> bytes:
    """Give the X25519 public key of a secret one (RFC 7748)."""
    return bindings.crypto_scalarmult_base(secret)


def shared_secret(secret: bytes, other_public: bytes) -> bytes | None:
    """Give what both ends of an X25519 exchange share, hashed with both public keys; `None` for a low-order point."""
    try:
        point = bindings.crypto_scalarmult(secret, other_public)
    except (CryptoError, RuntimeError):
        return None
    both = b"".join(sorted((exchange_public(secret), other_public)))
    return hashlib.blake2b(both, key=point, digest_size=HASH_BYTES).digest()


def day_index_of(gnss_ns: int) -> int:
    """Give the UTC day of a time, counted from 1970."""
    return gnss_ns // DAY_NS


def day_key(shared: bytes, key_id: bytes, day_index: int) -> bytes:
    """Give the MAC key of one sensor and UTC day."""
    content = _DAY_PREFIX + key_id + day_index.to_bytes(4, "big")
    return hashlib.blake2b(content, key=shared, digest_size=HASH_BYTES).digest()


def segment_key(key_of_day: bytes, sequence: int) -> bytes:
    """Give the MAC key of one segment, so that no message fits into another segment."""
    return hashlib.blake2b(sequence.to_bytes(8, "big"), key=key_of_day, digest_size=HASH_BYTES).digest()


def mac_of(key_of_segment: bytes, authenticated: bytes) -> bytes:
    """Give the 16-byte MAC of a message: keyed BLAKE2b (RFC 7693, 2.9), four times as fast as HMAC-SHA-256 here."""
    return hashlib.blake2b(authenticated, key=key_of_segment, digest_size=MAC_BYTES).digest()


def do_macs_hold(body: bytes, spans: Spans, key_of_segment: bytes) -> bool:
    """Say whether every message of a body carries the right MAC; `spans` as `message_spans` gives them."""
    begun = hashlib.blake2b(key=key_of_segment, digest_size=MAC_BYTES).copy  # the key is taken in once for all
    made, carried = [], []
    for start, mac in spans:
        state = begun()
        state.update(body[start:mac])
        made.append(state.digest())
        carried.append(body[mac : mac + 16])
    return hmac.compare_digest(b"".join(made), b"".join(carried))
