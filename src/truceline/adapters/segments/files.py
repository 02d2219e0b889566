"""Files of segments, open messages, keys, enrolment records and beacons: read and written whole."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from truceline.adapters.segments.enrolment import EnrolmentRecord, Officer, record_id, record_leaf_bytes, record_of
from truceline.adapters.segments.format import HASH_BYTES, decode_frames
from truceline.adapters.segments.keys import SigningKey, exchange_public
from truceline.adapters.segments.receiver import ReceiverState
from truceline.adapters.stores.durable import durable_file, make_folder, write_new_file
from truceline.adapters.stores.failures import store_failures
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.quantity import EPOCH, canonical_bytes

SEGMENT_SUFFIX = ".seg"
MESSAGE_SUFFIX = ".msg"
OFFICERS_NAME = "officers.json"
FILE_MAX_BYTES = 2 << 30
"""Largest file of segments that is read: a sensor's day has some tens of megabytes."""


class KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """The secret half of a device's or officer's keys, in hexadecimal; never printed."""

    signing_seed: str
    exchange_secret: str
    schema_name: str = "truceline.key/1"

    @property
    def signing(self) -> SigningKey:
        """Give the Ed25519 pair."""
        return SigningKey.from_seed(bytes.fromhex(self.signing_seed))

    @property
    def exchange_key(self) -> str:
        """Give the X25519 public key in hexadecimal."""
        return exchange_public(bytes.fromhex(self.exchange_secret)).hex()


def write_key(path: Path, key: KeyFile) -> None:
    """Write a key where no file stands yet, readable by its owner only."""
    with store_failures(path, "writing"):
        make_folder(path.parent)
        try:
            write_new_file(path, canonical_bytes(key) + b"\n")
        except FileExistsError as error:
            raise InputUnusable(f"{path}: exists; a key is never overwritten") from error


def read_key(path: Path) -> KeyFile:
    """Read a key; raise `InputUnusable` where others may read it too, or where it is none."""
    content = read_file(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InputUnusable(f"{path}: others may read this key; `chmod 600` it, and think of it as stolen")
    try:
        key = msgspec.json.decode(content, type=KeyFile)
        lengths = {len(bytes.fromhex(key.signing_seed)), len(bytes.fromhex(key.exchange_secret))}
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputUnusable(f"{path}: is no key file") from error
    if lengths != {HASH_BYTES}:
        raise InputUnusable(f"{path}: is no key file (a secret has not {HASH_BYTES} bytes)")
    return key


def write_record(folder: Path, record: EnrolmentRecord) -> Path:
    """Write a record under its id, whole or not at all; one that was there is replaced by what has more approvals."""
    with store_failures(folder, "writing"):
        make_folder(folder)
    path = folder / f"{record_id(record)}.json"
    with durable_file(path) as stream:
        stream.write(record_leaf_bytes(record))
    return path


def read_records(folder: Path) -> list[EnrolmentRecord]:
    """Read all records of a registry; one that cannot be read raises, for leaving it out could let a revoked key in."""
    records = []
    for path in sorted(folder.glob("*.json")):
        if path.name == OFFICERS_NAME:
            continue
        try:
            records.append(record_of(read_file(path)))
        except (msgspec.MsgspecError, ValueError) as error:
            raise InputUnusable(f"{path}: is no enrolment, rotation or revocation ({error})") from error
    return records


def read_officers(path: Path) -> list[Officer]:
    """Read the list of officers, the root of trust of a registry."""
    try:
        return msgspec.json.decode(read_file(path), type=list[Officer])
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputUnusable(f"{path}: is no list of officers ({error})") from error


def add_officer(path: Path, officer: Officer) -> None:
    """Put an officer on the list; the same again changes nothing, another key under a known id is refused."""
    officers = read_officers(path) if path.exists() else []
    known = {entry.officer_id: entry for entry in officers}
    if known.get(officer.officer_id, officer) != officer:
        raise InputUnusable(f"{path}: officer {officer.officer_id!r} is there with other facts")
    known[officer.officer_id] = officer
    with store_failures(path, "writing"):
        make_folder(path.parent)
    with durable_file(path) as stream:
        stream.write(canonical_bytes([known[name] for name in sorted(known)]) + b"\n")


def read_beacons(path: Path) -> dict[bytes, int]:
    """Read beacons (columns `beacon` in hexadecimal, `published_time` in ISO 8601 with zone), as ns by beacon."""
    found = {}
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputUnusable(f"{path}: is no text in UTF-8 ({error})") from error
    rows = csv.DictReader(text.splitlines())
    for row in rows:
        try:
            beacon = bytes.fromhex(row["beacon"])
            published = datetime.fromisoformat(row["published_time"])
            if len(beacon) != HASH_BYTES or published.tzinfo is None:
                raise ValueError("a beacon has 32 bytes, a time its zone")
        except (KeyError, TypeError, ValueError) as error:
            raise InputUnusable(f"{path}: line {rows.line_num} cannot be read ({error})") from error
        found[beacon] = ns_of(published)
    return found


def read_state(path: Path) -> ReceiverState | None:
    """Read where an earlier verification ended; `None` where there is no file."""
    if not path.exists():
        return None
    try:
        return msgspec.msgpack.decode(read_file(path), type=ReceiverState)
    except msgspec.MsgspecError as error:
        raise InputUnusable(f"{path}: is no state of a verification that this version reads ({error})") from error


def write_state(path: Path, state: ReceiverState) -> None:
    """Write where a verification ended, whole or not at all."""
    with durable_file(path) as stream:
        stream.write(msgspec.msgpack.encode(state))


class ReceivedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One segment (or open message) as it lies in a file, or what follows the last whole one there."""

    path: Path
    offset_bytes: int
    content: bytes
    received_ns: int


def read_segments(paths: Iterable[Path], *, received_ns: int | None = None) -> Iterator[ReceivedSegment]:
    """Give all segments of files by time of receipt: the file's time of change, unless one is given for all."""
    timed = [(_changed_ns(path) if received_ns is None else received_ns, path) for path in paths]
    for moment_ns, path in sorted(timed):
        frames = decode_frames(read_file(path))
        for offset, content in zip(frames.offsets_bytes, frames.contents, strict=True):
            yield ReceivedSegment(path=path, offset_bytes=offset, content=content, received_ns=moment_ns)
        if frames.rest:
            offset = path.stat().st_size - len(frames.rest)
            yield ReceivedSegment(path=path, offset_bytes=offset, content=frames.rest, received_ns=moment_ns)


def segment_paths(places: Iterable[Path], *, suffix: str = SEGMENT_SUFFIX) -> list[Path]:
    """List the files of segments (or of what else bears a suffix) in folders, and the files named themselves."""
    found: set[Path] = set()
    for place in places:
        found |= set(place.rglob(f"*{suffix}")) if place.is_dir() else {place}
    if not found:
        raise SourceUnavailable(f"no {suffix} file in {', '.join(map(str, places))}")
    return sorted(found)


def ns_of(moment: datetime) -> int:
    """Give a moment in nanoseconds since 1970 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error


def read_file(path: Path) -> bytes:
    """Read a file whole; raise `SourceUnavailable` where it cannot be read or is too large to hold."""
    try:
        if (size_bytes := path.stat().st_size) > FILE_MAX_BYTES:
            raise SourceUnavailable(f"{path}: size={size_bytes} bytes is above {FILE_MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
