"""Dossier files on disk, read within bounds, and the received files that may go into them, found by their hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from truceline.adapters.stores.durable import sha256_of_file
from truceline.dossier.layout import ENTRY_MAX_BYTES, FILE_MAX_BYTES, LayoutFault, unpack
from truceline.errors import InputUnusable, SourceUnavailable

FILE_ENDING = ".dossier.zip"

SCRIPT_NAME = "verify_dossier.py"
"""The standalone verifier, shipped in this package and placed in every dossier file to be read."""


def read_dossier_file(path: Path) -> dict[str, bytes]:
    """Give the entries of a dossier file; raise `InputUnusable` where it is none in the one canonical form.

    Nothing is unpacked to disk, and no more than `FILE_MAX_BYTES` is read.
    """
    try:
        with path.open("rb") as stream:
            body = stream.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return unpack(body)
    except LayoutFault as error:
        raise InputUnusable(f"{path}: {error}") from error


def verifier_script() -> bytes:
    """Give the standalone verifier as it is shipped."""
    return resources.files("truceline.adapters").joinpath(SCRIPT_NAME).read_bytes()


class ReceivedFiles:
    """Files by the SHA-256 of their bytes, wherever they lie below some folders; names do not matter."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Take the hash of every file; of several with the same bytes one is remembered."""
        self._paths: dict[str, Path] = {}
        for top in paths:
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file():
                    self._paths.setdefault(_sha256(path), path)

    def size_bytes(self, sha256: str) -> int | None:
        """Give the size of the file with this hash, or `None` where it is not here."""
        path = self._paths.get(sha256)
        return None if path is None else path.stat().st_size

    def content(self, sha256: str) -> bytes:
        """Give the bytes of a file that is here."""
        path = self._paths[sha256]
        try:
            return path.read_bytes()
        except OSError as error:
            raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error


def fitting(received: ReceivedFiles, names: Iterable[str], *, budget_bytes: int) -> tuple[dict[str, bytes], list[str]]:
    """Give the bytes of the files that fit into a budget, in the order of `names`, and the names of those too large."""
    held: dict[str, bytes] = {}
    too_large: list[str] = []
    left_bytes = budget_bytes
    for name in names:
        size_bytes = received.size_bytes(name)
        if size_bytes is None:
            continue
        if size_bytes > min(ENTRY_MAX_BYTES, left_bytes):
            too_large.append(name)
            continue
        held[name] = received.content(name)
        left_bytes -= size_bytes
    return held, too_large


def held_names(entries: Mapping[str, bytes], folder: str) -> set[str]:
    """Give the hashes of the files that stand in one folder of a dossier file."""
    return {path.partition("/")[2] for path in entries if path.startswith(f"{folder}/")}


def _sha256(path: Path) -> str:
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
