"""A witness: cosigns what has only grown, says the status codes of the standard, and never forgets."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.note import Signer, Verifier, parse_note, parse_signature_lines, sign_note
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.publisher import public_note
from truceline.adapters.log.service import EvidenceLog, policy_text_of
from truceline.adapters.log.tiles import TileReader
from truceline.adapters.log.tree import consistency_proof, leaf_hash, root_of
from truceline.adapters.log.witness import Answer, Witness, format_request
from truceline.adapters.log.witness_client import ask_over_http, request_cosignatures, witness_status
from truceline.adapters.log.witness_server import WitnessServer
from truceline.errors import InputUnusable, StoreUnavailable
from unit.log.made_log import START_S, made_log

LOG = Signer.ed25519("log.example/w", bytes(range(32)))
OTHER = Signer.ed25519("other.example/w", bytes(32))
KEY = Signer.cosigner("witness.example/1", bytes([7] * 32))
LEAVES = [leaf_hash(str(number).encode()) for number in range(40)]
FORKED = [*LEAVES[:5], *(leaf_hash(f"forked {number}".encode()) for number in range(35))]


def note_of(leaves: list[bytes], size_count: int, signer: Signer = LOG) -> str:
    """Sign the checkpoint of the first leaves."""
    return sign_note(format_checkpoint(Checkpoint(signer.name, size_count, root_of(leaves[:size_count]))), [signer])


def request_of(old_size_count: int, size_count: int, *, leaves: list[bytes] = LEAVES, signer: Signer = LOG) -> bytes:
    """Write the request that an honest client would send for these leaves."""
    proof = consistency_proof(leaves, old_size_count, size_count)
    return format_request(old_size_count, proof, note_of(leaves, size_count, signer))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    """Give a witness of one log."""
    with Witness(tmp_path / "state.sqlite", signers=[KEY], logs=[LOG.verifier]) as opened:
        yield opened


def test_a_growing_log_is_cosigned(witness: Witness) -> None:
    """Each consistent checkpoint gets a cosignature by the witness's key, with the time given."""
    sizes = [(0, 3), (3, 3), (3, 8), (8, 40)]
    for old, new in sizes:
        answer = witness.answer(request_of(old, new), time_s=START_S)
        (line,) = parse_signature_lines(answer.body)

        assert answer.status == 200
        assert KEY.verifier.verifies(parse_note(note_of(LEAVES, new)).text, line)
        assert line.time_s(KEY.kind) == START_S
    assert witness.cosigned(LOG.name) == (40, root_of(LEAVES))


@pytest.mark.parametrize(
    "case",
    [
        (b"", 400, None),
        (b"old 01\n\n" + note_of(LEAVES, 20).encode(), 400, None),
        (b"old 30\n\n" + note_of(LEAVES, 20).encode(), 400, None),
        (request_of(8, 20).replace(b"old 8", b"old 8 "), 400, None),
        (request_of(0, 20, signer=OTHER), 404, None),
        (request_of(8, 20).replace("— ".encode() + LOG.name.encode(), "— x".encode()), 403, None),
        (request_of(0, 20), 409, "8\n"),
        (request_of(5, 20), 409, "8\n"),
        (request_of(8, 8, leaves=FORKED), 409, None),
        (request_of(8, 20, leaves=FORKED), 422, None),
        (format_request(8, (), note_of(LEAVES, 20)), 422, None),
        (request_of(3, 5), 409, "8\n"),
    ],
)
def test_what_is_not_consistent_is_refused(witness: Witness, case: tuple[bytes, int, str | None]) -> None:
    """Each refusal has the standard's code, and nothing refused changes what the witness knows."""
    request_bytes, status_code, body = case
    witness.answer(request_of(0, 8), time_s=START_S)
    answer = witness.answer(request_bytes, time_s=START_S)

    assert answer.status == status_code
    assert body is None or (answer.body, answer.content_type) == (body, "text/x.tlog.size")
    assert witness.cosigned(LOG.name) == (8, root_of(LEAVES[:8]))


def test_a_signed_contradiction_is_kept(witness: Witness) -> None:
    """A fork that the log's own key signed is kept as evidence; an unsigned one is not."""
    witness.answer(request_of(0, 8), time_s=START_S)
    fork = request_of(8, 20, leaves=FORKED)
    witness.answer(fork, time_s=START_S)
    witness.answer(b"noise", time_s=START_S)

    assert [content for _, content, _ in witness.refusals()] == [fork]


