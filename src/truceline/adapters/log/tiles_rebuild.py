"""Tiles and bundles made again in place: each file that is not what the journal's entries lead to, and no other.

A file is put in place whole, so a reader never finds half of one or none where there was one; what is right is not
touched, so doing it again, or going on after a sudden end, changes nothing more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from truceline.adapters.log.tiles import EMPTY_EDGE, TEMPORARY_SUFFIX, TILE_FOLDER, extend
from truceline.adapters.log.tree import Frontier
from truceline.adapters.stores.durable import sync_folder
from truceline.adapters.stores.failures import store_failures

PIECE_MOST_COUNT = 1 << 14
"""Entries worked on at once."""


class Piece(NamedTuple):
    """Entries that follow one another, and whether a published tree ends with them."""

    entries: Sequence[bytes]
    is_end: bool


class TilesRebuilt(NamedTuple):
    """The tree of the entries, how many files belong to it, which of them were made, and which others were removed."""

    frontier: Frontier
    file_count: int
    made: tuple[str, ...]
    removed: tuple[str, ...]


def rebuild_tiles(folder: Path, pieces: Iterable[Piece]) -> TilesRebuilt:
    """Make every tile and bundle below a folder be what the entries lead to, durable when this returns.

    The partial tiles of each published tree are among them, as far as their tile has not become full since. Raise
    `StoreUnavailable` where the disk fails; then the same again goes on from there.
    """
    writing = _Writing(folder)
    with store_failures(folder, "making the tiles again"):
        frontier = writing.hold_tiles(pieces)
        writing.remove_strangers()
        writing.sync()
    return TilesRebuilt(frontier, writing.file_count, tuple(writing.made), tuple(writing.removed))


class _Writing:
    """A folder while its files are held against what belongs there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = set(_files_below(folder))
        self.file_count = 0
        self.made: list[str] = []
        self.removed: list[str] = []

    def hold_tiles(self, pieces: Iterable[Piece]) -> Frontier:
        edge = EMPTY_EDGE
        partial: dict[str, bytes] = {}
        for piece in pieces:
            edge, files = extend(edge, piece.entries)
            for path, content in files.items():
                self._hold(path, content)
            partial = {path: body for path, body in partial.items() if path.rpartition(".p/")[0] not in files}
            if piece.is_end:
                partial |= edge.partial_files()
        for path, content in partial.items():
            self._hold(path, content)
        return edge.frontier()

    def _hold(self, path: str, content: bytes) -> None:
        self.file_count += 1
        place = self._folder / path
        if path in self._left:
            self._left.discard(path)
            if place.read_bytes() == content:
                return
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(place.name + TEMPORARY_SUFFIX)
        self._left.discard(path + TEMPORARY_SUFFIX)  # what an end left there is written over
        _write(temporary, content)
        temporary.replace(place)
        self.made.append(path)

    def remove_strangers(self) -> None:
        for path in sorted(self._left):
            (self._folder / path).unlink()
            self.removed.append(path)

    def sync(self) -> None:
        """Sync what was made: all is written by then, so the first sync takes most of it to disk."""
        for path in self.made:
            descriptor = os.open(self._folder / path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        changed = {self._folder / path for path in (*self.made, *self.removed)}
        above = {folder for place in changed for folder in place.parents if folder.is_relative_to(self._folder)}
        for folder in sorted(above):
            sync_folder(folder)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _files_below(folder: Path) -> Iterator[str]:
    """Give all files of the tiles, and what an interrupted writing of them left, by their paths."""
    for top in sorted(folder.glob(f"{TILE_FOLDER}*")):
        if top.name == TILE_FOLDER or top.name.endswith(TEMPORARY_SUFFIX):
            for place, _, names in os.walk(top):
                inside = Path(place).relative_to(folder).as_posix()
                yield from (f"{inside}/{name}" for name in names)
