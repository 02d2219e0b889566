"""What has to hold of a log and a store after any end."""

from __future__ import annotations

from pathlib import Path

from faults.log_work import TIME_S, records_of
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.journal import LogJournal
from truceline.adapters.log.leaf import LEAF_BYTES
from truceline.adapters.log.rows import SECRET_BYTES
from truceline.adapters.log.service import EvidenceLog


def bodies_of(journal: LogJournal) -> list[bytes]:
    """Give the body of every leaf, read once; leaves that are not of their one length do not pass."""
    bodies: list[bytes] = []
    for batch in journal.batches():
        assert len(batch.leaves) % LEAF_BYTES == 0
        assert len(batch.secrets) == batch.leaf_count * SECRET_BYTES
        place = 0
        for length in batch.body_lengths():
            bodies.append(batch.bodies[place : place + length])
            place += length
    return bodies


def hold_log(folder: Path, acknowledged: list[str]) -> int:
    """Hold what was said against a log that goes on; give the first batch not acknowledged.

    Every acknowledged record is there, every checkpoint ever said is one of the journal, and the audit, which makes the
    root of each of these from the leaves, finds nothing.
    """
    indexes = [int(said.split()[1]) for said in acknowledged if said.startswith("batch")]
    with EvidenceLog.open(folder / "log") as log:
        publisher = log.publisher()
        publisher.resume()
        bodies = bodies_of(log.journal)
        for index in indexes:
            for record in records_of(index):
                leaf_index = log.journal.leaf_index_of(record.source, record.sequence)
                assert leaf_index is not None, f"batch {index} was acknowledged and is lost"
                assert bodies[leaf_index] == record.body, f"batch {index} is not what was logged"
        publisher.publish(time_s=TIME_S + 10_000)
        signed = {f"{checkpoint.size_count} {checkpoint.root.hex()}" for checkpoint in log.journal.checkpoints()}
        shown = {said.removeprefix("checkpoint ") for said in acknowledged if said.startswith("checkpoint")}
        assert shown <= signed, "a checkpoint that was shown is none of the journal's: two histories were signed"
    assert audit_log(folder / "log").faults == ()
    return max(indexes, default=-1) + 1
