"""From committed leaves to a published tree: commit, then sign, then publish, at a fixed cadence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from truceline.adapters.log.journal import PADDING_MULTIPLE_COUNT, LogJournal
from truceline.adapters.log.keys import signers_for, vkeys_for
from truceline.adapters.log.note import Note, Signer, parse_note, parse_signature_lines, sign_note, with_signatures
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.rows import Appended, LogRecord, SignedCheckpoint
from truceline.adapters.log.tiles import TileWriter
from truceline.adapters.log.tiles_rebuild import PIECE_MOST_COUNT, Piece, rebuild_tiles
from truceline.adapters.log.tree import Frontier
from truceline.adapters.stores.durable import durable_file, make_folder
from truceline.adapters.stores.failures import store_failures
from truceline.errors import StoreUnavailable

CHECKPOINT_NAME = "checkpoint"
TILES_AT_ONCE_COUNT = 1 << 16
"""Leaves written as tiles at once when a log that lies behind catches up."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What was published: the signed checkpoint, and how many leaves are new in it, padding included."""

    checkpoint: SignedCheckpoint
    leaf_count: int
    is_rebuilt: bool = False


class Publisher:
    """Signs and publishes what the journal has committed; one at a time for each log."""

    def __init__(self, journal: LogJournal, *, public_folder: Path, keys_folder: Path) -> None:
        """Resume from the newest checkpoint's frontier: nothing is hashed again."""
        self._journal, self._folder, self._keys_folder = journal, public_folder, keys_folder
        self._writer = TileWriter(public_folder)
        self._newest = journal.newest_checkpoint()
        self._signers: dict[tuple[str, ...], list[Signer]] = {}
        require_no_rollback(journal, public_folder)

    @property
    def newest(self) -> SignedCheckpoint | None:
        """Give the newest checkpoint."""
        return self._newest

    def append_and_publish(self, records: Sequence[LogRecord], *, time_s: int) -> tuple[Appended, Published]:
        """Commit records with their padding in one transaction, then sign and publish."""
        appended = self._journal.append(records, is_padded=True)
        return appended, self._publish_committed(time_s)

    def publish(self, *, time_s: int) -> Published:
        """Pad to a multiple of 256, at least one block where nothing came, then sign and publish at a POSIX time."""
        self._journal.append((), is_padded=True)
        return self._publish_committed(time_s)

    def resume(self) -> None:
        """Put the newest checkpoint out again, where an end came between signing and publishing."""
        if self._newest is not None:
            self._hold_tiles(self._newest)
            publish_note(self._journal, self._newest, self._folder)

    def _publish_committed(self, time_s: int) -> Published:
        before = self._newest.frontier if self._newest is not None else Frontier()
        frontier, is_rebuilt = self._write_tiles(before)
        checkpoint = self._sign(frontier, before_size_count=before.size_count, time_s=time_s)
        self._journal.put_checkpoint(checkpoint)
        self._newest = checkpoint
        publish_note(self._journal, checkpoint, self._folder)
        leaf_count = frontier.size_count - before.size_count
        return Published(checkpoint=checkpoint, leaf_count=leaf_count, is_rebuilt=is_rebuilt)

    def _write_tiles(self, before: Frontier) -> tuple[Frontier, bool]:
        """Write the tiles after a frontier; where those on disk do not lead to it, make all again."""
        try:
            return self._extend(before), False
        except StoreUnavailable:
            self._rebuild(before.size_count)
            return self._extend(before), True

    def _extend(self, before: Frontier) -> Frontier:
        frontier = before
        for entries in _pieces(self._journal, before.size_count):
            frontier = self._writer.write(entries, before=frontier)
        return frontier

    def _rebuild(self, size_count: int) -> None:
        published = [each for each in self._journal.checkpoints() if each.size_count <= size_count]
        rebuild_tiles(self._folder, published_pieces(self._journal, published))
        self._writer = TileWriter(self._folder)

    def _hold_tiles(self, newest: SignedCheckpoint) -> None:
        """Hold that the tiles on disk lead to the newest checkpoint, or make them again."""
        try:
            self._writer.write((), before=newest.frontier)
        except StoreUnavailable:
            self._rebuild(newest.size_count)

    def _sign(self, frontier: Frontier, *, before_size_count: int, time_s: int) -> SignedCheckpoint:
        journal = self._journal
        root = frontier.root()
        text = format_checkpoint(Checkpoint(journal.origin, frontier.size_count, root))
        key_sets = journal.key_sets()
        vkeys = vkeys_for(key_sets, size_count=frontier.size_count, before_size_count=before_size_count)
        if not vkeys:
            raise StoreUnavailable(
                f"{journal.path}: no key statement is logged; make the log with `truceline log init`"
            )
        if vkeys not in self._signers:
            self._signers = {vkeys: signers_for(self._keys_folder, vkeys)}
        note = sign_note(text, self._signers[vkeys], time_s=time_s)
        return SignedCheckpoint(size_count=frontier.size_count, root=root, note=note, frontier=frontier, time_s=time_s)


