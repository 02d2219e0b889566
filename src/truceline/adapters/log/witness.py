"""A witness (c2sp.org/tlog-witness): it cosigns a checkpoint only if the log it saw before is where that one began."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import apsw

from truceline.adapters.log.checkpoint import Checkpoint, parse_checkpoint
from truceline.adapters.log.note import Note, Signer, Verifier, cosign, parse_note, verify_note
from truceline.adapters.log.refusal import Refused, canonical_count, canonical_hash
from truceline.adapters.log.rows import row_digest
from truceline.adapters.log.tree import EMPTY_ROOT, verify_consistency
from truceline.adapters.stores.database import make_durable, sync_what_stands, transaction
from truceline.adapters.stores.durable import sync_folder
from truceline.adapters.stores.failures import damaged, store_failures
from truceline.errors import StoreUnavailable

REQUEST_MOST_BYTES = 1 << 20
PROOF_MOST_COUNT = 63
SIZE_CONTENT_TYPE = "text/x.tlog.size"
TEXT_CONTENT_TYPE = "text/plain; charset=utf-8"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT PRIMARY KEY, size_count INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refused (
    refused_index INTEGER PRIMARY KEY, origin TEXT NOT NULL, request BLOB NOT NULL, reason TEXT NOT NULL
) STRICT;
"""
REFUSED_MOST_COUNT = 10_000
"""How many validly signed but inconsistent requests are kept as evidence; a log's key is needed to make one."""


class Answer(NamedTuple):
    """A witness's answer: HTTP status, content type, body."""

    status: HTTPStatus
    content_type: str
    body: str


class Request(NamedTuple):
    """An `add-checkpoint` request as read: the old size, the consistency proof, the note."""

    old_size_count: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


def format_request(old_size_count: int, proof: Sequence[bytes], note: str) -> bytes:
    """Write an `add-checkpoint` request."""
    from truceline.adapters.log.refusal import encode_base64

    lines = [f"old {old_size_count}", *map(encode_base64, proof), ""]
    return ("".join(f"{line}\n" for line in lines) + note).encode()


def parse_request(content: bytes) -> Request:
    """Read an `add-checkpoint` request; raise `Refused` unless it is one."""
    if len(content) > REQUEST_MOST_BYTES:
        raise Refused(f"a request of {len(content)} bytes, at most {REQUEST_MOST_BYTES}")
    try:
        head, blank, note_text = content.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Refused("a request is UTF-8") from None
    first, *proof_lines = head.split("\n")
    if not blank or not first.startswith("old ") or len(proof_lines) > PROOF_MOST_COUNT:
        raise Refused("a request is: old <size>, at most 63 hashes, an empty line, a checkpoint")
    note = parse_note(note_text)
    checkpoint = parse_checkpoint(note.text)
    old_size_count = canonical_count(first.removeprefix("old "), name="old size")
    if old_size_count > checkpoint.size_count:
        raise Refused(f"old size {old_size_count} is above the checkpoint's {checkpoint.size_count}")
    proof = tuple(canonical_hash(line, name="proof hash") for line in proof_lines)
    return Request(old_size_count, proof, note, checkpoint)


