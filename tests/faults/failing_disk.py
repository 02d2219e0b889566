"""A disk that fails at one chosen write: before doing it, in the midst of it, or after it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import pytest

from truceline.adapters.stores import durable

FOREVER_COUNT = 10_000


class FailingDisk:
    """Counts writes of one kind and fails the chosen one; a fatal failure stays, a passing one does not.

    `written` says whether the write is done although it is reported as failed, and `cut` that half of it is.
    """

    def __init__(self, kind: str, error_number: int) -> None:
        """Begin sound."""
        self.kind = kind
        self.error_number = error_number
        self.fails_at_index = FOREVER_COUNT
        self.written = False
        self.cut = False
        self.fatal = False
        self.call_count = 0
        self.failure_count = 0

    def do(
        self,
        kind: str,
        write: Callable[[], Any],
        failure: Callable[[], Exception],
        *,
        half: Callable[[], Any] | None = None,
    ) -> Any:
        """Do one write, or fail it."""
        if kind != self.kind:
            return write()
        index, self.call_count = self.call_count, self.call_count + 1
        if not (index == self.fails_at_index or (self.fatal and index > self.fails_at_index)):
            return write()
        self.failure_count += 1
        if self.cut and half is not None:
            half()
        elif self.written:
            write()
        raise failure()

    def system_failure(self) -> OSError:
        """Give the failure as the operating system reports it."""
        return OSError(self.error_number, os.strerror(self.error_number))

    def database_failure(self) -> Exception:
        """Give the failure as SQLite's file layer reports it."""
        full = self.error_number == errno.ENOSPC
        return apsw.FullError("database or disk is full") if full else apsw.IOError("disk I/O error")


def _failing_vfs(disk: FailingDisk) -> apsw.VFS:
    class JournalFile(apsw.VFSFile):
        def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
            put, whole = super().xWrite, bytes(content)
            disk.do(
                "journal write",
                lambda: put(whole, offset),
                disk.database_failure,
                half=lambda: put(whole[: len(whole) // 2], offset),
            )

        def xSync(self, flags: int) -> None:  # noqa: N802 -- SQLite's name
            disk.do("journal sync", lambda: super(JournalFile, self).xSync(flags), disk.database_failure)

    class JournalDisk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("failing", "unix", makedefault=True)

        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- SQLite's name
            return JournalFile("unix", name, flags)

    return JournalDisk()


@contextmanager
def failing(disk: FailingDisk) -> Iterator[FailingDisk]:
    """Put the failing disk under everything that is kept while the block lasts: databases, files and their names."""
    put, write = durable.HashedFile._put, os.write

    def put_or_fail(self: durable.HashedFile, content: bytes) -> Any:
        half = content[: len(content) // 2]
        return disk.do("file write", lambda: put(self, content), disk.system_failure, half=lambda: put(self, half))

    def write_or_fail(descriptor: int, content: bytes) -> Any:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return write(descriptor, content)
        half = bytes(content)[: len(content) // 2]
        return disk.do(
            "file write", lambda: write(descriptor, content), disk.system_failure, half=lambda: write(descriptor, half)
        )

    def failing_call(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *values: disk.do(kind, lambda: call(*values), disk.system_failure)

    journal_disk = _failing_vfs(disk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable.HashedFile, "_put", put_or_fail)
        patch.setattr(os, "write", write_or_fail)
        for kind, name in (("file sync", "fsync"), ("rename", "replace"), ("rename", "rename"), ("rename", "link")):
            patch.setattr(os, name, failing_call(kind, getattr(os, name)))
        try:
            yield disk
        finally:
            journal_disk.unregister()
