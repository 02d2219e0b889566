"""Leaves: 50 bytes that say when and, by a salted hash, what, and nothing else to anybody without the salt.

A leaf is `0x01 | kind | u64 time in ms | 32-byte commitment | 8-byte subject tag`, big-endian. The commitment is
SHA-256("ev/v1" 0x00 || 32-byte salt || SHA-256(exact bytes as received)). Who erases salt and payload leaves the log
valid and the leaf mute: without the salt no guess at the payload can be tested.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import IntEnum

import msgspec
import numpy as np

from truceline.adapters.log.refusal import COUNT_MOST_COUNT, Refused
from truceline.adapters.log.sha256_many import Bytes, digest_rows

LEAF_BYTES = 50
SALT_BYTES = 32
TAG_BYTES = 8
COMMITMENT_BYTES = 32
HEAD_BYTES = 10
LAYOUT_VERSION = 1

_COMMITMENT_PREFIX = b"ev/v1\0"


class LeafKind(IntEnum):
    """What a leaf says in the open that it is, by its byte.

    `SEALED` is the rule: records and padding look alike. The others are what anybody must be able to find.
    """

    SEALED = ord(b"\x00")
    KEY = ord(b"\x01")
    """A key enrolled, rotated or revoked."""
    CONFIGURATION = ord(b"\x02")
    """Code, agreement, thresholds or policy that were in use from here on."""
    GATEWAY_WINDOW = ord(b"\x03")
    """A gateway's root over ten seconds of segments."""
    DECISION = ord(b"\x04")
    """What people determined or released."""


class Leaf(msgspec.Struct, frozen=True):
    """One leaf of the log."""

    kind: LeafKind
    time_ms: int
    commitment: bytes
    subject_tag: bytes

    def __post_init__(self) -> None:
        """Refuse what the layout cannot hold."""
        if not 0 <= self.time_ms <= COUNT_MOST_COUNT:
            raise Refused(f"time_ms={self.time_ms} is outside [0, {COUNT_MOST_COUNT}]")
        if len(self.commitment) != COMMITMENT_BYTES or len(self.subject_tag) != TAG_BYTES:
            raise Refused(f"a leaf has a commitment of {COMMITMENT_BYTES} bytes and a tag of {TAG_BYTES}")

    def encode(self) -> bytes:
        """Write the 50 bytes of the leaf: the log's entry."""
        head = bytes((LAYOUT_VERSION, self.kind)) + self.time_ms.to_bytes(8, "big")
        return head + self.commitment + self.subject_tag


def parse_leaf(content: bytes) -> Leaf:
    """Read a leaf; raise `Refused` for another length, version or kind."""
    if len(content) != LEAF_BYTES or content[0] != LAYOUT_VERSION or content[1] not in set(LeafKind):
        raise Refused(f"{len(content)} bytes beginning {content[:2].hex()} are not a leaf")
    return Leaf(LeafKind(content[1]), int.from_bytes(content[2:10], "big"), content[10:42], content[42:])


def commitment_of(body: bytes, salt: bytes) -> bytes:
    """Give the 32-byte commitment to exact bytes under a 32-byte salt."""
    return commitment_to_hash(hashlib.sha256(body).digest(), salt)


def commitment_to_hash(body_sha256: bytes, salt: bytes) -> bytes:
    """Give the commitment from the body's 32-byte SHA-256 alone, for bodies too large to hold."""
    if len(salt) != SALT_BYTES or len(body_sha256) != COMMITMENT_BYTES:
        raise Refused(f"a salt of {len(salt)} and a hash of {len(body_sha256)} bytes, where both have 32")
    return hashlib.sha256(_COMMITMENT_PREFIX + salt + body_sha256).digest()


def commitment_rows(secrets: Bytes) -> Bytes:
    """Give the commitments [n, 32] of many bodies from each one's 32-byte salt and SHA-256 [n, 64]."""
    return digest_rows(secrets, prefix=_COMMITMENT_PREFIX)


def leaf_rows(heads: Bytes, commitments: Bytes, tags: Bytes) -> Bytes:
    """Write leaves [n, 50] from their kinds and times [n, 10], commitments [n, 32] and subject tags [n, 8]."""
    return np.concatenate((heads, commitments, tags), axis=1)


def head_rows(kinds: Sequence[LeafKind], time_ms: int) -> Bytes:
    """Write what leaves of one time begin with [n, 10]: version, kind, time."""
    made = np.empty((len(kinds), HEAD_BYTES), dtype=np.uint8)
    made[:] = np.frombuffer(bytes((LAYOUT_VERSION, 0)) + time_ms.to_bytes(8, "big"), dtype=np.uint8)
    made[:, 1] = np.frombuffer(bytes(kinds), dtype=np.uint8)
    return made


def subject_tag_of(subject: str, tag_key: bytes) -> bytes:
    """Give the 8-byte tag by which a key's holder finds a subject's leaves: HMAC-SHA-256 (RFC 2104), cut."""
    assert len(tag_key) == SALT_BYTES, "a tag key has 32 bytes"
    return hmac.digest(tag_key, subject.encode(), "sha256")[:TAG_BYTES]
