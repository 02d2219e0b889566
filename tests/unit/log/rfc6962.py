"""RFC 6962 as it is defined, word by word and slow: what the tree of the log is held against."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """Give MTH (RFC 6962, 2.1)."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    middle = largest_power_below(len(entries))
    return sha256(b"\x01" + tree_hash(entries[:middle]) + tree_hash(entries[middle:])).digest()


def audit_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """Give PATH (RFC 6962, 2.1.1)."""
    if len(entries) == 1:
        return []
    middle = largest_power_below(len(entries))
    if index < middle:
        return [*audit_path(index, entries[:middle]), tree_hash(entries[middle:])]
    return [*audit_path(index - middle, entries[middle:]), tree_hash(entries[:middle])]


def consistency(old_count: int, entries: Sequence[bytes]) -> list[bytes]:
    """Give PROOF (RFC 6962, 2.1.2)."""
    return _subproof(old_count, entries, is_whole=True)


def _subproof(old_count: int, entries: Sequence[bytes], *, is_whole: bool) -> list[bytes]:
    if old_count == len(entries):
        return [] if is_whole else [tree_hash(entries)]
    middle = largest_power_below(len(entries))
    if old_count <= middle:
        return [*_subproof(old_count, entries[:middle], is_whole=is_whole), tree_hash(entries[middle:])]
    return [*_subproof(old_count - middle, entries[middle:], is_whole=False), tree_hash(entries[:middle])]


def largest_power_below(count: int) -> int:
    """Give the largest power of two below a count of at least 2."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def numbered(count: int) -> list[bytes]:
    """Give entries that all differ, some of them empty or long."""
    return [b"%d" % number * (number % 5) + bytes(number % 3) + number.to_bytes(4, "big") for number in range(count)]
