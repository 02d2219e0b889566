"""Bundle -> Dossier as a stage: each finding is bound once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from truceline.dossier.bundle import Bundle, bind
from truceline.model.dossier import Dossier
from truceline.model.quantity import require_utc


class DossierState(msgspec.Struct, frozen=True, kw_only=True):
    """The findings already bound, sorted."""

    bound: frozenset[str] = frozenset()


class DossierStage:
    """Binds everything about one finding into canonical bytes with hashes."""

    def __init__(self, *, agreement_sha256: str, code_version: str, synthetic: bool) -> None:
        """Fix what every dossier of this run names: the text by its hash, the code, and whether it is made up."""
        self.agreement_sha256 = agreement_sha256
        self.code_version = code_version
        self.synthetic = synthetic

    def initial(self) -> DossierState:
        """Give the state before any finding."""
        return DossierState()

    def key(self, record: Bundle) -> str:
        """Give the finding id: nothing but copies of one bundle must meet."""
        return record.finding.finding_id

    def step(
        self, state: DossierState, batch: Sequence[Bundle], watermark: datetime
    ) -> tuple[DossierState, list[Dossier]]:
        """Bind every finding not bound yet, in the order of the events' times."""
        require_utc("watermark", watermark)
        fresh = {bundle.finding.finding_id: bundle for bundle in batch if bundle.finding.finding_id not in state.bound}
        ordered = sorted(fresh.values(), key=lambda bundle: (bundle.event.origin_time.start, bundle.finding.finding_id))
        dossiers = [
            bind(
                bundle,
                agreement_sha256=self.agreement_sha256,
                code_version=self.code_version,
                synthetic=self.synthetic,
            )
            for bundle in ordered
        ]
        return DossierState(bound=state.bound | fresh.keys()), dossiers
