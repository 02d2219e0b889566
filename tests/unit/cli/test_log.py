"""`truceline log`: from a store's rows to a proof that holds without the log."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from truceline.adapters.log.keys import read_signer
from truceline.adapters.log.note import Verifier
from truceline.adapters.log.service import EvidenceLog
from truceline.adapters.log.witness import Witness
from truceline.adapters.log.witness_server import WitnessServer
from truceline.adapters.stores.journal import Journal, JournalEntry
from truceline.adapters.stores.workspace import JOURNAL_NAME, Workspace
from truceline.cli import main
from truceline.cli.dossier_log import log_view
from unit.log.made_log import START_S, clock_ms


def body_of(number: int) -> bytes:
    """Give the bytes of a made-up record."""
    return f'{{"number":{number}}}'.encode()


def put(store: Path, numbers: range) -> None:
    """Write records into a store's journal."""
    Workspace.open(store, create=True).close()
    from truceline.adapters.clock import system_now

    journal = Journal(store / JOURNAL_NAME, writing=True, clock=system_now)
    journal.append(
        JournalEntry(record_kind="finding", record_id=str(n), schema_name="finding/1", body=body_of(n)) for n in numbers
    )
    journal.close()


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """Give a folder with a store of ten records and a log that has published them."""
    put(tmp_path / "store", range(10))
    log = ("--log", str(tmp_path / "log"))
    assert main(["log", "init", *log, "--origin", "log.example/cli"]) == 0
    assert main(["log", "add", *log, "--store", str(tmp_path / "store")]) == 0
    assert main(["log", "publish", *log]) == 0
    return tmp_path


def test_rows_are_logged_once_and_new_ones_follow(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Adding a store again logs only what it got since, wherever the store lies by then."""
    shutil.move(logged / "store", logged / "moved")
    put(logged / "moved", range(10, 13))
    capsys.readouterr()
    code = main(["log", "add", "--log", str(logged / "log"), "--store", str(logged / "moved")])

    assert code == 0
    assert "3 rows of" in capsys.readouterr().out


def test_an_edited_store_is_a_contradiction(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row with other bytes than those logged is logged beside them, and said."""
    put(logged / "forged" / "store", range(1))
    put(logged / "forged" / "store", range(20, 29))
    code = main(["log", "add", "--log", str(logged / "log"), "--store", str(logged / "forged" / "store")])

    assert code == 1
    assert "contradiction: 9 rows" in capsys.readouterr().out


def test_a_proof_holds_without_the_log(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prove` gives all that `verify` needs; other bytes, or a policy that asks for a witness, are refused."""
    body, proof = logged / "body.json", logged / "proof"
    body.write_bytes(body_of(4))
    assert main(["log", "prove", "--log", str(logged / "log"), "--body", str(body), "--out", str(proof)]) == 0
    shutil.rmtree(logged / "log")
    verify = ["log", "verify", "--proof", str(proof), "--policy", str(proof / "policy.txt"), "--body", str(body)]
    holds = main(verify)
    body.write_bytes(body_of(5))
    refused = main(verify)

    assert (holds, refused) == (0, 1)
    assert "refused: the leaf commits to other bytes" in capsys.readouterr().out


def test_an_audit_says_what_was_changed_and_who_witnessed(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sound log answers 0 and says since when it is unwitnessed; a changed tile answers 1."""
    sound = main(["log", "audit", "--log", str(logged / "log")])
    said = capsys.readouterr().out
    bundle = next((logged / "log" / "public" / "tile" / "entries").glob("*"))
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"?")
    changed = main(["log", "audit", "--log", str(logged / "log")])

    assert (sound, changed) == (0, 1)
    assert "unwitnessed since" in said
    assert "is not what the journal's entries lead to" in capsys.readouterr().out


def test_an_erased_record_is_in_no_export(logged: Path) -> None:
    """After an erasure neither proof nor export finds the record, its hash is named, and the audit is sound."""
    body = logged / "body.json"
    body.write_bytes(body_of(4))
    with log_view(logged / "log") as view:
        before = view.find(body_of(4))
    log = ("--log", str(logged / "log"))
    erased = main(["log", "erase", *log, "--body", str(body), "--reason", "protection"])
    again = main(["log", "erase", *log, "--body", str(body), "--reason", "protection"])
    with log_view(logged / "log") as view:
        after, erased_sha256s = view.find(body_of(4)), view.erased_sha256s

    assert before is not None
    assert before.salt is not None
    assert (erased, again != 0) == (0, True)
    assert after is None
    assert len(erased_sha256s) == 1
    assert main(["log", "audit", *log]) == 0


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Run a witness of a log while the block lasts, and give its port."""
    with EvidenceLog.open(folder / "log", read_only=True, clock_ms=clock_ms) as log:
        logs = [Verifier.from_vkey(vkey) for vkey in log.journal.key_sets()[0].vkeys]
    with (
        Witness(folder / "state.sqlite", signers=[read_signer(folder / "w1.skey")], logs=logs) as witness,
        WitnessServer(witness, address="127.0.0.1", port_id=0, clock_s=lambda: START_S) as server,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_policys_witness_is_asked(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A witness of the policy cosigns over HTTP, the audit under that policy holds, and without it the log says so."""
    log = ("--log", str(logged / "log"))
    assert main(["log", "witness-key", "--name", "w.example/1", "--out", str(logged / "w1.skey")]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    policy = logged / "policy"
    with served(logged) as port_number:
        own = (logged / "log" / "policy.txt").read_text().replace("quorum none\n", "")
        policy.write_text(f"{own}{line} http://127.0.0.1:{port_number}\nquorum {line.split()[1]}\n")
        assert main(["log", "policy", *log, "--set", str(policy)]) == 0
        unwitnessed = main(["log", "audit", *log, "--policy", str(policy)])
        cosigned = main(["log", "cosign", *log])
    witnessed = main(["log", "audit", *log, "--policy", str(policy)])
    unreachable = main(["log", "cosign", *log])

    assert (unwitnessed, cosigned, witnessed, unreachable) == (1, 0, 0, 0)
    assert "not cosigned" in capsys.readouterr().out


def test_keys_change_and_old_proofs_still_hold(logged: Path) -> None:
    """After a rotation the audit holds, and the policy names old and new keys for the overlap."""
    log = ("--log", str(logged / "log"))
    codes = [main(["log", *step, *log]) for step in (["rotate"], ["publish"], ["publish"], ["audit"])]
    keys = [line for line in (logged / "log" / "policy.txt").read_text().splitlines() if line.startswith("log ")]

    assert codes == [0, 0, 0, 0]
    assert len(keys) == 4
