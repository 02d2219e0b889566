"""One place where the failures of disk and database become `StoreUnavailable`, saying which file and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pyarrow as pa

from truceline.errors import StoreUnavailable

_DAMAGED = "it is damaged; run `truceline store check` on the store, then restore this file from a copy"
_FULL = "the disk is full; free space and give the same command again (nothing acknowledged was lost)"
_DEVICE = "the disk failed to read or write; check the device, then give the same command again"
_LOCKED = "another process is using it; wait for that process to end and give the same command again"
_NO_ACCESS = "access was refused; check owner, permissions and whether the disk is mounted read-only"
_MISSING = "it is missing; restore it from a copy"
_OTHER = "the operation was refused"

_ADVICE_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EIO: _DEVICE,
    errno.EACCES: _NO_ACCESS,
    errno.EPERM: _NO_ACCESS,
    errno.EROFS: _NO_ACCESS,
    errno.ENOENT: _MISSING,
}

_ADVICE_BY_DATABASE_ERROR: tuple[tuple[type[Exception], str], ...] = (
    (apsw.FullError, _FULL),
    (apsw.TooBigError, "a record is larger than the database can hold"),
    (apsw.BusyError, _LOCKED),
    (apsw.LockedError, _LOCKED),
    (apsw.ProtocolError, _LOCKED),
    (apsw.CorruptError, _DAMAGED),
    (apsw.NotADBError, _DAMAGED),
    (apsw.FormatError, _DAMAGED),
    (apsw.ReadOnlyError, _NO_ACCESS),
    (apsw.PermissionsError, _NO_ACCESS),
    (apsw.AuthError, _NO_ACCESS),
    (apsw.CantOpenError, "it cannot be opened; check that the folder exists and may be read and written"),
    (apsw.IOError, _DEVICE),
)


@contextmanager
def store_failures(path: Path, doing: str) -> Iterator[None]:
    """Turn any failure of disk or database inside the block into `StoreUnavailable` naming `path` and a remedy.

    A broken constraint is our own mistake and passes through as it is.
    """
    try:
        yield
    except apsw.ConstraintError:
        raise
    except apsw.Error as error:
        raise StoreUnavailable(_message(path, doing, _database_advice(error), error)) from error
    except pa.ArrowException as error:
        raise StoreUnavailable(_message(path, doing, _arrow_advice(error), error)) from error
    except OSError as error:
        raise StoreUnavailable(_message(path, doing, _system_advice(error), error)) from error
    except UnicodeDecodeError as error:
        raise StoreUnavailable(_message(path, doing, _DAMAGED, error)) from error


def damaged(path: Path, what: str) -> StoreUnavailable:
    """Give the failure for content that is readable but not what was written."""
    return StoreUnavailable(f"{path}: {what}: {_DAMAGED}")


def _message(path: Path, doing: str, advice: str, error: Exception) -> str:
    detail = " ".join(str(error).split())[:300]
    return f"{path}: {doing} failed: {advice} [{type(error).__name__}: {detail}]"


def _database_advice(error: Exception) -> str:
    return next((advice for kind, advice in _ADVICE_BY_DATABASE_ERROR if isinstance(error, kind)), _OTHER)


def _arrow_advice(error: Exception) -> str:
    if isinstance(error, OSError):
        return _system_advice(error)
    return "not enough memory" if isinstance(error, pa.ArrowMemoryError) else _DAMAGED


def _system_advice(error: OSError) -> str:
    if error.errno is None:
        return _DAMAGED
    return _ADVICE_BY_ERRNO.get(error.errno, _OTHER)
