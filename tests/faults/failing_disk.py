"""A disk that fails at one chosen write, either before doing it or after."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import pytest

from truceline.adapters.stores import durable

FOREVER_COUNT = 10_000


class FailingDisk:
    """Counts writes of one kind and fails the chosen one; a fatal failure stays, a passing one does not.

    `written` says whether the write is done although it is reported as failed.
    """

    def __init__(self, kind: str, error_number: int) -> None:
        """Begin sound."""
        self.kind = kind
        self.error_number = error_number
        self.fails_at_index = FOREVER_COUNT
        self.written = False
        self.fatal = False
        self.call_count = 0
        self.failure_count = 0

    def do(self, kind: str, write: Callable[[], Any], failure: Callable[[], Exception]) -> Any:
        """Do one write, or fail it."""
        if kind != self.kind:
            return write()
        index, self.call_count = self.call_count, self.call_count + 1
        if not (index == self.fails_at_index or (self.fatal and index > self.fails_at_index)):
            return write()
        self.failure_count += 1
        if self.written:
            write()
        raise failure()

    def system_failure(self) -> OSError:
        """Give the failure as the operating system reports it."""
        return OSError(self.error_number, os.strerror(self.error_number))

    def database_failure(self) -> Exception:
        """Give the failure as SQLite's file layer reports it."""
        full = self.error_number == errno.ENOSPC
        return apsw.FullError("database or disk is full") if full else apsw.IOError("disk I/O error")


@contextmanager
def failing(disk: FailingDisk) -> Iterator[FailingDisk]:
    """Put the failing disk under everything a store writes while the block lasts."""

    class JournalFile(apsw.VFSFile):
        def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
            disk.do("journal write", lambda: super(JournalFile, self).xWrite(content, offset), disk.database_failure)

        def xSync(self, flags: int) -> None:  # noqa: N802 -- SQLite's name
            disk.do("journal sync", lambda: super(JournalFile, self).xSync(flags), disk.database_failure)

    class JournalDisk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("failing", "unix", makedefault=True)

        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- SQLite's name
            return JournalFile("unix", name, flags)

    sync, replace, write = os.fsync, os.replace, durable.HashedFile._put
    journal_disk = JournalDisk()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: disk.do("file sync", lambda: sync(fd), disk.system_failure))
        patch.setattr(os, "replace", lambda a, b: disk.do("rename", lambda: replace(a, b), disk.system_failure))
        patch.setattr(
            durable.HashedFile,
            "_put",
            lambda self, content: disk.do("file write", lambda: write(self, content), disk.system_failure),
        )
        try:
            yield disk
        finally:
            journal_disk.unregister()
