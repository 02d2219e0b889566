"""One byte changed anywhere in a log's journal, with its payloads, or in what it publishes is found by the audit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faults.log_work import begin, go_on
from truceline.adapters.log.audit import audit_log
from truceline.errors import TrucelineError


def _is_found(log: Path) -> bool:
    try:
        return bool(audit_log(log).faults)
    except TrucelineError:
        return True


def _hold_every_change_is_found(tmp_path: Path, *, trial_count: int, seed_index: int) -> None:
    begin(tmp_path)
    go_on(tmp_path, 0, lambda _: None, batch_count=6)
    log = tmp_path / "log"
    assert audit_log(log).faults == ()
    paths = sorted([log / "log.sqlite", *(path for path in (log / "public").rglob("*") if path.is_file())])
    generator = np.random.default_rng(seed_index)
    missed = []
    for _ in range(trial_count):
        path = log / "log.sqlite" if generator.random() < 0.6 else paths[int(generator.integers(len(paths)))]
        before = path.read_bytes()
        offset, change = int(generator.integers(len(before))), int(generator.integers(1, 256))
        changed = bytearray(before)
        changed[offset] ^= change
        path.write_bytes(changed)
        if not _is_found(log):
            missed.append((path.name, offset, change))
        for extra in log.glob("log.sqlite-*"):
            extra.unlink()
        path.write_bytes(before)

    assert missed == []
    assert audit_log(log).faults == ()


def test_a_changed_byte_is_found_by_the_audit(tmp_path: Path) -> None:
    """Whichever byte of journal, tiles or checkpoint is changed to whatever else, the audit says so."""
    _hold_every_change_is_found(tmp_path, trial_count=200, seed_index=3)


@pytest.mark.long
def test_ten_thousand_changed_bytes_are_found_by_the_audit(tmp_path: Path) -> None:
    """The same, 10,000 times."""
    _hold_every_change_is_found(tmp_path, trial_count=10_000, seed_index=4)
