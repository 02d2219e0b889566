"""Tiles of the tree and bundles of entries as files (c2sp.org/tlog-tiles), and the proofs that are made from them.

Tiles are derived: written under a temporary name and renamed, never synced, and made again from the journal where a
sudden end or somebody's hand left them wrong.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from truceline.adapters.log.entry_rows import rows_of
from truceline.adapters.log.sha256_many import Bytes, as_rows
from truceline.adapters.log.tree import (
    HASH_BYTES,
    Frontier,
    Range,
    consistency_ranges,
    fold,
    full_parts,
    inclusion_ranges,
    leaf_hash_rows,
    leaf_hashes_of,
    level_above,
    node_hash_rows,
    root_over,
)
from truceline.errors import StoreUnavailable

TILE_WIDTH_COUNT = 256
"""Hashes in a full tile, entries in a full bundle."""
TILE_HEIGHT_COUNT = 8
ENTRY_MOST_BYTES = 0xFFFF
"""Longest entry whose length fits into a bundle's two bytes."""
TILE_FOLDER = "tile"
TEMPORARY_SUFFIX = ".part"
TILES_CACHED_COUNT = 1024
"""Tiles that a reader keeps with all their nodes, about 17 kB each."""


def _numbered(prefix: str, index: int, width_count: int) -> str:
    assert index >= 0, "a tile has a place"
    assert 1 <= width_count <= TILE_WIDTH_COUNT, "a tile has a width"
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    partial = f".p/{width_count}" if width_count < TILE_WIDTH_COUNT else ""
    return f"{prefix}/{'/'.join(groups)}{partial}"


def tile_path(level_index: int, tile_index: int, *, width_count: int = TILE_WIDTH_COUNT) -> str:
    """Give the path of a tile below the log's folder or address: `tile/0/x001/x234/067`, `tile/1/000.p/17`."""
    assert 0 <= level_index <= 63, "levels go from 0 to 63"
    return _numbered(f"{TILE_FOLDER}/{level_index}", tile_index, width_count)


