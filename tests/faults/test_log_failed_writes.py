"""The table of a log's durable writes: each fails, half done, or done and said to have failed; nothing is lost."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from faults.failing_disk import FOREVER_COUNT, FailingDisk, failing
from faults.log_checks import hold_log
from faults.log_work import ORIGIN, TIME_S, begin, records_of
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.note import Signer
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.publisher import publish_note
from truceline.adapters.log.rebuild import rebuild_public
from truceline.adapters.log.service import EvidenceLog, create_log, write_policy
from truceline.errors import StoreUnavailable, TrucelineError

WRITE_KINDS = ("journal write", "journal sync", "file write", "file sync", "rename")
HOWS = ("not done", "half done", "done")


def publish(log: EvidenceLog, said: list[str]) -> None:
    """Commit a batch and publish it, saying each."""
    log.journal.append(records_of(1))
    said.append("batch 1")
    published = log.publisher().publish(time_s=TIME_S + 1)
    said.append(f"checkpoint {published.checkpoint.size_count} {published.checkpoint.root.hex()}")
    said.extend(["rebuilt"] if published.is_rebuilt else [])


def rotate(log: EvidenceLog, said: list[str]) -> None:
    """Change the keys and publish under both."""
    log.rotate(time_s=TIME_S + 1)
    publish(log, said)


def cosign(log: EvidenceLog, said: list[str]) -> None:
    """Keep a line of a witness and show it."""
    newest = log.journal.newest_checkpoint()
    assert newest is not None
    signer = Signer.ed25519("witness.example/w", b"w" * 32)
    line = signer.sign(newest.note.split("\n\n")[0] + "\n").line()
    log.journal.put_cosignatures(newest.size_count, [line])
    publish_note(log.journal, newest, log.public_folder)
    said.append("cosigned")


def stamp(log: EvidenceLog, said: list[str]) -> None:
    """Keep a time-stamp."""
    log.journal.put_stamp(256, b"an answer")
    said.append("stamped")


def erase(log: EvidenceLog, said: list[str]) -> None:
    """Erase the body of a leaf that is not looked at later."""
    log.journal.erase([0], reason="protection of a witness")
    said.append("erased")


def change_policy(log: EvidenceLog, said: list[str]) -> None:
    """Put another policy in place."""
    write_policy(log.path, f"# another\n{log.policy_text}")
    said.append("policy")


def rebuild(log: EvidenceLog, said: list[str]) -> None:
    """Make damaged and lost files again."""
    (log.public_folder / "tile/0/000").write_bytes(b"torn")
    (log.public_folder / "tile/entries/000").unlink(missing_ok=True)
    rebuild_public(log.journal, log.public_folder)
    said.append("rebuilt")


class Act(NamedTuple):
    """What is done to a log, and the kinds of writes that it does."""

    do: Callable[[EvidenceLog, list[str]], None]
    kinds: tuple[str, ...]


JOURNAL_KINDS = ("journal write", "journal sync")
FILE_KINDS = ("file write", "file sync", "rename")
ACTS = {
    "publish": Act(publish, WRITE_KINDS),
    "rotate": Act(rotate, WRITE_KINDS),
    "cosign": Act(cosign, WRITE_KINDS),
    "stamp": Act(stamp, JOURNAL_KINDS),
    "erase": Act(erase, JOURNAL_KINDS),
    "change_policy": Act(change_policy, FILE_KINDS),
    "rebuild": Act(rebuild, FILE_KINDS),
}
CASES = [(name, kind) for name, act in ACTS.items() for kind in act.kinds]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a log that has published one batch, to be copied."""
    folder = tmp_path_factory.mktemp("published")
    begin(folder)
    with EvidenceLog.open(folder / "log") as log:
        log.publisher().append_and_publish(records_of(0), time_s=TIME_S)
    return folder


def _acted(folder: Path, act: Act, disk: FailingDisk, fails_at_index: int) -> tuple[list[str], str]:
    """Do an act on a failing disk; give what was acknowledged, and what was complained of."""
    said, complaint = ["batch 0"], ""
    with failing(disk):
        log = EvidenceLog.open(folder / "log")
        newest = log.journal.newest_checkpoint()
        assert newest is not None
        said.append(f"checkpoint {newest.size_count} {newest.root.hex()}")
        disk.call_count, disk.fails_at_index = 0, fails_at_index
        try:
            act.do(log, said)
        except StoreUnavailable as error:
            complaint = str(error)
        call_count, disk.fails_at_index = disk.call_count, FOREVER_COUNT
        log.close()
    disk.call_count = call_count
    return said, complaint


def _hold_failure(work: Path, published: Path, act: Act, disk: FailingDisk, index: int) -> None:
    shutil.copytree(published, work)
    said, complaint = _acted(work, act, disk, index)
    assert disk.failure_count == 1
    assert complaint or said[-1] == "rebuilt", "a failed write was passed over in silence"
    assert not complaint or str(work) in complaint
    assert not complaint or "disk" in complaint or "space" in complaint or "rror" in complaint
    Policy.parse((work / "log" / "policy.txt").read_bytes())
    with EvidenceLog.open(work / "log") as log:
        log.publisher().resume()
        act.do(log, said)
    hold_log(work, said)
    shutil.rmtree(work)


