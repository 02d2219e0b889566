"""What has to hold of a log and a store after any end."""

from __future__ import annotations

from pathlib import Path

from faults.log_work import TIME_S, records_of
from truceline.adapters.log.audit import audit_log
from truceline.adapters.log.leaf import LEAF_BYTES
from truceline.adapters.log.service import EvidenceLog
from truceline.adapters.log.tree import leaf_hashes_of, root_of


def hold_log(folder: Path, acknowledged: list[str]) -> int:
    """Hold what was said against a log that goes on; give the first batch not acknowledged.

    Every acknowledged record is there, every checkpoint ever said is a prefix of the tree, and the audit finds nothing.
    """
    batches = [int(said.split()[1]) for said in acknowledged if said.startswith("batch")]
    with EvidenceLog.open(folder / "log") as log:
        publisher = log.publisher()
        publisher.resume()
        for index in batches:
            for record in records_of(index):
                leaf_index = log.journal.leaf_index_of(record.source, record.sequence)
                assert leaf_index is not None, f"batch {index} was acknowledged and is lost"
                assert log.journal.sealed(leaf_index).body == record.body, f"batch {index} is not what was logged"
        publisher.publish(time_s=TIME_S + 10_000)
        entries = [entry for batch in log.journal.batches() for entry in batch.entries()]
        assert {len(entry) for entry in entries} == {LEAF_BYTES}
        hashes = leaf_hashes_of(entries)
        shown = [said.split()[1:] for said in acknowledged if said.startswith("checkpoint")]
        for size_said, root_said in shown:
            assert root_of(hashes[: int(size_said)]).hex() == root_said, "two inconsistent checkpoints were signed"
    assert audit_log(folder / "log").faults == ()
    return max(batches, default=-1) + 1
