"""The files of a synthetic theatre, in the formats that Truceline's decoders read; every one says SYNTHETIC."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import yaml

from truceline.testing.scenario_ground import Floats, Ground, Ints
from truceline.testing.scenario_parameters import Scenario
from truceline.testing.scenario_reports import OTHER
from truceline.testing.scenario_sensors import Outages
from truceline.testing.scenario_statements import PLACE_SIGMA_M
from truceline.testing.scenario_truth import ARTILLERY, ENERGY_ATTACK, UAV_IMPACT, Truth, day_of, inside

THERMAL_VIIRS_COLUMNS = ("bright_ti4", "bright_ti5")
THERMAL_MODIS_COLUMNS = ("brightness", "bright_t31")


def mark(scenario: Scenario) -> str:
    """Give the sentence that every file of a synthetic theatre carries."""
    return f"SYNTHETIC scenario {scenario.scenario_id}, seed {scenario.seed}: no real place, party or event"


def csv_bytes(scenario: Scenario, frame: pl.DataFrame) -> bytes:
    """Write a frame as CSV whose first line says SYNTHETIC."""
    return f"# {mark(scenario)}\n".encode() + frame.write_csv(line_terminator="\n").encode()


def iso_times(time_s: Floats, *, fraction: bool = False) -> pl.Series:
    """Write seconds since 1970 as ISO times in UTC; with milliseconds where asked."""
    moments = pl.Series(np.round(np.asarray(time_s) * 1e3).astype(np.int64)).cast(pl.Datetime("ms"))
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ" if fraction else "%Y-%m-%dT%H:%M:%SZ")


def names_of(labels: tuple[str, ...], index: Ints) -> pl.Series:
    """Give the label at each index; an index of -1 gives nothing."""
    table = pl.Series([*labels, None], dtype=pl.String)
    return table.gather(np.where(index < 0, len(labels), index))


def thermal_csv(scenario: Scenario, ground: Ground, pixels: pl.DataFrame, *, instrument: str) -> bytes:
    """Write one instrument's hot pixels with the official columns of the FIRMS archive."""
    rows = pixels.filter(pl.col("instrument") == instrument)
    longitude_deg, latitude_deg = ground.to_degrees(rows["along_km"].to_numpy(), rows["across_km"].to_numpy())
    moments = pl.Series((rows["pass_s"].to_numpy() * 1e3).astype(np.int64)).cast(pl.Datetime("ms"))
    power_mw, swath = rows["power_mw"].to_numpy(), rows["swath_share"].to_numpy()
    first, second = THERMAL_VIIRS_COLUMNS if instrument == "VIIRS" else THERMAL_MODIS_COLUMNS
    solar_h = ((rows["pass_s"].to_numpy() / 3600.0) + scenario.ground.middle_longitude_deg / 15.0) % 24.0
    frame = pl.DataFrame(
        {
            "latitude": latitude_deg,
            "longitude": longitude_deg,
            first: np.round(np.minimum(305.0 + 18.0 * np.sqrt(power_mw), 367.0), 2),
            "scan": np.round((0.38 if instrument == "VIIRS" else 1.0) + 0.4 * swath**2, 2),
            "track": np.round((0.36 if instrument == "VIIRS" else 1.0) + 0.3 * swath**2, 2),
            "acq_date": moments.dt.strftime("%Y-%m-%d"),
            "acq_time": moments.dt.strftime("%H%M"),
            "satellite": rows["satellite"],
            "instrument": rows["instrument"],
            "confidence": _confidence(power_mw, instrument),
            "version": rows["version"],
            second: np.round(285.0 + 4.0 * np.sqrt(power_mw), 2),
            "frp": power_mw,
            "daynight": pl.Series(np.where((solar_h > 6.0) & (solar_h < 18.5), "D", "N"), dtype=pl.String),
        }
    )
    return csv_bytes(scenario, frame)


def _confidence(power_mw: Floats, instrument: str) -> pl.Series:
    if instrument == "VIIRS":
        words = np.where(power_mw < 1.0, "l", np.where(power_mw > 15.0, "h", "n"))
        return pl.Series(words, dtype=pl.String)
    return pl.Series(np.clip(np.round(40.0 + 8.0 * np.sqrt(power_mw)), 0, 100).astype(np.int64).astype(str))


