"""The shared benchmark's presets: its generator draws, its own program counts; both are used where they stand.

Where they stand is a folder `shared/bench` beside the repository, or what TRUCELINE_SHARED_BENCH names.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from associate_peers.exchange import Answer, Scene
from associate_worlds.world import Case, Figures, World

from truceline.physics.region import region_square_ratio
from truceline.testing.location_agreement import NOMINALS_PROBABILITY

VARIABLE = "TRUCELINE_SHARED_BENCH"
MARGIN_M = 6_000.0
"""So far beyond the strip of stations events are looked for."""
ECHO_LATE_S = (0.2, 2.0)
ECHO_FIRST_LOST_PROBABILITY = 0.5
CLUTTER = -1

Columns = dict[str, Any]


class Drawn(NamedTuple):
    """What the generator gives: columns of detections, of stations, of the truth, and the preset's numbers."""

    detections: Columns
    stations: Columns
    truth: Columns
    meta: Columns


class Benchmark(NamedTuple):
    """The shared generator, and the function that holds a file of events against a folder of truth."""

    generator: Any
    count: Callable[[str, str], dict[str, float]]


@cache
def shared_benchmark() -> Benchmark | None:
    """Give the shared benchmark, or nothing where it is not there."""
    folder = Path(os.environ.get(VARIABLE) or Path(__file__).resolve().parents[3] / "shared" / "bench")
    counting = [path.stem for path in sorted(folder.glob("*.py")) if path.stem not in {"gen", "run"}]
    if not (folder / "gen.py").is_file() or len(counting) != 1:
        return None
    sys.path.insert(0, str(folder))
    try:
        generator, program = importlib.import_module("gen"), importlib.import_module(counting[0])
    finally:
        sys.path.remove(str(folder))
    return Benchmark(generator, vars(program)[counting[0]])  # its function is called as its file


def shared_presets() -> list[str]:
    """List the shared benchmark's presets; none where it is not there."""
    benchmark = shared_benchmark()
    return [] if benchmark is None else list(benchmark.generator.PRESETS)


def shared_world(preset: str, case: Case, seed_offset: int) -> World:
    """Draw a preset with a seed of ours, made worse as the case says."""
    benchmark = shared_benchmark()
    assert benchmark is not None, f"preset={preset!r} was listed, so the benchmark is there"
    drawn = _drawn(benchmark.generator, preset, case, seed_offset)

    def hold(answer: Answer) -> Figures:
        return _figures(benchmark, drawn, answer)

    return World(_scene(drawn), hold)


def _drawn(generator: Any, preset: str, case: Case, seed_offset: int) -> Drawn:
    """Draw it; an error that the sheet does not say is drawn with a larger sigma, and the sheet put right after."""
    plain = generator.PRESETS[preset]
    noise_ratio = case.noise_ratio or 1.0
    parameters = dataclasses.replace(
        plain,
        seed=plain.seed + seed_offset,
        path_rel=case.path_error_ratio or plain.path_rel,
        sig_lo=plain.sig_lo * noise_ratio,
        sig_hi=plain.sig_hi * noise_ratio,
        bad_clock=case.bad_clock_share or plain.bad_clock,
    )
    drawn = Drawn(*generator.generate(parameters))
    drawn.stations["sig_t"] = drawn.stations["sig_t"] / noise_ratio
    if case.echo_share:
        drawn = with_echoes(drawn, case.echo_share, np.random.default_rng(parameters.seed))
    return drawn


def with_echoes(drawn: Drawn, share: float, chance: np.random.Generator) -> Drawn:
    """Add to a share of the true detections a second one, 0.2 to 2 s later, and take the first from half of those.

    An echo belongs to no event: what counts as a detection of one is its direct sound. Dead time holds for all alike.
    """
    event_of, time_s = drawn.truth["pick_ev"], drawn.detections["t"]
    echoing = (event_of != CLUTTER) & (chance.random(len(event_of)) < share)
    lost = echoing & (chance.random(len(event_of)) < ECHO_FIRST_LOST_PROBABILITY)
    first, echo = np.flatnonzero(~lost), np.flatnonzero(echoing)
    rows = np.concatenate([first, echo])
    late_s = np.concatenate([np.zeros(len(first)), chance.uniform(*ECHO_LATE_S, len(echo))])
    columns = {name: column[rows] for name, column in drawn.detections.items()} | {"t": time_s[rows] + late_s}
    owner = np.concatenate([event_of[first], np.full(len(echo), CLUTTER)]).astype(event_of.dtype)
    kept = _awake(columns["sta"], columns["t"], drawn.meta["dead"])
    kept = kept[columns["t"][kept] < 60.0 * drawn.meta["minutes"]]
    owner = owner[kept]
    columns = {name: column[kept] for name, column in columns.items()}
    counts = np.bincount(owner[owner != CLUTTER], minlength=len(drawn.truth["ev_x"])).astype(np.int32)
    truth = drawn.truth | {"pick_ev": owner, "ev_n": counts}
    return Drawn(columns, drawn.stations, truth, drawn.meta | {"n_picks": len(owner)})


