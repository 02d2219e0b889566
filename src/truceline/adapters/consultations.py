"""A consultation in a folder: `founding.json`, the root of trust, and an append-only journal of signed records.

The database is not trusted: whatever is read from it is judged again by its signatures (`truceline.decide.replay`).
What is refused is kept as a rejection with its reason, so nothing that was handed in is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from truceline.adapters.clock import Clock, system_now
from truceline.adapters.office_keys import verify
from truceline.adapters.stores.durable import durable_file
from truceline.adapters.stores.journal import Journal, JournalEntry, JournalRow, create_journal
from truceline.decide.board import board_of
from truceline.decide.replay import Entry, Judged, Replayed, replay
from truceline.errors import InputUnusable, SourceUnavailable, StoreUnavailable
from truceline.model.board import Board
from truceline.model.decision import FOUNDING_SCHEMA_NAME, Founding, SignedRecord, record_id
from truceline.model.quantity import canonical_bytes, content_id

FOUNDING_NAME = "founding.json"
JOURNAL_NAME = "journal.sqlite"
RECORD_KIND = "consultation.record"
REJECTION_KIND = "consultation.rejection"
SUBMISSION_SIZE_MAX_BYTES = 1_000_000
"""Largest record that is taken; larger ones are refused before anything is read of them."""


class KeptRejection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was handed in and had no effect: its text, the verdict and the reason."""

    verdict: Literal["refused", "forged"]
    reason: str
    submitted: str


class ConsultationStore:
    """One case in its folder; every reading replays the journal, so nothing is believed because it was said before."""

    def __init__(self, folder: Path, *, clock: Clock = system_now) -> None:
        """Open an existing case, or raise where there is none."""
        self.folder = folder
        self.founding = read_founding(folder / FOUNDING_NAME)
        self._clock = clock
        self._journal = Journal(folder / JOURNAL_NAME, writing=True, clock=clock)

    def close(self) -> None:
        """Close the journal; what was taken is on disk already."""
        self._journal.close()

    def submit(self, content: bytes) -> Judged:
        """Take one signed record in JSON; what is not accepted is kept as a rejection, and its verdict says why."""
        if len(content) > SUBMISSION_SIZE_MAX_BYTES:
            raise InputUnusable(f"record: size={len(content)} bytes is above {SUBMISSION_SIZE_MAX_BYTES}")
        now = self._clock()
        signed, fault = _decoded(content)
        entries = list(self._entries())
        sequence = self._journal.last_sequence() + 1
        if entries and now < entries[-1].logged_time:
            now = entries[-1].logged_time
        entry = Entry(sequence=sequence, logged_time=now, signed=signed, fault=fault)
        if signed is None:
            entry = msgspec.structs.replace(entry, rejected_as="refused")
        judged = replay(self.founding, [*entries, entry], now=now, verify=verify).rows[-1]
        if judged.verdict == "accepted" and signed is not None:
            self._append(RECORD_KIND, record_id(signed.record), canonical_bytes(signed))
        else:
            self._keep(content, judged)
        return judged

    def _keep(self, content: bytes, judged: Judged) -> None:
        self.reject(content, judged.reason, verdict="forged" if judged.verdict == "forged" else "refused")

    def reject(self, content: bytes, reason: str, *, verdict: Literal["refused", "forged"] = "refused") -> None:
        """Keep what was handed in and has no effect, with the reason."""
        text = content.decode("utf-8", errors="backslashreplace")
        body = canonical_bytes(KeptRejection(verdict=verdict, reason=reason, submitted=text))
        self._append(REJECTION_KIND, content_id("rej", content), body)

    def _append(self, kind: str, name: str, body: bytes) -> None:
        self._journal.append(
            [JournalEntry(record_kind=kind, record_id=name, schema_name=FOUNDING_SCHEMA_NAME, body=body)]
        )

    def replayed(self, as_of: datetime | None = None) -> Replayed:
        """Replay every row written by a moment (default: now)."""
        return replay(self.founding, list(self._entries()), now=as_of or self._clock(), verify=verify)

    def board(self, as_of: datetime | None = None) -> Board:
        """Give the board as of a moment (default: now)."""
        return board_of(self.founding, self.replayed(as_of))

    def _entries(self) -> Iterator[Entry]:
        for row in self._journal.rows_unchecked():
            yield _entry(row)


def _decoded(content: bytes) -> tuple[SignedRecord | None, str]:
    try:
        return msgspec.json.decode(content, type=SignedRecord), ""
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError) as error:
        return None, f"record: {error}"


def _entry(row: JournalRow) -> Entry:
    """Read one row; an altered or strange one is a row with a fault, never an error that would hide the others."""
    plain = Entry(sequence=row.sequence, logged_time=row.logged_time, signed=None)
    if not row.intact:
        return msgspec.structs.replace(plain, fault="the row's bytes are not what was written")
    if row.record_kind == REJECTION_KIND:
        return _rejection(plain, row.body)
    if row.record_kind != RECORD_KIND:
        return msgspec.structs.replace(plain, fault=f"a row of unknown kind {row.record_kind!r}")
    signed, fault = _decoded(row.body)
    if signed is not None and canonical_bytes(signed) != row.body:
        return msgspec.structs.replace(plain, fault="the row's bytes are not canonical")
    return msgspec.structs.replace(plain, signed=signed, fault=fault)


def _rejection(plain: Entry, body: bytes) -> Entry:
    try:
        kept = msgspec.json.decode(body, type=KeptRejection)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.structs.replace(plain, fault="the row is no rejection that could be read")
    signed, _ = _decoded(kept.submitted.encode())
    return msgspec.structs.replace(plain, signed=signed, fault=kept.reason, rejected_as=kept.verdict)


def read_founding(path: Path) -> Founding:
    """Read the founding of a case, or say what is wrong with it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Founding)
    except OSError as error:
        raise SourceUnavailable(
            f"{path}: cannot be read ({error.strerror}); open a case: truceline consult open"
        ) from error
    except msgspec.DecodeError as error:
        raise InputUnusable(f"{path}: {error}") from error


def founding_sha256(founding: Founding) -> str:
    """Give the hash that everyone who relies on a case keeps outside its folder."""
    return hashlib.sha256(canonical_bytes(founding)).hexdigest()


def open_case(folder: Path, founding: Founding) -> None:
    """Make the folder of a new case: its founding and an empty journal; an existing case is never replaced."""
    path = folder / FOUNDING_NAME
    if path.exists():
        raise StoreUnavailable(f"{path}: a case is there already, and is not replaced")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{folder}: cannot be made ({error.strerror})") from error
    create_journal(folder / JOURNAL_NAME)
    with durable_file(path) as stream:
        stream.write(canonical_bytes(founding) + b"\n")
