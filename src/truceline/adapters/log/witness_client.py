"""How a log asks witnesses for their cosignatures, and whether a quorum has seen it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from truceline.adapters.log.journal import LogJournal
from truceline.adapters.log.note import Verifier, parse_note, parse_signature_lines
from truceline.adapters.log.policy import NO_QUORUM, Policy
from truceline.adapters.log.publisher import public_note
from truceline.adapters.log.refusal import Refused, canonical_count
from truceline.adapters.log.rows import SignedCheckpoint
from truceline.adapters.log.tiles import TileReader
from truceline.adapters.log.witness import SIZE_CONTENT_TYPE, Answer, cosignature_lines, format_request
from truceline.errors import StoreUnavailable

ANSWER_MOST_S = 10.0
ANSWER_MOST_BYTES = 1 << 16
ATTEMPTS_MOST_COUNT = 2
"""The first with the size that was cosigned last, the second with the size that the witness says."""

Ask = Callable[[bytes], Answer]
"""Sends a request and gives the answer."""


def ask_over_http(url: str) -> Ask:
    """Give the way to ask a witness at an address (its prefix, without `/add-checkpoint`)."""
    if not url.startswith(("http://", "https://")):
        raise Refused(f"{url}: a witness is asked over http or https")

    def ask(content: bytes) -> Answer:
        request = urllib.request.Request(f"{url.rstrip('/')}/add-checkpoint", data=content, method="POST")  # noqa: S310
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_MOST_S) as response:  # noqa: S310  (scheme held above)
                status_code, kind, body = (
                    response.status,
                    response.headers.get_content_type(),
                    response.read(ANSWER_MOST_BYTES),
                )
        except urllib.error.HTTPError as error:
            with error:
                status_code, kind, body = error.code, error.headers.get_content_type(), error.read(ANSWER_MOST_BYTES)
        except OSError as error:
            raise StoreUnavailable(f"{url}: the witness does not answer ({error})") from error
        return Answer(_status(status_code), kind, body.decode("utf-8", "replace"))

    return ask


def _status(code: int) -> HTTPStatus:
    """Give a status that is known; another's own invention is a bad gateway."""
    return HTTPStatus(code) if code in set(HTTPStatus) else HTTPStatus.BAD_GATEWAY


def request_cosignatures(
    journal: LogJournal, ask: Ask, *, reader: TileReader, verifier: Verifier, cosigned_size_count: int = 0
) -> list[str]:
    """Ask a witness to cosign the newest checkpoint, keep its verified lines in the journal, and give them.

    Raise `StoreUnavailable` where it refuses, `Refused` where what it gives is no cosignature of its key.
    """
    newest = journal.newest_checkpoint()
    if newest is None:
        raise StoreUnavailable(f"{journal.path}: nothing is published yet")
    old_size_count = min(cosigned_size_count, newest.size_count)
    answer = Answer(HTTPStatus.BAD_GATEWAY, "", "")
    for _ in range(ATTEMPTS_MOST_COUNT):
        proof = reader.consistency_proof(old_size_count, newest.size_count)
        answer = ask(format_request(old_size_count, proof, newest.note))
        if answer.status != HTTPStatus.CONFLICT or answer.content_type != SIZE_CONTENT_TYPE:
            break
        old_size_count = canonical_count(answer.body.removesuffix("\n"), name="size that the witness says")
        if old_size_count > newest.size_count:
            raise StoreUnavailable(
                f"{journal.path}: the witness has cosigned {old_size_count} leaves, the newest checkpoint has "
                f"{newest.size_count}: this journal is an older copy"
            )
    lines = cosignature_lines(answer)
    text = parse_note(newest.note).text
    held = [line for line in lines if verifier.verifies(text, parse_signature_lines(line)[0])]
    if not held:
        raise Refused(f"what the witness gave is no cosignature by {verifier.name}")
    journal.put_cosignatures(newest.size_count, held)
    return held


class WitnessStatus(NamedTuple):
    """Since when nobody outside has seen the log, as one sentence, and whether the policy's quorum stands now."""

    is_witnessed: bool
    sentence: str


def witness_status(journal: LogJournal, policy: Policy) -> WitnessStatus:
    """Say whether a quorum of others has cosigned the newest checkpoint, and if not, since when none has."""
    newest_first: list[SignedCheckpoint] = sorted(journal.checkpoints(), key=lambda c: c.size_count, reverse=True)
    if not newest_first:
        return WitnessStatus(False, "nothing is published yet")
    unwitnessed: SignedCheckpoint | None = None
    for checkpoint in newest_first:
        if policy.quorum != NO_QUORUM and journal.cosignatures(checkpoint.size_count):
            result = policy.satisfied(parse_note(public_note(journal, checkpoint)))
            if result.is_satisfied:
                break
        unwitnessed = checkpoint
    if unwitnessed is None:
        return WitnessStatus(True, f"witnessed: the quorum has cosigned {newest_first[0].size_count} leaves")
    because = " (the policy asks for no quorum)" if policy.quorum == NO_QUORUM else ""
    return WitnessStatus(
        False, f"unwitnessed since {said_time(unwitnessed.time_s)}, from {unwitnessed.size_count} leaves on{because}"
    )


def said_time(time_s: int) -> str:
    """Write a POSIX time in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
