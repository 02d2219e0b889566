"""The texts that are shipped and the form they are written in agree with the records they are read into."""

from __future__ import annotations

import re

import agreement_schema
from repository.house import ROOT, files_in, hold_none, shown, text_of
from truceline.adapters.agreement_schema import schema_text
from truceline.adapters.agreements import agreement_files, check_agreement, load_weapons


def test_the_published_schema_is_that_of_the_records() -> None:
    """docs/schema is what the program would write, byte for byte."""
    assert schema_text() == agreement_schema.PAGE.read_bytes(), "run `make docs`"


def test_every_shipped_text_is_sound() -> None:
    """No shipped text has a fault."""
    paths = agreement_files([ROOT / "agreements"])

    hold_none(str(fault) for path in paths for fault in check_agreement(path))


def test_geometry_that_is_not_exact_says_so_in_its_name() -> None:
    """A shipped geometry is called approximate, or its features say how exact they are."""
    paths = files_in("agreements", "geometry", ending=".geojson")

    hold_none(
        f"{shown(path)} is neither called approximate nor gives sigma_m"
        for path in paths
        if not path.name.startswith("approximate_") and '"sigma_m"' not in text_of(path)
    )


def test_every_weapon_says_where_it_comes_from() -> None:
    """A row of the catalogue that is not marked as general knowledge names a dated source."""
    rows = [entry for entry in load_weapons().types if entry.basis != "general_knowledge"]

    hold_none(
        f"{row.type_id}: source {row.source!r} has no year" for row in rows if not re.search(r"\d{4}", row.source)
    )