class Witness:
    """One witness with its durable state: the newest checkpoint cosigned of each log; used by one thread at a time."""

    def __init__(self, state_path: Path, *, signers: Sequence[Signer], logs: Sequence[Verifier]) -> None:
        """Open or make the state; `logs` are the keys of the logs that are witnessed, by their origin."""
        assert signers, "a witness has a key"
        self._signers, self._path = tuple(signers), state_path
        self._logs: dict[str, list[Verifier]] = {}
        for verifier in logs:
            self._logs.setdefault(verifier.name, []).append(verifier)
        self._open()

    def _open(self) -> None:
        with store_failures(self._path, "opening"):
            self._connection = apsw.Connection(str(self._path))
            try:
                make_durable(self._connection)
                self._connection.pragma("journal_mode", "wal")
                with self._connection:
                    self._connection.execute(_SCHEMA)
                sync_what_stands(self._connection)
                sync_folder(self._path.resolve().parent)
            except BaseException:
                self._connection.close()
                raise
        self._is_sound = True

    def close(self) -> None:
        """Close the state."""
        with store_failures(self._path, "closing"):
            self._connection.close()

    def __enter__(self) -> Self:
        """Give the open witness."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the state."""
        self.close()

    @property
    def vkeys(self) -> tuple[str, ...]:
        """Give the witness's public keys."""
        return tuple(signer.vkey for signer in self._signers)

    def cosigned(self, origin: str) -> tuple[int, bytes]:
        """Give size and root of the newest checkpoint cosigned of a log; 0 and the empty tree's where there is none."""
        query = "SELECT * FROM cosigned WHERE origin = ?"
        with store_failures(self._path, "reading"):
            found = self._connection.execute(query, (origin,)).fetchone()
        if found is None:
            return 0, EMPTY_ROOT
        if row_digest(*found[:-1]) != found[-1]:
            raise damaged(self._path, f"what was cosigned of {origin} is altered")
        return int(found[1]), bytes(found[2])

    def answer(self, content: bytes, *, time_s: int) -> Answer:
        """Answer one `add-checkpoint` request at a POSIX time; a cosignature is given out only once it is on disk."""
        try:
            request = parse_request(content)
        except Refused as refused:
            return Answer(HTTPStatus.BAD_REQUEST, TEXT_CONTENT_TYPE, f"{refused}\n")
        origin = request.checkpoint.origin
        verifiers = self._logs.get(origin)
        if verifiers is None:
            return Answer(HTTPStatus.NOT_FOUND, TEXT_CONTENT_TYPE, "this log is not witnessed here\n")
        try:
            verify_note(request.note, verifiers)
        except Refused as refused:
            return Answer(HTTPStatus.FORBIDDEN, TEXT_CONTENT_TYPE, f"{refused}\n")
        if not self._is_sound:
            self.close()
            self._open()
        with self._transaction():
            refusal = self._refusal(request)
            if refusal is None:
                lines = "".join(cosign(request.note.text, signer, time_s=time_s) for signer in self._signers)
                self._keep(request)
            elif refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY or refusal.content_type == TEXT_CONTENT_TYPE:
                self._keep_refused(origin, content, refusal.body)
        return Answer(HTTPStatus.OK, TEXT_CONTENT_TYPE, lines) if refusal is None else refusal

    def _refusal(self, request: Request) -> Answer | None:
        """Give why a checkpoint is not cosigned, `None` where it is."""
        checkpoint = request.checkpoint
        known_size_count, known_root = self.cosigned(checkpoint.origin)
        if request.old_size_count != known_size_count:
            return Answer(HTTPStatus.CONFLICT, SIZE_CONTENT_TYPE, f"{known_size_count}\n")
        if checkpoint.size_count == known_size_count and checkpoint.root != known_root:
            return Answer(HTTPStatus.CONFLICT, TEXT_CONTENT_TYPE, "another tree of this size was cosigned: a fork\n")
        is_consistent = verify_consistency(
            old_size_count=known_size_count,
            new_size_count=checkpoint.size_count,
            old_root=known_root,
            new_root=checkpoint.root,
            proof=request.proof,
        )
        if is_consistent:
            return None
        return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, TEXT_CONTENT_TYPE, "the consistency proof does not hold\n")

    def _keep(self, request: Request) -> None:
        checkpoint = request.checkpoint
        values = (checkpoint.origin, checkpoint.size_count, checkpoint.root, request.note.format())
        self._connection.execute(
            "INSERT OR REPLACE INTO cosigned VALUES (?, ?, ?, ?, ?)", (*values, row_digest(*values))
        )

    def _keep_refused(self, origin: str, content: bytes, reason: str) -> None:
        """Keep a signed request that contradicts what was cosigned: it may prove the log's misconduct."""
        if self._connection.execute("SELECT count(*) FROM refused").get < REFUSED_MOST_COUNT:
            self._connection.execute(
                "INSERT INTO refused (origin, request, reason) VALUES (?, ?, ?)", (origin, content, reason)
            )

    def refusals(self) -> list[tuple[str, bytes, str]]:
        """Give (origin, request, reason) of every signed request that was inconsistent."""
        query = "SELECT origin, request, reason FROM refused ORDER BY refused_index"
        with store_failures(self._path, "reading"):
            return [(str(name), bytes(content), str(why)) for name, content, why in self._connection.execute(query)]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction; after a failed one the state is opened anew: what the disk did of it is not known."""
        self._is_sound = False
        with store_failures(self._path, "writing"), transaction(self._connection):
            yield
        self._is_sound = True


def cosignature_lines(answer: Answer) -> list[str]:
    """Give the signature lines of an answer; raise `StoreUnavailable` where it is a refusal."""
    if answer.status != HTTPStatus.OK:
        raise StoreUnavailable(f"the witness answered {answer.status}: {answer.body.strip()[:200]}")
    return answer.body.splitlines(keepends=True)
