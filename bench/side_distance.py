"""Side and distance of points for their own day, against the best plain peer, in one run on synthetic lines.

Run `taskset -c 0 python bench/side_distance.py`. The peer is what a careful shapely user writes: day by day, prepared
ground with `contains_xy`, a tree over the line's segments in the same plane, and `shapely.distance`.
The naive peer measures each point to the whole line. Neither gives geodesic metres; we do.
Times are those of the processor, so that a busy machine does not show.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import shapely

from truceline.model.reference_line import DatedLine
from truceline.physics.contact_line import Floats, LineHistory
from truceline.physics.geodesy import EqualScalePlane, Points, plane_for, points_of

FIRST_DAY = date(2024, 7, 8)
Answer = tuple[np.ndarray, np.ndarray]


def synthetic_lines(day_count: int, corner_count: int, rng: np.random.Generator) -> list[DatedLine]:
    """Draw a line from south-west to north-east whose corners move a little every few days; ground lies south-east."""
    share = np.linspace(0.0, 1.0, corner_count)
    corners = np.column_stack([32.0 + 7.5 * share, 46.5 + 3.5 * share]) + rng.normal(0.0, 0.03, (corner_count, 2))
    lines = []
    for day_index in range(day_count):
        moved = rng.integers(0, corner_count, 20)
        corners = corners.copy()
        corners[moved] += rng.normal(0.0, 0.003, (20, 2))
        ground = shapely.make_valid(shapely.Polygon([*corners, (40.5, 44.5), (32.0, 44.5)]))
        lines.append(
            DatedLine(
                valid_date=FIRST_DAY + timedelta(day_index),
                held_by="A",
                held_wkb=shapely.to_wkb(ground),
                line_wkb=shapely.to_wkb(shapely.LineString(corners)),
                sigma_m=1_000.0,
                source_id="synthetic",
                file_sha256="0" * 64,
            )
        )
    return lines


def by_shapely(
    lines: list[DatedLine], points: Points, days: np.ndarray, *, distances: Callable[[np.ndarray, np.ndarray], Floats]
) -> Answer:
    """Answer day by day with plain shapely."""
    side, distance_m = np.zeros(len(points), dtype=np.int8), np.full(len(points), np.nan)
    plane = plane_for(points_of([32.0, 40.0], [44.0, 53.0]))
    for line in lines:
        rows = np.flatnonzero(days == np.datetime64(line.valid_date))
        here = points_of(points.longitude_deg[rows], points.latitude_deg[rows])
        held = shapely.from_wkb(line.held_wkb)
        shapely.prepare(held)
        side[rows] = np.where(shapely.contains_xy(held, here.longitude_deg, here.latitude_deg), 1, -1)
        distance_m[rows] = distances(_corners_m(line, plane), np.column_stack(plane.project_m(here)))
    return side, distance_m


def _corners_m(line: DatedLine, plane: EqualScalePlane) -> np.ndarray:
    corners = shapely.get_coordinates(shapely.from_wkb(line.line_wkb))
    return np.column_stack(plane.project_m(points_of(corners[:, 0], corners[:, 1])))


def by_tree(corners_m: np.ndarray, points_m: np.ndarray) -> Floats:
    """Measure with a tree over the segments: the best plain peer."""
    segments = np.asarray(shapely.linestrings(np.stack([corners_m[:-1], corners_m[1:]], axis=1)))
    drawn = shapely.points(points_m)
    _, nearest = shapely.STRtree(segments).query_nearest(drawn, all_matches=False)
    return np.asarray(shapely.distance(drawn, segments[nearest]))


def by_whole_line(corners_m: np.ndarray, points_m: np.ndarray) -> Floats:
    """Measure each point to the whole line: the naive peer."""
    return np.asarray(shapely.distance(shapely.points(points_m), shapely.linestrings(corners_m)))


def by_history(lines: list[DatedLine], points: Points, days: np.ndarray) -> Answer:
    """Answer with the history, loading included."""
    located = LineHistory(lines).locate(points.longitude_deg, points.latitude_deg, days)
    return located.side, located.distance_m


def timed(name: str, answer: Callable[[], Answer], point_count: int) -> tuple[float, Answer]:
    """Time one way and print its rate."""
    start_s = time.process_time()
    result = answer()
    duration_s = time.process_time() - start_s
    print(f"{name:<12} {duration_s:8.2f} s {point_count / duration_s:12,.0f} points/s")
    return duration_s, result


def main() -> None:
    """Run all ways on the same points and print the ratios and the agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=160_000)
    parser.add_argument("--days", type=int, default=700)
    parser.add_argument("--corners", type=int, default=1_290)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    lines = synthetic_lines(options.days, options.corners, rng)
    points = points_of(rng.uniform(24.0, 42.0, options.points), rng.uniform(44.0, 53.0, options.points))
    days = np.datetime64(FIRST_DAY) + rng.integers(0, options.days, options.points)
    ours_s, ours = timed("history", lambda: by_history(lines, points, days), options.points)
    tree_s, tree = timed("tree peer", lambda: by_shapely(lines, points, days, distances=by_tree), options.points)
    naive_s, _ = timed("naive peer", lambda: by_shapely(lines, points, days, distances=by_whole_line), options.points)
    off_m = np.abs(tree[1] - ours[1])
    near_share = float(((off_m <= 30.0) | (off_m <= 0.005 * ours[1])).mean())
    print(f"ratio to tree peer {tree_s / ours_s:.2f}, to naive peer {naive_s / ours_s:.2f} (above 1: we are faster)")
    print(
        f"side differs at {int((ours[0] != tree[0]).sum())} points; "
        f"distance agrees to 30 m or 0.5 % at {near_share:.3%}"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
