"""The audit finds any single changed byte, wherever it stands."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from truceline.adapters.log import sha256_many
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.note import Signer
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog, policy_text_of
from truceline.adapters.log.sha256_many import Hashing
from unit.log.made_log import ORIGIN, START_S, clock_ms, made_log, records

FLIPS_COUNT = 40
LONG_FLIPS_COUNT = 10_000
COPIED = ("policy.txt", "writer.lock")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a closed log with records, contradictions, erasures, a rotation and a stamp."""
    folder = tmp_path_factory.mktemp("audited")
    with made_log(folder) as log:
        publisher = log.publisher()
        publisher.append_and_publish([*records(90), LogRecord(b"other bytes", "store", 3)], time_s=START_S)
        log.journal.erase(log.leaf_indexes(records(90)[5].body), reason="protection")
        log.rotate(time_s=START_S)
        published = publisher.publish(time_s=START_S + 60)
        log.journal.put_stamp(published.checkpoint.size_count, b"stamp bytes")
    return folder / "log"


def evidence_files(folder: Path) -> list[Path]:
    """List the files of a log whose every byte is evidence or shown as such."""
    found = [folder / "log.sqlite", *(path for path in (folder / "public").rglob("*") if path.is_file())]
    return sorted(path for path in found if path.stat().st_size)


def flip(path: Path, offset: int, change: int) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[offset] ^= change
    path.write_bytes(bytes(content))


def unseen_flips(sound: Path, folder: Path, *, seed: int, count: int) -> list[tuple[str, int, int]]:
    """Give the changes, of so many random ones, that an audit does not find."""
    chance = random.Random(seed)  # noqa: S311  (places to change, nothing secret)
    shutil.copytree(sound, folder)
    originals = {path: path.read_bytes() for path in evidence_files(folder)}
    places = list(originals)
    unseen = []
    for _ in range(count):
        path = chance.choice([*places, folder / "log.sqlite"])
        offset, change = chance.randrange(len(originals[path])), chance.randrange(1, 256)
        flip(path, offset, change)
        if not audit_log(folder).faults:
            unseen.append((path.name, offset, change))
        for leftover in folder.glob("log.sqlite-*"):
            leftover.unlink()
        for original, content in originals.items():
            original.write_bytes(content)
    return unseen


def test_a_sound_log_has_no_faults(sound: Path) -> None:
    """What nobody touched is sound, as often as it is asked, and is counted whole."""
    reports = [audit_log(sound) for _ in range(2)]

    assert [report.faults for report in reports] == [(), ()]
    assert (reports[0].leaf_count, reports[0].checkpoint_count, reports[0].erased_count) == (512, 2, 1)


@pytest.mark.parametrize("single_most_count", [0, 1 << 60], ids=["compiled", "singly"])
def test_any_changed_byte_is_found(
    sound: Path, tmp_path: Path, single_most_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No single changed byte of journal, tiles, bundles, bodies or checkpoint passes the audit, however it hashes."""
    monkeypatch.setattr(sha256_many, "HASHING", Hashing(sha256_many._load))
    monkeypatch.setattr(sha256_many, "SINGLE_MOST_COUNT", single_most_count)

    assert unseen_flips(sound, tmp_path / "log", seed=5, count=FLIPS_COUNT) == []


@pytest.mark.long
def test_any_of_many_changed_bytes_is_found(sound: Path, tmp_path: Path) -> None:
    """No single changed byte passes, over 10,000 random places."""
    assert unseen_flips(sound, tmp_path / "log", seed=6, count=LONG_FLIPS_COUNT) == []


def test_missing_and_added_files_are_found(sound: Path, tmp_path: Path) -> None:
    """A public file that was removed, and one that was added, are both said."""
    for number, path in enumerate(evidence_files(sound)):
        if path.name == "log.sqlite" or path.parent.suffix == ".p":  # partial tiles of earlier sizes may go
            continue
        folder = tmp_path / f"without {number}"
        shutil.copytree(sound, folder)
        (folder / path.relative_to(sound)).unlink()

        assert audit_log(folder).faults
    shutil.copytree(sound, tmp_path / "with")
    (tmp_path / "with" / "public" / "more").write_text("?")

    assert any("belongs to no log" in fault for fault in audit_log(tmp_path / "with").faults)


def test_rows_rewritten_with_their_digests_are_found(sound: Path, tmp_path: Path) -> None:
    """Whoever changes a body and mends every digest in the database is found by the leaf that commits to it."""
    from hashlib import sha256

    from truceline.adapters.log.rows import SECRET_BYTES, row_digest

    shutil.copytree(sound, tmp_path / "log")
    with EvidenceLog.open(tmp_path / "log", clock_ms=clock_ms) as log:
        batch = next(log.journal.batches(first_leaf_index=1))
        bodies = b"Store" + batch.bodies[5:]
        body = bodies[: batch.body_lengths()[0]]
        secrets = batch.secrets[:32] + sha256(body).digest() + batch.secrets[SECRET_BYTES:]
        connection, index = log.journal._connection, batch.batch_index
        connection.execute(
            "UPDATE payload SET bodies = ?, digest = ? WHERE batch_index = ?",
            (bodies, row_digest(index, batch.lengths, bodies), index),
        )
        connection.execute(
            "UPDATE secret SET secrets = ?, digest = ? WHERE batch_index = ?",
            (secrets, row_digest(index, secrets), index),
        )

    assert audit_log(tmp_path / "log").faults == ("leaf 1 does not commit to its salt and hash",)


def test_the_auditors_own_policy_counts(sound: Path) -> None:
    """A log that is sound in itself fails under a policy that names other keys or asks for an absent witness."""
    with EvidenceLog.open(sound, read_only=True) as log:
        vkeys = log.journal.key_sets()[-1].vkeys
    witness = Signer.cosigner("witness.example/1", bytes(32))
    strangers = [Signer.ed25519(ORIGIN, bytes(32)).vkey]
    unwitnessed = policy_text_of(vkeys, [f"witness w {witness.vkey}", "quorum w"])

    assert audit_log(sound, policy=Policy.parse(policy_text_of(vkeys, []))).faults == ()
    for text in (policy_text_of(strangers, []), unwitnessed):
        assert any("does not satisfy" in fault for fault in audit_log(sound, policy=Policy.parse(text)).faults)
