"""Tables of a solution and of its reference, checked and brought into one plane and one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from truceline.errors import InputUnusable
from truceline.physics.geodesy import EqualScalePlane, plane_for, points_of
from truceline.testing.association_agreement import NO_COVARIANCES, NO_NUMBERS, Names, ReferenceEvents, SolvedEvents
from truceline.testing.association_members import NO_FLAGS
from truceline.testing.event_matching import EventPlaces, Floats

Level = Literal["early", "hour", "six_hour"]
LEVELS: tuple[Level, ...] = ("early", "hour", "six_hour")
"""The levels of a solution in the order in which they come out."""

NS_PER_S = 1_000_000_000

PLACE_COLUMNS = ("event_id", "longitude_deg", "latitude_deg")
TRUTH_COLUMNS = (*PLACE_COLUMNS, "event_type", "time", "detected_count")
TRUTH_DETECTION_COLUMNS = ("detection_id", "event_id")
COVARIANCE_COLUMNS = ("covariance_east_m2", "covariance_east_north_m2", "covariance_north_m2")
SOLUTION_COLUMNS = (
    *PLACE_COLUMNS,
    *COVARIANCE_COLUMNS,
    "revision_index",
    "level",
    "evaluation_status",
    "origin_time",
    "time_sigma_s",
    "event_probability",
    "event_type",
    "event_type_probability",
    "defining_count",
)
MEMBER_COLUMNS = ("event_id", "revision_index", "detection_id", "member_probability", "time_residual_s")
DETECTION_COLUMNS = ("detection_id", "time", "received_time")
OPTIONAL_COLUMNS = ("issued_time", "is_point", "cause", "region_tail_ratio")
"""When a revision came out, whether a true event has one place, what caused a detection, how heavy an error's tail is:
used where they are there."""
ECHO_CAUSE = "echo"
"""The cause of detections that belong to an event but need not be given to it."""


class Tables(NamedTuple):
    """What is held against what; `None` where it is not given.

    `reference` is a truth table, or the events of a reviewed bulletin where `reviewed`; so are its members.
    """

    events: pa.Table
    members: pa.Table | None
    reference: pa.Table
    reference_members: pa.Table | None
    detections: pa.Table | None
    reviewed: bool


class EventFrame(NamedTuple):
    """Events with usable time and place, one row each, and how many had to be left out for want of one."""

    rows: pl.DataFrame
    unusable_count: int


def checked(table: pa.Table, *, columns: Sequence[str], name: str) -> pl.DataFrame:
    """Give the columns asked for, and the optional ones there are; raise `InputUnusable` where one is missing.

    Times may be timestamps (with a zone, or UTC) or whole nanoseconds since 1970; they come out as the latter.
    """
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise InputUnusable(f"{name}: columns {missing} are missing; it has {table.column_names}")
    if table.num_rows == 0:
        raise InputUnusable(f"{name}: has no rows, so there is nothing to hold against anything")
    kept = [*columns, *(extra for extra in OPTIONAL_COLUMNS if extra in table.column_names)]
    frame = pl.DataFrame(pl.from_arrow(table.select(kept)))
    times = [column for column in kept if column == "time" or column.endswith("_time")]
    return frame.with_columns(_nanoseconds(frame[column], name) for column in times)


def _nanoseconds(times: pl.Series, name: str) -> pl.Series:
    if isinstance(times.dtype, pl.Datetime):
        return times.dt.cast_time_unit("ns").dt.timestamp("ns").rename(times.name)
    if times.dtype == pl.Int64:
        return times
    raise InputUnusable(f"{name}: {times.name} is {times.dtype}, neither a timestamp nor nanoseconds since 1970")


def solution_rows(events: pa.Table, name: str) -> pl.DataFrame:
    """Check the events of a solution: every revision, in order of event and revision."""
    rows = checked(events, columns=SOLUTION_COLUMNS, name=name).rename({"origin_time": "time"})
    _require_unique(rows, ("event_id", "revision_index"), name)
    unknown = sorted(set(rows["level"].unique()) - set(LEVELS))
    if unknown:
        raise InputUnusable(f"{name}: level={unknown[0]!r} is none of {list(LEVELS)}")
    return rows.sort("event_id", "revision_index")


def _require_unique(rows: pl.DataFrame, keys: Sequence[str], name: str) -> None:
    again = rows.filter(rows.select(keys).is_duplicated())
    if again.height:
        words = ", ".join(f"{key}={again[key][0]!r}" for key in keys)
        raise InputUnusable(f"{name}: {words} stands there more than once")


def standing_revisions(rows: pl.DataFrame, level: Level | None) -> pl.DataFrame:
    """Give of each event the last revision up to a level (`None`: of all), without events that it withdraws."""
    if level is not None:
        rows = rows.filter(pl.col("level").is_in(LEVELS[: LEVELS.index(level) + 1]))
    last = rows.unique("event_id", keep="last", maintain_order=True)
    return last.filter(pl.col("evaluation_status") != "rejected")


def truth_rows(truth: pa.Table, name: str) -> pl.DataFrame:
    """Check a table of ground truth: one row for each event."""
    rows = checked(truth, columns=TRUTH_COLUMNS, name=name)
    _require_unique(rows, ("event_id",), name)
    return rows


def usable(rows: pl.DataFrame) -> EventFrame:
    """Leave out, and count, rows without a time or a place on earth."""
    on_earth = pl.col("latitude_deg").abs().lt(90.0) & pl.col("longitude_deg").abs().le(360.0)
    kept = rows.filter((on_earth & pl.col("time").is_not_null()).fill_null(value=False))
    return EventFrame(kept, rows.height - kept.height)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The plane and the origin of time into which both lists are brought."""

    plane: EqualScalePlane
    origin_ns: int

    def time_s(self, times: pl.Series) -> Floats:
        """Give seconds after the origin of times in nanoseconds since 1970; `nan` where there is none."""
        return (times - self.origin_ns).cast(pl.Float64).to_numpy() / NS_PER_S

    def places(self, rows: pl.DataFrame) -> EventPlaces:
        """Give where and when events were, in this frame."""
        x_m, y_m = self.plane.project_m(points_of(rows["longitude_deg"], rows["latitude_deg"]))
        return EventPlaces(x_m, y_m, self.time_s(rows["time"]))

    def covariance_m2(self, rows: pl.DataFrame) -> Floats:
        """Turn covariances of east and north into the plane's axes: xx, xy and yy; shape (rows, 3).

        East of a place is turned from the plane's x by `n (longitude - origin)`, the convergence of the meridians in
        Lambert's conic plane with cone constant `n` (Snyder 1987, eq. 14-4).
        """
        turned_deg = np.mod(rows["longitude_deg"].to_numpy() - self.plane.longitude_origin_deg + 180.0, 360.0) - 180.0
        turned_rad = self.plane.cone_constant_ratio * np.radians(turned_deg)
        cosine, sine = np.cos(turned_rad), np.sin(turned_rad)
        ee, en, nn = (rows[column].cast(pl.Float64).to_numpy() for column in COVARIANCE_COLUMNS)
        return np.column_stack(
            [
                cosine**2 * ee - 2.0 * cosine * sine * en + sine**2 * nn,
                cosine * sine * (ee - nn) + (cosine**2 - sine**2) * en,
                sine**2 * ee + 2.0 * cosine * sine * en + cosine**2 * nn,
            ]
        )


