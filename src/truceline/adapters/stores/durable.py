"""Files that are there whole or not at all: written under a temporary name, synced, renamed, folder synced."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from truceline.adapters.stores.failures import store_failures
from truceline.errors import StoreUnavailable

TEMPORARY_SUFFIX = ".part"
"""Ending of a file that is still being written; whatever bears it at opening is a leftover of a sudden end."""

_OWNER_ONLY = 0o600
HASH_BLOCK_BYTES = 1 << 20
"""How much of a file is held in memory while it is hashed."""


class HashedFile:
    """A file open for writing that knows the SHA-256 and size of what was written to it."""

    def __init__(self, stream: BinaryIO) -> None:
        """Begin with nothing written."""
        self._stream = stream
        self._digest = hashlib.sha256()
        self.failure: OSError | None = None
        self.size_bytes = 0

    @property
    def closed(self) -> bool:
        """Say whether the file is closed."""
        return self._stream.closed

    @property
    def sha256(self) -> str:
        """Give the hash of everything written so far."""
        return self._digest.hexdigest()

    def write(self, content: bytes) -> int:
        """Write all of the content; a failure is raised, and remembered in case the caller passes over it."""
        try:
            written_bytes = self._put(content)
        except OSError as error:
            self.failure = error
            raise
        self._digest.update(content)
        self.size_bytes += written_bytes
        return written_bytes

    def require_whole(self) -> None:
        """Raise the failure of any write before."""
        if self.failure is not None:
            raise self.failure

    def _put(self, content: bytes) -> int:
        return self._stream.write(content)

    def tell(self) -> int:
        """Give the place of the next byte."""
        return self.size_bytes

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._stream.flush()

    def close(self) -> None:
        """Leave the file open: `durable_file` closes it after syncing."""


@contextmanager
def durable_file(final_path: Path) -> Iterator[HashedFile]:
    """Give a file that stands under its final name, on disk, once the block ends well; else nothing stands there."""
    temporary_path = final_path.with_name(final_path.name + TEMPORARY_SUFFIX)
    with store_failures(final_path, "writing"):
        stream = temporary_path.open("wb")
    try:
        with stream:
            hashed = HashedFile(stream)
            try:
                yield hashed
            except OSError as error:
                if error is not hashed.failure:
                    raise
                with store_failures(final_path, "writing"):
                    raise
            with store_failures(final_path, "writing"):
                hashed.require_whole()
                stream.flush()
                os.fsync(stream.fileno())
        with store_failures(final_path, "renaming"):
            temporary_path.replace(final_path)
            sync_folder(final_path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            stream.close()
            temporary_path.unlink(missing_ok=True)
        raise


def write_new_file(path: Path, content: bytes) -> None:
    """Put a small file, for its owner alone, where none stands yet: whole and durable, or not at all.

    Raise `OSError` where it cannot be done. The name comes by a link, which unlike a rename never replaces what another
    process put there meanwhile.
    """
    temporary_path = path.with_name(path.name + TEMPORARY_SUFFIX)
    temporary_path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    linked = False
    try:
        with os.fdopen(os.open(temporary_path, flags, _OWNER_ONLY), "wb") as stream:
            HashedFile(stream).write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary_path, path)
        linked = True
        temporary_path.unlink()
        sync_folder(path.resolve().parent)
    except BaseException:
        with contextlib.suppress(OSError):
            if linked or path.samefile(temporary_path):  # a link may be made and reported as failed
                path.unlink()
        with contextlib.suppress(OSError):
            temporary_path.unlink(missing_ok=True)
        raise


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder, and the folders above it, so that they are still there after a loss of power."""
    missing = [path, *path.parents]
    missing = [folder for folder in missing if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sha256_of_file(path: Path) -> str:
    """Give the SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


class WriterLock:
    """Held by the one process that may write to a store; let go by the system when the process ends in any way."""

    def __init__(self, path: Path) -> None:
        """Take the lock, or raise `StoreUnavailable` naming the process that holds it."""
        with store_failures(path, "locking"):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            self.release()
            raise StoreUnavailable(
                f"{path.parent}: process {holder} is writing to this store and only one may; "
                "wait for it to end (reading stays possible meanwhile)"
            ) from error
        except OSError as error:
            self.release()
            raise StoreUnavailable(f"{path}: locking failed: {error}") from error
        with contextlib.suppress(OSError):  # the name of the holder is a courtesy, the lock is already ours
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode("ascii"), 0)

    def release(self) -> None:
        """Let the lock go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
