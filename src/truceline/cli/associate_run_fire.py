"""Direction of fire after a run: the coarse record of each mission, and nothing else, as `fire_origins.csv`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from truceline.associate.fire_columns import FireEvents, FireOrigins
    from truceline.model.reference_line import DatedLine
    from truceline.physics.contact_line import LineHistory
    from truceline.physics.geodesy import EqualScalePlane

FILE_NAME = "fire_origins.csv"

WINDOW_S = 3_600.0
HALO_S = 300.0
"""Missions are paired in windows of an hour with this much before and after: longer than any flight (150 s)."""

NS_PER_S_COUNT = 1_000_000_000
CELLS_SHOWN_COUNT = 3

HEADER = "\n".join(
    [
        "# Coarse on purpose: for each fire mission the probability that it was launched from a party's ground, or",
        "# that it cannot be told, rounded down to hundredths, and cells of at least 5 km. Ground is not conduct.",
    ]
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that ask for the direction of fire."""
    group = parser.add_argument_group("direction of fire")
    group.add_argument(
        "--line",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=f"contact line (GeoJSON or Parquet, as `ingest` reads it): write {FILE_NAME}, one row per fire mission",
    )
    group.add_argument(
        "--theatre", default="ukraine", help="gives the parties and the bounds of the line (default: %(default)s)"
    )
    group.add_argument("--parties", metavar="A,B", help="ids of the two parties instead, as in RU,UA")


class FireWish(NamedTuple):
    """What the direction of fire is told from: the dated lines, and the two parties, ground A being the first one's."""

    history: LineHistory
    parties: tuple[str, str]


def fire_wish(args: argparse.Namespace) -> FireWish | None:
    """Read the lines asked for; raise `InputUnusable` where a file holds none that can be used."""
    if args.line is None:
        return None
    from truceline.adapters.agreements import load_theatre
    from truceline.adapters.clock import system_now
    from truceline.adapters.sources.files import FeedContext
    from truceline.cli.ingest import two_parties
    from truceline.physics.contact_line import LineHistory

    theatre = load_theatre(args.theatre)
    parties = theatre.parties if args.parties is None else two_parties(args.parties)
    feed = FeedContext(
        parties=parties,
        timezone_name=theatre.timezone_name,
        received_time=system_now(),
        bounds_deg=theatre.bounds_deg if args.parties is None else None,
    )
    lines = [line for path in args.line for line in _lines_of(path, feed)]
    return FireWish(LineHistory(lines, held_by=parties[0]), parties)


def _lines_of(path: Path, feed: Any) -> list[DatedLine]:
    from truceline.adapters.sources.files import NotRecognised, holds_lines, open_table, read_lines
    from truceline.errors import InputUnusable

    file = open_table(path)
    if isinstance(file, NotRecognised):
        raise InputUnusable(f"--line {path}: {file.reason}")
    if not holds_lines(file):
        raise InputUnusable(f"--line {path}: holds observations and no contact line")
    lines, rejections = read_lines(file, feed)
    if not lines:
        why = rejections[0].reason if rejections else "it is empty"
        raise InputUnusable(f"--line {path}: holds no line that can be used: {why}")
    return lines


def write_fire_origins(out: Path, wish: FireWish, plane: EqualScalePlane) -> str:
    """Write the coarse record of a whole solution in `out`; give a line that says what there is."""
    from truceline.cli.output import write_bytes

    rows: list[str] = []
    decided_count = shed_count = 0
    for events, first_ns, end_ns in _windows(out):
        origins = _origins(events, wish, plane)
        shed_count += origins.shed_count
        window_rows, window_decided_count = _rows(events, origins, (first_ns, end_ns))
        rows += window_rows
        decided_count += window_decided_count
    write_bytes(out / FILE_NAME, ("\n".join([HEADER, ",".join(_names(wish.parties)), *rows]) + "\n").encode())
    said = f"fire: {len(rows):,} missions in {FILE_NAME}, {decided_count:,} with a party's ground at .95 or more"
    return said + (f"; {shed_count:,} pairings beyond the limit were not weighed" if shed_count else "")


def _names(parties: tuple[str, str]) -> list[str]:
    """Name the columns; the grounds are the parties' own."""
    cells = [
        f"cell_{number}_{what}"
        for number in range(1, CELLS_SHOWN_COUNT + 1)
        for what in ("longitude_deg", "latitude_deg", "edge_deg", "probability")
    ]
    grounds = [f"ground_{party}_probability" for party in parties]
    return ["mission_event_id", "first_time_utc", "event_count", *grounds, "undetermined_probability", *cells]


