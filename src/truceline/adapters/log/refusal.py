"""What somebody else's note, key, policy, proof or tile is refused for."""

from __future__ import annotations

import base64
import binascii

from truceline.errors import InputUnusable

COUNT_MOST_COUNT = 2**63 - 1
"""The largest tree size, index and time that is taken (tlog-cosignature: must not exceed 2^63 - 1)."""


class Refused(InputUnusable):
    """Something written by others does not keep to its format, or a signature or proof in it does not hold."""


def canonical_count(text: str, *, name: str) -> int:
    """Read a decimal without sign, spaces or leading zeroes, at most 2^63 - 1; raise `Refused` for anything else."""
    if (
        not (text.isascii() and text.isdigit())
        or (text[0] == "0" and text != "0")
        or len(text) > len("9223372036854775807")
    ):
        raise Refused(f"{name}={text[:40]!r} is not a canonical decimal")
    count = int(text)
    if count > COUNT_MOST_COUNT:
        raise Refused(f"{name}={count} is above {COUNT_MOST_COUNT}")
    return count


def canonical_base64(text: str, *, name: str) -> bytes:
    """Decode base64 (RFC 4648, 4) that is spelled the only way its bytes can be; raise `Refused` for anything else."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Refused(f"{name} {text[:40]!r} is not base64") from None
    if base64.b64encode(content).decode() != text:
        raise Refused(f"{name} {text[:40]!r} is not canonical base64")
    return content


def canonical_hash(text: str, *, name: str) -> bytes:
    """Decode the base64 of one SHA-256 hash; raise `Refused` for another length."""
    content = canonical_base64(text, name=name)
    if len(content) != 32:
        raise Refused(f"{name} has {len(content)} bytes, not 32")
    return content


def encode_base64(content: bytes) -> str:
    """Write bytes as base64 (RFC 4648, 4)."""
    return base64.b64encode(content).decode()
