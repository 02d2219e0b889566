"""What a log gives for the records of dossier files, in the form in which an export takes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truceline.adapters.dossier_export import Logged, LogView


@contextmanager
def log_view(path: Path | None) -> Iterator[LogView | None]:
    """Open a log for reading and give it as an export sees it; without a path give `None`."""
    if path is None:
        yield None
        return
    from truceline.adapters.dossier_export import Logged, LogView
    from truceline.adapters.log.service import EvidenceLog

    with EvidenceLog.open(path, read_only=True) as log:

        def find(body: bytes) -> Logged | None:
            found = log.find(body)
            if found is None:
                return None
            sealed = found.sealed
            return Logged(leaf=sealed.leaf, salt=sealed.salt, proof_text=found.proof.format(), stamps=found.stamps)

        yield LogView(find=find, policy_text=log.policy_text, erased_sha256s=log.erased_sha256s)