def _windows(out: Path) -> Iterator[tuple[pl.DataFrame, int, int]]:
    """Give the standing events of a solution hour by hour, each with a halo, and the hour's bounds."""
    import polars as pl

    parts = sorted((out / "events").glob("part-*.parquet"))
    if not parts:
        return
    revisions = pl.scan_parquet(parts, glob=False).with_columns(
        pl.col("origin_time").dt.timestamp("ns").alias("time_ns")
    )
    last = revisions.group_by("event_id").agg(pl.all().sort_by("revision_index").last())
    standing = last.filter(pl.col("evaluation_status") != "rejected").sort("time_ns", "event_id").collect()
    if standing.is_empty():
        return
    window_ns, halo_ns = int(WINDOW_S) * NS_PER_S_COUNT, int(HALO_S) * NS_PER_S_COUNT
    hours = (standing["time_ns"] // window_ns).unique(maintain_order=True)
    for hour in hours.to_list():
        low_ns, high_ns = hour * window_ns, (hour + 1) * window_ns
        near = pl.col("time_ns").is_between(low_ns - halo_ns, high_ns + halo_ns, closed="left")
        yield standing.filter(near), low_ns, high_ns


def _origins(events: pl.DataFrame, wish: FireWish, plane: EqualScalePlane) -> FireOrigins:
    """Pair the missions of one window; a solution is a place, so a revision's own covariance is its error."""
    import numpy as np

    from truceline.associate.fire_columns import line_at_events
    from truceline.associate.fire_origin import fire_origins
    from truceline.associate.fire_settings import FireSettings

    days = (events["time_ns"].to_numpy() // NS_PER_S_COUNT).astype("datetime64[s]").astype("datetime64[D]")
    longitude_deg, latitude_deg = (events[name].to_numpy() for name in ("longitude_deg", "latitude_deg"))
    located = wish.history.locate(longitude_deg, latitude_deg, np.asarray(days))
    return fire_origins(_columns(events, plane), line_at_events(located), FireSettings())


def _columns(events: pl.DataFrame, plane: EqualScalePlane) -> FireEvents:
    """Give the events as the direction of fire takes them."""
    import numpy as np

    from truceline.associate.fire_columns import plain_events
    from truceline.physics.geodesy import points_of

    points = points_of(events["longitude_deg"], events["latitude_deg"])
    x_m, y_m = plane.project_m(points)
    time_s = (events["time_ns"] - events["time_ns"][0]).to_numpy() / NS_PER_S_COUNT
    names = ("covariance_east_m2", "covariance_east_north_m2", "covariance_north_m2")
    east, both, north = (events[name].to_numpy() for name in names)
    return plain_events(x_m, y_m, time_s)._replace(
        time_sigma_s=events["time_sigma_s"].to_numpy(),
        covariance_m2=np.stack([np.column_stack([east, both]), np.column_stack([both, north])], axis=1),
        event_probability=events["event_probability"].to_numpy(),
        longitude_deg=points.longitude_deg,
        latitude_deg=points.latitude_deg,
    )


def _rows(events: pl.DataFrame, origins: FireOrigins, bounds_ns: tuple[int, int]) -> tuple[list[str], int]:
    """Write the missions whose first event lies in the window, and count those with a decided ground."""
    import numpy as np

    coarse = origins.coarse
    time_ns = events["time_ns"].to_numpy()
    first = np.full(len(coarse.event_count), len(time_ns), np.int64)
    np.minimum.at(first, origins.event_mission_index, np.arange(len(time_ns)))
    own = np.flatnonzero((time_ns[first] >= bounds_ns[0]) & (time_ns[first] < bounds_ns[1]))
    cells = (coarse.cell_longitude_deg, coarse.cell_latitude_deg, coarse.cell_deg, coarse.cell_probability)
    rows = []
    for mission in own[np.argsort(first[own], kind="stable")].tolist():
        shares = (coarse.ground_a_probability, coarse.ground_b_probability, coarse.undetermined_probability)
        told = [f"{column[mission]:.2f}" for column in shares]
        for number in range(CELLS_SHOWN_COUNT):
            values = [float(column[mission, number]) for column in cells]
            told += [f"{value:.6g}" if np.isfinite(value) else "" for value in values]
        moment = f"{np.datetime64(int(time_ns[first[mission]]), 'ns').astype('datetime64[s]')}Z"
        rows.append(
            ",".join([events["event_id"][int(first[mission])], moment, str(coarse.event_count[mission]), *told])
        )
    surest = np.maximum(coarse.ground_a_probability[own], coarse.ground_b_probability[own])
    return rows, int((surest >= 0.95).sum())
