"""Where commands write: the store they share, and files whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from truceline.errors import StoreUnavailable

SYNTHETIC_MARK = "SYNTHETIC DATA: no real place, party or event"
"""The first line of everything a command prints about a made-up theatre."""

STORE_DEFAULT = Path("truceline-store")
"""The store of the commands that are told none: beside where one stands."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file through a temporary neighbour, so that a reader never sees half of it; or say what failed.

    It is on disk, with its name and the folders made for it, when this returns.

    A link is followed; what is there and is not a regular file (a device, a pipe, a folder) is never replaced.
    """
    place = path.resolve()
    folders = [place.parent, *(above.parent for above in place.parents if not above.exists())]
    partial = place.with_name(f".{place.name}.partial")
    try:
        if place.exists() and not place.is_file():
            raise StoreUnavailable(f"{path}: is not a regular file, and is not replaced")
        place.parent.mkdir(parents=True, exist_ok=True)
        _write_synced(partial, content)
        partial.replace(place)
        for folder in folders:
            _sync_folder(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreUnavailable(f"{path}: cannot be written ({error.strerror})") from error


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
