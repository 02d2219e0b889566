"""Laws of texts that are wrong: every fault is said with file, line and limit, and nothing is half loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from truceline.adapters.agreement_geometry import VERTEX_MAX_COUNT, along_m, length_m, read_geometry_file
from truceline.adapters.agreement_yaml import FaultsFound
from truceline.adapters.agreements import check_agreement, load_agreement, load_weapons
from truceline.errors import SourceUnavailable
from truceline.model.weapon import WeaponTerm

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "agreement"
GEOMETRY = "geometry/approximate_made_up.geojson"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the invented texts with their geometry."""
    shutil.copytree(FIXTURES, tmp_path / "texts")
    return tmp_path / "texts"


def changed(folder: Path, before: str, after: str, *, name: str = "every_kind.yaml") -> Path:
    """Change words of a text; they must stand in it."""
    path = folder / name
    text = path.read_text()
    assert before in text, before
    path.write_text(text.replace(before, after, 1))
    return path


def line_of(path: Path, words: str) -> int:
    """Give the line on which words stand first."""
    return next(index for index, line in enumerate(path.read_text().splitlines(), 1) if words in line)


def test_the_invented_texts_are_sound(folder: Path) -> None:
    """A text with every kind of clause loads with its geometry, and its amendment with the text below."""
    whole = load_agreement(folder / "every_kind.yaml").agreement
    layer = load_agreement(folder / "amendment.yaml")
    south = next(one for one in whole.geometries if one.reference.feature == "south")

    assert (True, 250.0, [1, 60, 100]) == (south.approximate, south.sigma_m, [m.marker_index for m in south.markers])
    assert ["every_kind"] == [base.agreement_id for base in layer.bases]
    assert whole == layer.bases[0]
    assert {"prohibition", "withdrawal", "ceiling", "freeze", "exemption", "conditional_permission"} < {
        str(clause.__struct_config__.tag) for clause in whole.provisions
    }


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("title: Every kind", "titel: Every kind", "unknown key 'titel'; did you mean 'title'?"),
        ("acts: [fire]}", "acts: [fier]}", "acts.*fire"),
        ("{kind: freeze,", "{kind: freze,", "kind='freze' is not one of .*did you mean 'freeze'"),
        ("{kind: freeze, ", "{", "kind is missing"),
        ("source_ids: [invented], acts: [fire]}", "acts: [fire]}", "fire: source_ids is missing"),
        ("source_ids: [invented], acts: [fire]}", "source_ids: [], acts: [fire]}", "fire: provision without source"),
        ("source_ids: [invented], acts: [fire]}", "source_ids: [x], acts: [fire]}", "source_id='x' is not among inv"),
        (
            "type_ids: [bm_30_smerch, tornado_s]",
            "type_ids: [bm_30_smerhc]",
            "unknown weapon 'bm_30_smerhc'.*bm_30_smerch",
        ),
        ("zone_ids: [near], outside", "zone_ids: [neer], outside", "zone_id='neer' is not among.*did you mean 'near'"),
        ("line_id: frozen, tol", "line_id: frosen, tol", "line_id='frosen'.*'frozen'"),
        ("definition_ids: [per_party]", "definition_ids: [per_part]", "definition_id='per_part'"),
        ("stage_id: second, storage", "stage_id: third, storage", "stage_id='third'"),
        ("parties: [A]}", "parties: [C]}", "C"),
        ("left_party: A, length", "left_party: C, length", "left_party='C' is not among A, B"),
        ("party: B, line_id: south", "party: B, line_id: west", "line_id='west'"),
        ("party: B, line_id: south", "party: A, line_id: south", "2 reference lines, the limit is 1"),
        ("party: B, covers", "party: C, covers", "party='C'"),
        ("by_zone_id: near_twice", "by_zone_id: far_twice", "by_zone_id|far_twice"),
        ("zone_id: near_twice", "zone_id: near", "zone_id='near' stands 2 times"),
        ("length_low_km: 70", "length_low_km: 170", "north: 74.6 km are drawn of at least 170.0 km.*the limit is 90%"),
        ("marker_until_index: 100}", "marker_until_index: 120}", "markers \\[60, 120\\] are outside \\[1, 100\\]"),
        ("marker_last_index: 100", "marker_last_index: 140", "markers 1 to 100 are drawn, the line has 1 to 140"),
        ("line_id: south, depth_high_km: 40", "line_id: north, depth_high_km: 40", "north has no numbered markers"),
        ("feature: annex", "feature: anex", "feature='anex' is not in .*has "),
        ("feature: annex", "feature: north", "'north' is LineString, needed is Polygon"),
        ("file: geometry/approximate_made_up.geojson, feature: annex", "file: ../x.geojson", "beside the text"),
        ("file: geometry/approximate_made_up.geojson, feature: annex", "file: geometry/no.geojson", "cannot be read"),
        ("names: [Port One, Port Two]}", "names: [Port One, Port Three]}", "Port Three are not in "),
        ("line_ids: [north, south]", "line_ids: [north, north]", "name one line twice"),
        (
            "depth_high_km: 7.5",
            "depth_high_km: 7.5, depth_high_m: 7500",
            "depth_high_m and depth_high_km are both given",
        ),
        ("depth_high_km: 7.5", "depth_high_km: wide", "depth_high_km='wide'"),
        ("width_total_km: 50", "width_total_km: -50", "outside"),
        ("start: 2030-02-01T00:00", "start: 2030-03-31T03:30", "does not exist in Europe/Kyiv"),
        ("start: 2030-02-01T00:00", "start: 2030-10-27T03:30", "comes twice in Europe/Kyiv"),
        ("start: 2030-02-01T00:00", "start: soon", "start='soon' is not a time"),
        ("start: 2030-02-01T00:00", "start: 1830-02-01T00:00", "outside the years 1900 to 2200"),
        ("{timezone_name: Europe/Kyiv, start: 2030-02", "{timezone_name: Europe/Kiew, start: 2030-02", "Europe/Kiew"),
        (
            "{timezone_name: Europe/Kyiv, trigger: adoption}",
            "{timezone_name: Kyiv, trigger: adoption}",
            "'Kyiv' does not",
        ),
        ("as_of: 2030-01-31", "as_of: yesterday", "as_of='yesterday': is not a date"),
        ("after_stage_id: first", "after_stage_id: second", "the stage itself"),
        ("title: Tanks leave, after_days: 2", "title: Tanks leave, after_stage_id: second", "circle: first -> second"),
        ("parties: [A, B]", "parties: [A, B, C]", "has 3 entries, needs 2"),
        ("parties: [A, B]", "parties: A", "expected a list, found 'A'"),
        ("sources: [{source_id: invented,", "sources: [invented, {source_id: invented,", "expected a TextSource"),
        ("lines:\n", "lines: near\nelsewhere:\n", "expected a list"),
        ("evening_cutoff_hour: 19.5", "evening_cutoff_hour: 30", "evening_cutoff_hour=30.* is outside"),
        ("truceline.theatre/1", "truceline.theatre/9", "truceline.theatre/9"),
        ("truceline.agreement/2", "truceline.agreement/3", "agreement/3.*is not 'truceline.agreement/2'"),
    ],
)
def test_what_is_wrong_in_a_text_is_said(folder: Path, before: str, after: str, words: str) -> None:
    """Whatever is wrong is named with the file and the line, and nothing of the text is loaded."""
    path = changed(folder, before, after)

    with pytest.raises(FaultsFound, match=words):
        load_agreement(path)
    assert all(fault.file.startswith(str(folder)) and fault.line_index >= 1 for fault in check_agreement(path))


