"""Ties geometry to a text: every reference finds its features, and what is drawn covers what it is used for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import shapely

from truceline.adapters.agreement_draft import Draft
from truceline.adapters.agreement_geometry import Feature, GeometryFile, along_m, length_m, read_geometry_file
from truceline.adapters.agreement_yaml import Fault, Place
from truceline.errors import SourceUnavailable
from truceline.model.zone import (
    AgreedGeometry,
    AgreedLine,
    Area,
    BetweenLines,
    BetweenPlaces,
    GeometryReference,
    LineMarker,
    Sites,
)

LENGTH_LEAST_SHARE = 0.9
"""How much of the length that a text gives a line must be drawn."""

BETWEEN_LEAST_SHARE = 0.5
"""How much of the longer of two lines the shorter one must be as long as, if ground lies between them."""


def read_geometries(draft: Draft) -> tuple[AgreedGeometry, ...]:
    """Read every geometry that the lines and zones of a draft refer to; what is wrong is noted in the draft."""
    files = _Files(draft)
    found: dict[GeometryReference, AgreedGeometry] = {}
    for place, line in draft.parts("lines"):
        if line.drawn is not None:
            _keep(found, _line_geometry(draft, files, line, place))
    for place, zone in draft.parts("zones"):
        if isinstance(zone, Area):
            _keep(found, _area_geometry(draft, files, zone, place))
        elif isinstance(zone, Sites | BetweenPlaces):
            _keep(found, _site_geometry(draft, files, zone, place))
    inherited = {geometry.reference: geometry for base in draft.bases for geometry in base.geometries}
    for place, zone in draft.parts("zones"):
        if isinstance(zone, BetweenLines):
            _check_between(draft, zone, place, inherited | found)
    return tuple(found.values())


def _keep(found: dict[GeometryReference, AgreedGeometry], geometry: AgreedGeometry | None) -> None:
    if geometry is not None:
        found[geometry.reference] = geometry


class _Files:
    """The geometry files of one text, each read once."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.known: dict[str, GeometryFile | None] = {}

    def features(self, reference: GeometryReference, place: Place) -> tuple[GeometryFile, list[Feature]] | None:
        """Give the features a reference names, or `None` after the fault was noted."""
        if reference.file not in self.known:
            self.known[reference.file] = self._read(reference.file, place)
        file = self.known[reference.file]
        if file is None:
            return None
        named = [one for one in file.features if reference.feature in ("", one.name)]
        if not named:
            names = ", ".join(sorted({one.name for one in file.features}))
            self.draft.note((*place, "feature"), f"feature={reference.feature!r} is not in {file.path} (has {names})")
            return None
        return file, named

    def _read(self, name: str, place: Place) -> GeometryFile | None:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or pure.suffix != ".geojson":
            self.draft.note((*place, "file"), f"file={name!r} is not the name of a .geojson file beside the text")
            return None
        path = self.draft.document.path.parent / Path(*pure.parts)
        try:
            file, faults = read_geometry_file(path)
        except SourceUnavailable as error:
            self.draft.note((*place, "file"), str(error))
            return None
        for fault in faults:
            self.draft.faults.append(fault)
            self.draft.note((*place, "file"), f"geometry cannot be used: {fault}")
        return file


