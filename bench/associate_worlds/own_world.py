"""Our own sensor-network theatres as data sets of the benchmark, for whoever has not the shared one.

Acoustic stations and what they detect only, because peers know one kind of wave. All is turned into the theatre's own
plane, x along the line and y across it, so that a peer that searches a box searches a narrow one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
import pyproj
from associate_peers.exchange import Answer, Scene
from associate_worlds.world import Case, Figures, World

from truceline.associate.settings_engine import MediumPrior
from truceline.testing.association_agreement import (
    BENCHMARK_TAIL_S,
    AssociationFigures,
    CountingRule,
    ReferenceEvents,
    SolvedEvents,
    association_figures,
)
from truceline.testing.association_members import Members, members_of
from truceline.testing.event_matching import EventPlaces
from truceline.testing.network_parameters import NetworkParameters, load_network
from truceline.testing.network_records import CAUSES, DEFINING_CAUSES, ECHO
from truceline.testing.network_theatre import NetworkTheatre, build_network_theatre

PRESETS = ("network_tiny", "network_300km", "network_1200km")
MARGIN_M = 6_000.0
ACOUSTIC = "acoustic"
ECHO_FIRST_LOST_PROBABILITY = 0.5
CLOCK_ERROR_S = 1.0
UNIT_M = 1_000.0


class Heard(NamedTuple):
    """The rows of acoustic stations and of what they detected, in the theatre's tables."""

    stations: Any
    detections: pl.DataFrame


def own_world(preset: str, case: Case, seed_offset: int) -> World:
    """Draw a shipped theatre with a seed of ours, made worse as the case says."""
    plain = load_network(preset)
    theatre = build_network_theatre(worse(plain, case), seed=plain.seed + seed_offset)
    heard = _heard(theatre)

    def hold(answer: Answer) -> Figures:
        return _shown(_held(theatre, heard, answer))

    return World(_scene(theatre, heard), hold)


def worse(parameters: NetworkParameters, case: Case) -> NetworkParameters:
    """Give the theatre's parameters, made worse as the case says."""
    air: dict[str, Any] = {}
    stations: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    if case.path_error_ratio:
        air["path_error_independent_ratio"] = case.path_error_ratio
    if case.noise_ratio:
        stations |= {"timing_poor_share": 1.0, "timing_poor_ratio": case.noise_ratio}
    if case.echo_share:
        faults |= {
            "echo_probability": case.echo_share,
            "echo_first_missed_probability": ECHO_FIRST_LOST_PROBABILITY,
        }
    if case.bad_clock_share:
        faults |= {"clock_offset_share": case.bad_clock_share, "clock_offset_s": CLOCK_ERROR_S}
    return msgspec.structs.replace(
        parameters,
        air=msgspec.structs.replace(parameters.air, **air),
        stations=msgspec.structs.replace(parameters.stations, **stations),
        faults=msgspec.structs.replace(parameters.faults, **faults),
    )


def _heard(theatre: NetworkTheatre) -> Heard:
    """Take the acoustic stations' rows; each detection with its station's new index, its event's row and its cause."""
    stations = pl.DataFrame(pl.from_arrow(theatre.stations))
    rows = np.flatnonzero((stations["modality"] == ACOUSTIC).to_numpy())
    numbers = stations[rows].select("station_id").with_row_index("station_index")
    events = pl.DataFrame(pl.from_arrow(theatre.truth_events)).select("event_id").with_row_index("event_index")
    caused = pl.DataFrame(pl.from_arrow(theatre.truth_detections))
    caused = caused.join(events, on="event_id", how="left", maintain_order="left").drop("event_id")
    detections = pl.DataFrame(pl.from_arrow(theatre.detections))
    detections = detections.join(caused, on="detection_id", how="left", maintain_order="left")
    return Heard(rows, detections.join(numbers, on="station_id", how="inner", maintain_order="left"))


