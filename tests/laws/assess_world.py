"""A made world for the assessment: a line along a meridian, where distances are exact, and texts that use it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import shapely

from truceline.adapters.agreements import load_agreement, load_weapons, shipped_folder
from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import Conduct, WeaponShare
from truceline.assess.compile_stack import compile_texts
from truceline.assess.findings import assess_conduct
from truceline.model.agreement import Agreement
from truceline.model.definition import TextSource
from truceline.model.finding import Compliant, Exempt, Finding, Indeterminate, PotentialViolation
from truceline.model.in_force import InForce
from truceline.model.provision import Prohibition
from truceline.model.quantity import Position, TimeSpan
from truceline.model.reference_line import DatedLine
from truceline.model.register import Register, StageStart
from truceline.model.zone import AgreedGeometry, AgreedLine, Belt, GeometryReference, LineMarker, PartyLine
from truceline.physics.geodesy import geodesic_destination, points_of

PARTIES = ("A", "B")
LINE_LONGITUDE_DEG, MIDDLE_LATITUDE_DEG = 38.0, 48.0
START = datetime(2016, 1, 1, tzinfo=UTC)
NOON = datetime(2016, 6, 1, 9, tzinfo=UTC)
LINE = GeometryReference(file="made.geojson", feature="line")

KIND_OF = {
    Compliant: "compliant",
    Exempt: "exempt",
    PotentialViolation: "potential",
    Indeterminate: "indeterminate",
}


def place(
    east_m: float, *, north_m: float = 0.0, sigma_m: float = 0.0, from_deg: float = LINE_LONGITUDE_DEG
) -> Position:
    """Give a position so far east of a meridian (a geodesic, so the distance from it is exact), after going north."""
    start = geodesic_destination(points_of([from_deg], [MIDDLE_LATITUDE_DEG]), 0.0, north_m)
    end = geodesic_destination(start, 90.0, east_m)
    longitude_deg, latitude_deg = float(end.longitude_deg[0]), float(end.latitude_deg[0])
    return Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg, sigma_m=sigma_m)


def geometry(shape: shapely.Geometry, reference: GeometryReference = LINE, **more: Any) -> AgreedGeometry:
    """Give a drawing of a shape, exact unless told otherwise."""
    kind = {"LineString": "line", "Polygon": "area", "MultiPolygon": "area"}.get(shape.geom_type, "sites")
    told: dict[str, Any] = {"sigma_m": 0.0, "approximate": False, "file_sha256": "0" * 64, "kind": kind} | more
    count = int(shapely.get_num_coordinates(shape))
    return AgreedGeometry(reference=reference, wkb=shapely.to_wkb(shape), vertex_count=count, **told)


def meridian(longitude_deg: float = LINE_LONGITUDE_DEG) -> shapely.LineString:
    """Give a line from south to north along a meridian: its left is the west."""
    return shapely.LineString([(longitude_deg, 44.0 + step * 0.25) for step in range(33)])


def moved_meridian(east_m: float) -> shapely.LineString:
    """Give a line whose places around the middle lie so far east of the meridian of the made line."""
    return meridian(place(east_m).longitude_deg)


def square(east_m: float, north_m: float, half_m: float) -> shapely.Polygon:
    """Give a square around a place."""
    corners = [
        place(east_m + e * half_m, north_m=north_m + n * half_m) for e, n in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return shapely.Polygon([(one.longitude_deg, one.latitude_deg) for one in corners])


def sites(*places_m: tuple[float, float]) -> shapely.MultiPoint:
    """Give places by east and north of the middle of the line."""
    found = [place(east_m, north_m=north_m) for east_m, north_m in places_m]
    return shapely.MultiPoint([(one.longitude_deg, one.latitude_deg) for one in found])


def text(*provisions: Any, **more: Any) -> Agreement:
    """Give a text with the made line as both parties' reference line; A holds the ground west of it."""
    told: dict[str, Any] = {
        "agreement_id": "made",
        "version": "1",
        "title": "A made text",
        "theatre_id": "made",
        "parties": PARTIES,
        "sources": (TextSource(source_id="made", title="Made"),),
        "in_force": InForce(timezone_name="Europe/Kyiv", start=START),
        "lines": (AgreedLine(line_id="line", title="Line", drawn=LINE, left_party="A"),),
        "reference_lines": tuple(PartyLine(party=party, line_id="line") for party in PARTIES),
        "geometries": (geometry(meridian()),),
    }
    return Agreement(provisions=tuple(provisions), **(told | more))


def clause(kind: type[Any], provision_id: str = "made.clause", **more: Any) -> Any:
    """Give a clause of a kind."""
    return kind(provision_id=provision_id, article="1", summary="A made clause.", source_ids=("made",), **more)