def bundle_path(bundle_index: int, *, width_count: int = TILE_WIDTH_COUNT) -> str:
    """Give the path of an entry bundle below the log's folder or address: `tile/entries/x001/x234/067`."""
    return _numbered(f"{TILE_FOLDER}/entries", bundle_index, width_count)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries, each behind its length in two big-endian bytes."""
    lengths = set(map(len, entries))
    assert max(lengths, default=0) <= ENTRY_MOST_BYTES, "an entry is at most 65,535 bytes long"
    if len(lengths) == 1:  # as with leaves, which all have one length: no work per entry
        prefix = lengths.pop().to_bytes(2, "big")
        return prefix + prefix.join(entries)
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_bundle(content: bytes) -> list[bytes] | None:
    """Read the entries of a bundle; `None` where the lengths do not end with it."""
    entries, place = [], 0
    while place < len(content):
        start = place + 2
        place = start + int.from_bytes(content[place:start], "big")
        entries.append(content[start:place])
    return entries if place == len(content) else None


class Edge(NamedTuple):
    """The right edge of a tree: the hashes of the partial tile of each level, and the entries of the partial bundle."""

    size_count: int
    levels: tuple[tuple[bytes, ...], ...]
    entries: tuple[bytes, ...]

    def frontier(self) -> Frontier:
        """Give the same edge as hashes of full subtrees."""
        hashes = []
        for level in reversed(self.levels):
            hashes += [fold(level[start:end]) for start, end in full_parts((0, len(level)))]
        return Frontier(self.size_count, tuple(hashes))

    def partial_files(self) -> dict[str, bytes]:
        """Give the files of the partial tiles and the partial bundle, by path."""
        files = {}
        for level_index, level in enumerate(self.levels):
            if level:
                tile_index = (self.size_count >> TILE_HEIGHT_COUNT * level_index) // TILE_WIDTH_COUNT
                files[tile_path(level_index, tile_index, width_count=len(level))] = b"".join(level)
        if self.entries:
            bundle_index = self.size_count // TILE_WIDTH_COUNT
            files[bundle_path(bundle_index, width_count=len(self.entries))] = encode_bundle(self.entries)
        return files


EMPTY_EDGE = Edge(0, (), ())


def extend(edge: Edge, entries: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
    """Give the edge after more entries, and the files of the tiles and bundles that became full, by path."""
    pending = [*edge.entries, *entries] if edge.entries else entries
    full_count = len(pending) // TILE_WIDTH_COUNT * TILE_WIDTH_COUNT
    first = edge.size_count // TILE_WIDTH_COUNT
    bundles = _full_bundles(pending[:full_count])
    files = {bundle_path(first + number): bundle for number, bundle in enumerate(bundles)}
    levels: list[tuple[bytes, ...]] = []
    new, nodes_count = leaf_hash_rows(entries), edge.size_count
    while len(new) or len(levels) < len(edge.levels):
        standing = edge.levels[len(levels)] if len(levels) < len(edge.levels) else ()
        rest, new, tiles = _fill(standing, new)
        first = nodes_count // TILE_WIDTH_COUNT
        files.update((tile_path(len(levels), first + number), tile) for number, tile in enumerate(tiles))
        levels.append(rest)
        nodes_count >>= TILE_HEIGHT_COUNT
    return Edge(edge.size_count + len(entries), tuple(levels), tuple(pending[full_count:])), files


def _full_bundles(entries: Sequence[bytes]) -> list[bytes]:
    """Write full bundles; entries of one length, as leaves are, all together."""
    rows = rows_of(entries)
    if rows is None or rows.width_bytes > ENTRY_MOST_BYTES:
        starts = range(0, len(entries), TILE_WIDTH_COUNT)
        return [encode_bundle(entries[start : start + TILE_WIDTH_COUNT]) for start in starts]
    written = np.empty((len(rows), 2 + rows.width_bytes), dtype=np.uint8)
    written[:, :2] = np.frombuffer(rows.width_bytes.to_bytes(2, "big"), dtype=np.uint8)
    written[:, 2:] = rows.matrix()
    return _cut(written.tobytes(), TILE_WIDTH_COUNT * written.shape[1])


def _cut(content: bytes, width_bytes: int) -> list[bytes]:
    return [content[start : start + width_bytes] for start in range(0, len(content), width_bytes)]


def _fill(standing: Sequence[bytes], new: Bytes) -> tuple[tuple[bytes, ...], Bytes, list[bytes]]:
    """Give what is left of a level's hashes, the hashes of its full tiles for the level above, and these tiles."""
    hashes = np.concatenate((as_rows(b"".join(standing), width_bytes=HASH_BYTES), new)) if standing else new
    full_count = len(hashes) // TILE_WIDTH_COUNT * TILE_WIDTH_COUNT
    above, rest = hashes[:full_count], hashes[full_count:]
    tiles = _cut(above.tobytes(), TILE_WIDTH_COUNT * HASH_BYTES)
    for _ in range(TILE_HEIGHT_COUNT):
        above = node_hash_rows(above)
    return tuple(_cut(rest.tobytes(), HASH_BYTES)), above, tiles


