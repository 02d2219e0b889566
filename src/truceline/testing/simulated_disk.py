"""A disk under a store that fails, ends the process or loses power whenever a seed says so.

What is written and not yet synced may be gone after a loss of power, whole, in part (cut between sectors), or with what
was written later surviving it; a rename or link whose folder was not synced may be undone, and a file that was renamed
before it was synced may be torn. An ended process loses nothing that was written. A failed write may have been done, in
part or not at all, and a failed sync likewise. The machine's own disk is not synced:
what is safe is what this one says. After ALICE (Pillai et al. 2014,
OSDI, *All file systems are not created equal*) and SQLite's own crash tests.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import apsw
import msgspec
import numpy as np

from truceline.adapters.stores import durable

SECTOR_BYTES = 512
"""What a disk writes whole."""


class DiskFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How likely each write is to go wrong; `power_loss_share` of the ends are losses of power."""

    failure_probability: float = 0.008
    end_probability: float = 0.006
    power_loss_share: float = 0.6


class Unsynced(NamedTuple):
    """One write to a database file: where, what, what stood there before, and how long the file was."""

    offset_bytes: int
    content: bytes | None
    before: bytes
    size_before_bytes: int


class Renamed(NamedTuple):
    """One name given: from which, what stood there before (`None`: nothing), and whether by a link."""

    source: Path
    final: Path
    before: bytes | None
    is_link: bool