def frame_for(reference: pl.DataFrame, solved: pl.DataFrame) -> Frame:
    """Choose the plane of least scale error over all events of both lists, and the first reference event as time 0."""
    both = pl.concat([reference.select(PLACE_COLUMNS[1:]), solved.select(PLACE_COLUMNS[1:])])
    first_ns = reference["time"].min()
    assert isinstance(first_ns, int), "a reference with usable rows has a first time"
    return Frame(plane=plane_for(points_of(both["longitude_deg"], both["latitude_deg"])), origin_ns=first_ns)


def _types(rows: pl.DataFrame) -> Names:
    """Give types in words: a theatre's files write `quarry_blast`, a solution *quarry blast*."""
    words = rows["event_type"].fill_null("unknown").str.replace_all("_", " ", literal=True)
    return words.to_numpy().astype(np.str_)


def _tails(rows: pl.DataFrame) -> Floats:
    """Give the tails of errors; the normal's where a file does not say any."""
    if "region_tail_ratio" not in rows.columns:
        return NO_NUMBERS
    return rows["region_tail_ratio"].cast(pl.Float64).fill_null(0.0).to_numpy()


def members_of_revisions(members: pl.DataFrame, revisions: pl.DataFrame) -> pl.DataFrame:
    """Give the members of some revisions, one of each event: their own, or else those of the newest one before.

    A revision that only changes level or status has no member rows of its own.
    """
    there = members.select("event_id", "revision_index").unique()
    asked = revisions.select("event_id", pl.col("revision_index").alias("asked_index"))
    before = there.join(asked, on="event_id").filter(pl.col("revision_index") <= pl.col("asked_index"))
    newest = before.group_by("event_id", "asked_index").agg(pl.col("revision_index").max())
    joined = members.join(newest, on=["event_id", "revision_index"], how="inner", maintain_order="left")
    return joined.drop("revision_index").rename({"asked_index": "revision_index"})


def reference_events(rows: pl.DataFrame, frame: Frame) -> ReferenceEvents:
    """Make the arrays of a reference: ground truth, or a reviewed bulletin with its own regions."""
    reviewed = "defining_count" in rows.columns
    return ReferenceEvents(
        places=frame.places(rows),
        detected_count=rows["defining_count" if reviewed else "detected_count"].cast(pl.Int64).to_numpy(),
        event_type=_types(rows),
        covariance_m2=frame.covariance_m2(rows) if reviewed else NO_COVARIANCES,
        is_point=rows["is_point"].fill_null(value=True).to_numpy() if "is_point" in rows.columns else NO_FLAGS,
    )


def solved_events(rows: pl.DataFrame, frame: Frame) -> SolvedEvents:
    """Make the arrays of a solution."""
    return SolvedEvents(
        places=frame.places(rows),
        covariance_m2=frame.covariance_m2(rows),
        time_sigma_s=rows["time_sigma_s"].cast(pl.Float64).to_numpy(),
        event_probability=rows["event_probability"].cast(pl.Float64).to_numpy(),
        defining_count=rows["defining_count"].cast(pl.Int64).to_numpy(),
        event_type=_types(rows),
        event_type_probability=rows["event_type_probability"].cast(pl.Float64).to_numpy(),
        region_tail_ratio=_tails(rows),
    )