def media_csv(scenario: Scenario, ground: Ground, reports: pl.DataFrame) -> bytes:
    """Write the reports with the columns of the feed of geolocated news reports."""
    longitude_deg, latitude_deg = ground.to_degrees(reports["along_km"].to_numpy(), reports["across_km"].to_numpy())
    days = [scenario.first_day + timedelta(days=day) for day in range(scenario.day_count)]
    minutes = (reports["hour"].to_numpy() * 60.0).astype(np.int64)
    kind = reports["kind"]
    frame = pl.DataFrame(
        {
            "rid": reports.select(pl.format("syn{}", pl.col("key")).alias("rid"))["rid"],
            "date": pl.Series(days).gather(reports["day_index"].to_numpy()).dt.strftime("%Y-%m-%d"),
            "hour": minutes // 60,
            "minute": minutes % 60,
            "time_known": reports["time_known"],
            "lon": longitude_deg,
            "lat": latitude_deg,
            "place_name": reports["place_name"],
            "adm1_only": reports["place_is_region"],
            "lex_kinetic": kind != OTHER,
            "lex_initiator": names_of(scenario.role_names, reports["named_role"].to_numpy()),
            "lex_energy_target": kind == ENERGY_ATTACK,
            "k_artillery": kind == ARTILLERY,
            "k_uav": kind.is_in([UAV_IMPACT, ENERGY_ATTACK]),
            "k_explosion": kind != OTHER,
        }
    )
    clock = pl.format(
        "{}:{}", pl.col("hour").cast(pl.String).str.zfill(2), pl.col("minute").cast(pl.String).str.zfill(2)
    )
    frame = frame.with_columns(pl.when("time_known").then(clock).alias("time_local")).drop(
        "hour", "minute", "time_known"
    )
    return csv_bytes(scenario, frame.select("rid", "date", "time_local", pl.exclude("rid", "date", "time_local")))


def claims_csv(scenario: Scenario, ground: Ground, claims: pl.DataFrame, *, claimant: str) -> bytes:
    """Write one party's bulletins of the other's launches."""
    names = scenario.role_names
    rows = claims.filter(pl.col("claimant_role") == names.index(claimant))
    other = names[1 - names.index(claimant)]
    frame = pl.DataFrame(
        {
            "claimant": pl.Series([claimant] * rows.height, dtype=pl.String),
            "actor": pl.Series([other] * rows.height, dtype=pl.String),
            "start_utc": iso_times(rows["start_s"].to_numpy()),
            "end_utc": iso_times(rows["end_s"].to_numpy()),
            "timed": rows["time_stated"],
            "model": rows["weapon_model"],
            "weapon_class": rows["weapon_class"],
            "launched": rows["launched_count"],
            "destroyed": rows["destroyed_count"],
            "places": names_of(ground.settlements.names, rows["settlement_index"].to_numpy()),
        }
    )
    return csv_bytes(scenario, frame)


def patrols_csv(scenario: Scenario, ground: Ground, reports: pl.DataFrame) -> bytes:
    """Write what patrols saw and heard."""
    post = reports["post_index"].to_numpy()
    longitude_deg, latitude_deg = ground.to_degrees(ground.posts.along_km[post], ground.posts.across_km[post])
    frame = pl.DataFrame(
        {
            "post": names_of(ground.posts.names, post),
            "start_utc": iso_times(reports["time_s"].to_numpy()),
            "end_utc": iso_times(reports["end_s"].to_numpy()),
            "observer_latitude_deg": latitude_deg,
            "observer_longitude_deg": longitude_deg,
            "bearing_deg": reports["bearing_deg"],
            "bearing_width_deg": np.full(reports.height, 22.5),
            "range_low_km": reports["range_low_km"],
            "range_high_km": reports["range_high_km"],
            "means": reports["means"],
            "count": reports["count_text"],
            "description": reports["description"],
            "weapon": reports["weapon"],
        }
    )
    return csv_bytes(scenario, frame)


def statements_csv(scenario: Scenario, ground: Ground, said: pl.DataFrame) -> bytes:
    """Write what parties, media and the mission say of who fired."""
    longitude_deg, latitude_deg = ground.to_degrees(said["along_km"].to_numpy(), said["across_km"].to_numpy())
    names = scenario.role_names
    party = names_of(names, said["speaker_party"].to_numpy())
    frame = pl.DataFrame(
        {
            "speaker": party.zip_with(party.is_not_null(), said["speaker"]),
            "speaker_role": said["speaker_role"],
            "says": said["says"],
            "about": names_of(names, said["about"].to_numpy()),
            "bloc": names_of(names, said["bloc"].to_numpy()),
            "first_publisher": said["first_publisher"],
            "start_utc": iso_times(said["start_s"].to_numpy()),
            "end_utc": iso_times(said["end_s"].to_numpy()),
            "lat": latitude_deg,
            "lon": longitude_deg,
            "position_sigma_m": np.full(said.height, PLACE_SIGMA_M),
        }
    )
    return csv_bytes(scenario, frame)


