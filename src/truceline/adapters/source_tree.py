"""Which program this is, to the byte: the hash of its source files, and the versions of what its numbers rest on."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

import truceline
from truceline.errors import SourceUnavailable

ENVIRONMENT_NAMES = ("numpy", "scipy", "numba", "shapely", "pyproj", "polars", "pyarrow", "msgspec", "tzdata")
"""Libraries whose version may change a last digit or a byte of what is said."""

NOT_SOURCE_NAMES = frozenset({"__pycache__", "agreements", "scenarios"})
"""Folders of the package that are made when it runs, or are data that a dossier holds by themselves."""


@cache
def source_tree_sha256() -> str:
    """Give the SHA-256 over `SHA-256 of the content, path` of every source file, in the order of their paths.

    A wheel and a checkout of the same version give the same. It says which code this is, and not that it is good.
    """
    root = Path(truceline.__file__).resolve().parent
    digest = hashlib.sha256()
    try:
        for path in sorted(root.rglob("*")):
            within = path.relative_to(root)
            if path.is_file() and not NOT_SOURCE_NAMES & set(within.parts) and not path.name.startswith("."):
                digest.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {within.as_posix()}\n".encode())
    except OSError as error:
        raise SourceUnavailable(f"{error.filename}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """Give the versions of Python, the machine's kind and the libraries that numbers depend on."""
    return {"python": platform.python_version(), "machine": platform.machine(), **_library_versions()}


@cache
def _library_versions() -> dict[str, str]:
    """Read the versions of the libraries once, as they do not change while a program runs."""
    return {name: metadata.version(name) for name in ENVIRONMENT_NAMES}
