"""The map of `truceline associate arrays` as SVG: arrays, bearings, the 50, 90 and 95 % regions, and a known site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from truceline.associate.array_grid import EqualAreaPlane
from truceline.associate.array_records import ArrayDetection, ArrayEvent, ArraySolution
from truceline.physics.geodesy import Points, geodesic_destination, points_of

WIDTH_PX = 1000.0
HEIGHT_MIN_PX = 420.0
HEIGHT_MAX_PX = 900.0
MARGIN_SHARE = 0.08
LEGEND_PX = 96.0
SCALE_STEPS_KM = (10, 20, 50, 100, 200, 500, 1000)
GRATICULE_STEPS_DEG = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
OVERSHOOT_RATIO = 1.25
"""How far a bearing is drawn, as a multiple of the way to its event."""

COLOURS = ("#8a3b12", "#1f5a7a", "#4b6b1f", "#6a3d78", "#7a5a00", "#335")
"""One for each event, in turn."""

OPACITIES = {0.5: 0.45, 0.9: 0.25, 0.95: 0.16}

Place = tuple[float, float]
"""Latitude and longitude in degrees."""


class _Frame(NamedTuple):
    """A plane and the part of it that is shown; metres to picture units."""

    plane: EqualAreaPlane
    west_m: float
    north_m: float
    px_per_m: float
    height_px: float

    def at(self, points: Points) -> list[tuple[float, float]]:
        east_m, north_m = self.plane.project_m(points)
        x, y = (east_m - self.west_m) * self.px_per_m, (self.north_m - north_m) * self.px_per_m
        return list(zip(x.tolist(), y.tolist(), strict=True))


def picture_svg(solution: ArraySolution, detections: Sequence[ArrayDetection], *, site: Place | None) -> str:
    """Draw all events of a solution on one map, with the arrays and the bearings of their detections."""
    frame = _frame(solution, detections, site)
    height_px = frame.height_px + LEGEND_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX:g} {height_px:.0f}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#222">',
        "<title>Events located from infrasound array detections</title>",
        f'<defs><clipPath id="map"><rect width="{WIDTH_PX:g}" height="{frame.height_px:.0f}"/></clipPath></defs>',
        f'<rect width="{WIDTH_PX:g}" height="{height_px:.0f}" fill="#fff"/>',
        f'<rect width="{WIDTH_PX:g}" height="{frame.height_px:.0f}" fill="#f6f5f1" stroke="#999"/>',
        '<g clip-path="url(#map)">',
        *_graticule(frame),
    ]
    for number, event in enumerate(solution.events, start=1):
        parts += _event(frame, event, detections, number=number)
    parts += [*_arrays(frame, detections), *_site(frame, site), "</g>", *_legend(frame, site is not None), "</svg>"]
    return "\n".join(parts) + "\n"


def _frame(solution: ArraySolution, detections: Sequence[ArrayDetection], site: Place | None) -> _Frame:
    """Fit the picture to arrays, regions and site."""
    corners = [(entry.longitude_deg, entry.latitude_deg) for entry in detections]
    for event in solution.events:
        corners += [corner for patch in event.regions[-1].patches for corner in patch[0]]
    if site is not None:
        corners.append((site[1], site[0]))
    longitude, latitude = np.radians(np.array(corners).T)
    xyz = np.array([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    x, y, z = xyz.mean(axis=1)
    plane = EqualAreaPlane(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x))))
    east_m, north_m = plane.project_m(points_of(*np.array(corners).T))
    middle_m = (east_m.min() + east_m.max()) / 2.0, (north_m.min() + north_m.max()) / 2.0
    wide_m = max(float(np.ptp(east_m)), 20_000.0) * (1.0 + 2.0 * MARGIN_SHARE)
    high_m = max(float(np.ptp(north_m)), 20_000.0) * (1.0 + 2.0 * MARGIN_SHARE)
    wide_m = max(wide_m, high_m * WIDTH_PX / HEIGHT_MAX_PX)
    px_per_m = WIDTH_PX / wide_m
    height_px = max(high_m * px_per_m, HEIGHT_MIN_PX)
    return _Frame(
        plane=plane,
        west_m=float(middle_m[0]) - wide_m / 2.0,
        north_m=float(middle_m[1]) + height_px / px_per_m / 2.0,
        px_per_m=px_per_m,
        height_px=height_px,
    )


def _path(corners: Sequence[tuple[float, float]], *, closed: bool) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + ("Z" if closed else "")


def _graticule(frame: _Frame) -> Iterator[str]:
    """Draw meridians and parallels, each with its degrees where it enters the picture."""
    edge_x = np.array([0.0, 0.5, 1.0, 0.0, 1.0, 0.0, 0.5, 1.0]) * WIDTH_PX / frame.px_per_m + frame.west_m
    edge_y = frame.north_m - np.array([0.0, 0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0]) * frame.height_px / frame.px_per_m
    seen = frame.plane.points_at(edge_x, edge_y)
    away_deg = np.mod(seen.longitude_deg - frame.plane.longitude_deg + 180.0, 360.0) - 180.0
    west_deg, east_deg = frame.plane.longitude_deg + away_deg.min(), frame.plane.longitude_deg + away_deg.max()
    south_deg, north_deg = float(seen.latitude_deg.min()), float(seen.latitude_deg.max())
    step_deg = next((step for step in GRATICULE_STEPS_DEG if (north_deg - south_deg) / step <= 6.0), 10.0)
    along = np.linspace(0.0, 1.0, 40)
    for longitude in np.arange(np.ceil(west_deg / step_deg), east_deg / step_deg) * step_deg:
        line = frame.at(points_of(np.full(40, longitude), south_deg + along * (north_deg - south_deg)))
        yield f'<path d="{_path(line, closed=False)}" fill="none" stroke="#ccc" stroke-width="0.8"/>'
        x = min(line, key=lambda point: abs(point[1] - frame.height_px))[0]
        label = f"{(longitude + 180.0) % 360.0 - 180.0:g}°"
        yield f'<text x="{x + 3:.1f}" y="{frame.height_px - 5:.1f}" fill="#777" font-size="12">{label}</text>'
    for latitude in np.arange(np.ceil(south_deg / step_deg), north_deg / step_deg) * step_deg:
        line = frame.at(points_of(west_deg + along * (east_deg - west_deg), np.full(40, latitude)))
        yield f'<path d="{_path(line, closed=False)}" fill="none" stroke="#ccc" stroke-width="0.8"/>'
        y = min(line, key=lambda point: abs(point[0]))[1]
        yield f'<text x="4" y="{y - 4:.1f}" fill="#777" font-size="12">{latitude:g}°</text>'


def _event(frame: _Frame, event: ArrayEvent, detections: Sequence[ArrayDetection], *, number: int) -> Iterator[str]:
    """Draw one event: regions from the widest, the bearings of its members, its mean and its densest point."""
    colour = COLOURS[(number - 1) % len(COLOURS)]
    for region in reversed(event.regions):
        rings = [frame.at(points_of(*np.array(ring).T)) for patch in region.patches for ring in patch]
        path = "".join(_path(ring, closed=True) for ring in rings)
        yield (
            f'<path d="{path}" fill="{colour}" fill-opacity="{OPACITIES[region.share]}" fill-rule="evenodd" '
            f'stroke="{colour}" stroke-opacity="0.5" stroke-width="0.7"><title>event {number}: '
            f"{100 * region.share:g} % region, {region.area_m2 / 1e6:,.0f} km²</title></path>"
        )
    by_id = {entry.detection_id: entry for entry in detections}
    for member in event.members:
        detection = by_id[member.detection_id]
        away_m = np.linspace(0.0, OVERSHOOT_RATIO * member.distance_m, 30)
        start = points_of(np.full(30, detection.longitude_deg), np.full(30, detection.latitude_deg))
        line = frame.at(geodesic_destination(start, detection.bearing_deg, away_m))
        yield f'<path d="{_path(line, closed=False)}" fill="none" stroke="{colour}" stroke-width="1.1"/>'
    (dense_x, dense_y), (x, y) = (
        frame.at(points_of(longitude, latitude))[0]
        for longitude, latitude in (
            (event.densest_longitude_deg, event.densest_latitude_deg),
            (event.longitude_deg, event.latitude_deg),
        )
    )
    yield f'<circle cx="{dense_x:.1f}" cy="{dense_y:.1f}" r="4" fill="{colour}" stroke="#fff"/>'
    cross = f"M{x - 8:.1f} {y:.1f}h16M{x:.1f} {y - 8:.1f}v16"
    yield f'<path d="{cross}" stroke="#fff" stroke-width="6"/><path d="{cross}" stroke="{colour}" stroke-width="3"/>'
    yield _label((x - 12, y - 10), f"event {number}", colour=colour, anchor="end")


def _label(place: tuple[float, float], text: str, *, colour: str, anchor: str = "start") -> str:
    return (
        f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" fill="{colour}" stroke="#fff" stroke-width="3" '
        f'paint-order="stroke" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _arrays(frame: _Frame, detections: Sequence[ArrayDetection]) -> Iterator[str]:
    """Draw each array once; a name that would cover another's stands below instead of above."""
    places = {entry.array_id: (entry.longitude_deg, entry.latitude_deg) for entry in detections}
    taken: list[tuple[float, float]] = []
    for name in sorted(places):
        x, y = frame.at(points_of(*places[name]))[0]
        yield f'<path d="M{x:.1f} {y - 8:.1f}l7 13h-14Z" fill="#222" stroke="#fff"><title>{escape(name)}</title></path>'
        is_crowded = any(abs(x - other_x) < 60.0 and abs(y - other_y) < 24.0 for other_x, other_y in taken)
        taken.append((x, y))
        yield _label((min(x + 9, WIDTH_PX - 110), y + (19 if is_crowded else -7)), name, colour="#222")


