"""Proofs to give away: c2sp.org/tlog-proof@v1, one text with index, inclusion proof and checkpoint."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from truceline.adapters.log.checkpoint import Checkpoint, parse_checkpoint
from truceline.adapters.log.note import Note, parse_note
from truceline.adapters.log.policy import Policy, PolicyResult
from truceline.adapters.log.refusal import (
    COUNT_MOST_COUNT,
    Refused,
    canonical_base64,
    canonical_count,
    canonical_hash,
    encode_base64,
)
from truceline.adapters.log.tree import HASH_BYTES, leaf_hash, verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
HASHES_MOST_COUNT = 63
"""An inclusion proof in a tree of fewer than 2^63 leaves is not longer."""
EXTRA_MOST_BYTES = 1 << 20


class TlogProof(msgspec.Struct, frozen=True, kw_only=True):
    """An entry's index, the hashes from its sibling upwards, the checkpoint's note verbatim, unsigned extra bytes."""

    leaf_index: int
    hashes: tuple[bytes, ...]
    checkpoint_note: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what the format cannot hold."""
        if not 0 <= self.leaf_index <= COUNT_MOST_COUNT:
            raise Refused(f"leaf_index={self.leaf_index} is outside [0, {COUNT_MOST_COUNT}]")
        if len(self.hashes) > HASHES_MOST_COUNT or any(len(part) != HASH_BYTES for part in self.hashes):
            raise Refused(f"a proof has at most {HASHES_MOST_COUNT} hashes of {HASH_BYTES} bytes")
        if self.extra is not None and not 0 < len(self.extra) <= EXTRA_MOST_BYTES:
            raise Refused(f"{len(self.extra)} extra bytes, between 1 and {EXTRA_MOST_BYTES} are taken")

    def note(self) -> Note:
        """Read the checkpoint's note."""
        return parse_note(self.checkpoint_note)

    def checkpoint(self) -> Checkpoint:
        """Read the checkpoint."""
        return parse_checkpoint(self.note().text)

    def format(self) -> str:
        """Write the proof; files end in `.tlog-proof`."""
        extra = [] if self.extra is None else [f"extra {encode_base64(self.extra)}"]
        lines = [FIRST_LINE, *extra, f"index {self.leaf_index}", *map(encode_base64, self.hashes), ""]
        return "".join(f"{line}\n" for line in lines) + self.checkpoint_note


def parse_proof(content: str | bytes) -> TlogProof:
    """Read a proof; raise `Refused` unless it is spelled the only way it can be."""
    try:
        text = content if isinstance(content, str) else content.decode()
    except UnicodeError:
        raise Refused("a proof is UTF-8") from None
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != FIRST_LINE:
        raise Refused(f"a proof begins with {FIRST_LINE}, and has an empty line before the checkpoint")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = canonical_base64(lines.pop(0).removeprefix("extra "), name="extra")
    if not lines or not lines[0].startswith("index "):
        raise Refused("a proof says an index")
    proof = TlogProof(
        leaf_index=canonical_count(lines[0].removeprefix("index "), name="index"),
        hashes=tuple(canonical_hash(line, name="proof hash") for line in lines[1:]),
        checkpoint_note=note,
        extra=extra,
    )
    proof.checkpoint()
    return proof


class ProofResult(NamedTuple):
    """What a proof shows under a policy: whether the entry is in the log, and who vouches for the checkpoint."""

    is_proven: bool
    policy: PolicyResult
    checkpoint: Checkpoint
    reason: str


def verify_proof(proof: TlogProof, entry: bytes, policy: Policy, *, latest_s: int | None = None) -> ProofResult:
    """Hold a proof for an entry's exact bytes against a policy; a `Refused` note is an answer, not an exception."""
    checkpoint = proof.checkpoint()
    result = policy.satisfied(proof.note(), latest_s=latest_s)
    is_included = verify_inclusion(
        leaf_hash=leaf_hash(entry),
        leaf_index=proof.leaf_index,
        tree_size_count=checkpoint.size_count,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    reason = result.reason if is_included else "the hashes do not lead from the entry to the root"
    return ProofResult(is_included and result.is_satisfied, result, checkpoint, reason)