def test_a_fault_stands_on_its_line(folder: Path) -> None:
    """The line that is named is the one that is wrong."""
    path = changed(folder, "type_ids: [bm_30_smerch", "type_ids: [bm_31")
    (fault,) = check_agreement(path)

    assert line_of(path, "bm_31") == fault.line_index


def test_all_faults_of_a_file_are_listed(folder: Path) -> None:
    """Faults of form, of names, of weapons and of geometry are said together."""
    changed(folder, "acts: [fire]}", "acts: [fier]}")
    changed(folder, "tornado_s", "tornado_z")
    changed(folder, "zone_ids: [near], outside", "zone_ids: [neer], outside")
    changed(folder, "[[37.2, 48.0], [37.24, 48.0]", "[[37.2, 48.0], [37.24, 48.04]", name=GEOMETRY)
    path = folder / "every_kind.yaml"
    said = "\n".join(map(str, check_agreement(path)))

    assert all(word in said for word in ("fier", "tornado_z", "neer", "approximate_made_up.geojson, line "))


def test_texts_that_amend_each_other_are_refused(folder: Path) -> None:
    """A circle of amendments is named with its way round, whether over one text, itself or several."""
    changed(folder, "agreement_id: every_kind", "agreement_id: every_kind\namends: amendment")

    for name in ("every_kind.yaml", "amendment.yaml"):
        path = folder / name
        (fault,) = check_agreement(path)
        assert "circle" in fault.message
        assert "every_kind -> amendment" in fault.message
        assert line_of(path, "amends:") == fault.line_index
    alone = changed(folder, "amends: amendment", "amends: every_kind")
    assert "circle: every_kind -> every_kind" in check_agreement(alone)[0].message


