"""The texts that are shipped: sound, sourced, and together saying every kind of thing that a text can say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import shapely

from truceline.adapters.agreements import (
    agreement_files,
    check_agreement,
    load_agreement,
    load_theatre,
    load_weapons,
    shipped_folder,
)
from truceline.model.agreement import Agreement
from truceline.model.provision import (
    Ceiling,
    ConditionalPermission,
    Exemption,
    Freeze,
    Prohibition,
    ResponseLadder,
    Reversal,
    Verification,
    Withdrawal,
)
from truceline.model.zone import Area, Belt, BetweenLines, BetweenPlaces, Sites

FOLDER = shipped_folder("agreements")
GEOMETRY_FILES = sorted((FOLDER / "geometry").glob("*.geojson"))


@cache
def texts() -> tuple[Agreement, ...]:
    """Read every shipped text once."""
    return tuple(load_agreement(path).agreement for path in agreement_files([FOLDER]))


def text(agreement_id: str, version_by: str | None = None) -> Agreement:
    """Give one shipped text."""
    return next(one for one in texts() if (one.agreement_id, one.version_by) == (agreement_id, version_by))


def zones(agreement: Agreement, kind: Any) -> list[Any]:
    """Give the zones of some kinds of a text."""
    return [zone for zone in agreement.zones if isinstance(zone, kind)]


def clauses(agreement: Agreement, kind: Any) -> list[Any]:
    """Give the clauses of some kinds of a text."""
    return [clause for clause in agreement.provisions if isinstance(clause, kind)]


def weapons(agreement: Agreement) -> Iterator[Any]:
    """Give the weapon terms of a text."""
    return (term for clause in agreement.provisions if (term := getattr(clause, "weapons", None)) is not None)


def versions(agreement: Agreement) -> list[Agreement]:
    """Give the other versions of a text."""
    return [one for one in texts() if one.agreement_id == agreement.agreement_id and one is not agreement]


KINDS: dict[str, tuple[str, Callable[[Agreement], Any]]] = {
    "reference line of each party": (
        "minsk_2_2015 undof_1974",
        lambda one: len({entry.line_id for entry in one.reference_lines}) == 2,
    ),
    "belt by depth": (
        "cma_korea_2018 gcsp_2025 minsk_addendum_2015 minsk_memorandum_2014 undof_1974",
        lambda one: [zone for zone in zones(one, Belt) if zone.depth_high_m is not None],
    ),
    "distance from a site": ("hudaydah_2018", lambda one: zones(one, Sites)),
    "total width": ("minsk_2_2015", lambda one: [z for z in zones(one, Belt) if z.width_total_m is not None]),
    "segment between markers": (
        "cma_korea_2018",
        lambda one: {z.marker_from_index for z in zones(one, Belt)} >= {1, 646},
    ),
    "polygon, site, between lines or places": (
        "cma_korea_2018 hudaydah_2018 lebanon_2024 sinai_1979 tcg_framework_2016 undof_1974",
        lambda one: zones(one, Area | Sites | BetweenLines | BetweenPlaces),
    ),
    "class by calibre": (
        "gcsp_2025 minsk_2_2015 minsk_addendum_2015 minsk_memorandum_2014",
        lambda one: [t for t in weapons(one) if t.calibre_low_mm or t.calibre_high_mm],
    ),
    "class by named types": (
        "minsk_2_2015 minsk_memorandum_2014",
        lambda one: [term for term in weapons(one) if term.type_ids],
    ),
    "ceiling": ("sinai_1979 undof_1974", lambda one: clauses(one, Ceiling)),
    "staged schedule": (
        "hudaydah_2018 lebanon_2024 minsk_2_2015 minsk_addendum_2015 tcg_framework_2016",
        lambda one: [s for s in one.stages if s.complete_within_days and s.stage_id in stages_used(one)],
    ),
    "precondition with clock": (
        "minsk_addendum_2015 tcg_framework_2016",
        lambda one: [entry for entry in one.preconditions if entry.resets_on_acts],
    ),
    "reversal": ("energy_2025/RU tcg_framework_2016", lambda one: clauses(one, Reversal)),
    "conditional permission": (
        "lebanon_2024 tcg_measures_2016_2020",
        lambda one: clauses(one, ConditionalPermission),
    ),
    "exception": (
        "cma_korea_2018 gcsp_2025 lebanon_2024 minsk_memorandum_2014 sinai_1979 tcg_measures_2016_2020 "
        "tcg_framework_2016",
        lambda one: clauses(one, Exemption),
    ),
    "act by domain": (
        "cma_korea_2018 paris_2026 gcsp_2025 lebanon_2024 minsk_memorandum_2014 tcg_measures_2016_2020",
        lambda one: [clause for clause in clauses(one, Prohibition | ResponseLadder) if clause.domains],
    ),
    "protected objects": (
        "energy_2025/RU energy_2025/UA minsk_memorandum_2014 tcg_measures_2016_2020",
        lambda one: [clause for clause in clauses(one, Prohibition) if clause.object_class_ids],
    ),
    "versions by party": ("energy_2025/RU energy_2025/UA", versions),
    "layer": ("cma_korea_2018 minsk_addendum_2015 minsk_2_2015", lambda one: one.amends),
    "definition that decides": (
        "gcsp_2025 hudaydah_2018 lebanon_2024 tcg_measures_2016_2020",
        lambda one: [clause for clause in one.provisions if clause.definition_ids],
    ),
    "verification": (
        "minsk_addendum_2015 sinai_1979 undof_1974",
        lambda one: [
            v for v in clauses(one, Verification) if v.every_days or v.per_month_low_count or v.inventory_needed
        ],
    ),
    "ladder or procedure": ("cma_korea_2018 paris_2026", lambda one: clauses(one, ResponseLadder)),
    "freeze": ("minsk_memorandum_2014", lambda one: clauses(one, Freeze)),
}
"""Which kinds of provision stand in which of the texts, and how to find them in the record."""


def stages_used(agreement: Agreement) -> set[str | None]:
    """Give the steps that clauses belong to."""
    return {clause.stage_id for clause in agreement.provisions}


@pytest.mark.parametrize("path", agreement_files([FOLDER]), ids=lambda path: path.name)
def test_every_shipped_text_is_sound(path: Path) -> None:
    """No shipped text has a fault."""
    assert [] == check_agreement(path)


def test_every_clause_says_where_it_was_read() -> None:
    """Each clause has an article, a summary that is a sentence, and a source; what nobody read says so."""
    for one in texts():
        bases = {source.source_id: source.basis for source in one.sources}
        for clause in one.provisions:
            assert clause.article, clause.provision_id
            assert clause.summary.endswith("."), clause.provision_id
            assert clause.source_ids, clause.provision_id
            assert clause.provision_id.startswith(f"{one.agreement_id}."), clause.provision_id
            if {bases[name] for name in clause.source_ids} == {"general_knowledge"}:
                assert "general_knowledge" == clause.basis, clause.provision_id


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_provision_stands_in_the_texts_that_have_it(kind: str) -> None:
    """What a text is known to say, its record says."""
    names, found = KINDS[kind]

    for name in names.split():
        agreement_id, _, version_by = name.partition("/")
        assert found(text(agreement_id, version_by or None)), name


@pytest.mark.parametrize("path", GEOMETRY_FILES, ids=lambda path: path.name)
def test_what_is_drawn_by_hand_says_so(path: Path) -> None:
    """A geometry that is not public at full precision says so in its name, its source, and its uncertainty."""
    features = json.loads(path.read_text())["features"]

    assert path.name.startswith("approximate_")
    for feature in features:
        assert feature["properties"]["sigma_m"] >= 1_000.0
        assert "not for use where metres matter" in feature["properties"]["source"]


def test_every_geometry_of_a_text_lies_in_its_theatre() -> None:
    """No line is drawn on another continent, and longitude and latitude stand in their order."""
    count = 0
    for one in texts():
        bounds = load_theatre(one.theatre_id).bounds_deg
        for geometry in one.geometries:
            west, south, east, north = shapely.from_wkb(geometry.wkb).bounds
            assert bounds is not None
            assert bounds[0] <= west <= east <= bounds[2], geometry.reference
            assert bounds[1] <= south <= north <= bounds[3], geometry.reference
            assert geometry.approximate
            count += 1
    assert count > 20


def test_neighbours_lie_to_the_left_that_the_texts_say() -> None:
    """Known places lie on the sides of the lines that the texts give them."""
    import numpy as np

    from truceline.assess.zone_line import compile_line, locate
    from truceline.physics.geodesy import points_of

    for agreement_id, line_id, left, right in (
        ("minsk_2_2015", "de_facto_2015", (37.55, 48.47), (37.80, 48.00)),
        ("minsk_2_2015", "de_facto_2015", (38.00, 48.60), (38.44, 48.34)),
        ("minsk_memorandum_2014", "memo_2014", (38.44, 48.34), (38.80, 48.47)),
        ("armistice_korea_1953", "mdl", (126.55, 38.10), (127.31, 38.15)),
        ("undof_1974", "line_a", (35.75, 33.12), (36.2, 33.1)),
    ):
        agreement = text(agreement_id)
        drawn = agreement.line(line_id)
        assert drawn is not None
        assert drawn.drawn is not None
        geometry = agreement.geometry(drawn.drawn)
        assert geometry is not None
        parts = [np.asarray(part.coords) for part in shapely.get_parts(shapely.from_wkb(geometry.wkb))]
        signed_m = locate(compile_line(parts), points_of(*np.array([left, right]).T)).signed_distance_m

        assert [True, False] == (signed_m >= 0.0).tolist(), (agreement_id, line_id)


def test_named_weapons_of_the_texts_are_those_of_the_catalogue() -> None:
    """Every type that a text names stands in the catalogue, so that a clause never speaks of nothing."""
    known = {entry.type_id for entry in load_weapons().types}
    named = {type_id for one in texts() for term in weapons(one) for type_id in term.type_ids}

    assert named
    assert named <= known


def test_what_minsk_two_replaces_no_longer_holds_beside_it() -> None:
    """Every depth of the memorandum gives way to one of the package, and nothing else of it does but the ceasefire."""
    replaced = {name for clause in text("minsk_2_2015").provisions for name in clause.replaces_provision_ids}
    memorandum = text("minsk_memorandum_2014")
    depths = {clause.provision_id for clause in clauses(memorandum, Withdrawal)}
    beside = {f"minsk_memorandum_2014.{name}" for name in ("ceasefire", "foreign_formations")}

    assert depths | beside == replaced


def test_two_versions_of_one_text_differ_in_first_day_and_in_what_is_published() -> None:
    """Between the two first days the versions differ, and only one of them says which objects are meant."""
    by_one, by_other = text("energy_2025", "RU"), text("energy_2025", "UA")
    first_days = [one.spans_of(one.provisions[0])[0].span.start for one in (by_one, by_other)]

    assert ["2025-03-17T21:00:00+00:00", "2025-03-24T22:00:00+00:00"] == [day.isoformat() for day in first_days]
    assert all(entry.list_published for entry in by_one.object_classes)
    assert not any(entry.list_published for entry in by_other.object_classes)
