"""Distances from a line and probabilities of zones, against shapely's tree with pyproj's geodesics, in one run.

Run `taskset -c 0 python bench/zones.py`. The line is a real daily contact line where `../shared` is present, else a
generated one. The peer is what a careful shapely user writes: an STRtree over the segments in one conformal plane, the
nearest point there, its geodesic distance by pyproj, and `contains_xy` for the side. Times are the processor's, the
best of several runs; compiling comes before.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely

from truceline.assess.zone_area import area_probability
from truceline.assess.zone_belt import Belt, belts_inside, belts_probability, compile_belts, halved
from truceline.assess.zone_columns import spread_of
from truceline.assess.zone_ground import Ground, compile_ground, ground_inside
from truceline.assess.zone_line import ReferenceLine, compile_line, locate
from truceline.physics.geodesy import Points, geodesic_destination, geodesic_distance_m, plane_for, points_of

LINE_FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "contact_line" / "line_daily.parquet"
POINTS_REACH_M = 80e3
"""Points lie up to so far from a corner of the line."""

DRAWN_COUNT = 40_000
"""Positions drawn for each point that a probability is held against: standard error at most 0.0025."""


def drawn_line() -> tuple[str, shapely.MultiLineString, shapely.Geometry]:
    """Give the newest real line with its ground, or a generated one."""
    if LINE_FILE.is_file():
        import polars as pl

        row = pl.read_parquet(LINE_FILE).row(-1, named=True)
        line, ground = (shapely.from_wkb(row[name]) for name in ("line_wkb_wgs84", "occupied_wkb_wgs84"))
        return f"contact line of {row['date']}", line, ground
    rng = np.random.default_rng(1)
    share = np.linspace(0.0, 1.0, 1_290)
    corners = np.column_stack([32.0 + 7.5 * share, 46.5 + 3.5 * share]) + rng.normal(0.0, 0.02, (1_290, 2))
    ground = shapely.make_valid(shapely.Polygon([*corners, (40.5, 44.5), (32.0, 44.5)]))
    return "generated line", shapely.MultiLineString([corners]), ground


def our_ground(ground: shapely.Geometry) -> Ground:
    """Compile shapely's ground."""
    polygons = [part for part in shapely.get_parts(ground) if part.geom_type == "Polygon"]
    return compile_ground([[shapely.get_coordinates(ring) for ring in (p.exterior, *p.interiors)] for p in polygons])


def by_tree(line: shapely.Geometry, ground: shapely.Geometry) -> Callable[[Points], np.ndarray]:
    """Prepare the peer: signed geodesic distances."""
    cut = shapely.segmentize(line, 0.05)
    corners = shapely.get_coordinates(cut)
    plane = plane_for(points_of(*corners.T), margin_deg=2.0)
    segments = []
    for part in shapely.get_parts(cut):
        laid = np.column_stack(plane.project_m(points_of(*shapely.get_coordinates(part).T)))
        segments.append(shapely.linestrings(np.stack([laid[:-1], laid[1:]], axis=1)))
    pieces = np.concatenate(segments)
    tree = shapely.STRtree(pieces)
    shapely.prepare(ground)

    def distance_m(points: Points) -> np.ndarray:
        """Give signed distances."""
        drawn = shapely.points(*plane.project_m(points))
        _, nearest = tree.query_nearest(drawn, all_matches=False)
        feet = shapely.get_coordinates(shapely.shortest_line(pieces[nearest], drawn))[::2]
        there = plane.points_at(feet[:, 0], feet[:, 1])
        side = np.where(shapely.contains_xy(ground, points.longitude_deg, points.latitude_deg), 1.0, -1.0)
        return side * geodesic_distance_m(points, there)

    return distance_m


def per_s(call: Callable[[], object], count: int, *, runs: int = 3) -> float:
    """Give points a second of processor time, the best of several runs."""
    best_s = np.inf
    for _ in range(runs):
        start_s = time.process_time()
        call()
        best_s = min(best_s, time.process_time() - start_s)
    return count / best_s