def test_a_witness_remembers_across_restarts(tmp_path: Path) -> None:
    """What was cosigned is on disk before it is given out, so a restart forgets nothing."""
    path = tmp_path / "state.sqlite"
    with Witness(path, signers=[KEY], logs=[LOG.verifier]) as witness:
        witness.answer(request_of(0, 20), time_s=START_S)
    with Witness(path, signers=[KEY], logs=[LOG.verifier]) as witness:
        rollback = witness.answer(request_of(0, 8), time_s=START_S)

    assert (rollback.status, rollback.body) == (409, "20\n")


def test_a_log_is_witnessed_over_http(tmp_path: Path) -> None:
    """A log asks a witness's own service, and its policy is satisfied from then on, also after it has grown."""
    with made_log(tmp_path) as log:
        log_keys = [Verifier.from_vkey(vkey) for vkey in log.journal.key_sets()[0].vkeys]
        publisher = log.publisher()
        publisher.publish(time_s=START_S)
        with (
            Witness(tmp_path / "state.sqlite", signers=[KEY], logs=log_keys) as witness,
            WitnessServer(witness, address="127.0.0.1", port_id=0, clock_s=lambda: START_S) as server,
        ):
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                statuses = [_witnessed(log, server.server_port)]
                publisher.publish(time_s=START_S + 60)
                statuses.append(_witnessed(log, server.server_port))
            finally:
                server.shutdown()
                thread.join()

    assert [status.is_witnessed for status in statuses] == [True, True]


def _witnessed(log: EvidenceLog, port_number: int) -> object:
    ask = ask_over_http(f"http://127.0.0.1:{port_number}/")
    request_cosignatures(log.journal, ask, reader=TileReader(log.public_folder), verifier=KEY.verifier)
    return witness_status(log.journal, policy_with_witness(log))


def policy_with_witness(log: EvidenceLog) -> Policy:
    """Give the policy of a log that one witness has to cosign."""
    vkeys = log.journal.key_sets()[-1].vkeys
    return Policy.parse(policy_text_of(vkeys, [f"witness w1 {KEY.vkey}", "quorum w1"]))


def test_a_log_says_since_when_it_is_unwitnessed(tmp_path: Path) -> None:
    """Without a quorum's cosignature the time of the first checkpoint without one is said, never that all is well."""
    with made_log(tmp_path) as log:
        publisher = log.publisher()
        publisher.publish(time_s=START_S)
        nobody = witness_status(log.journal, Policy.parse(log.policy_text))
        policy = policy_with_witness(log)
        note = publisher.newest
        assert note is not None
        log.journal.put_cosignatures(256, [KEY.sign(parse_note(note.note).text, time_s=START_S).line()])
        witnessed = witness_status(log.journal, policy)
        publisher.publish(time_s=START_S + 60)
        later = witness_status(log.journal, policy)

    assert nobody.sentence.startswith("unwitnessed since 2023-11-14T22:13:20Z")
    assert witnessed.is_witnessed
    assert (later.is_witnessed, later.sentence[:38]) == (False, "unwitnessed since 2023-11-14T22:14:20Z")


def test_a_witness_ahead_of_the_log_shows_an_older_copy(tmp_path: Path) -> None:
    """Where a witness has cosigned more than the journal holds, the log does not go on."""
    with made_log(tmp_path) as log:
        log.publisher().publish(time_s=START_S)
        with pytest.raises(StoreUnavailable, match="older copy"):
            request_cosignatures(
                log.journal,
                lambda _: Answer(HTTPStatus.CONFLICT, "text/x.tlog.size", "512\n"),
                reader=TileReader(log.public_folder),
                verifier=KEY.verifier,
            )
        assert public_note(log.journal, next(log.journal.checkpoints())).count("—") == 2


def test_the_service_listens_on_loopback_and_takes_posts_only(tmp_path: Path) -> None:
    """Other addresses are refused, and other paths and methods are answered 404."""
    with Witness(tmp_path / "state.sqlite", signers=[KEY], logs=[LOG.verifier]) as witness:
        with pytest.raises(InputUnusable, match="loopback"):
            WitnessServer(witness, address="0.0.0.0", port_id=0, clock_s=lambda: START_S)  # noqa: S104
        with WitnessServer(witness, address="127.0.0.1", port_id=0, clock_s=lambda: START_S) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/add-checkpoint", timeout=5)
            thread.join()
            caught.value.close()

    assert caught.value.code == 404
