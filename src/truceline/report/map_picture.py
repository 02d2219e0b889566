"""The map of one day as drawing instructions: contact line, its uncertainty, ground held, released cells by count.

Plate carrée with longitudes shortened by the cosine of the middle latitude: at most a few per cent off in scale over a
theatre of some hundred kilometres, and every line of the graticule is straight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import msgspec
import shapely

from truceline.model.quantity import require_between
from truceline.model.reference_line import DatedLine
from truceline.model.released import ReleasedEvent

WIDTH_PX = 1000.0
HEIGHT_MIN_PX = 380.0
HEIGHT_MAX_PX = 900.0
SIMPLIFY_PX = 0.6
BELT_KM = 25.0
"""How far to either side of the line the ground held is tinted, kilometres; the same for both parties."""

KM_PER_DEGREE_KM = 111.2
CIRCLE_MAX_PX = 30.0
CIRCLE_MIN_PX = 4.0
NAMES_MAX_COUNT = 8
GRATICULE_STEPS_DEG = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SCALE_STEPS_KM = (5, 10, 20, 50, 100, 200, 500)
BAND_SIGMA_RATIO = 1.96
"""Half width of the band around the line in standard deviations: 95 %."""


class MapBounds(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the theatre that a map shows, degrees on WGS 84."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        """Check that the limits are in order."""
        require_between("west_deg", self.west_deg, -180.0, 180.0)
        require_between("east_deg", self.east_deg, self.west_deg + 0.01, 180.0)
        require_between("south_deg", self.south_deg, -85.0, 85.0)
        require_between("north_deg", self.north_deg, self.south_deg + 0.01, 85.0)

    def holds(self, latitude_deg: float, longitude_deg: float) -> bool:
        """Say whether a place is on the map."""
        return self.south_deg <= latitude_deg <= self.north_deg and self.west_deg <= longitude_deg <= self.east_deg


class MapCircle(msgspec.Struct, frozen=True, kw_only=True):
    """One released cell with its events: centre and radius on the picture, the cell's square, and what to say of it."""

    x_px: float
    y_px: float
    radius_px: float
    potential_radius_px: float
    cell_width_px: float
    cell_height_px: float
    coarse: bool
    title: str
    name: str


class MapGridLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the graticule: where it stands on the picture and how it is labelled."""

    position_px: float
    label: str


class MapLegendCircle(msgspec.Struct, frozen=True, kw_only=True):
    """One circle of the legend with the number of events it stands for."""

    radius_px: float
    count: int


class MapPicture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one map shows; paths are SVG path data. `belts` are (party, path), both of the same width."""

    day_label: str
    width_px: float
    height_px: float
    line_path: str
    line_words: str
    band_width_px: float
    band_words: str
    belts: tuple[tuple[str, str], ...]
    circles: tuple[MapCircle, ...]
    legend_circles: tuple[MapLegendCircle, ...]
    meridians: tuple[MapGridLine, ...]
    parallels: tuple[MapGridLine, ...]
    scale_km: int
    scale_px: float
    shown_count: int
    outside_count: int
    cell_words: str


class _Projection(msgspec.Struct, frozen=True, kw_only=True):
    """Degrees to picture units."""

    bounds: MapBounds
    px_per_latitude_deg: float
    px_per_longitude_deg: float

    @property
    def height_px(self) -> float:
        """Height of the picture."""
        return (self.bounds.north_deg - self.bounds.south_deg) * self.px_per_latitude_deg

    @property
    def px_per_km(self) -> float:
        """Scale along a meridian."""
        return self.px_per_latitude_deg / KM_PER_DEGREE_KM

    def x_px(self, longitude_deg: float) -> float:
        """Place of a longitude."""
        return (longitude_deg - self.bounds.west_deg) * self.px_per_longitude_deg

    def y_px(self, latitude_deg: float) -> float:
        """Place of a latitude."""
        return (self.bounds.north_deg - latitude_deg) * self.px_per_latitude_deg

    def geometry(self, wkb: bytes) -> Any:
        """Bring a geometry to picture units."""
        scale = (self.px_per_longitude_deg, -self.px_per_latitude_deg)
        offset = (-self.bounds.west_deg * scale[0], -self.bounds.north_deg * scale[1])
        return shapely.transform(shapely.make_valid(shapely.from_wkb(wkb)), lambda points: points * scale + offset)


