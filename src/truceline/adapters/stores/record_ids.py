"""Under which id a record stands in the journal: its own, or one made from its content."""

from __future__ import annotations

from typing import Any

from truceline.model.quantity import canonical_bytes, content_id

_ID_FIELDS_BY_KIND: dict[str, tuple[str, ...]] = {
    "event": ("event_id", "revision_index"),
    "finding": ("finding_id",),
    "attribution": ("attribution_id",),
    "dossier": ("dossier_id",),
    "ingested_file": ("file_sha256",),
    "archive_part": ("relative_path",),
    "rejection": ("file_sha256", "row_index"),
}

_SEVERAL_PER_ID = ("rejection",)
"""Kinds of which several records may rightly share these fields; their content completes the id."""


def record_id_of(record_kind: str, record: Any) -> str:
    """Give the id of a record; kinds without one of their own are named by their content."""
    fields = _ID_FIELDS_BY_KIND.get(record_kind)
    if fields is None:
        return content_id(record_kind, canonical_bytes(record))
    parts = [str(getattr(record, name)) for name in fields]
    if record_kind in _SEVERAL_PER_ID:
        parts.append(content_id(record_kind, canonical_bytes(record)))
    return "/".join(parts)


def schema_name_of(record_kind: str, record: Any) -> str:
    """Give the schema name a record bears, or the first version of its kind."""
    return getattr(record, "schema_name", None) or f"truceline.{record_kind}/1"