class TileWriter:
    """Writes the files of a growing tree into a log's folder; one writer at a time."""

    def __init__(self, folder: Path) -> None:
        """Begin without having read or written anything."""
        self._folder = folder
        self._edge = EMPTY_EDGE
        self._frontier = Frontier()
        self._folders: set[str] = set()

    def write(self, entries: Sequence[bytes], *, before: Frontier) -> Frontier:
        """Write the tiles and bundles of the tree after more entries, and give its frontier.

        `before` is the frontier the journal holds: the edge that is on disk must lead to the same hashes, else
        `StoreUnavailable` asks for `rebuild_tiles`. When this returns, every file is complete under its final name.
        """
        if self._frontier != before:
            self._edge = read_edge(self._folder, before)
            self._frontier = before
        edge, files = extend(self._edge, entries)
        with _failures(self._folder, "writing tiles"):
            for path, content in (*files.items(), *edge.partial_files().items()):
                self._put(path, content)
            self._drop_partials(files)
        self._edge, self._frontier = edge, edge.frontier()
        return self._frontier

    def _put(self, path: str, content: bytes) -> None:
        final = f"{self._folder}/{path}"
        parent = final.rpartition("/")[0]
        if parent not in self._folders:
            Path(parent).mkdir(parents=True, exist_ok=True)
            self._folders.add(parent)
        temporary = final + TEMPORARY_SUFFIX
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            written_bytes = os.write(descriptor, content)
            while written_bytes < len(content):
                written_bytes += os.write(descriptor, content[written_bytes:])
        finally:
            os.close(descriptor)
        os.replace(temporary, final)  # noqa: PTH105  (twice as quick as by Path, and there are many)

    def _drop_partials(self, files: dict[str, bytes]) -> None:
        """Remove the partial tiles of tiles that became full just now: only the first of each level had any."""
        levels = {path.split("/")[1]: path for path in reversed(files)}
        for path in levels.values():
            folder = f"{self._folder}/{path}.p"
            shutil.rmtree(folder, ignore_errors=True)
            self._folders.discard(folder)