class SimulatedDisk:
    """Stands under everything a store writes; armed only while the work under test is done."""

    def __init__(self, chance: np.random.Generator, faults: DiskFaults) -> None:
        """Begin sound, with nothing unsynced."""
        self.faults = faults
        self.armed = False
        self.ended = False
        self.counts: dict[str, int] = {"writes": 0, "failures": 0, "ends": 0, "power losses": 0}
        self._chance = chance
        self._unsynced: dict[str, list[Unsynced]] = {}
        self._renames: list[Renamed] = []
        self._synced: set[tuple[int, int]] = set()
        self._torn_by_loss: set[Path] = set()
        self.databases: set[str] = set()
        self._replace, self._put = os.replace, durable.HashedFile._put  # noqa: SLF001
        self._link, self._os_write = os.link, os.write

    def write(
        self, do: Callable[[], Any], failure: Callable[[], Exception], *, half: Callable[[], Any] | None = None
    ) -> Any:
        """Do one write or sync, or let it fail, or let the process end there."""
        if self.ended:
            raise failure()
        if not self.armed:
            return do()
        self.counts["writes"] += 1
        drawn, done = self._chance.random(2)
        ends = drawn < self.faults.end_probability
        if not ends and drawn >= self.faults.end_probability + self.faults.failure_probability:
            return do()
        if done < 0.4:
            do()
        elif done < 0.7 and half is not None:
            half()
        self.counts["ends" if ends else "failures"] += 1
        self.ended = bool(ends)
        raise failure()

    def restart(self) -> None:
        """Begin again after an end: with everything that was written, or after a loss of power with less.

        What an ended process left unsynced stays so: the next loss of power may still take it.
        """
        assert self.ended, "only what ended begins again"
        if self._chance.random() < self.faults.power_loss_share:
            self.cut_power()
        self.ended = False

    def _lose(self) -> None:
        for name, writes in sorted(self._unsynced.items()):
            if Path(name).exists():
                self._lose_writes(name, writes)
        kept: set[Path] = set()
        for renamed in reversed(self._renames):
            undone = self._chance.random() < 0.5
            if renamed.final in kept or not renamed.final.exists():
                continue
            if undone:
                self._undo(renamed)
            else:
                kept.add(renamed.final)
        for path in sorted(self._torn_by_loss):
            if self._chance.random() < 0.5 and path.is_file():
                with path.open("r+b") as stream:
                    stream.truncate(int(self._chance.integers(0, path.stat().st_size + 1)))

    def _undo(self, renamed: Renamed) -> None:
        """Give a file its name of before, and what bore its name now back to where it was."""
        if renamed.is_link:
            renamed.final.unlink()
            return
        renamed.source.parent.mkdir(exist_ok=True)
        if renamed.source.is_dir():
            shutil.rmtree(renamed.source)
        self._replace(renamed.final, renamed.source)
        if renamed.before is not None:
            renamed.final.write_bytes(renamed.before)

    def _lose_writes(self, name: str, writes: list[Unsynced]) -> None:
        """Take all unsynced writes of a file back, then do again whichever of them, or part of them, survived."""
        with Path(name).open("r+b") as stream:
            for write in reversed(writes):
                stream.seek(write.offset_bytes)
                stream.write(write.before)
                stream.truncate(write.size_before_bytes)
            for write in writes:
                kept, share = self._chance.random(2)
                if kept < 0.5:
                    continue
                if write.content is None:
                    stream.truncate(write.offset_bytes)
                    continue
                sector_count = int(share * (len(write.content) // SECTOR_BYTES + 2))
                stream.seek(write.offset_bytes)
                stream.write(write.content[: sector_count * SECTOR_BYTES])

    def cut_power(self) -> None:
        """End everything here and now, by a loss of power, and begin again."""
        self.counts["power losses"] += 1
        self._lose()
        self._unsynced.clear()
        self._renames.clear()
        self._synced.clear()
        self._torn_by_loss.clear()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Stand under SQLite and under all files that are kept while the block lasts."""
        vfs = _SimulatedVfs(self)
        try:
            with (
                mock.patch.object(os, "fsync", self._sync),
                mock.patch.object(os, "replace", self._named(self._replace, is_link=False)),
                mock.patch.object(os, "rename", self._named(self._replace, is_link=False)),
                mock.patch.object(os, "link", self._named(self._link, is_link=True)),
                mock.patch.object(os, "write", self._plain_write),
                mock.patch.object(durable.HashedFile, "_put", self._file_write()),
            ):
                yield
        finally:
            vfs.unregister()

    def _file_write(self) -> Callable[[durable.HashedFile, bytes], int]:
        def put(file: durable.HashedFile, content: bytes) -> int:
            cut = content[: len(content) // 2]
            return int(self.write(lambda: self._put(file, content), _system_failure, half=lambda: self._put(file, cut)))

        return put

    def _plain_write(self, descriptor: int, content: bytes) -> int:
        """Write to a file that is not open as a stream; what is no file of a disk (a pipe) passes."""
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return self._os_write(descriptor, content)
        self._synced.discard((found.st_dev, found.st_ino))
        cut = bytes(content)[: len(content) // 2]
        return int(
            self.write(
                lambda: self._os_write(descriptor, content),
                _system_failure,
                half=lambda: self._os_write(descriptor, cut),
            )
        )

    def _sync(self, descriptor: int) -> None:
        def sync() -> None:
            found = os.fstat(descriptor)
            place = Path(f"/proc/self/fd/{descriptor}").readlink()
            if not stat.S_ISDIR(found.st_mode):
                self._synced.add((found.st_dev, found.st_ino))
                self._torn_by_loss.discard(place)
                return
            self._renames = [renamed for renamed in self._renames if renamed.final.parent != place]

        self.write(sync, _system_failure)

    def _named(self, give: Callable[..., None], *, is_link: bool) -> Callable[..., None]:
        """Give the call that gives a file its name, with the name noted until its folder is synced."""

        def name(source: str | Path, final: str | Path) -> None:
            old, new = Path(source), Path(final).resolve()
            found = old.stat()
            is_database = str(old) in self.databases and str(old) not in self._unsynced
            is_synced = stat.S_ISDIR(found.st_mode) or is_database or (found.st_dev, found.st_ino) in self._synced
            before = new.read_bytes() if new.is_file() else None
            give(source, final)
            self._renames.append(Renamed(old, new, before, is_link))
            if is_synced:
                self._torn_by_loss.discard(new)
            else:
                self._torn_by_loss.add(new)

        return lambda source, final: self.write(lambda: name(source, final), _system_failure)

    def note(self, name: str, write: Unsynced | None) -> None:
        """Note a write to a database file, or (`None`) that all of it is synced."""
        if write is None:
            self._unsynced.pop(name, None)
        else:
            self._unsynced.setdefault(name, []).append(write)


def _system_failure() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def database_failure() -> Exception:
    """Give a failure as SQLite's file layer reports it."""
    return apsw.IOError("disk I/O error")


class _SimulatedFile(apsw.VFSFile):
    """A database file on a simulated disk."""

    def __init__(self, disk: SimulatedDisk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
        """Write, and note what stood there."""
        self._disk.write(lambda: self._written(bytes(content), offset), database_failure)

    def xTruncate(self, size: int) -> None:  # noqa: N802 -- SQLite's name
        """Cut, and note what was cut off."""
        self._disk.write(lambda: self._cut(size), database_failure)

    def xSync(self, flags: int) -> None:  # noqa: N802, ARG002 -- SQLite's name
        """Sync, after which nothing written before can be lost."""
        self._disk.write(lambda: self._disk.note(self._name, None), database_failure)

    def xLock(self, level: int) -> None:  # noqa: N802 -- SQLite's name
        """Lock; a reader that may not lock for writing is told busy, as SQLite expects when it closes."""
        try:
            super().xLock(level)
        except apsw.IOError as error:
            raise apsw.BusyError("database is locked") from error

    def _written(self, content: bytes, offset: int) -> None:
        noted = Unsynced(offset, content, self._there(offset, len(content)), self.xFileSize())
        super().xWrite(content, offset)
        self._disk.note(self._name, noted)

    def _cut(self, size: int) -> None:
        size_before = self.xFileSize()
        noted = Unsynced(size, None, self._there(size, size_before - size), size_before)
        super().xTruncate(size)
        self._disk.note(self._name, noted)

    def _there(self, offset: int, length: int) -> bytes:
        readable_count = min(length, self.xFileSize() - offset)
        return bytes(self.xRead(readable_count, offset)) if readable_count > 0 else b""


class _SimulatedVfs(apsw.VFS):
    """SQLite's view of a simulated disk, registered as its default."""

    def __init__(self, disk: SimulatedDisk) -> None:
        super().__init__("simulated", "unix", makedefault=True)
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- SQLite's name
        """Open a file whose writes may fail; of one that is made anew nothing older can come back."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._disk.databases.add(path)
        if not Path(path).exists():
            self._disk.note(path, None)
        return _SimulatedFile(self._disk, name, flags)

    def xDelete(self, name: str, sync_folder: bool) -> None:  # noqa: N802 -- SQLite's name
        """Remove a file; one that is not there is removed already."""
        self._disk.write(lambda: self._deleted(name, sync_folder), database_failure)

    def _deleted(self, name: str, sync_folder: bool) -> None:
        try:
            super().xDelete(name, sync_folder)
        except apsw.IOError as error:
            if getattr(error, "extendedresult", 0) != apsw.SQLITE_IOERR_DELETE_NOENT:
                raise
        self._disk.note(name, None)
