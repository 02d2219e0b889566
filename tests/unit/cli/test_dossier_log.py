"""Dossier files with the proofs of a real log: what `truceline log` keeps is what both verifiers take."""

from __future__ import annotations

from pathlib import Path

import pytest

from laws.dossier_case import made_case
from truceline.adapters import verify_dossier
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog, create_log
from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.dossier.checks import dossier_of
from truceline.dossier.layout import unpack

TIME_S = 1_800_000_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a log of all that the store keeps and of one received file, published."""
    path = tmp_path_factory.mktemp("log") / "log"
    create_log(path, origin="example.org/truce", clock_ms=lambda: TIME_S * 1_000)
    received = made_case().theatre / "feeds" / "patrols.csv"
    with (
        Workspace.open(made_case().store, create=False, read_only=True) as store,
        EvidenceLog.open(path, clock_ms=lambda: TIME_S * 1_000) as opened,
    ):
        records = [LogRecord(row.body, "store", row.sequence) for row in store.rows()]
        opened.publisher().append_and_publish([*records, LogRecord(received.read_bytes(), "received")], time_s=TIME_S)
    return path


def exported(log: Path, out: Path) -> Path:
    """Export one dossier with the log's proofs and give its path."""
    name = dossier_of(unpack(made_case().files[0])).dossier_id
    given = ["--store", str(made_case().store), "--received", str(made_case().theatre), "--out", str(out)]
    assert main(["dossier", "export", *given, "--log", str(log), "--id", name]) == 0
    return out / f"{name}.dossier.zip"


def test_both_verifiers_take_the_proofs_of_a_log(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the log's own policy the file is sound, and its received file stands in the log as well."""
    path = exported(log, tmp_path)
    policy = ["--policy", str(log / "policy.txt")]
    script_code = verify_dossier.main([str(path), *policy])
    code = main(["dossier", "verify", str(path), *policy])
    said = capsys.readouterr().out

    assert (3, 0) == (script_code, code)
    assert "signed by example.org/truce" in said
    assert b'"path":"received/' in unpack(path.read_bytes())["log/index.json"]


def test_what_was_erased_in_the_log_is_not_given_on(log: Path, tmp_path: Path) -> None:
    """After the erasure of a received file no export holds its bytes, says so, and is sound without them."""
    received = made_case().theatre / "feeds" / "patrols.csv"
    with EvidenceLog.open(log) as opened:
        opened.journal.erase(opened.leaf_indexes(received.read_bytes()), reason="witness protection")
    path = exported(log, tmp_path)
    entries = unpack(path.read_bytes())

    assert received.read_bytes() not in entries.values()
    assert b'"reason":"erased"' in entries["not_held.json"]
    assert 0 == main(["dossier", "verify", str(path), "--policy", str(log / "policy.txt")])