def fitting_bounds(bounds: MapBounds) -> MapBounds:
    """Widen bounds until the picture is neither a strip nor a tower."""
    middle_deg = (bounds.north_deg + bounds.south_deg) / 2.0
    squeeze = math.cos(math.radians(middle_deg))
    width_deg = (bounds.east_deg - bounds.west_deg) * squeeze
    height_deg = bounds.north_deg - bounds.south_deg
    more_height_deg = max(width_deg * HEIGHT_MIN_PX / WIDTH_PX - height_deg, 0.0)
    more_width_deg = max(height_deg * WIDTH_PX / HEIGHT_MAX_PX - width_deg, 0.0) / squeeze
    return MapBounds(
        west_deg=max(bounds.west_deg - more_width_deg / 2.0, -180.0),
        east_deg=min(bounds.east_deg + more_width_deg / 2.0, 180.0),
        south_deg=max(bounds.south_deg - more_height_deg / 2.0, -85.0),
        north_deg=min(bounds.north_deg + more_height_deg / 2.0, 85.0),
    )


def bounds_of(
    lines: Sequence[DatedLine], events: Sequence[ReleasedEvent], *, margin_deg: float = 0.3
) -> MapBounds | None:
    """Give bounds that hold the line and all but the outermost cells, or `None` where there is neither.

    One event in fifty may fall outside on each side, so that a single distant place does not shrink the theatre to a
    dot; the map says how many are outside.
    """
    boxes = [tuple(shapely.bounds(shapely.from_wkb(line.line_wkb or line.held_wkb)).tolist()) for line in lines]
    if events:
        cut = len(events) // 50
        longitudes = sorted(event.cell_longitude_deg for event in events)
        latitudes = sorted(event.cell_latitude_deg for event in events)
        boxes.append((longitudes[cut], latitudes[cut], longitudes[-1 - cut], latitudes[-1 - cut]))
    if not boxes:
        return None
    return MapBounds(
        west_deg=max(min(float(box[0]) for box in boxes) - margin_deg, -180.0),
        south_deg=max(min(float(box[1]) for box in boxes) - margin_deg, -85.0),
        east_deg=min(max(float(box[2]) for box in boxes) + margin_deg, 180.0),
        north_deg=min(max(float(box[3]) for box in boxes) + margin_deg, 85.0),
    )


def line_of_day(lines: Sequence[DatedLine], day: date) -> DatedLine | None:
    """Give the newest line drawn for a day or before it."""
    earlier = [line for line in lines if line.valid_date <= day]
    return max(earlier, key=lambda line: (line.valid_date, line.source_id, line.file_sha256), default=None)


def build_map(
    bounds: MapBounds,
    events: Sequence[ReleasedEvent],
    *,
    line: DatedLine | None,
    day: date,
    parties: tuple[str, str],
    is_potential: Callable[[ReleasedEvent], bool],
) -> MapPicture:
    """Draw one day; events outside the bounds are counted, never drawn at the edge."""
    projection = _projection(fitting_bounds(bounds))
    inside = [e for e in events if projection.bounds.holds(e.cell_latitude_deg, e.cell_longitude_deg)]
    circles, peak_count = _circles(inside, projection, is_potential)
    scale_km = next((km for km in reversed(SCALE_STEPS_KM) if km * projection.px_per_km <= 200.0), SCALE_STEPS_KM[0])
    line_path, belts = _ground(line, projection, parties)
    sigma_km = line.sigma_m / 1000.0 if line else 0.0
    return MapPicture(
        day_label=f"{day.day} {day:%B} {day.year}",
        width_px=WIDTH_PX,
        height_px=round(projection.height_px, 1),
        line_path=line_path,
        line_words=_line_words(line, day),
        band_width_px=round(2.0 * BAND_SIGMA_RATIO * sigma_km * projection.px_per_km, 2),
        band_words=f"±{BAND_SIGMA_RATIO * sigma_km:.1f} km (95 %)",
        belts=belts,
        circles=circles,
        legend_circles=_legend(peak_count),
        meridians=_grid(projection.bounds.west_deg, projection.bounds.east_deg, projection.x_px, "EW"),
        parallels=_grid(projection.bounds.south_deg, projection.bounds.north_deg, projection.y_px, "NS"),
        scale_km=scale_km,
        scale_px=round(scale_km * projection.px_per_km, 1),
        shown_count=len(inside),
        outside_count=len(events) - len(inside),
        cell_words=_cell_words(inside),
    )


