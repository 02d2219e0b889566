"""Where a text holds: agreed lines, zones measured from them or drawn, and the geometry that was read for them."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from truceline.model.quantity import require_between

DEPTH_MOST_M = 1.0e6
"""Deepest belt that can be meant."""


class GeometryReference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a geometry is read: a GeoJSON file beside the text, and the features of that name (empty: all of it)."""

    file: str
    feature: str = ""


class LineMarker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A numbered marker on a line, and how far along the line it stands."""

    marker_index: int
    along_m: float


class AgreedGeometry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One geometry as it was read: WGS 84 WKB (longitude, latitude in degrees), its file's hash, how exact it is.

    `names` are those of the points of a set of sites, in the order of the geometry. `markers` stand in the order of the
    line. `approximate` says that the line is not public at full precision and was drawn from descriptions, and
    `sigma_m` is how far off it may be (1 sigma).
    """

    reference: GeometryReference
    kind: Literal["line", "area", "sites"]
    wkb: bytes
    vertex_count: int
    sigma_m: float
    approximate: bool
    file_sha256: str
    names: tuple[str, ...] = ()
    markers: tuple[LineMarker, ...] = ()

    def __post_init__(self) -> None:
        """Check the uncertainty and that markers stand in one order, by number and by place."""
        require_between("sigma_m", self.sigma_m, 0.0, 1.0e6)
        indices = [marker.marker_index for marker in self.markers]
        ways_m = [marker.along_m for marker in self.markers]
        if indices != sorted(set(indices)) or ways_m != sorted(set(ways_m)):
            raise ValueError(f"markers of {self.reference.file} do not rise along the line")


class LineSeries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line taken from dated contact lines: that of one day (`as_of`), or without one that of each event's own day."""

    as_of: date | None = None


class AgreedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the text: drawn in a file, or taken from dated contact lines, or neither (then nobody can measure).

    `left_party` holds the ground to the left of the drawn direction. `length_low_m` is the least length the text gives
    it: a drawing that falls short covers only part of it and is refused.
    """

    line_id: str
    title: str
    drawn: GeometryReference | None = None
    series: LineSeries | None = None
    left_party: str | None = None
    marker_first_index: int | None = None
    marker_last_index: int | None = None
    length_low_m: float | None = None

    def __post_init__(self) -> None:
        """Check that the line comes from one place, and that markers are given as a pair in order."""
        if self.drawn is not None and self.series is not None:
            raise ValueError(f"{self.line_id}: drawn and series are both given")
        if (self.marker_first_index is None) != (self.marker_last_index is None):
            raise ValueError(f"{self.line_id}: marker_first_index and marker_last_index go together")
        if self.marker_first_index is not None and self.marker_last_index is not None:
            require_between("marker_last_index", self.marker_last_index, self.marker_first_index + 1, 1_000_000)
        if self.length_low_m is not None:
            require_between("length_low_m", self.length_low_m, 0.0, 1.0e8)


class PartyLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which line one party's depth is measured."""

    party: str
    line_id: str


class ZoneBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every zone has: an id and what the text calls it."""

    zone_id: str
    title: str = ""


class Belt(ZoneBase, frozen=True, kw_only=True, tag="belt"):
    """Ground by its depth from a line: [low, high) metres, or a total width that is halved for each party.

    `line_id` is the line; without one each party's own reference line counts. `ground` says whether a party's own
    ground counts, the other's, or either (the depth is then the plain distance). `marker_from_index` and
    `marker_until_index` cut the belt to a segment of a numbered line, [from, until), the last marker of the line
    included. A belt for `parties` holds for them only; for none named, for everyone.
    """

    line_id: str | None = None
    depth_low_m: float = 0.0
    depth_high_m: float | None = None
    width_total_m: float | None = None
    ground: Literal["own", "other", "either"] = "either"
    marker_from_index: int | None = None
    marker_until_index: int | None = None
    parties: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the depth is given once, that it is one, and that markers are a pair in order."""
        if (self.depth_high_m is None) == (self.width_total_m is None):
            raise ValueError(f"{self.zone_id}: exactly one of depth_high_m and width_total_m is needed")
        require_between("depth_low_m", self.depth_low_m, 0.0, DEPTH_MOST_M)
        require_between("depth", self.depth_m, self.depth_low_m, DEPTH_MOST_M)
        if (self.marker_from_index is None) != (self.marker_until_index is None):
            raise ValueError(f"{self.zone_id}: marker_from_index and marker_until_index go together")
        if self.marker_from_index is not None and self.marker_until_index is not None:
            require_between("marker_until_index", self.marker_until_index, self.marker_from_index + 1, 1_000_000)

    @property
    def depth_m(self) -> float:
        """Depth for each party: as given, or half of a total width."""
        if self.depth_high_m is not None:
            return self.depth_high_m
        assert self.width_total_m is not None, "a belt has a depth or a width"
        return self.width_total_m / 2.0


class Area(ZoneBase, frozen=True, kw_only=True, tag="area"):
    """Ground inside a drawn boundary: a polygon of an annex, or an administrative area."""

    drawn: GeometryReference
    admin_name: str = ""


class Sites(ZoneBase, frozen=True, kw_only=True, tag="sites"):
    """Ground within a radius of named places."""

    drawn: GeometryReference
    radius_m: float
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the radius."""
        require_between("radius_m", self.radius_m, 0.0, DEPTH_MOST_M)


class BetweenLines(ZoneBase, frozen=True, kw_only=True, tag="between_lines"):
    """Ground between two lines of the text, their ends joined."""

    line_ids: tuple[str, str]


class BetweenPlaces(ZoneBase, frozen=True, kw_only=True, tag="between_places"):
    """Water or ground between two named places of a file: the stretch from one to the other, as wide as given."""

    drawn: GeometryReference
    names: tuple[str, str]
    half_width_m: float

    def __post_init__(self) -> None:
        """Check the width and that the places differ."""
        require_between("half_width_m", self.half_width_m, 0.0, DEPTH_MOST_M)
        if self.names[0] == self.names[1]:
            raise ValueError(f"{self.zone_id}: names={self.names} are one and the same")


class Unmapped(ZoneBase, frozen=True, kw_only=True, tag="unmapped"):
    """Ground that the text names and nobody published; `lacking` says what is missing, and findings say it too."""

    lacking: str


Zone = Belt | Area | Sites | BetweenLines | BetweenPlaces | Unmapped
