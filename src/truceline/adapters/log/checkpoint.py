"""Checkpoints: the text a log signs, as c2sp.org/tlog-checkpoint writes it."""

from __future__ import annotations

import msgspec

from truceline.adapters.log.refusal import COUNT_MOST_COUNT, Refused, canonical_count, canonical_hash, encode_base64
from truceline.adapters.log.tree import EMPTY_ROOT, HASH_BYTES

EXTENSIONS_MOST_COUNT = 16
"""How many extension lines are taken; we write none, because ML-DSA cosignatures do not sign them."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A log's size and 32-byte root, under its origin line; refuses what no log can mean."""

    origin: str
    size_count: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty origin, a wrong length of hash, a size beyond 2^63 - 1, and lines that are no lines."""
        if len(self.root) != HASH_BYTES:
            raise Refused(f"the root has {len(self.root)} bytes, not {HASH_BYTES}")
        if not 0 <= self.size_count <= COUNT_MOST_COUNT:
            raise Refused(f"size_count={self.size_count} is outside [0, {COUNT_MOST_COUNT}]")
        if self.size_count == 0 and self.root != EMPTY_ROOT:
            raise Refused("the tree without leaves has one root only, and this is another")
        if len(self.extensions) > EXTENSIONS_MOST_COUNT:
            raise Refused(f"{len(self.extensions)} extension lines, at most {EXTENSIONS_MOST_COUNT}")
        for line in (self.origin, *self.extensions):
            if not line or any(sign < " " or "\ud800" <= sign <= "\udfff" for sign in line):
                raise Refused(f"{line!r} cannot be a line of a checkpoint")


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Write a checkpoint's text, ending in a newline: what is signed."""
    lines = (checkpoint.origin, str(checkpoint.size_count), encode_base64(checkpoint.root), *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text (without signatures); raise `Refused` unless it is spelled the only way it can be."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise Refused("a checkpoint has at least three lines and ends in a newline")
    origin, size, root, *extensions = lines[:-1]
    return Checkpoint(
        origin=origin,
        size_count=canonical_count(size, name="tree size"),
        root=canonical_hash(root, name="root hash"),
        extensions=tuple(extensions),
    )