def _count(work: Path, published: Path, act: Act, kind: str) -> int:
    shutil.copytree(published, work)
    disk = FailingDisk(kind, errno.EIO)
    _, complaint = _acted(work, act, disk, FOREVER_COUNT)
    assert complaint == ""
    assert disk.call_count > 0, "the table names a kind of write that the act does not do"
    return disk.call_count


def _disk(kind: str, how: str, error_number: int) -> FailingDisk:
    disk = FailingDisk(kind, error_number)
    disk.cut, disk.written = how == "half done", how == "done"
    return disk


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_failed_write_of_a_log_is_said_and_loses_nothing(
    tmp_path: Path, published: Path, name: str, kind: str
) -> None:
    """Whether a first or a last write fails, what was acknowledged stands, and the same again works."""
    act, case_index = ACTS[name], CASES.index((name, kind))
    count = _count(tmp_path / "counted", published, act, kind)
    for place, index in enumerate(sorted({0, count - 1})):
        how = HOWS[(case_index + place) % len(HOWS)]
        error_number = (errno.ENOSPC, errno.EIO)[(case_index + place) % 2]
        _hold_failure(tmp_path / "work", published, act, _disk(kind, how, error_number), index)


@pytest.mark.long
@pytest.mark.parametrize("error_number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_failed_write_of_a_log_is_said_and_loses_nothing(
    tmp_path: Path, published: Path, name: str, kind: str, how: str, error_number: int
) -> None:
    """The same for every write, in every way."""
    for index in range(_count(tmp_path / "counted", published, ACTS[name], kind)):
        _hold_failure(tmp_path / "work", published, ACTS[name], _disk(kind, how, error_number), index)


def _create(path: Path) -> None:
    create_log(path, origin=ORIGIN, clock_ms=lambda: TIME_S * 1_000)


def _hold_making(folder: Path, disk: FailingDisk, index: int) -> None:
    """Make a log on a failing disk: afterwards there is a whole one, or none, and then making it again works."""
    path = folder / str(index)
    disk.call_count, disk.fails_at_index, disk.failure_count = 0, index, 0
    with failing(disk):
        try:
            _create(path)
        except StoreUnavailable as error:
            assert str(path) in str(error)  # noqa: PT017 -- a write of the closing may be made good at once
    assert disk.failure_count == 1
    try:
        _create(path)
    except StoreUnavailable as error:
        assert "is not empty" in str(error)  # noqa: PT017 -- then it must be whole
    with EvidenceLog.open(path) as log:
        log.publisher().append_and_publish(records_of(0), time_s=TIME_S)
    assert audit_log(path).faults == ()


def _making_count(folder: Path, kind: str) -> int:
    disk = FailingDisk(kind, errno.EIO)
    with failing(disk):
        _create(folder / "counted")
    return disk.call_count


@pytest.mark.parametrize("kind", WRITE_KINDS)
def test_a_log_whose_making_fails_is_whole_or_not_there(tmp_path: Path, kind: str) -> None:
    """Whether an early or the last write of `log init` fails, no half of a log stands there, and again works."""
    count = _making_count(tmp_path, kind)
    for index in sorted({count // 2, count - 1}):
        _hold_making(tmp_path, _disk(kind, HOWS[index % 3], errno.ENOSPC), index)


@pytest.mark.long
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", WRITE_KINDS)
def test_a_log_whose_making_fails_anywhere_is_whole_or_not_there(tmp_path: Path, kind: str, how: str) -> None:
    """The same for every write."""
    for index in range(_making_count(tmp_path, kind)):
        _hold_making(tmp_path, _disk(kind, how, errno.EIO), index)


def test_what_was_not_left_by_a_making_is_never_removed(tmp_path: Path) -> None:
    """A folder with anything else in it is refused as it is; a log whose journal was taken away keeps its keys."""
    begin(tmp_path)
    (tmp_path / "log" / "log.sqlite").unlink()
    before = sorted(path.name for path in (tmp_path / "log").rglob("*"))

    with pytest.raises(StoreUnavailable, match="is not empty"):
        _create(tmp_path / "log")
    assert before == sorted(path.name for path in (tmp_path / "log").rglob("*"))


@pytest.mark.parametrize("clock_step_s", [-86_400, 86_400])
def test_a_clock_that_jumps_leaves_a_log_sound(tmp_path: Path, clock_step_s: int) -> None:
    """Whichever way the clock jumps between two openings, leaves' times never go back and the audit finds nothing."""
    begin(tmp_path)
    for step_index in range(3):
        now_ms = (TIME_S + step_index * clock_step_s) * 1_000
        with EvidenceLog.open(tmp_path / "log", clock_ms=lambda now_ms=now_ms: now_ms) as log:
            log.publisher().append_and_publish(records_of(step_index), time_s=now_ms // 1_000)
            entries = [entry for batch in log.journal.batches() for entry in batch.entries()]
    times = [int.from_bytes(entry[2:10], "big") for entry in entries]

    assert times == sorted(times)
    assert hold_log(tmp_path, ["batch 0", "batch 1", "batch 2"]) == 3


def test_a_published_checkpoint_that_is_damaged_is_said(tmp_path: Path, published: Path) -> None:
    """Where it cannot be told what the world was shown, nothing is signed and the remedy is said."""
    shutil.copytree(published, tmp_path / "work")
    log_path = tmp_path / "work" / "log"
    (log_path / "public" / "checkpoint").write_bytes(b"half a check")

    with EvidenceLog.open(log_path) as log, pytest.raises(TrucelineError, match=r"is damaged.*nothing is signed"):
        log.publisher()
