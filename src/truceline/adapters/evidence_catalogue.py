"""Reads the catalogue of evidence: every number an attribution rests on, from one file that a person can read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import yaml

from truceline.adapters.agreements import shipped_folder
from truceline.adapters.yaml_loader import load_yaml
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.evidence import EVIDENCE_CATALOGUE_SCHEMA_NAME, EvidenceCatalogue

CATALOGUE_SIZE_MAX_BYTES = 1_000_000


def load_evidence_catalogue(path: Path | None = None) -> EvidenceCatalogue:
    """Read a catalogue, the shipped one without a path, or raise `InputUnusable` saying what is wrong and where."""
    place = path if path is not None else shipped_folder("agreements") / "evidence" / "catalogue.yaml"
    try:
        content = place.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{place}: cannot be read ({error.strerror})") from error
    if len(content) > CATALOGUE_SIZE_MAX_BYTES:
        raise InputUnusable(f"{place}: {len(content)} bytes are more than {CATALOGUE_SIZE_MAX_BYTES} bytes")
    try:
        raw = load_yaml(content)
        if not isinstance(raw, dict) or raw.get("schema") != EVIDENCE_CATALOGUE_SCHEMA_NAME:
            raise InputUnusable(f"{place}: schema is not {EVIDENCE_CATALOGUE_SCHEMA_NAME!r}")
        unknown = sorted(set(raw) - set(EvidenceCatalogue.__struct_fields__) | ({"file_sha256"} & set(raw)))
        if unknown:
            raise InputUnusable(f"{place}: keys {unknown} are not known")
        catalogue = msgspec.convert(raw, EvidenceCatalogue)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        raise InputUnusable(f"{place}: {error}") from error
    return msgspec.structs.replace(catalogue, file_sha256=hashlib.sha256(content).hexdigest())