def detections_csv(scenario: Scenario, ground: Ground, detections: pl.DataFrame) -> bytes:
    """Write the acoustic stations' detections."""
    station = detections["station_index"].to_numpy()
    longitude_deg, latitude_deg = ground.to_degrees(
        ground.stations.along_km[station], ground.stations.across_km[station]
    )
    frame = pl.DataFrame(
        {
            "station_id": names_of(ground.stations.names, station),
            "station_latitude_deg": latitude_deg,
            "station_longitude_deg": longitude_deg,
            "time_utc": iso_times(detections["time_s"].to_numpy(), fraction=True),
            "bearing_deg": detections["bearing_deg"],
            "bearing_sigma_deg": np.full(detections.height, 3.5),
            "amplitude_pa": detections["amplitude_pa"],
        }
    )
    return csv_bytes(scenario, frame)


def lines_parquet(scenario: Scenario, ground: Ground) -> bytes:
    """Write the drawn line of every day with the ground the second party holds, as Parquet with WKB."""
    lines, held = [], []
    edge_km = np.full(ground.grid_km.size, scenario.ground.depth_km * 1.4)
    edge_deg = np.stack(ground.to_degrees(ground.grid_km, edge_km), axis=1)
    for drawn_km in ground.drawn_km:
        course_deg = np.stack(ground.to_degrees(ground.grid_km, drawn_km), axis=1)
        lines.append(shapely.LineString(course_deg))
        held.append(shapely.Polygon(np.concatenate([course_deg, edge_deg[::-1]])))
    table = pa.table(
        {
            "date": pa.array(
                [scenario.first_day + timedelta(days=day) for day in range(scenario.day_count)], pa.date32()
            ),
            "held_by": pa.array([scenario.role_names[1]] * scenario.day_count, pa.string()),
            "held_wkb": pa.array(shapely.to_wkb(np.array(held)).tolist(), pa.binary()),
            "line_wkb": pa.array(shapely.to_wkb(np.array(lines)).tolist(), pa.binary()),
        }
    ).replace_schema_metadata({"synthetic": "true", "title": mark(scenario)})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def truth_csv(scenario: Scenario, truth: Truth) -> bytes:
    """Write every true event; no command but the comparison reads it."""
    events, ground = truth.events, truth.ground
    along_km, across_km = events["along_km"].to_numpy(), events["across_km"].to_numpy()
    longitude_deg, latitude_deg = ground.to_degrees(along_km, across_km)
    start_s = events["start_s"].to_numpy()
    holder = ground.holder_role(day_of(scenario, start_s), along_km, across_km)
    frame = pl.DataFrame(
        {
            "event_id": events["event_id"],
            "kind": events["kind"],
            "party": names_of(scenario.role_names, events["role"].to_numpy()),
            "start_utc": iso_times(start_s),
            "end_utc": iso_times(events["end_s"].to_numpy()),
            "latitude_deg": latitude_deg,
            "longitude_deg": longitude_deg,
            "ground_held_by": names_of(scenario.role_names, holder),
            "rounds_count": events["rounds_count"],
            "wave_index": events["wave_index"],
            "settlement": names_of(ground.settlements.names, events["settlement_index"].to_numpy()),
            "energy_object": names_of(ground.energy_objects.names, events["energy_index"].to_numpy()),
            "burn_hours": events["burn_hours"],
            "power_mw": events["power_mw"],
            "in_truce": inside(scenario.truce_span, start_s),
            "in_week": (start_s >= truth.week_start_s) & (start_s < truth.week_end_s),
        }
    )
    return csv_bytes(scenario, frame)


def waves_csv(scenario: Scenario, truth: Truth) -> bytes:
    """Write every true wave of one-way UAVs."""
    waves = truth.waves
    frame = pl.DataFrame(
        {
            "wave_index": waves["wave_index"],
            "party": names_of(scenario.role_names, waves["role"].to_numpy()),
            "start_utc": iso_times(waves["start_s"].to_numpy()),
            "end_utc": iso_times(waves["end_s"].to_numpy()),
            "launched_count": waves["launched_count"],
            "through_count": waves["through_count"],
            "in_truce": inside(scenario.truce_span, waves["start_s"].to_numpy()),
        }
    )
    return csv_bytes(scenario, frame)


def causes_csv(scenario: Scenario, causes: Mapping[str, pl.Series]) -> bytes:
    """Write the true event behind every row that a feed's file holds; rows without one stand for nothing that was."""
    frames = [
        pl.DataFrame({"row_index": np.arange(len(cause)), "event_id": cause}).select(
            pl.lit(name).alias("file_name"), "row_index", "event_id"
        )
        for name, cause in causes.items()
    ]
    return csv_bytes(scenario, pl.concat(frames))


