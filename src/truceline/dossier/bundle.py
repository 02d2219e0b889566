"""What goes into one dossier, how it is bound, and how anyone can check that it still is what it was."""

from __future__ import annotations

import msgspec

from truceline.model.attribution import Attribution
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.event import Event
from truceline.model.evidence import EvidenceItem, PlaceTeller
from truceline.model.finding import Finding
from truceline.model.quantity import canonical_bytes, content_id


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one finding before they are bound."""

    finding: Finding
    event: Event
    attribution: Attribution
    used: tuple[EvidenceHash, ...]
    known_not_used: tuple[EvidenceHash, ...]
    items: tuple[EvidenceItem, ...] = ()
    tellers: tuple[PlaceTeller, ...] = ()


def dossier_id_of(dossier: Dossier) -> str:
    """Give the id a dossier must bear: the content id of its canonical bytes with the id left empty."""
    return content_id("dossier", canonical_bytes(msgspec.structs.replace(dossier, dossier_id="")))


def bind(bundle: Bundle, *, agreement_sha256: str, code_version: str, synthetic: bool) -> Dossier:
    """Bind a bundle into a dossier, evidence in the order of its ids."""
    unnamed = Dossier(
        dossier_id="",
        finding=bundle.finding,
        event=bundle.event,
        attribution=bundle.attribution,
        used=tuple(sorted(bundle.used, key=lambda entry: entry.observation_id)),
        known_not_used=tuple(sorted(bundle.known_not_used, key=lambda entry: entry.observation_id)),
        agreement_sha256=agreement_sha256,
        code_version=code_version,
        synthetic=synthetic,
        items=bundle.items,
        tellers=bundle.tellers or msgspec.UNSET,
    )
    return msgspec.structs.replace(unnamed, dossier_id=dossier_id_of(unnamed))


def dossier_bytes(dossier: Dossier) -> bytes:
    """Give the canonical bytes in which a dossier is kept and handed on."""
    return canonical_bytes(dossier)


def check_dossier(body: bytes) -> list[str]:
    """Give every fault found in a dossier's bytes, in plain words; none means it is whole and agrees with itself."""
    try:
        dossier = msgspec.json.decode(body, type=Dossier)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        return [f"not a dossier: {error}"]
    faults = []
    expected = dossier_id_of(dossier)
    if dossier.dossier_id != expected:
        faults.append(f"dossier_id={dossier.dossier_id} does not match the content, which gives {expected}")
    if dossier_bytes(dossier) != body:
        faults.append("the bytes are not in canonical form: sorted keys, no spaces, no other fields")
    return faults + _faults_within(dossier)


def _faults_within(dossier: Dossier) -> list[str]:
    """Give where the parts of a dossier speak of different things."""
    revision = (dossier.event.event_id, dossier.event.revision_index)
    used = [entry.observation_id for entry in dossier.used]
    checks = (
        (
            (dossier.finding.event_id, dossier.finding.event_revision_index) == revision,
            f"the finding is about {dossier.finding.event_id} revision {dossier.finding.event_revision_index},"
            f" not about {revision[0]} revision {revision[1]}",
        ),
        (
            (dossier.attribution.event_id, dossier.attribution.event_revision_index) == revision,
            f"the attribution is about {dossier.attribution.event_id} revision"
            f" {dossier.attribution.event_revision_index}, not about {revision[0]} revision {revision[1]}",
        ),
        (
            sorted(used) == sorted(link.observation_id for link in dossier.event.associations),
            "the evidence used is not that of the event's associations",
        ),
        (
            not {entry.observation_id for entry in dossier.known_not_used} & set(used),
            "evidence stands both as used and as not used",
        ),
        (
            {name for item in dossier.items for name in item.observation_ids}
            <= {entry.observation_id for entry in (*dossier.used, *dossier.known_not_used)},
            "an item of evidence rests on a record that is not named",
        ),
        (
            {name for teller in dossier.told_by for name in teller.observation_ids} <= set(used),
            "a place is told by a record that is not part of the event",
        ),
    )
    return [fault for holds, fault in checks if not holds]
