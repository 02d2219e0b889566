"""Keys as text: the verifier and signer keys of c2sp.org/signed-note, and what each signature type signs."""

from __future__ import annotations

import hashlib
from enum import IntEnum

from truceline.adapters.log.checkpoint import parse_checkpoint
from truceline.adapters.log.refusal import COUNT_MOST_COUNT, Refused, canonical_base64, encode_base64

NAME_MOST_BYTES = 255
"""Longest key name and origin that an ML-DSA cosignature can carry (tlog-cosignature: opaque<1..2^8-1>)."""
SEED_BYTES = 32
KEY_ID_BYTES = 4
TIME_BYTES = 8

_SECRET_PREFIX = "PRIVATE+KEY+"  # noqa: S105  (the format's first words, no secret)


class SignatureKind(IntEnum):
    """The assigned signature types that are made and verified here, by their byte."""

    ED25519 = ord(b"\x01")
    COSIGNATURE_ED25519 = ord(b"\x04")
    COSIGNATURE_MLDSA44 = ord(b"\x06")

    @property
    def public_key_bytes(self) -> int:
        """Give the length of a public key."""
        return 1312 if self is SignatureKind.COSIGNATURE_MLDSA44 else 32

    @property
    def signature_bytes(self) -> int:
        """Give the length of a signature without its time."""
        return 2420 if self is SignatureKind.COSIGNATURE_MLDSA44 else 64

    @property
    def is_timed(self) -> bool:
        """Say whether a signature carries a time (tlog-cosignature: `timestamped_signature`)."""
        return self is not SignatureKind.ED25519


def require_name(name: str) -> str:
    """Give a key name back, or raise `Refused`: not empty, no spaces, plus or control signs, at most 255 bytes."""
    is_plain = name and not any(
        sign.isspace() or sign == "+" or sign < " " or "\ud800" <= sign <= "\udfff" for sign in name
    )
    if not is_plain or len(name.encode()) > NAME_MOST_BYTES:
        raise Refused(f"{name[:60]!r} cannot be a key name")
    return name


def key_id_of(name: str, kind: SignatureKind, public_key: bytes) -> bytes:
    """Give the 4-byte id of a key: the beginning of SHA-256(name || newline || type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:KEY_ID_BYTES]


def encode_vkey(name: str, kind: SignatureKind, public_key: bytes) -> str:
    """Write a verifier key: `name+hex id+base64(type || public key)`."""
    return f"{name}+{key_id_of(name, kind, public_key).hex()}+{encode_base64(bytes([kind]) + public_key)}"


def decode_vkey(text: str) -> tuple[str, SignatureKind, bytes]:
    """Read a verifier key as (name, kind, public key); raise `Refused` where its id or length is not right."""
    name, key_id, kind, public_key = _decode(text)
    if len(public_key) != kind.public_key_bytes:
        raise Refused(f"the key of {name} has {len(public_key)} bytes, not {kind.public_key_bytes}")
    if key_id_of(name, kind, public_key).hex() != key_id:
        raise Refused(f"the key id {key_id[:16]!r} is not that of the key of {name}")
    return name, kind, public_key


def encode_skey(name: str, kind: SignatureKind, *, seed: bytes, public_key: bytes) -> str:
    """Write a signer key: `PRIVATE+KEY+name+hex id+base64(type || seed)`; whoever reads it can sign."""
    key_id = key_id_of(name, kind, public_key).hex()
    return f"{_SECRET_PREFIX}{name}+{key_id}+{encode_base64(bytes([kind]) + seed)}"


def decode_skey(text: str) -> tuple[str, str, SignatureKind, bytes]:
    """Read a signer key as (name, hexadecimal id, kind, seed); raise `Refused` without showing any of it."""
    if not text.startswith(_SECRET_PREFIX):
        raise Refused("a signer key begins with PRIVATE+KEY+")
    try:
        name, key_id, kind, seed = _decode(text.removeprefix(_SECRET_PREFIX))
    except Refused:
        raise Refused("the signer key is damaged") from None
    if len(seed) != SEED_BYTES:
        raise Refused(f"the seed of {name} has {len(seed)} bytes, not {SEED_BYTES}")
    return name, key_id, kind, seed


def _decode(text: str) -> tuple[str, str, SignatureKind, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    require_name(name)
    content = canonical_base64(encoded, name=f"the key of {name}")
    if not content or content[0] not in set(SignatureKind):
        raise Refused(f"the key of {name} is of no known type")
    if len(key_id) != 2 * KEY_ID_BYTES or set(key_id) - set("0123456789abcdef"):
        raise Refused(f"the key id of {name} is not 8 hexadecimal digits")
    return name, key_id, SignatureKind(content[0]), content[1:]


def signed_message(kind: SignatureKind, name: str, *, text: str, time_s: int) -> bytes:
    """Give the bytes that a signature of a kind signs for a note's text; for a cosignature the text is a checkpoint.

    Sources: signed-note "Ed25519 signatures", tlog-cosignature "Ed25519 signed message" and "ML-DSA-44 signed message".
    """
    if not 0 <= time_s <= COUNT_MOST_COUNT:
        raise Refused(f"time_s={time_s} is outside [0, {COUNT_MOST_COUNT}]")
    if kind is SignatureKind.ED25519:
        return text.encode()
    checkpoint = parse_checkpoint(text)
    if kind is SignatureKind.COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {time_s}\n{text}".encode()
    origin = checkpoint.origin.encode()
    if len(origin) > NAME_MOST_BYTES:
        raise Refused(f"an origin of {len(origin)} bytes cannot be cosigned, at most {NAME_MOST_BYTES}")
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(name.encode())]) + name.encode(),
            time_s.to_bytes(TIME_BYTES, "big"),
            bytes([len(origin)]) + origin,
            (0).to_bytes(8, "big"),
            checkpoint.size_count.to_bytes(8, "big"),
            checkpoint.root,
        )
    )