def test_the_text_below_must_be_there_and_be_one(folder: Path) -> None:
    """A text below that is nowhere is refused, of several versions the same party's is taken, and none at random."""
    path = folder / "amendment.yaml"
    by_a = (
        (folder / "every_kind.yaml")
        .read_text()
        .replace("agreement_id: every_kind", "agreement_id: every_kind\nversion_by: A")
    )
    (folder / "by_a.yaml").write_text(by_a)
    (folder / "every_kind.yaml").write_text(by_a.replace("version_by: A", "version_by: B"))

    assert "stands in 2 files" in check_agreement(path)[0].message
    changed(folder, "amends: every_kind", "amends: every_kind\nversion_by: A", name="amendment.yaml")
    assert "A" == load_agreement(path).bases[0].version_by
    (folder / "by_a.yaml").unlink()
    assert "B" == load_agreement(path).bases[0].version_by
    (folder / "every_kind.yaml").unlink()
    assert "is neither beside this file nor among the shipped texts" in check_agreement(path)[0].message


def test_a_text_that_is_no_mapping_or_has_no_clauses_is_refused(tmp_path: Path) -> None:
    """A list is no text, and a text without clauses lacks them."""
    (tmp_path / "x.yaml").write_text("- 1\n")
    assert "is not a mapping" in check_agreement(tmp_path / "x.yaml")[0].message
    (tmp_path / "x.yaml").write_text("schema: truceline.agreement/2\nagreement_id: x\ntheatre: ukraine\n")
    assert "provisions is missing" in "\n".join(map(str, check_agreement(tmp_path / "x.yaml")))


def collection(*geometries: dict[str, Any], **properties: Any) -> str:
    """Write features of one name as GeoJSON, one to a line."""
    features = [
        json.dumps({"type": "Feature", "properties": {"name": "x", **properties}, "geometry": geometry})
        for geometry in geometries
    ]
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}"


def ring(*corners: tuple[float, float]) -> dict[str, Any]:
    """Give a polygon of these corners."""
    return {"type": "Polygon", "coordinates": [list(map(list, corners))]}


def way(*corners: tuple[float, float]) -> dict[str, Any]:
    """Give a line of these corners."""
    return {"type": "LineString", "coordinates": list(map(list, corners))}


SOUND = way((0.0, 0.0), (1.0, 0.0))