def _projection(bounds: MapBounds) -> _Projection:
    """Make the projection that fills the width of the picture."""
    px_per_longitude_deg = WIDTH_PX / (bounds.east_deg - bounds.west_deg)
    squeeze = math.cos(math.radians((bounds.north_deg + bounds.south_deg) / 2.0))
    return _Projection(
        bounds=bounds, px_per_longitude_deg=px_per_longitude_deg, px_per_latitude_deg=px_per_longitude_deg / squeeze
    )


def _ground(
    line: DatedLine | None, projection: _Projection, parties: tuple[str, str]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Draw the line, clipped to the picture, and a belt of the same width on either side of it."""
    if line is None:
        return "", ()
    frame = shapely.box(0.0, 0.0, WIDTH_PX, projection.height_px)
    held = projection.geometry(line.held_wkb) if line.held_wkb is not None else None
    whole = projection.geometry(line.line_wkb) if line.line_wkb is not None else shapely.boundary(held)
    drawn: Any = shapely.simplify(shapely.intersection(whole, frame), SIMPLIFY_PX)
    line_path = _path(drawn)
    if held is None or line.held_by not in parties or drawn.is_empty:
        return line_path, ()
    belt = _belt(drawn, BELT_KM * projection.px_per_km, frame)
    ground: Any = shapely.make_valid(shapely.simplify(shapely.intersection(held, frame), SIMPLIFY_PX))
    other = parties[1] if line.held_by == parties[0] else parties[0]
    sides = {line.held_by: shapely.intersection(belt, ground), other: shapely.difference(belt, ground)}
    return line_path, tuple((party, _path(sides[party])) for party in parties)


def _belt(drawn: Any, belt_px: float, frame: Any) -> Any:
    """Widen the line to both sides, leaving out pieces shorter than the belt is wide, which would look like spokes."""
    pieces = shapely.get_parts(shapely.line_merge(drawn))
    long_enough = pieces[shapely.length(pieces) >= 2.0 * belt_px]
    smooth = shapely.simplify(long_enough, belt_px / 4.0)
    return shapely.intersection(shapely.union_all(shapely.buffer(smooth, belt_px, cap_style="flat")), frame)


def _path(geometry: Any) -> str:
    """Write lines and polygons as SVG path data with one decimal."""
    rings = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon":
            rings += [(ring, "Z") for ring in (part.exterior, *part.interiors)]
        elif part.geom_type == "LineString":
            rings.append((part, ""))
        elif part.geom_type in ("MultiPolygon", "MultiLineString"):
            rings += [(sub, "") for sub in shapely.get_parts(part) if sub.geom_type == "LineString"]
    written = []
    for ring, close in rings:
        points = shapely.get_coordinates(ring).round(1).tolist()
        if len(points) > 1:
            written.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points) + close)
    return "".join(written)


def _circles(
    events: Sequence[ReleasedEvent], projection: _Projection, is_potential: Callable[[ReleasedEvent], bool]
) -> tuple[tuple[MapCircle, ...], int]:
    """Gather events by cell; areas of circles are in proportion to counts, largest drawn first."""
    cells: dict[tuple[float, float, float], list[ReleasedEvent]] = {}
    for event in events:
        cells.setdefault((event.cell_latitude_deg, event.cell_longitude_deg, event.cell_deg), []).append(event)
    peak_count = max((len(listed) for listed in cells.values()), default=0)
    finest_deg = min((cell_deg for _, _, cell_deg in cells), default=0.0)
    ordered = sorted(cells.items(), key=lambda item: (-len(item[1]), item[0]))
    circles = []
    for rank_index, ((latitude_deg, longitude_deg, cell_deg), listed) in enumerate(ordered):
        potential_count = sum(1 for event in listed if is_potential(event))
        name = next((event.place_name for event in listed if event.place_name and not event.place_is_region), None)
        circles.append(
            MapCircle(
                x_px=round(projection.x_px(longitude_deg), 1),
                y_px=round(projection.y_px(latitude_deg), 1),
                radius_px=_radius_px(len(listed), peak_count),
                potential_radius_px=_radius_px(potential_count, peak_count),
                cell_width_px=round(cell_deg * projection.px_per_longitude_deg, 1),
                cell_height_px=round(cell_deg * projection.px_per_latitude_deg, 1),
                coarse=cell_deg > finest_deg,
                title=_cell_title(len(listed), potential_count, latitude_deg, longitude_deg, cell_deg=cell_deg),
                name=(name or "") if rank_index < NAMES_MAX_COUNT and len(listed) > 1 else "",
            )
        )
    return tuple(circles), peak_count


def _radius_px(count: int, peak_count: int) -> float:
    """Give a radius whose square is in proportion to a count; nothing has radius 0."""
    if count == 0:
        return 0.0
    largest_px = min(CIRCLE_MAX_PX, CIRCLE_MIN_PX * math.sqrt(peak_count))
    return round(largest_px * math.sqrt(count / peak_count), 1)


def _cell_title(
    event_count: int, potential_count: int, latitude_deg: float, longitude_deg: float, *, cell_deg: float
) -> str:
    """Say what a circle stands for."""
    events = f"{event_count} event{'s' if event_count != 1 else ''}"
    place = f"{cell_deg:g}° cell around {_degrees(latitude_deg, 'NS')} {_degrees(longitude_deg, 'EW')}"
    return f"{events}, of which {potential_count} found to be a potential violation; {place}"


def _legend(peak_count: int) -> tuple[MapLegendCircle, ...]:
    """Choose up to three round numbers whose circles explain the scale."""
    if peak_count == 0:
        return ()
    chosen = sorted({1, _round_number(peak_count / 4.0), _round_number(float(peak_count))})
    return tuple(MapLegendCircle(radius_px=_radius_px(count, peak_count), count=count) for count in chosen)


def _round_number(value: float) -> int:
    """Give the largest of 1, 2, 5, 10, 20, 50 ... that is not above a value, and at least 1."""
    if value < 1.0:
        return 1
    power = int(10.0 ** int(math.log10(value)))
    return next(step * power for step in (5, 2, 1) if step * power <= value)


def _grid(low_deg: float, high_deg: float, place: Callable[[float], float], signs: str) -> tuple[MapGridLine, ...]:
    """Choose round degrees so that four to eight lines cross the picture."""
    step_deg = next((step for step in GRATICULE_STEPS_DEG if (high_deg - low_deg) / step <= 8.0), 30.0)
    first = math.ceil(low_deg / step_deg + 1e-9)
    last = math.floor(high_deg / step_deg - 1e-9)
    values = [index * step_deg for index in range(first, last + 1)]
    return tuple(MapGridLine(position_px=round(place(value), 1), label=_degrees(value, signs)) for value in values)


def _degrees(value_deg: float, signs: str) -> str:
    """Write degrees with the letter of the hemisphere."""
    return f"{abs(round(value_deg, 3)):g}° {signs[0] if value_deg >= 0 else signs[1]}"


def _line_words(line: DatedLine | None, day: date) -> str:
    """Say which line is drawn and how old it is."""
    if line is None:
        return "No contact line for this day or before it was received; none is drawn."
    drawn = f"{line.valid_date.day} {line.valid_date:%B} {line.valid_date.year}"
    age_days = (day - line.valid_date).days
    if age_days == 0:
        return f"Contact line of {drawn} ({line.source_id})."
    return f"Contact line of {drawn} ({line.source_id}), {age_days} day{'s' if age_days > 1 else ''} before this day."


def _cell_words(events: Sequence[ReleasedEvent]) -> str:
    """Say which sizes of cells are drawn."""
    sizes_deg = sorted({event.cell_deg for event in events})
    return ", ".join(f"{size_deg:g}°" for size_deg in sizes_deg)