def print_errors(line: ReferenceLine, ground: Ground, near: Points, sigma_m: float) -> None:
    """Print how far probabilities are from the share of drawn positions."""
    zones = compile_belts([[halved(30e3)], [Belt(from_m=0.0, to_m=15e3, ground="held")], [halved(140e3)]])
    rng, count = np.random.default_rng(5), len(near)
    shares, areas = np.empty((3, count)), np.empty(count)
    for k in range(count):
        centre = points_of(np.full(DRAWN_COUNT, near.longitude_deg[k]), np.full(DRAWN_COUNT, near.latitude_deg[k]))
        way_m = sigma_m * np.sqrt(-2.0 * np.log(rng.uniform(size=DRAWN_COUNT)))
        moved = geodesic_destination(centre, rng.uniform(0.0, 360.0, DRAWN_COUNT), way_m)
        shares[:, k] = belts_inside(zones, locate(line, moved)).mean(axis=1)
        areas[k] = ground_inside(ground, moved).mean()
    spread = spread_of(sigma_m, count=count)
    off = np.abs(belts_probability(line, zones, near, spread=spread)[1] - shares)
    off_area = np.abs(area_probability(ground, near, spread) - areas)
    names = ("15 km", "15 km of one ground", "70 km", "ground")
    told = ", ".join(f"{name} {row.max():.4f}" for name, row in zip(names, [*off, off_area], strict=True))
    print(f"largest departure from {DRAWN_COUNT:,} drawn positions, sigma {sigma_m:,.0f} m: {told}")


def main() -> None:
    """Run both ways on the same points and print rates, ratios and agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=500_000)
    parser.add_argument("--checked", type=int, default=60)
    options = parser.parse_args()
    name, drawn, ground_drawn = drawn_line()
    ground = our_ground(ground_drawn)
    line = compile_line([shapely.get_coordinates(part) for part in shapely.get_parts(drawn)], ground=ground)
    corner_count = shapely.get_num_coordinates(drawn)
    print(f"{name}: {corner_count} corners, {line.piece_count} pieces, {line.length_m / 1e3:,.0f} km")
    rng = np.random.default_rng(2)
    corners = shapely.get_coordinates(drawn)[rng.integers(0, corner_count, options.points)]
    away_m = rng.uniform(0.0, POINTS_REACH_M, options.points)
    bearing_deg = rng.uniform(0.0, 360.0, options.points)
    points = geodesic_destination(points_of(corners[:, 0], corners[:, 1]), bearing_deg, away_m)
    peer = by_tree(drawn, ground_drawn)
    ours_m = locate(line, points).signed_distance_m
    ours, theirs = per_s(lambda: locate(line, points), len(points)), per_s(lambda: peer(points), len(points), runs=1)
    off_m = np.abs(np.abs(ours_m) - np.abs(peer(points)))
    print(f"distance, side, gradient, station: {ours:12,.0f} points/s; peer (distance, side) {theirs:12,.0f} points/s")
    print(f"ratio {ours / theirs:.1f} (above 1: we are faster); distances differ by {off_m.max():.1f} m at most")
    zones = compile_belts([[halved(width_m)] for width_m in (30e3, 50e3, 70e3, 140e3)])
    some = points_of(points.longitude_deg[:100_000], points.latitude_deg[:100_000])
    mixed_m = np.exp(rng.uniform(np.log(10.0), np.log(2_000.0), len(some)))
    for told, sigma_m in (("0 m", 0.0), ("100 m", 100.0), ("1,000 m", 1_000.0), ("10 m to 2 km", mixed_m)):
        spread = spread_of(sigma_m, count=len(some))
        first = points_of([37.0], [48.0])
        belts_probability(line, zones, first, spread=spread_of(1_000.0, count=1))
        area_probability(ground, first, spread_of(1_000.0, count=1))
        belts = per_s(lambda spread=spread: belts_probability(line, zones, some, spread=spread), len(some), runs=1)
        areas = per_s(lambda spread=spread: area_probability(ground, some, spread), len(some), runs=1)
        print(f"sigma {told}: four belts {belts:12,.0f} points/s, ground {areas:12,.0f} points/s")
    near = points_of(points.longitude_deg[: options.checked], points.latitude_deg[: options.checked])
    for sigma_m in (300.0, 1_000.0, 5_000.0):
        print_errors(line, ground, near, sigma_m)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