def read_edge(folder: Path, frontier: Frontier) -> Edge:
    """Read a tree's right edge from its tiles; raise `StoreUnavailable` where they do not lead to the frontier."""
    size_count, reader = frontier.size_count, TileReader(folder)
    levels: list[tuple[bytes, ...]] = []
    while size_count >> TILE_HEIGHT_COUNT * len(levels):
        nodes_count = size_count >> TILE_HEIGHT_COUNT * len(levels)
        width_count = nodes_count % TILE_WIDTH_COUNT
        tile = reader.tile(len(levels), nodes_count // TILE_WIDTH_COUNT, width_count=width_count) if width_count else []
        levels.append(tuple(tile))
    width_count = size_count % TILE_WIDTH_COUNT
    entries = reader.bundle(size_count // TILE_WIDTH_COUNT, width_count=width_count) if width_count else []
    edge = Edge(size_count, tuple(levels), tuple(entries))
    if edge.frontier() != frontier or leaf_hashes_of(entries) != list(levels[0] if levels else ()):
        raise StoreUnavailable(f"the tiles in {folder} do not lead to the tree of {size_count} leaves: make them again")
    return edge


class TileReader:
    """Makes proofs from the files of a log's folder, reading each tile at most once while it is in memory."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing read."""
        self._folder = folder
        self._nodes = lru_cache(TILES_CACHED_COUNT)(self._make_nodes)

    def tile(self, level_index: int, tile_index: int, *, width_count: int) -> list[bytes]:
        """Give the first hashes of a tile; raise `StoreUnavailable` where they are missing or cut off."""
        return _cut(self._tile_content(level_index, tile_index, width_count), HASH_BYTES)

    def _tile_content(self, level_index: int, tile_index: int, width_count: int) -> bytes:
        path = tile_path(level_index, tile_index)
        content = self._read(path, width_count)
        if len(content) < width_count * HASH_BYTES or len(content) % HASH_BYTES:
            raise StoreUnavailable(f"{self._folder / path} is damaged: make the tiles again")
        return content[: width_count * HASH_BYTES]

    def _make_nodes(self, level_index: int, tile_index: int, width_count: int) -> list[bytes]:
        """Give every node of a tile by height within it: 255 hashes, of which a proof needs some at any height."""
        nodes = [self._tile_content(level_index, tile_index, width_count)]
        while len(nodes[-1]) > HASH_BYTES and len(nodes) < TILE_HEIGHT_COUNT:
            nodes.append(level_above(nodes[-1]))
        return nodes

    def bundle(self, bundle_index: int, *, width_count: int) -> list[bytes]:
        """Give the first entries of a bundle; raise `StoreUnavailable` where they are missing or damaged."""
        path = bundle_path(bundle_index)
        entries = decode_bundle(self._read(path, width_count))
        if entries is None or len(entries) < width_count:
            raise StoreUnavailable(f"{self._folder / path} is damaged: make the tiles again")
        return entries[:width_count]

    def entry(self, leaf_index: int) -> bytes:
        """Give the entry at an index."""
        offset = leaf_index % TILE_WIDTH_COUNT
        return self.bundle(leaf_index // TILE_WIDTH_COUNT, width_count=offset + 1)[offset]

    def root(self, *, tree_size_count: int) -> bytes:
        """Give the root of the tree of a size, as the tiles have it."""
        return root_over([self._full(part, tree_size_count) for part in full_parts((0, tree_size_count))])

    def leaf_hash(self, leaf_index: int, *, tree_size_count: int) -> bytes:
        """Give the hash of the leaf at an index."""
        return self._full((leaf_index, leaf_index + 1), tree_size_count)

    def inclusion_proof(self, leaf_index: int, *, tree_size_count: int) -> tuple[bytes, ...]:
        """Prove the leaf at an index in the tree of a size; as good as the tiles, so whoever gets it verifies it."""
        return tuple(self._hash(part, tree_size_count) for part in inclusion_ranges(leaf_index, tree_size_count))

    def consistency_proof(self, old_size_count: int, new_size_count: int) -> tuple[bytes, ...]:
        """Prove that the tree of the old size is where that of the new size began."""
        ranges = consistency_ranges(old_size_count, new_size_count)
        return tuple(self._hash(part, new_size_count) for part in ranges)

    def _hash(self, part: Range, tree_size_count: int) -> bytes:
        return root_over([self._full(each, tree_size_count) for each in full_parts(part)])

    def _full(self, part: Range, tree_size_count: int) -> bytes:
        height_count = (part[1] - part[0]).bit_length() - 1
        level_index, inner = divmod(height_count, TILE_HEIGHT_COUNT)
        node_index = part[0] >> height_count
        tile_index, offset = divmod(node_index, TILE_WIDTH_COUNT >> inner)
        nodes_count = tree_size_count >> TILE_HEIGHT_COUNT * level_index
        width_count = min(TILE_WIDTH_COUNT, nodes_count - tile_index * TILE_WIDTH_COUNT)
        return self._nodes(level_index, tile_index, width_count)[inner][offset * HASH_BYTES : (offset + 1) * HASH_BYTES]

    def _read(self, path: str, width_count: int) -> bytes:
        """Read the file of the width, or else one that has as much and more: the full one, or a wider partial one."""
        base = f"{self._folder}/{path}"
        try:
            content = _content(base) if width_count == TILE_WIDTH_COUNT else _partial_content(base, width_count)
        except OSError as error:
            raise _failed(self._folder / path, "reading", error) from error
        if content is None:
            raise StoreUnavailable(f"{base} of width {width_count} is missing: make the tiles again")
        return content


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123  (read for every proof)
            return stream.readall()
    except FileNotFoundError:
        return None


def _partial_content(base: str, width_count: int) -> bytes | None:
    for candidate in (f"{base}.p/{width_count}", base):
        if (content := _content(candidate)) is not None:
            return content
    wider = min((width for width in _widths(Path(f"{base}.p")) if width >= width_count), default=None)
    return None if wider is None else _content(f"{base}.p/{wider}")


def _widths(folder: Path) -> list[int]:
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return [int(name) for name in names if name.isascii() and name.isdigit()]


@contextmanager
def _failures(path: Path, doing: str) -> Iterator[None]:
    """Turn a failure of the disk into `StoreUnavailable`; nothing is lost by it, because tiles are derived."""
    try:
        yield
    except OSError as error:
        raise _failed(path, doing, error) from error


def _failed(path: Path, doing: str, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"{path}: {doing} failed: {error.strerror or error}; the journal is untouched")
