"""The table of writes of single files: keys, records, states, outputs, a witness's state: whole, or as they were."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from faults.failing_disk import FOREVER_COUNT, FailingDisk, failing
from faults.witness_work import KEY, LEAVES, LOG, SIZES, request_of
from truceline.adapters.log.keys import read_signer, write_key_file, write_keys
from truceline.adapters.log.service import write_policy
from truceline.adapters.log.tree import root_of
from truceline.adapters.log.witness import Witness
from truceline.adapters.office_keys import OfficeKey
from truceline.adapters.office_keys import read_key as read_office_key
from truceline.adapters.segments.files import (
    KeyFile,
    add_officer,
    read_key,
    read_officers,
    read_records,
    read_state,
    write_key,
    write_record,
    write_state,
)
from truceline.adapters.segments.receiver import Receiver
from truceline.cli.output import write_bytes
from truceline.errors import StoreUnavailable
from truceline.testing.segment_world import enrolment_of, officers, registry, simulated_sensor
from truceline.testing.simulated_disk import DiskFaults, SimulatedDisk

FILE_KINDS = ("file write", "file sync", "rename")
JOURNAL_KINDS = ("journal write", "journal sync")
HOWS = ("not done", "half done", "done")
SENSOR = simulated_sensor("one")
DEVICE_KEY = KeyFile(signing_seed="11" * 32, exchange_secret="22" * 32)


def cosign(folder: Path, size_index: int) -> None:
    """Have a witness cosign the next size, as a process of its own would."""
    old = SIZES[size_index - 1] if size_index else 0
    with Witness(folder / "state.sqlite", signers=[KEY], logs=[LOG.verifier]) as witness:
        known, _ = witness.cosigned(LOG.verifier.name)
        if known < SIZES[size_index]:
            answer = witness.answer(request_of(old, SIZES[size_index]), time_s=1)
            assert answer.status == 200


def read_cosigned(folder: Path) -> object:
    """Give what a witness remembers; it has to be a prefix of the honest log."""
    with Witness(folder / "state.sqlite", signers=[KEY], logs=[LOG.verifier]) as witness:
        size_count, root = witness.cosigned(LOG.verifier.name)
    assert root == root_of(LEAVES[:size_count]), "a witness remembers what nobody showed it"
    return size_count


class Act(NamedTuple):
    """A way to bring about what stands before and what after, how it is read, and the kinds of writes it does."""

    before: Callable[[Path], object]
    act: Callable[[Path], object]
    read: Callable[[Path], object]
    kinds: tuple[str, ...] = FILE_KINDS


def nothing(folder: Path) -> None:
    """Leave the folder empty."""


def _read_if_there(path: Path, read: Callable[[Path], object]) -> object:
    return read(path) if path.exists() else None


ACTS = {
    "log keys": Act(
        nothing,
        lambda folder: write_keys(folder / "keys", [LOG, KEY]),
        lambda folder: [read_signer(path).vkey for path in sorted((folder / "keys").glob("*.skey"))],
    ),
    "witness key": Act(
        nothing,
        lambda folder: write_key_file(folder / "w.skey", KEY),
        lambda folder: _read_if_there(folder / "w.skey", lambda path: read_signer(path).vkey),
    ),
    "sensor key": Act(
        nothing,
        lambda folder: write_key(folder / "sensor.key", DEVICE_KEY),
        lambda folder: _read_if_there(folder / "sensor.key", read_key),
    ),
    "office key": Act(
        nothing,
        lambda folder: OfficeKey(b"o" * 32).write(folder / "office.key"),
        lambda folder: _read_if_there(folder / "office.key", lambda path: read_office_key(path).key_id),
    ),
    "policy": Act(
        lambda folder: write_policy(folder, "quorum none\n"),
        lambda folder: write_policy(folder, "# another\nquorum none\n"),
        lambda folder: (folder / "policy.txt").read_text(),
    ),
    "registry record": Act(
        nothing,
        lambda folder: write_record(folder / "registry", enrolment_of(SENSOR)),
        lambda folder: read_records(folder / "registry"),
    ),
    "officers": Act(
        lambda folder: add_officer(folder / "officers.json", officers()[0][0]),
        lambda folder: add_officer(folder / "officers.json", officers()[1][0]),
        lambda folder: read_officers(folder / "officers.json"),
    ),
    "chains": Act(
        lambda folder: write_state(folder / "state", Receiver(registry([])).state()),
        lambda folder: write_state(folder / "state", Receiver(registry([SENSOR])).state()),
        lambda folder: read_state(folder / "state"),
    ),
    "output": Act(
        lambda folder: write_bytes(folder / "out.json", b"before"),
        lambda folder: write_bytes(folder / "out.json", b"after" * 1_000),
        lambda folder: (folder / "out.json").read_bytes(),
    ),
    "output in new folders": Act(
        nothing,
        lambda folder: write_bytes(folder / "a" / "b" / "out.json", b"after" * 1_000),
        lambda folder: _read_if_there(folder / "a" / "b" / "out.json", Path.read_bytes),
    ),
    "witness state": Act(
        lambda folder: cosign(folder, 0), lambda folder: cosign(folder, 1), read_cosigned, JOURNAL_KINDS
    ),
}
CASES = [(name, kind) for name, act in ACTS.items() for kind in act.kinds]


def _begun(folder: Path, act: Act) -> Path:
    folder.mkdir()
    act.before(folder)
    return folder


def _acted(folder: Path, act: Act, disk: FailingDisk, index: int) -> str:
    disk.fails_at_index = index
    with failing(disk):
        try:
            act.act(folder)
        except StoreUnavailable as error:
            return str(error)
    return ""


def _hold_table(tmp_path: Path, act: Act, kind: str, hows: tuple[str, ...]) -> None:
    before = act.read(_begun(tmp_path / "before", act))
    counting = FailingDisk(kind, errno.EIO)
    sound = _begun(tmp_path / "sound", act)
    assert _acted(sound, act, counting, FOREVER_COUNT) == ""
    after = act.read(sound)
    assert counting.call_count > 0, "the table names a kind of write that the act does not do"
    assert before != after
    for index in range(counting.call_count):
        for how_index, how in enumerate(hows):
            disk = FailingDisk(kind, (errno.ENOSPC, errno.EIO)[(index + how_index) % 2])
            disk.cut, disk.written = how == "half done", how == "done"
            folder = _begun(tmp_path / f"{index} {how}", act)
            complaint = _acted(folder, act, disk, index)
            _hold_outcome(folder, act, (before, after), complaint)


def _hold_outcome(folder: Path, act: Act, either: tuple[object, object], complaint: str) -> None:
    """Hold that what is read is of before or after, that a failure was said, and that the same again works."""
    found, after = act.read(folder), either[1]
    is_partly = isinstance(after, list) and isinstance(found, list) and all(entry in after for entry in found)
    assert found in either or is_partly, "half of something is shown"
    assert complaint or found == after, "a failed write was passed over in silence"
    assert not complaint or str(folder) in complaint
    if is_partly and found != after:  # of two keys one stands, whole: the making is done again from the beginning
        shutil.rmtree(folder / "keys", ignore_errors=True)
    act.act(folder)
    assert act.read(folder) == after


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_failed_write_of_a_file_leaves_what_was_there_or_the_whole_new_one(
    tmp_path: Path, name: str, kind: str
) -> None:
    """Whichever write fails, what stands under its name is old or new and whole, and the same again works."""
    hows = (HOWS[CASES.index((name, kind)) % 3],)
    _hold_table(tmp_path, ACTS[name], kind, HOWS if name != "witness state" else hows)


@pytest.mark.long
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", JOURNAL_KINDS)
def test_a_failed_write_of_a_witness_leaves_what_it_cosigned(tmp_path: Path, kind: str, how: str) -> None:
    """The same for a witness, in every way."""
    _hold_table(tmp_path, ACTS["witness state"], kind, (how,))


def test_a_witness_goes_on_after_a_failed_write(tmp_path: Path) -> None:
    """A service whose disk failed once gives no cosignature then, and the right one when it is asked again."""
    disk = FailingDisk("journal sync", errno.EIO)
    with failing(disk), Witness(tmp_path / "state.sqlite", signers=[KEY], logs=[LOG.verifier]) as witness:
        witness.answer(request_of(0, SIZES[0]), time_s=1)
        disk.fails_at_index = disk.call_count
        with pytest.raises(StoreUnavailable, match="failed to read or write"):
            witness.answer(request_of(SIZES[0], SIZES[1]), time_s=1)

        assert witness.answer(request_of(SIZES[0], SIZES[1]), time_s=1).status == 200
        assert witness.cosigned(LOG.verifier.name)[0] == SIZES[1]


def _lose_power_often(folder: Path, act: Act, seeds: range) -> tuple[int, int]:
    """Act on a disk that ends and loses power; give how often the old and how often the new stood there after."""
    before = act.read(_begun(folder / "before", act))
    sound = _begun(folder / "sound", act)
    act.act(sound)
    after = act.read(sound)
    outcomes = [0, 0]
    for seed in seeds:
        place = _begun(folder / str(seed), act)
        faults = DiskFaults(failure_probability=0.0, end_probability=0.08, power_loss_share=1.0)
        disk = SimulatedDisk(np.random.default_rng(seed), faults)
        acknowledged = False
        with disk.installed():
            disk.armed = True
            with contextlib.suppress(StoreUnavailable):
                act.act(place)
                acknowledged = True
            disk.armed, disk.ended = False, True
            disk.restart()
        found = act.read(place)
        is_partly = isinstance(found, list) and isinstance(after, list) and all(entry in after for entry in found)
        assert found == after if acknowledged else found in (before, after) or is_partly, f"seed={seed}: {found}"
        outcomes[found == after] += 1
    return outcomes[0], outcomes[1]


LOSSES = [name for name in ACTS if name != "output in new folders"]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_power_takes_no_file_that_was_acknowledged(tmp_path: Path, name: str) -> None:
    """After a loss of power a key, record, state or output that was acknowledged is there; another is old or whole."""
    old_count, new_count = _lose_power_often(tmp_path, ACTS[name], range(4 if name == "witness state" else 40))

    assert new_count > 0
    assert old_count + new_count > 3


@pytest.mark.long
@pytest.mark.parametrize("name", LOSSES)
def test_many_losses_of_power_take_no_file_that_was_acknowledged(tmp_path: Path, name: str) -> None:
    """The same, 500 times each."""
    old_count, new_count = _lose_power_often(tmp_path, ACTS[name], range(500))

    assert min(old_count, new_count) > 0


@pytest.mark.parametrize("left_out", ["fsync of files", "fsync of folders"])
def test_a_file_that_was_synced_less_would_be_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    """The test above can fail: with either sync left out, some loss takes a file that was acknowledged."""
    sync = SimulatedDisk._sync

    def careless(self: SimulatedDisk, descriptor: int) -> None:
        is_folder = Path(f"/proc/self/fd/{descriptor}").readlink().is_dir()
        if is_folder != (left_out == "fsync of folders"):
            sync(self, descriptor)

    monkeypatch.setattr(SimulatedDisk, "_sync", careless)

    with pytest.raises((AssertionError, StoreUnavailable, ValueError)):
        _lose_power_often(tmp_path, ACTS["output"], range(40))