def _site(frame: _Frame, site: Place | None) -> Iterator[str]:
    """Draw the place that is known otherwise, as an open square."""
    if site is None:
        return
    x, y = frame.at(points_of(site[1], site[0]))[0]
    yield f'<rect x="{x - 7:.1f}" y="{y - 7:.1f}" width="14" height="14" fill="none" stroke="#fff" stroke-width="5"/>'
    yield f'<rect x="{x - 7:.1f}" y="{y - 7:.1f}" width="14" height="14" fill="none" stroke="#000" stroke-width="2"/>'
    yield _label((x + 11, y + 18), "site", colour="#000")


def _legend(frame: _Frame, has_site: bool) -> Iterator[str]:
    """Explain every mark, and give the scale."""
    top = frame.height_px + 30
    colour, x = COLOURS[0], 16.0
    for share in OPACITIES:
        for opacity in (opacity for other, opacity in OPACITIES.items() if other >= share):  # as they lie on the map
            box = f'x="{x:.0f}" y="{top - 13:.0f}" width="22" height="15"'
            yield f'<rect {box} fill="{colour}" fill-opacity="{opacity}"/>'
        yield f'<text x="{x + 28:.0f}" y="{top:.0f}">{100 * share:g} % region</text>'
        x += 140.0
    yield f'<path d="M{x:.0f} {top - 5:.0f}h16m-8 -8v16" stroke="{colour}" stroke-width="3"/>'
    yield f'<text x="{x + 26:.0f}" y="{top:.0f}">posterior mean</text>'
    yield f'<circle cx="{x + 165:.0f}" cy="{top - 5:.0f}" r="4" fill="{colour}"/>'
    yield f'<text x="{x + 176:.0f}" y="{top:.0f}">densest point</text>'
    below = top + 34
    yield f'<path d="M27 {below - 13:.0f}l7 13h-14Z" fill="#222"/><text x="44" y="{below:.0f}">array</text>'
    yield f'<path d="M156 {below - 5:.0f}h22" stroke="{colour}" stroke-width="1.1"/>'
    yield f'<text x="184" y="{below:.0f}">measured bearing</text>'
    if has_site:
        yield f'<rect x="318" y="{below - 12:.0f}" width="13" height="13" fill="none" stroke="#000" stroke-width="2"/>'
        yield f'<text x="340" y="{below:.0f}">site, known otherwise</text>'
    scale_km = next((km for km in reversed(SCALE_STEPS_KM) if km * 1e3 * frame.px_per_m <= 220.0), SCALE_STEPS_KM[0])
    end = WIDTH_PX - 20 - scale_km * 1e3 * frame.px_per_m
    yield f'<path d="M{end:.1f} {below - 6:.0f}v6H{WIDTH_PX - 20:.0f}v-6" fill="none" stroke="#222"/>'
    yield f'<text x="{WIDTH_PX - 20:.0f}" y="{below - 10:.0f}" text-anchor="end">{scale_km} km</text>'


def page_html(picture: str, lines: Sequence[str]) -> str:
    """Make a page that needs nothing else: the map, and below it what the command prints."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Array detections</title>\n'
        "<style>body{font-family:Helvetica,Arial,sans-serif;margin:1.5rem auto;max-width:64rem;color:#222}"
        "pre{overflow-x:auto;background:#f6f5f1;padding:1rem;font-size:.85rem}svg{width:100%;height:auto}</style>"
        f"</head><body>\n<h1>Events from infrasound array detections</h1>\n{picture}"
        f"<pre>{escape(chr(10).join(lines))}</pre>\n</body></html>\n"
    )