def conduct(act: str = "fire", east_m: float = 0.0, **more: Any) -> Conduct:
    """Give conduct of party A so far east of the line, at noon of a day in force, exact unless told otherwise."""
    at = more.pop("at", NOON)
    length_s = more.pop("length_s", 0.0)
    position = more.pop("position", None) or place(
        east_m, north_m=more.pop("north_m", 0.0), sigma_m=more.pop("sigma_m", 0.0)
    )
    party = more.pop("party", "A")
    weapon = more.pop("weapon", None)
    told: dict[str, Any] = {"event_id": "event", "party_probabilities": {} if party is None else {party: 1.0}}
    if weapon is not None:
        told["weapons"] = (weapon_of(weapon),)
    span = TimeSpan(start=at, end=at + timedelta(seconds=length_s))
    return Conduct(act=act, time=span, position=position, **(told | more))  # type: ignore[arg-type]


def weapon_of(weapon: str | tuple[str, float | None]) -> WeaponShare:
    """Give a weapon by its type, or by class and calibre."""
    if isinstance(weapon, str):
        return WeaponShare(type_id=weapon)
    return WeaponShare(weapon_class=weapon[0], calibre_mm=weapon[1])  # type: ignore[arg-type]


def assessor(*texts: Agreement, register: Register | None = None, lines: tuple[DatedLine, ...] = ()) -> Assessor:
    """Compile texts with the shipped catalogue."""
    return Assessor(compile_texts(texts, catalogue=load_weapons(), register=register, lines=lines))


def findings(entry: Conduct, *texts: Agreement, **more: Any) -> dict[str | None, Finding]:
    """Give the findings about one conduct by clause; each clause gives one."""
    found = assess_conduct([entry], assessor(*texts, **more))
    by_clause = {one.provision_id: one for one in found}
    assert len(by_clause) == len(found)
    return by_clause


def verdict(entry: Conduct, *texts: Agreement, provision_id: str = "made.clause", **more: Any) -> tuple[str, set[str]]:
    """Give kind and flags of the finding under one clause; kind "none" where it gives none."""
    found = findings(entry, *texts, **more).get(provision_id)
    if found is None:
        return "none", set()
    return KIND_OF[type(found)], {flag.kind for flag in found.flags}


@cache
def shipped(name: str) -> Agreement:
    """Give a shipped text."""
    return load_agreement(Path(shipped_folder("agreements")) / f"{name}.yaml").agreement


def redrawn(
    agreement: Agreement, shapes: Mapping[str, shapely.Geometry], **markers: tuple[LineMarker, ...]
) -> Agreement:
    """Give a text with some features drawn anew and exact, so that made distances are exact."""
    drawn = tuple(
        geometry(
            shapes[one.reference.feature], one.reference, names=one.names, markers=markers.get("markers", one.markers)
        )
        if one.reference.feature in shapes
        else one
        for one in agreement.geometries
    )
    return msgspec.structs.replace(agreement, geometries=drawn)


def kyiv(*parts: int) -> datetime:
    """Give a time of Kyiv's clocks in UTC."""
    return datetime(*parts, tzinfo=ZoneInfo("Europe/Kyiv")).astimezone(UTC)  # type: ignore[arg-type]


def begun(agreement_id: str, stage_id: str | None, start: datetime, *, zone_id: str | None = None) -> Register:
    """Give a register in which people recorded when a stage began."""
    record = StageStart(
        start_id="s",
        agreement_id=agreement_id,
        stage_id=stage_id,
        start_time=start,
        declared_by="people",
        source="made",
        zone_id=zone_id,
    )
    return Register(stage_starts=(record,))


def dated(day: datetime, longitude_deg: float, *, sigma_m: float = 0.0, ground: bool = True) -> DatedLine:
    """Give a day's line along a meridian; A holds the ground to its west."""
    held = shapely.box(longitude_deg - 3.0, 44.0, longitude_deg, 52.0)
    return DatedLine(
        valid_date=day.date(),
        held_by="A",
        held_wkb=shapely.to_wkb(held) if ground else None,
        line_wkb=shapely.to_wkb(meridian(longitude_deg)),
        sigma_m=sigma_m,
        source_id="made",
        file_sha256="0" * 64,
    )


def known(values: list[float]) -> list[float]:
    """Give the numbers that are not nan."""
    return [value for value in values if not np.isnan(value)]


def belts(**depths_m: float) -> tuple[Belt, ...]:
    """Give belts by name and depth from each party's own line."""
    return tuple(Belt(zone_id=name, depth_high_m=depth_m) for name, depth_m in depths_m.items())


def presence(zone_id: str = "belt", **more: Any) -> Prohibition:
    """Give a clause against being in a zone."""
    found: Prohibition = clause(Prohibition, acts=("presence",), zone_ids=(zone_id,), **more)
    return found


def in_zone(zone: Any, *drawings: Any, lines: tuple[AgreedLine, ...] = ()) -> Agreement:
    """Give a text with one clause against being in one zone."""
    whole = text(presence(zone.zone_id), zones=(zone,))
    return msgspec.structs.replace(whole, geometries=(*whole.geometries, *drawings), lines=(*whole.lines, *lines))


def probability(entry: Any, *texts: Agreement, **more: Any) -> float:
    """Give the probability under the made clause; 0 where it is in keeping."""
    found = findings(entry, *texts, **more)["made.clause"]
    assert isinstance(found, PotentialViolation | Compliant)
    return found.probability if isinstance(found, PotentialViolation) else 0.0
