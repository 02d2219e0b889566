"""The commands around dossier files: export, verify, recompute and reply."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from laws.dossier_case import POLICY, made_case
from truceline.adapters.dossier_files import read_dossier_file
from truceline.adapters.source_tree import source_tree_sha256
from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.dossier.checks import dossier_of, manifest_of
from truceline.dossier.contents import PartyReplies
from truceline.dossier.layout import unpack

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "verify_dossier.py"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the made-up store, to be written to."""
    return Path(shutil.copytree(made_case().store, tmp_path_factory.mktemp("copy") / "store"))


@pytest.fixture(scope="module")
def chosen() -> str:
    """Name a dossier of the store."""
    return dossier_of(unpack(made_case().files[0])).dossier_id


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a dossier file with proofs, and the policy beside it."""
    (tmp_path / "policy.txt").write_text(POLICY)
    path = tmp_path / "one.dossier.zip"
    path.write_bytes(made_case().files[0])
    return path


def test_what_is_exported_is_verified(
    store: Path, chosen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is named by its dossier, and re-computed from the observations on; a log that was not named is said."""
    given = ["--store", str(store), "--received", str(made_case().theatre), "--out", str(tmp_path / "out")]
    code = main(["dossier", "export", *given, "--id", chosen])
    path = tmp_path / "out" / f"{chosen}.dossier.zip"
    verified = main(["dossier", "verify", str(path)])
    said = capsys.readouterr().out

    assert [0, 0] == [code, verified]
    assert "SYNTHETIC" in said.splitlines()[0]
    assert "1 from the observations on" in said
    assert f"{path.name}: sound" in said
    assert "--   log" in said


def test_verify_says_what_the_policy_asks_and_takes_the_worst(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sound file and one that is none end with the code of the worse, and each has its lines."""
    (tmp_path / "none").write_bytes(b"none")
    policy = ["--policy", str(tmp_path / "policy.txt")]

    assert 0 == main(["dossier", "verify", str(file), *policy])
    assert "cosigned by W0, W1, as the policy asks" in capsys.readouterr().out
    assert 1 == main(["dossier", "verify", str(tmp_path / "none"), str(file), *policy])
    assert "FAIL" in capsys.readouterr().out


def test_recompute_prints_this_program_and_the_bytes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line says which code it was and what was reached; what follows are the dossier's bytes."""
    code = main(["dossier", "recompute", str(file)])
    head, _, body = capsys.readouterr().out.partition("\n")

    assert (0, "event") == (code, msgspec.json.decode(head)["level"])
    assert source_tree_sha256() == msgspec.json.decode(head)["code_tree_sha256"]
    assert read_dossier_file(file)["dossier.json"] == body.encode()


def test_the_script_re_computes_with_a_python_of_the_same_code(file: Path, tmp_path: Path) -> None:
    """Run apart, with a policy and a Python that has this very code, the script ends with 0; without one, with 3."""
    if source_tree_sha256.__wrapped__() != manifest_of(read_dossier_file(file)).code_tree_sha256:
        pytest.skip("the source was changed while the tests ran, so no Python has the code that made the file")
    command = [sys.executable, "-I", str(SCRIPT), str(file), "--policy", str(tmp_path / "policy.txt")]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    again = [*command, "--python", sys.executable]
    whole = subprocess.run(again, capture_output=True, text=True, check=False)  # noqa: S603

    assert (3, 0) == (alone.returncode, whole.returncode)
    assert "NOT RE-COMPUTED" in alone.stdout
    assert "re-computed to the same bytes; level reached: event" in whole.stdout


@pytest.mark.parametrize("python", ["/nowhere/python", shutil.which("true")])
def test_the_script_says_where_nothing_was_re_computed(file: Path, python: str) -> None:
    """A Python that is none, or that does not answer, is no proof of anything."""
    command = [sys.executable, "-I", str(SCRIPT), str(file), "--python", python]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert (3, True) == (done.returncode, "NOT RE-COMPUTED" in done.stdout)


def test_a_reply_stands_in_the_file_once(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reply is kept word for word, once however often it is given, and the other party's absence is said."""
    dossier = dossier_of(unpack(made_case().files[1]))
    (tmp_path / "reply.txt").write_text("It was not us.\n")
    given = ["--store", str(store), "--event", dossier.event.event_id, "--party", "B"]
    codes = [main(["dossier", "reply", *given, "--file", str(tmp_path / "reply.txt")]) for _ in range(2)]
    options = ["--store", str(store), "--out", str(tmp_path), "--id", dossier.dossier_id]
    main(["dossier", "export", *options])
    entries = read_dossier_file(tmp_path / f"{dossier.dossier_id}.dossier.zip")
    first, second = msgspec.json.decode(entries["replies.json"], type=tuple[PartyReplies, ...])
    with Workspace.open(store, create=False, read_only=True) as opened:
        kept_count = opened.record_count("party_reply")

    assert ([0, 0], 1) == (codes, kept_count)
    assert ("A", 0, "B", 1) == (first.party, len(first.replies), second.party, len(second.replies))
    assert b"It was not us." in entries[f"replies/{second.replies[0].record_sha256}"]
    assert manifest_of(entries).through_sequence > manifest_of(unpack(made_case().files[1])).through_sequence
    assert 0 == main(["dossier", "verify", str(tmp_path / f"{dossier.dossier_id}.dossier.zip")])
    assert "reply of B: 1 replies" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("event", "party", "content", "reason"),
    [
        ("event-none", "A", b"x", "is no event"),
        ("", "C", b"x", "is not one of A, B"),
        ("", "A", b"", "outside"),
        ("", "A", b"\xff", "not UTF-8"),
    ],
)
def test_a_reply_that_fits_nothing_is_refused(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], event: str, party: str, content: bytes, reason: str
) -> None:
    """An unknown event or party, an empty reply or one that is no text is refused with the reason."""
    (tmp_path / "reply.txt").write_bytes(content)
    known = dossier_of(unpack(made_case().files[1])).event.event_id
    given = ["--store", str(store), "--event", event or known, "--party", party]

    assert 1 == main(["dossier", "reply", *given, "--file", str(tmp_path / "reply.txt")])
    assert reason in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing policy and a missing dossier file are named."""
    assert 1 == main(["dossier", "verify", str(tmp_path / "x"), "--policy", str(tmp_path / "y")])
    assert "cannot be read" in capsys.readouterr().err
    assert 1 == main(["dossier", "verify", str(tmp_path / "x")])
    assert "cannot be read" in capsys.readouterr().out