class _Read(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A geometry put together out of features, before it becomes a record."""

    reference: GeometryReference
    file: GeometryFile
    features: Sequence[Feature]
    geometry: Any

    def record(self, kind: str, *, names: Sequence[str] = (), markers: Sequence[LineMarker] = ()) -> AgreedGeometry:
        return AgreedGeometry(
            reference=self.reference,
            kind=kind,  # type: ignore[arg-type]
            wkb=bytes(shapely.to_wkb(self.geometry, byte_order=1, output_dimension=2)),
            vertex_count=int(shapely.get_num_coordinates(self.geometry)),
            sigma_m=max(one.sigma_m for one in self.features),
            approximate=self.file.approximate,
            file_sha256=self.file.file_sha256,
            names=tuple(names),
            markers=tuple(markers),
        )


def _read(draft: Draft, files: _Files, reference: GeometryReference, place: Place, kinds: str) -> _Read | None:
    """Give the features of one kind that a reference names, put together; a fault where there is none of the kind."""
    found = files.features(reference, (*place, "drawn"))
    if found is None:
        return None
    file, named = found
    fitting = [
        one for one in named if one.geometry.geom_type.removeprefix("Multi") == kinds and one.marker_index is None
    ]
    if not fitting:
        types = ", ".join(sorted({one.geometry.geom_type for one in named}))
        draft.note((*place, "drawn"), f"{file.path}: {reference.feature!r} is {types}, needed is {kinds}")
        return None
    parts = [part for one in fitting for part in shapely.get_parts(one.geometry)]
    joined: Any = {"LineString": shapely.MultiLineString, "Polygon": shapely.MultiPolygon, "Point": shapely.MultiPoint}
    geometry = parts[0] if len(parts) == 1 and kinds != "Point" else joined[kinds](parts)
    return _Read(reference=reference, file=file, features=fitting, geometry=geometry)


def _line_geometry(draft: Draft, files: _Files, line: AgreedLine, place: Place) -> AgreedGeometry | None:
    assert line.drawn is not None, "only drawn lines have a geometry of their own"
    read = _read(draft, files, line.drawn, place, "LineString")
    if read is None:
        return None
    drawn_m = length_m(read.geometry)
    if line.length_low_m is not None and drawn_m < LENGTH_LEAST_SHARE * line.length_low_m:
        _note_twice(
            draft,
            read,
            (*place, "drawn"),
            f"{line.line_id}: {drawn_m / 1000:.1f} km are drawn of at least {line.length_low_m / 1000:.1f} km, "
            f"which is {drawn_m / line.length_low_m:.0%}; the limit is {LENGTH_LEAST_SHARE:.0%}",
        )
    message = _parts_apart(read.geometry)
    if message:
        _note_twice(draft, read, (*place, "drawn"), f"{line.line_id}: {message}")
    markers = _markers(draft, read, line, place)
    try:
        return read.record("line", markers=markers)
    except ValueError as error:
        draft.note((*place, "drawn"), str(error))
        return None


def _parts_apart(geometry: Any) -> str:
    """Say which parts of a line do not run one after the other, so that their left is not one ground; else nothing.

    Each part has to begin nearest to where the one before it ended. Depths on one ground of a line whose parts run to
    and fro would be measured on the wrong one beside every part that runs the other way.
    """
    parts = [shapely.get_coordinates(part) for part in shapely.get_parts(geometry)]
    for index, (before, after) in enumerate(pairwise(parts)):
        gaps_m = {
            (start, end): length_m(shapely.LineString([before[start], after[end]]))
            for start in (0, -1)
            for end in (0, -1)
        }
        if gaps_m[-1, 0] > min(gaps_m.values()):
            return f"part {index + 2} does not begin where part {index + 1} ends: parts run one after the other"
    return ""


def _note_twice(draft: Draft, read: _Read, place: Place, message: str) -> None:
    """Note a fault both where the text refers to a geometry and where the geometry stands."""
    draft.note(place, f"{message} ({read.file.path})")
    draft.faults.append(Fault(str(read.file.path), read.features[0].line_index, message))


def _markers(draft: Draft, read: _Read, line: AgreedLine, place: Place) -> list[LineMarker]:
    """Give the numbered markers of a line: those drawn, or, where none is, its first and last at its two ends."""
    first, last = line.marker_first_index, line.marker_last_index
    if first is None or last is None:
        return []
    drawn = {
        one.marker_index: along_m(read.geometry, one.geometry)
        for one in read.file.features
        if one.marker_index is not None and one.of_line == (line.drawn.feature if line.drawn else "")
    }
    if not drawn:
        return [
            LineMarker(marker_index=first, along_m=0.0),
            LineMarker(marker_index=last, along_m=length_m(read.geometry)),
        ]
    if min(drawn) > first or max(drawn) < last:
        message = f"{line.line_id}: markers {min(drawn)} to {max(drawn)} are drawn, the line has {first} to {last}"
        _note_twice(draft, read, (*place, "drawn"), message)
    return [LineMarker(marker_index=index, along_m=drawn[index]) for index in sorted(drawn)]


def _area_geometry(draft: Draft, files: _Files, zone: Area, place: Place) -> AgreedGeometry | None:
    read = _read(draft, files, zone.drawn, place, "Polygon")
    return None if read is None else read.record("area")


def _site_geometry(draft: Draft, files: _Files, zone: Sites | BetweenPlaces, place: Place) -> AgreedGeometry | None:
    read = _read(draft, files, zone.drawn, place, "Point")
    if read is None:
        return None
    there = [one.name for one in read.features]
    lacking = sorted(set(zone.names) - set(there))
    if lacking:
        draft.note((*place, "names"), f"{zone.zone_id}: {', '.join(lacking)} are not in {read.file.path}")
    return read.record("sites", names=there)


def _check_between(
    draft: Draft, zone: BetweenLines, place: Place, geometries: dict[GeometryReference, AgreedGeometry]
) -> None:
    """Hold that both lines run along all of the ground between them: one of half the length covers half of it."""
    lines = [draft.inherited("lines", line_id) for line_id in zone.line_ids]
    drawn = [geometries.get(line.drawn) for line in lines if line is not None and line.drawn is not None]
    lengths_m = sorted(length_m(shapely.from_wkb(one.wkb)) for one in drawn if one is not None)
    if len(lengths_m) == 2 and lengths_m[0] < BETWEEN_LEAST_SHARE * lengths_m[1]:
        draft.note(
            (*place, "line_ids"),
            f"{zone.zone_id}: of {zone.line_ids[0]} and {zone.line_ids[1]} one is {lengths_m[0] / 1000:.1f} km and the "
            f"other {lengths_m[1] / 1000:.1f} km: it covers {lengths_m[0] / lengths_m[1]:.0%}, "
            f"the limit is {BETWEEN_LEAST_SHARE:.0%}",
        )