def _scene(theatre: NetworkTheatre, heard: Heard) -> Scene:
    """Give what everyone is given, in the theatre's plane."""
    stations, parameters = theatre.setting.stations, theatre.parameters
    rows, detections = heard
    x_m, y_m = stations.places.along_m[rows], stations.places.across_m[rows]
    whose = detections["station_index"].to_numpy().astype(np.int64)
    start = np.datetime64(parameters.start_time.replace(tzinfo=None), "ns")
    time_s = (detections["time"].to_numpy() - start) / np.timedelta64(1, "s")
    bearing_deg = (_numbers(detections, "bearing_deg") - _across_bearing_deg(theatre, x_m, y_m)[whose]) % 360.0
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log10(_numbers(detections, "amplitude_pa"))
    return Scene(
        station_x_m=x_m,
        station_y_m=y_m,
        station_timing_sigma_s=stations.stated_sigma_s[rows],
        station_dead_time_s=stations.dead_time_s[rows],
        station_clutter_rate_hz=stations.stated_rate_hz[rows],
        station_bearing_sigma_deg=stations.bearing_sigma_deg[rows],
        detection_station_index=whose,
        detection_time_s=time_s,
        detection_sigma_s=_numbers(detections, "timing_sigma_s"),
        detection_bearing_deg=bearing_deg,
        detection_amplitude_log10_ratio=np.where(np.isfinite(level), level, np.nan),
        span_s=np.array([0.0, parameters.length_s]),
        bounds_m=np.array([x_m.min(), x_m.max(), y_m.min() - MARGIN_M, y_m.max() + MARGIN_M]),
        wind_m_per_s=_wind_in_plane(theatre),
        sound_speed_m_per_s=np.array(MediumPrior().sound_speed_m_per_s),
    )


def _numbers(frame: pl.DataFrame, name: str) -> Any:
    return frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _across_bearing_deg(theatre: NetworkTheatre, x_m: Any, y_m: Any) -> Any:
    """Give from north the bearing of +y at places of the plane: over a long line the meridians turn."""
    frame = theatre.setting.frame
    here, there = frame.to_degrees(x_m, y_m), frame.to_degrees(x_m, y_m + UNIT_M)
    return pyproj.Geod(ellps="WGS84").inv(*here, *there)[0]


def _wind_in_plane(theatre: NetworkTheatre) -> Any:
    """Turn the forecast from east and north to along and across; across is a quarter turn to the left of along."""
    along_rad = np.radians(theatre.parameters.ground.line_bearing_deg)
    east, north = theatre.wind_forecast
    sine, cosine = np.sin(along_rad), np.cos(along_rad)
    return np.array([east * sine + north * cosine, -east * cosine + north * sine])


def _held(theatre: NetworkTheatre, heard: Heard, answer: Answer) -> AssociationFigures:
    """Hold an answer to the truth by our own figures; an event counts by its acoustic detections, echoes left out."""
    events = theatre.happenings.events
    truth = pl.DataFrame(pl.from_arrow(theatre.truth_events))
    caused = heard.detections.with_row_index("row").filter(pl.col("event_index").is_not_null())
    own, row, is_echo = (caused[name].to_numpy() for name in ("event_index", "row", "cause"))
    is_echo = is_echo == CAUSES[ECHO]
    defining = caused["cause"].is_in([CAUSES[index] for index in DEFINING_CAUSES]).to_numpy()
    unsaid = np.full(len(own), np.nan)
    counts = np.bincount(own[defining].astype(np.int64), minlength=truth.height)
    reference = ReferenceEvents(
        EventPlaces(events.along_m, events.across_m, events.time_s),
        counts.astype(np.int64),
        is_point=truth["is_point"].to_numpy(),
    )
    nothing = np.full(len(answer.x_m), np.nan)
    solved = SolvedEvents(
        EventPlaces(answer.x_m, answer.y_m, answer.time_s),
        answer.covariance_m2,
        nothing,
        nothing,
        np.bincount(answer.event_of[answer.event_of >= 0], minlength=len(answer.x_m)),
        region_tail_ratio=answer.region_tail_ratio,
    )
    rule = CountingRule(span_start_s=0.0, span_end_s=theatre.parameters.length_s - BENCHMARK_TAIL_S)
    pairs = Members(own.astype(np.int64), row.astype(np.int64), unsaid, unsaid, is_echo)
    return association_figures(reference, solved, rule=rule, members=(pairs, members_of(answer.event_of)))


def _shown(held: AssociationFigures) -> Figures:
    distance_m, members, regions = held.location.distance_m, held.members, held.regions
    assert members is not None, "members were given"
    shares = [] if regions is None else [entry.observed.share for entry in regions.coverage]
    coverage = dict(zip(("coverage_50", "coverage_90", "coverage_95"), shares or [None] * 3, strict=True))
    return {
        "f1": held.wide.f1_ratio,
        "f1_strict": held.strict.f1_ratio,
        "precision": held.wide.precision.share,
        "recall": held.wide.recall.share,
        "error_median_m": distance_m.median,
        "error_95_m": distance_m.quantile_95,
        **coverage,
        "detection_precision": members.precision.share,
        "detection_recall": members.recall.share,
    }
