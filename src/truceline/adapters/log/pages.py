"""Pages of the log's database bear a check of their own, so that a changed byte is found where SQLite does not look.

SQLite has no check on its main file, and most of a page that is not in use is never read. Eight bytes at each page's
end (its reserved bytes) hold the beginning of SHA-256 over the page's place and all its other bytes.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw

PAGE_BYTES = 16_384
STAMP_BYTES = 8
"""Reserved at the end of every page."""

LOCK_PAGE_OFFSET_BYTES = 1 << 30
"""The page on which SQLite locks; it holds nothing and is never written (SQLite file format, 1.4)."""

WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
SALTS = slice(8, 16)
"""Where a frame of the write-ahead file says to which run of it it belongs."""

_numbers = itertools.count(1)


def stamp_of(page: bytes, offset_bytes: int) -> bytes:
    """Give the check of a page that stands at an offset."""
    return sha256(offset_bytes.to_bytes(8, "big") + page[:-STAMP_BYTES]).digest()[:STAMP_BYTES]


class _PageFile(apsw.VFSFile):  # type: ignore[misc,unused-ignore]
    """A main database file whose pages are stamped as they are written."""

    def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802  (SQLite's name)
        if len(content) == PAGE_BYTES and offset % PAGE_BYTES == 0:
            page = bytes(content)
            content = page[:-STAMP_BYTES] + stamp_of(page, offset)
        super().xWrite(content, offset)


class StampedDisk(apsw.VFS):  # type: ignore[misc,unused-ignore]
    """A layer above the default file layer of the moment, one for each connection: tests can put theirs below."""

    def __init__(self) -> None:
        """Register under a name of its own."""
        self.vfs_name = f"truceline-pages-{next(_numbers)}"
        super().__init__(self.vfs_name, "")

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:  # noqa: N802  (SQLite's name)
        """Open a file: main databases are stamped, others pass."""
        kind = _PageFile if flags[0] & apsw.SQLITE_OPEN_MAIN_DB else apsw.VFSFile
        return kind("", name, flags)


def connect(path: Path, *, creates: bool) -> tuple[apsw.Connection, StampedDisk]:
    """Open a database with stamped pages; the disk has to be kept for as long as the connection."""
    disk = StampedDisk()
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if creates else 0)
    try:
        connection = apsw.Connection(str(path), flags=flags, vfs=disk.vfs_name)
    except BaseException:
        disk.unregister()
        raise
    if creates:
        connection.pragma("page_size", PAGE_BYTES)
        connection.reserve_bytes(reserve=STAMP_BYTES)
    return connection, disk


def page_faults(path: Path) -> Iterator[str]:
    """Give every page of a main file, all of whose transactions were brought in, that is not what was written."""
    with path.open("rb") as stream:
        size_bytes = os.fstat(stream.fileno()).st_size
        if size_bytes % PAGE_BYTES:
            yield f"{path.name} ends within a page ({size_bytes} bytes)"
        for offset_bytes in range(0, size_bytes - PAGE_BYTES + 1, PAGE_BYTES):
            page = stream.read(PAGE_BYTES)
            if offset_bytes == LOCK_PAGE_OFFSET_BYTES:
                is_sound = not any(page)
            else:
                is_sound = page[-STAMP_BYTES:] == stamp_of(page, offset_bytes)
            if not is_sound:
                yield f"page {offset_bytes // PAGE_BYTES + 1} of {path.name} is not what was written"


def frames_written_count(path: Path) -> int:
    """Count the frames of a write-ahead file up to the last that bears the file's own salts; 0 for none."""
    if not path.exists():
        return 0
    count = 0
    with path.open("rb") as stream:
        header = stream.read(WAL_HEADER_BYTES)
        if len(header) < WAL_HEADER_BYTES:
            return 0
        for frame_number in itertools.count(1):
            head = stream.read(FRAME_HEADER_BYTES)
            if len(head) < FRAME_HEADER_BYTES:
                return count
            if head[SALTS] == header[16:24]:
                count = frame_number
            stream.seek(PAGE_BYTES, os.SEEK_CUR)
    raise AssertionError("a file ends")
