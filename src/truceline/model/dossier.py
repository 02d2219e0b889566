"""Everything used, and everything known and not used, for one finding, as canonical bytes with hashes."""

from __future__ import annotations

import msgspec

from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.evidence import EvidenceItem, PlaceTeller
from truceline.model.finding import Finding

DOSSIER_SCHEMA_NAME = "truceline.dossier/1"


class EvidenceHash(msgspec.Struct, frozen=True, kw_only=True):
    """One observation by id, the file it came in, and the SHA-256 of that file."""

    observation_id: str
    source_id: str
    file_sha256: str
    row_index: int


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle for one finding: records, hashes of the evidence, versions; `synthetic` marks a made-up theatre.

    `used` is what the event was made of, `known_not_used` what else was known of it. Of both, attribution read the
    `items`; a record that stands in one speaks in the answer, even where it is not part of the event. `tellers`: who
    told its place, where more than one did; else the field is not there.
    """

    dossier_id: str
    finding: Finding
    event: Event
    attribution: Attribution
    used: tuple[EvidenceHash, ...]
    known_not_used: tuple[EvidenceHash, ...]
    agreement_sha256: str
    code_version: str
    synthetic: bool
    items: tuple[EvidenceItem, ...] = ()
    tellers: tuple[PlaceTeller, ...] | msgspec.UnsetType = msgspec.UNSET
    schema_name: str = DOSSIER_SCHEMA_NAME

    @property
    def told_by(self) -> tuple[PlaceTeller, ...]:
        """Give who told its place, where more than one did."""
        return () if isinstance(self.tellers, msgspec.UnsetType) else self.tellers