def _awake(station: Any, time_s: Any, dead_time_s: float) -> Any:
    """Give the rows, in order of time, that do not come within the dead time after what their station recorded last."""
    kept, last_s = [], {}
    for row in np.lexsort((station, time_s)).tolist():
        if time_s[row] - last_s.get(station[row], -np.inf) >= dead_time_s:
            last_s[station[row]] = time_s[row]
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def _scene(drawn: Drawn) -> Scene:
    """Give what everyone is given, in metres."""
    detections, stations, meta = drawn.detections, drawn.stations, drawn.meta
    count = len(detections["t"])
    half_m = 1e3 * meta["half"] + MARGIN_M
    return Scene(
        station_x_m=1e3 * stations["x"],
        station_y_m=1e3 * stations["y"],
        station_timing_sigma_s=stations["sig_t"].astype(np.float64),
        station_dead_time_s=np.full(len(stations["x"]), float(meta["dead"])),
        station_clutter_rate_hz=stations["clutter_hz"].astype(np.float64),
        station_bearing_sigma_deg=np.where(stations["array"], meta["baz_sig"], np.nan),
        detection_station_index=detections["sta"].astype(np.int64),
        detection_time_s=detections["t"].astype(np.float64),
        detection_sigma_s=np.full(count, np.nan),
        detection_bearing_deg=detections["baz"].astype(np.float64),
        detection_amplitude_log10_ratio=detections["lamp"].astype(np.float64),
        span_s=np.array([0.0, 60.0 * meta["minutes"]]),
        bounds_m=np.array([0.0, 1e3 * meta["length"], -half_m, half_m]),
        wind_m_per_s=1e3 * np.array(meta["wind_forecast"]),
        sound_speed_m_per_s=np.array(1e3 * meta["c0"]),
    )


def _figures(benchmark: Benchmark, drawn: Drawn, answer: Answer) -> Figures:
    """Let the benchmark's own program count, from files as it wants them.

    It draws the normal's regions, 50, 90 and 95 % of one covariance. Ours have tails of their own, so it is asked once
    for each share, with the covariance of which the normal's region of that share is ours, and that share is read.
    """
    has_regions = len(answer.x_m) > 0 and bool(np.isfinite(answer.covariance_m2).all())
    found = _counted(benchmark, drawn, answer, answer.covariance_m2 if has_regions else None)
    coverage: Figures = {}
    for probability in NOMINALS_PROBABILITY:
        of_share = found
        if has_regions and answer.region_tail_ratio.any():
            wider = region_square_ratio(probability, answer.region_tail_ratio) / region_square_ratio(probability)
            of_share = _counted(benchmark, drawn, answer, answer.covariance_m2 * wider[:, None])
        percent = f"{100.0 * probability:.0f}"
        coverage[f"coverage_{percent}"] = of_share.get(f"cov{percent}")
    return {
        "f1": found.get("f1"),
        "f1_strict": found.get("f1_strict500m"),
        "precision": found.get("precision"),
        "recall": found.get("recall"),
        "error_median_m": found.get("err_med_m"),
        "error_95_m": found.get("err_p95_m"),
        **coverage,
        "detection_precision": found.get("pick_prec"),
        "detection_recall": found.get("pick_rec"),
    }


def _counted(benchmark: Benchmark, drawn: Drawn, answer: Answer, covariance_m2: Any) -> dict[str, float]:
    """Write the truth and an answer with these covariances, or none, and give what the benchmark's program counts."""
    said: Columns = {"x": answer.x_m / 1e3, "y": answer.y_m / 1e3, "t": answer.time_s, "pick_ev": answer.event_of}
    if covariance_m2 is not None:
        said |= dict(zip(("cxx", "cxy", "cyy"), covariance_m2.T / 1e6, strict=True))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "truth.npz", **drawn.truth)
        np.savez(folder / "said.npz", **said)
        (folder / "meta.json").write_text(json.dumps(drawn.meta))
        return benchmark.count(name, str(folder / "said.npz"))