@pytest.mark.parametrize(
    ("content", "line_index", "words"),
    [
        ('{"type": "FeatureCollection",\n "features": [}', 2, "is not JSON"),
        ("[1]", 1, "is not a GeoJSON object"),
        (b'{"a": "\xff"}', 1, "is not GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', 1, "features is not a list"),
        ('{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:3857"}}, "features": []}', 1, "EPSG:3857"),
        ('{"type": "FeatureCollection", "features": [3]}', 1, "is not a feature"),
        (collection(SOUND, ring((0, 0), (1, 1), (1, 0), (0, 1), (0, 0))), 3, "crosses itself or is malformed"),
        (collection(SOUND, way((0, 0), (1, 1), (1, 0), (0, 1))), 3, "crosses itself, so that"),
        (collection(way((1, 1), (1, 1))), 2, "has no length"),
        (collection(ring((0, 0), (1, 0), (1, 1))), 2, "corner_count=3"),
        (collection(ring((0, 0), (1, 0), (1, 1), (0, 1))), 2, "is not closed"),
        (collection(way((0, 0), (190, 0))), 2, "longitude_deg=190 is outside"),
        (collection(way((0, 0))), 2, "corner_count=1"),
        (collection({"type": "Point", "coordinates": [1]}), 2, "not a pair of numbers"),
        (collection({"type": "Point", "coordinates": [1, 95]}), 2, "latitude_deg=95"),
        (collection({"type": "Circle", "coordinates": []}), 2, "neither ground"),
        (collection(SOUND, sigma_m=-1), 2, "sigma_m=-1"),
        (collection(SOUND, sigma_m=True), 2, "sigma_m=True"),
        (collection(SOUND, marker="one"), 2, "marker='one'"),
    ],
)
def test_what_is_wrong_in_a_geometry_is_said(tmp_path: Path, content: str | bytes, line_index: int, words: str) -> None:
    """A geometry that is malformed, crosses itself or lies nowhere is named with its file and line."""
    path = tmp_path / "x.geojson"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    file, faults = read_geometry_file(path)

    assert file is None
    assert words in faults[0].message
    assert (str(path), line_index) == (faults[0].file, faults[0].line_index)


def test_a_geometry_of_a_million_and_a_half_vertices_is_refused(folder: Path) -> None:
    """Too many vertices are counted and refused by their limit before the file is taken apart."""
    corner = b"[37.123456,48.123456],"
    body = b'{"type":"Feature","properties":{"name":"annex"},"geometry":{"type":"LineString","coordinates":['
    (folder / GEOMETRY).write_bytes(body + corner * 1_500_000 + b"[38,48]]}}")
    said = "\n".join(map(str, check_agreement(folder / "every_kind.yaml")))

    assert f"1,500,002 vertices, the limit is {VERTEX_MAX_COUNT:,}" in said
    assert "every_kind.yaml, line" in said


def test_a_line_of_half_the_length_does_not_cover_ground_between_two(folder: Path) -> None:
    """Ground between two lines is refused where one of them runs along less than half of the other."""
    changed(folder, "[[37.0, 48.1], [37.5, 48.12], [38.0, 48.1]]", "[[37.0, 48.1], [37.3, 48.12]]", name=GEOMETRY)
    path = changed(folder, ", length_low_km: 70", "")
    (fault,) = check_agreement(path)

    assert "it covers 30%, the limit is 50%" in fault.message
    assert line_of(path, "line_ids: [north, south]") == fault.line_index


def test_markers_that_are_not_drawn_stand_at_the_ends(folder: Path) -> None:
    """A line with two numbers and no drawn markers has its first at its start and its last at its end."""
    path = folder / "every_kind.yaml"
    geometry = folder / GEOMETRY
    geometry.write_text(geometry.read_text().replace('"line": "south"', '"line": "elsewhere"'))
    south = next(one for one in load_agreement(path).agreement.geometries if one.reference.feature == "south")

    assert [(1, 0.0), (100, pytest.approx(74_700, rel=0.01))] == [(m.marker_index, m.along_m) for m in south.markers]


def test_markers_out_of_order_are_refused(folder: Path) -> None:
    """A higher number that stands before a lower one on the line is a fault."""
    geometry = folder / GEOMETRY
    text = geometry.read_text().replace('"marker": 60', '"marker": 0').replace('"marker": 1}', '"marker": 50}')
    geometry.write_text(text)

    assert "do not rise along the line" in "\n".join(map(str, check_agreement(folder / "every_kind.yaml")))


def test_a_line_across_the_date_line_is_as_long_as_any_other(tmp_path: Path) -> None:
    """A line or polygon across 180 degrees is sound, and lengths run on over the gap between parts."""
    path = tmp_path / "x.geojson"
    over = {"type": "MultiLineString", "coordinates": [[[179.0, 0.0], [-179.0, 0.0]], [[-178.0, 0.0], [-177.0, 0.0]]]}
    square = ring((179.0, -1.0), (-179.0, -1.0), (-179.0, 1.0), (179.0, 1.0), (179.0, -1.0))
    point = {"type": "Point", "coordinates": [-177.5, 0.1]}
    path.write_text(collection(over, square, point))
    file, faults = read_geometry_file(path)

    assert not faults
    assert file is not None
    assert 3 * 111_319.5 == pytest.approx(length_m(file.features[0].geometry), rel=1e-6)
    assert 2.5 * 111_319.5 == pytest.approx(along_m(file.features[0].geometry, file.features[2].geometry), rel=1e-6)


def test_a_geometry_that_is_not_there_is_the_worlds_failure(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    with pytest.raises(SourceUnavailable, match="absent"):
        read_geometry_file(tmp_path / "absent.geojson")


def test_the_shipped_catalogue_has_what_texts_name(tmp_path: Path) -> None:
    """At least 60 types, each with a source, and every type that is named in a text says in which."""
    catalogue = load_weapons()
    heavy = WeaponTerm(title="", classes=("howitzer", "gun", "mlrs"), calibre_low_mm=100.0)

    assert len(catalogue.types) >= 60
    assert {"seen", "general_knowledge"} == {entry.basis for entry in catalogue.types}
    assert all(heavy.covers(entry) is not None for entry in catalogue.types)
    assert catalogue.covers_kind(heavy, "howitzer", calibre_mm=122.0) is True
    (tmp_path / "w.yaml").write_text("schema: truceline.weapons/1\nversion: '1'\ntypes: [{type_id: x}]\n")
    with pytest.raises(FaultsFound, match=r"w.yaml, line 3: x: names is missing"):
        load_weapons(tmp_path / "w.yaml")
    (tmp_path / "v.yaml").write_text("schema: truceline.weapons/9\n")
    with pytest.raises(FaultsFound, match="weapons/9"):
        load_weapons(tmp_path / "v.yaml")
