"""Every byte of every tile held against what the journal's entries lead to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from truceline.adapters.log.tiles import (
    EMPTY_EDGE,
    TEMPORARY_SUFFIX,
    TILE_FOLDER,
    TILE_WIDTH_COUNT,
    decode_bundle,
    encode_bundle,
    extend,
)
from truceline.adapters.log.tree import HASH_BYTES, Frontier

FAULTS_SAID_COUNT = 1000
"""How many faults are named; all are counted."""
BATCH_MOST_COUNT = 1 << 14
"""How many entries are worked on at once."""


class TileCheck(NamedTuple):
    """What the entries lead to, and how the files differ from it."""

    frontier: Frontier
    files_count: int
    faults_count: int
    faults: tuple[str, ...]
    """The first faults, one sentence each."""


def check_tiles(folder: Path, batches: Iterable[Sequence[bytes]]) -> TileCheck:
    """Hold every byte of every file below `tile` against the journal's entries, in batches of any length.

    Found are: a file that is missing, differs, is longer or shorter, or belongs to no tile of the tree. Partial tiles
    of earlier sizes may be there or not; those there must be the beginning of what the tile is now.
    """
    checking = _Checking(folder)
    edge = EMPTY_EDGE
    for entries in _in_pieces(batches):
        edge, files = extend(edge, entries)
        for path, content in files.items():
            checking.hold(path, content)
    for path, content in edge.partial_files().items():
        checking.hold(path, content)
        checking.full[path.rpartition(".p/")[0]] = content
    checking.hold_rest()
    return TileCheck(edge.frontier(), checking.files_count, checking.faults_count, tuple(checking.faults))


def _in_pieces(batches: Iterable[Sequence[bytes]]) -> Iterator[Sequence[bytes]]:
    for batch in batches:
        for start in range(0, len(batch), BATCH_MOST_COUNT):
            yield batch[start : start + BATCH_MOST_COUNT]


class _Checking:
    """The files that are there, while those that belong there are taken off."""

    def __init__(self, folder: Path) -> None:
        self._root = str(folder)
        self._left = set(_files_below(folder))
        self.full: dict[str, bytes] = {}
        self.files_count, self.faults_count, self.faults = 0, 0, list[str]()

    def hold(self, path: str, content: bytes) -> None:
        if path not in self._left:
            self._say(f"{path} is missing")
            return
        self._left.discard(path)
        if (found := self._read(path)) is not None and found != content:
            self._say(f"{path} is not what the journal's entries lead to")

    def hold_rest(self) -> None:
        """Hold what is left: partial files of earlier sizes, against the beginning of their tile."""
        for path in sorted(self._left):
            whole_path, _, width = path.rpartition(".p/")
            is_width = width.isascii() and width.isdigit() and width[0] != "0" and int(width) < TILE_WIDTH_COUNT
            if not (whole_path and is_width) or (beginning := self._beginning(whole_path, int(width))) is None:
                self._say(f"{path} belongs to no tile of the tree")
            elif (found := self._read(path)) is not None and found != beginning:
                self._say(f"{path} is not the beginning of its tile")

    def _beginning(self, path: str, width_count: int) -> bytes | None:
        whole = self.full.get(path)
        if whole is None:
            whole = self._read(path) or b"" if Path(self._root, path).is_file() else b""  # held already, as a full tile
        if f"{TILE_FOLDER}/entries/" not in path:
            hashes = whole[: width_count * HASH_BYTES]
            return hashes if len(hashes) == width_count * HASH_BYTES else None
        entries = (decode_bundle(whole) or [])[:width_count]
        return encode_bundle(entries) if len(entries) == width_count else None

    def _read(self, path: str) -> bytes | None:
        self.files_count += 1
        try:
            with open(f"{self._root}/{path}", "rb", buffering=0) as stream:  # noqa: PTH123  (many small files)
                return stream.readall()
        except OSError as error:
            self._say(f"{path} cannot be read: {error.strerror}")
            return None

    def _say(self, fault: str) -> None:
        self.faults_count += 1
        if len(self.faults) < FAULTS_SAID_COUNT:
            self.faults.append(fault)


def _files_below(folder: Path) -> Iterator[str]:
    """Give the files of the tiles by their paths; files still being written when something ended are no part of it."""
    for place, _, names in os.walk(folder / TILE_FOLDER):
        inside = Path(place).relative_to(folder).as_posix()
        yield from (f"{inside}/{name}" for name in names if not name.endswith(TEMPORARY_SUFFIX))