def _pieces(journal: LogJournal, first_leaf_index: int) -> Iterator[Sequence[bytes]]:
    """Give committed leaves from one on in pieces that end where full tiles end."""
    pending: list[bytes] = []
    for leaves in journal.leaves(first_leaf_index=first_leaf_index):
        if not pending and len(leaves) <= TILES_AT_ONCE_COUNT and len(leaves) % PADDING_MULTIPLE_COUNT == 0:
            yield leaves  # the rule: one batch with its padding
            continue
        pending += leaves
        while len(pending) > TILES_AT_ONCE_COUNT:
            yield pending[:TILES_AT_ONCE_COUNT]
            del pending[:TILES_AT_ONCE_COUNT]
    if pending:
        yield pending


def published_pieces(journal: LogJournal, checkpoints: Sequence[SignedCheckpoint]) -> Iterator[Piece]:
    """Give the published leaves in order, cut where each published tree ends and where they become many."""
    ends = [checkpoint.size_count for checkpoint in reversed(checkpoints)]
    pending: list[bytes] = []
    start = 0
    for leaves in journal.leaves(first_leaf_index=0):
        pending += leaves
        while ends and (count := min(ends[-1] - start, PIECE_MOST_COUNT)) <= len(pending):
            start += count
            yield Piece(pending[:count], is_end=start == ends[-1])
            del pending[:count]
            if start == ends[-1]:
                ends.pop()
        if not ends:
            return


def public_note(journal: LogJournal, checkpoint: SignedCheckpoint) -> str:
    """Give a checkpoint's note with the cosignatures that came for it."""
    lines = "".join(journal.cosignatures(checkpoint.size_count))
    if not lines:
        return checkpoint.note
    return with_signatures(parse_note(checkpoint.note), parse_signature_lines(lines)).format()


def own_note(note_text: str) -> str:
    """Give a public note with the log's own signatures alone: what time-stamps are over, whoever cosigned later."""
    note = parse_note(note_text)
    origin = parse_checkpoint(note.text).origin
    return Note(note.text, tuple(part for part in note.signatures if part.name == origin)).format()


def publish_note(journal: LogJournal, checkpoint: SignedCheckpoint, folder: Path) -> None:
    """Put a checkpoint out under its public name, whole, and durable when this returns."""
    with store_failures(folder, "publishing"):
        make_folder(folder)
    with durable_file(folder / CHECKPOINT_NAME) as stream:
        stream.write(public_note(journal, checkpoint).encode())


def require_no_rollback(journal: LogJournal, folder: Path) -> None:
    """Raise `StoreUnavailable` where the world was shown more than the journal holds: signing would make a fork."""
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return
    with store_failures(path, "reading"):
        content = path.read_bytes()
    if not content:
        return
    try:
        shown = parse_checkpoint(parse_note(content).text)
    except Refused as refused:
        raise StoreUnavailable(
            f"{path}: is damaged ({refused}), so it cannot be told whether the world was shown more than this journal "
            "holds; nothing is signed. Put a copy of it in its place, or remove it if the journal is not an older copy"
        ) from refused
    newest = journal.newest_checkpoint()
    newest_size_count = 0 if newest is None else newest.size_count
    if shown.size_count > newest_size_count or (
        shown.size_count == newest_size_count and newest is not None and shown.root != newest.root
    ):
        raise StoreUnavailable(
            f"{journal.path}: the published checkpoint has {shown.size_count} leaves and is not in this journal "
            f"({newest_size_count}): it is an older copy or another log; nothing is signed. Restore the newest copy"
        )