def agreement_yaml(scenario: Scenario) -> bytes:
    """Write the truce as an agreement file with its theatre inside."""
    span, name = scenario.truce_span, scenario.scenario_id
    domains = _domains(scenario)
    window: Mapping[str, Any] = {
        "window_id": f"{name}_truce",
        "span": {"start": span.start.isoformat(), "end": span.end.isoformat()},
        "declared_by": "/".join(scenario.parties),
        "accepted_by_other": "yes (both declared it)",
        "scope": "all hostilities",
        "covered_domain_ids": [domain["domain_id"] for domain in domains],
    }
    content = {
        "schema": "truceline.agreement/2",
        "agreement_id": name,
        "version": "1",
        "title": f"SYNTHETIC: {scenario.title}",
        "theatre": {
            "schema": "truceline.theatre/1",
            "theatre_id": f"synthetic_{name}",
            "title": "SYNTHETIC: an invented line between two invented parties",
            "parties": list(scenario.parties),
            "timezone": scenario.timezone,
            "evening_cutoff_hour": scenario.evening_cutoff_hour,
            "domains": domains,
        },
        "sources": [{"source_id": "invented", "title": mark(scenario), "basis": "text"}],
        "windows": [window],
        "object_classes": [
            {"object_class_id": "energy", "title": "Objects of the energy supply", "category": "energy"}
        ],
        "provisions": [_provision(scenario, *entry) for entry in PROVISIONS],
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return f"# {mark(scenario)}\n{text}".encode()


PROVISIONS = (
    ("all_fire", {"acts": ["fire"]}, "All fire stops along the whole line for the time of the truce."),
    (
        "energy_objects",
        {"acts": ["attack"], "object_class_ids": ["energy"]},
        "Energy objects are not attacked for the time of the truce.",
    ),
)


def _provision(scenario: Scenario, name: str, conduct: Mapping[str, Any], summary: str) -> dict[str, Any]:
    return {
        "kind": "prohibition",
        "provision_id": f"{scenario.scenario_id}.{name}",
        "article": "invented text",
        "summary": summary,
        "source_ids": ["invented"],
        "basis": "text",
        **conduct,
        "parties": list(scenario.parties),
    }


def _domains(scenario: Scenario) -> list[dict[str, Any]]:
    reports = {"series": "media_report", "volume_normalised": True}
    domains: list[dict[str, Any]] = [
        {
            "domain_id": "ground",
            "title": "Fire, as outlets of both parties report it",
            "report_flag": "kinetic",
            **reports,
        },
        {
            "domain_id": "energy",
            "title": "Reported attacks on energy objects",
            "report_flag": "energy_object",
            **reports,
        },
    ]
    for actor, claimant in (scenario.parties, scenario.parties[::-1]):
        domains.append(
            {
                "domain_id": f"long_range_{actor.lower()}",
                "title": f"One-way UAV launches by {actor}, as {claimant} counts them",
                "series": "party_claim",
                "actor": actor,
                "claimant": claimant,
                "weapon_classes": ["oneway_uav"],
                "measure": "launched",
                "coverage_hours": 8,
            }
        )
    return domains


def readme_text(scenario: Scenario, truth: Truth, outages: Outages) -> bytes:
    """Write what the folder holds, and which stations were silent when."""
    span = scenario.truce_span
    first, second = scenario.role_names
    silent = zip(
        names_of(truth.ground.stations.names, outages.station_index).to_list(),
        iso_times(outages.start_s).to_list(),
        iso_times(outages.end_s).to_list(),
        strict=True,
    )
    lines = [
        mark(scenario),
        "",
        scenario.title,
        f"Parties {first} (holds the ground to the right of the line's course) and {second} (to its left).",
        f"{scenario.background_days} ordinary days from {scenario.first_day}, then {scenario.week_days} with sensors.",
        f"Truce from {span.start:%Y-%m-%dT%H:%MZ} to {span.end:%Y-%m-%dT%H:%MZ}, declared by both. Inside it:",
        *(
            f"  {name} keeps {artillery:.0%} of its ordinary artillery fire and {long_range:.0%} of its one-way UAV"
            " waves and attacks on energy objects."
            for name, artillery, long_range in zip(
                (first, second), scenario.truce.artillery_share, scenario.truce.long_range_share, strict=True
            )
        ),
        "",
        "feeds/                     what the commands read; agreement.yaml is the text of the truce with its theatre",
        "ground_truth.csv           every true event and decoy; ground_truth_waves.csv every wave;",
        "                           ground_truth_causes.csv the true event behind every row of the feeds. No command",
        "                           reads them; the comparison at the end of `truceline demo` is made with them.",
        "",
        "Stations that were silent (nothing heard there says nothing):",
        *(f"  {name}  {start} to {end}" for name, start, end in silent),
    ]
    return ("\n".join(lines) + "\n").encode()
