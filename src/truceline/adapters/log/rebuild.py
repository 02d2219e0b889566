"""A log's public folder made again from its journal, where the journal gives what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.journal import LogJournal
from truceline.adapters.log.keys import vkeys_for
from truceline.adapters.log.note import Verifier, parse_note, verify_note
from truceline.adapters.log.publisher import (
    CHECKPOINT_NAME,
    public_note,
    publish_note,
    published_pieces,
    require_no_rollback,
)
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.rows import SignedCheckpoint
from truceline.adapters.log.tiles_rebuild import rebuild_tiles
from truceline.adapters.log.tree import Frontier, leaf_hashes_of
from truceline.adapters.stores.failures import store_failures
from truceline.errors import StoreUnavailable


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild found and changed: paths below the public folder, in order."""

    size_count: int
    file_count: int
    made: tuple[str, ...]
    """Files that were missing, or were not what the journal leads to."""
    removed: tuple[str, ...]
    """Files that belong to no tile of the tree."""


def rebuild_public(journal: LogJournal, public_folder: Path) -> Rebuilt:
    """Make everything in a log's public folder be what its journal leads to; the caller holds the writer's lock.

    Raise `StoreUnavailable`, with nothing changed, where the leaves do not give the root of every checkpoint, the
    newest checkpoint's signatures do not hold, or the world was shown more than the journal holds.
    """
    require_no_rollback(journal, public_folder)
    checkpoints = list(journal.checkpoints())
    if not checkpoints:
        raise StoreUnavailable(f"{journal.path}: nothing is published yet: `truceline log publish`")
    _require_signed_roots(journal, checkpoints)
    tiles = rebuild_tiles(public_folder, published_pieces(journal, checkpoints))
    made = list(tiles.made)
    if not _is_shown(journal, checkpoints[-1], public_folder):
        publish_note(journal, checkpoints[-1], public_folder)
        made.append(CHECKPOINT_NAME)
    return Rebuilt(
        size_count=checkpoints[-1].size_count, file_count=tiles.file_count + 1, made=tuple(made), removed=tiles.removed
    )


def _is_shown(journal: LogJournal, newest: SignedCheckpoint, folder: Path) -> bool:
    path = folder / CHECKPOINT_NAME
    with store_failures(path, "reading"):
        return path.is_file() and path.read_bytes() == public_note(journal, newest).encode()


def _require_signed_roots(journal: LogJournal, checkpoints: Sequence[SignedCheckpoint]) -> None:
    """Raise `StoreUnavailable` unless the leaves give what was signed: then nothing may be made from them."""
    ends = iter(checkpoints)
    frontier = Frontier()
    for piece in published_pieces(journal, checkpoints):
        frontier = frontier.append_all(leaf_hashes_of(piece.entries))
        if piece.is_end and frontier.root() != (checkpoint := next(ends)).root:
            raise _not_given(journal, f"the leaves do not give the root signed at {checkpoint.size_count} leaves")
    if next(ends, None) is not None:
        raise _not_given(journal, f"{frontier.size_count} leaves are there and more were signed")
    newest = checkpoints[-1]
    before_size_count = checkpoints[-2].size_count if len(checkpoints) > 1 else 0
    try:
        note = parse_note(newest.note)
        if note.text != format_checkpoint(Checkpoint(journal.origin, newest.size_count, newest.root)):
            raise Refused("another text was signed")
        vkeys = vkeys_for(journal.key_sets(), size_count=newest.size_count, before_size_count=before_size_count)
        verify_note(note, [Verifier.from_vkey(vkey) for vkey in vkeys])
    except Refused as refused:
        raise _not_given(journal, f"the newest checkpoint: {refused}") from refused


def _not_given(journal: LogJournal, what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"{journal.path}: {what}; nothing is changed. Run `truceline log audit`, then restore the journal from a copy"
    )
