"""All ways in, one per modality; a file's columns say which of them reads it."""

from __future__ import annotations

import msgspec

from truceline.model.source import SourceManifest
from truceline.observe import detection, media_report, party_claim, patrol_report, statement, thermal
from truceline.observe.tables import Decoder

DECODERS: tuple[Decoder, ...] = (
    media_report.DECODER,
    party_claim.DECODER,
    thermal.DECODER,
    patrol_report.DECODER,
    detection.DECODER,
    statement.DECODER,
)
"""Every decoder; at most one recognises a given set of columns."""

MANIFESTS: dict[str, SourceManifest] = {decoder.manifest.source_id: decoder.manifest for decoder in DECODERS}
"""Every decoder's manifest, by source id."""


def manifests_for(parties: tuple[str, str]) -> dict[str, SourceManifest]:
    """Give every manifest by source id as it holds in a theatre: where parties could influence a feed, its own two."""
    return {
        source_id: msgspec.structs.replace(manifest, influenced_by_parties=parties)
        if manifest.influenced_by_parties
        else manifest
        for source_id, manifest in MANIFESTS.items()
    }


def decoder_for(columns: frozenset[str]) -> Decoder | None:
    """Give the decoder that reads a table with these columns, or `None`."""
    found = [decoder for decoder in DECODERS if decoder.recognises(columns)]
    return found[0] if found else None


def nearest_form(columns: frozenset[str]) -> tuple[str, str, frozenset[str]] | None:
    """Give the kind and form that lacks the fewest columns (in proportion), with those; `None` if all lack all."""
    forms = [(decoder.manifest.kind, name, form) for decoder in DECODERS for name, form in decoder.forms.items()]
    forms = [entry for entry in forms if not entry[2] <= columns]
    kind, name, form = min(forms, key=lambda entry: (len(entry[2] - columns) / len(entry[2]), entry[0], entry[1]))
    return (kind, name, form - columns) if form & columns else None
