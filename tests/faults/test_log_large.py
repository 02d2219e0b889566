"""A journal that reaches over SQLite's lock page, which stands at 1 GiB and is never written."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.log_work import TIME_S, begin
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.pages import LOCK_PAGE_OFFSET_BYTES, PAGE_BYTES, page_faults
from truceline.adapters.log.rows import LogRecord
from truceline.adapters.log.service import EvidenceLog

BODY_BYTES = 185 << 20
BODY_COUNT = 6


def _is_found(log_path: Path, offset_bytes: int) -> bool:
    """Change one byte of the journal, check its pages as the audit does, and put it back."""
    with (log_path / "log.sqlite").open("r+b") as stream:
        stream.seek(offset_bytes)
        before = stream.read(1)
        stream.seek(offset_bytes)
        stream.write(bytes([before[0] ^ 1]))
    try:
        return bool(list(page_faults(log_path / "log.sqlite")))
    finally:
        with (log_path / "log.sqlite").open("r+b") as stream:
            stream.seek(offset_bytes)
            stream.write(before)


@pytest.mark.long
def test_a_journal_above_the_lock_page_is_sound_and_checked_all_over(tmp_path: Path) -> None:
    """Above 1 GiB the log goes on, the audit finds nothing; a changed byte before, in and after the page is found."""
    begin(tmp_path)
    log_path = tmp_path / "log"
    for at in range(BODY_COUNT):
        with EvidenceLog.open(log_path) as log:
            log.journal.append([LogRecord(bytes([at]) * BODY_BYTES, "large", at)])
    with EvidenceLog.open(log_path) as log:
        log.journal.append([LogRecord(b"after", "small", 0)])
        log.publisher().publish(time_s=TIME_S)
        size_bytes = (log_path / "log.sqlite").stat().st_size
        last = log.journal.leaf_index_of("large", BODY_COUNT - 1)
        assert last is not None
        body = log.journal.sealed(last).body

    assert size_bytes > LOCK_PAGE_OFFSET_BYTES + PAGE_BYTES
    assert body == bytes([BODY_COUNT - 1]) * BODY_BYTES
    assert audit_log(log_path).faults == ()
    for offset_bytes in (-1, 100, PAGE_BYTES + 100, PAGE_BYTES * 2 - 1):
        assert _is_found(log_path, LOCK_PAGE_OFFSET_BYTES + offset_bytes)
