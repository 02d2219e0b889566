"""A small log for a witness: leaves, its key, and the requests an honest client would send."""

from __future__ import annotations

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.note import Signer, sign_note
from truceline.adapters.log.tree import consistency_proof, leaf_hash, root_of
from truceline.adapters.log.witness import format_request

LOG = Signer.ed25519("log.example/witnessed", bytes(range(32)))
KEY = Signer.cosigner("witness.example/1", bytes([7] * 32))
SIZES = (3, 8, 20, 40, 41, 64)
LEAVES = [leaf_hash(str(number).encode()) for number in range(SIZES[-1])]


def note_of(size_count: int) -> str:
    """Sign the checkpoint of the first leaves."""
    return sign_note(format_checkpoint(Checkpoint(LOG.verifier.name, size_count, root_of(LEAVES[:size_count]))), [LOG])


def request_of(old_size_count: int, size_count: int) -> bytes:
    """Write the request to cosign a size after an older one."""
    return format_request(old_size_count, consistency_proof(LEAVES, old_size_count, size_count), note_of(size_count))
