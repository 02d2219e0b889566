"""Attribution of media reports against headlines read by hand, left-out weeks, and the theatre's tables of places.

`python bench/attribution_reports.py gold --gold gold.csv --line line_daily.parquet` prints, by side and distance band,
log loss, Brier and calibration error with intervals, for the shipped model, for the same with its two soft numbers
fitted on all weeks but the one judged, and for plain peers; and the calibration error by three definitions. `speed`
times 100,000 made-up rows.
`stand-ins --feed media_events.parquet --towns towns.csv --out FILE` derives the theatre's points from odd ISO weeks of
a feed and a gazetteer (`longitude_deg,latitude_deg,population_count`).
`namesakes --codifier codifier.csv --out FILE` counts the settlements of each name in a list of them (`category,name`).
`density --line line_daily.parquet --towns towns.csv` gives the mean density of fire over settlements that the model of
namesakes rests on. None of these data come with the project.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from truceline.adapters.agreements import load_theatre
from truceline.adapters.sources.attribution_reports import read_stand_ins, shipped_namesakes, shipped_stand_ins
from truceline.adapters.sources.files import FeedContext, NotRecognised, discover, open_table, read_lines
from truceline.attribute.report_model import ReportPlaces, attribute_reports
from truceline.attribute.report_namesakes import Namesakes, count_namesakes
from truceline.attribute.report_origin import density_ratio
from truceline.attribute.report_places import StandIns, Towns, find_stand_ins
from truceline.attribute.report_settings import ReportSettings
from truceline.physics.contact_line import LineHistory

OWN_SIDE_GRID = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
LAG_GRID_DAYS = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0)
DENSITY_DAYS = ("2024-08-01", "2025-01-01", "2025-08-01")
BANDS_KM = ((0.0, 3.0), (3.0, 10.0), (0.0, 10.0), (10.0, 50.0), (50.0, 2_000.0))
FIRST = {"R": 1.0, "U": 0.0}
STAND_IN_HEAD = """\
# Points that stand for a whole region in geolocated news reports. Derived by bench/attribution_reports.py from the
# places (not the words) of VIINA reports of odd ISO weeks (github.com/zhukovyuri/VIINA, ODbL 1.0; this table likewise)
# and town populations of GeoNames (geonames.org, CC BY 4.0). kind: region = reports there were often about the region,
# repeated = many reports on one single coordinate and no town there.
"""
NAMESAKES_HEAD = """\
# Names that several settlements of Ukraine bear, and no city among them. Counted by bench/attribution_reports.py from
# Ukraine's codifier of administrative units (order 290 of 26 November 2020 as of 19 January 2024, an official document,
# without copyright). name_key: see truceline.attribute.report_namesakes.
"""


class Judged(NamedTuple):
    """Reports read by hand, with what is known of them."""

    places: ReportPlaces
    truth: np.ndarray
    is_named: np.ndarray
    is_precise: np.ndarray
    names_none: np.ndarray
    week: np.ndarray


def judged(path: Path) -> Judged:
    """Read the reports; whom they name goes into the truth and nowhere else."""
    frame = pl.read_csv(path).with_columns(pl.col("date").str.to_date())
    named = (frame["gold_kinetic"] == 1) & frame["gold_initiator"].is_in(list(FIRST))
    return Judged(
        places=ReportPlaces(
            longitude_deg=frame["lon"].to_numpy(),
            latitude_deg=frame["lat"].to_numpy(),
            dates=frame["date"].to_numpy().astype("datetime64[D]"),
            place_name=frame["place_name"].cast(pl.String),
            close_share=np.full(frame.height, np.nan),
        ),
        truth=frame["gold_initiator"].replace_strict(FIRST, default=np.nan).to_numpy(),
        is_named=named.to_numpy(),
        is_precise=(named & (frame["gold_location"] == "p")).to_numpy(),
        names_none=((frame["gold_kinetic"] == 1) & frame["gold_initiator"].is_in(["N", "B"])).to_numpy(),
        week=(frame["date"].dt.iso_year() * 100 + frame["date"].dt.week()).to_numpy(),
    )


def lines_of(path: Path) -> LineHistory:
    """Read dated lines."""
    theatre = load_theatre()
    feed = FeedContext(parties=theatre.parties, timezone_name=theatre.timezone_name, received_time=datetime.now(tz=UTC))
    opened = [open_table(place) for place in discover([path])]
    lines = [line for file in opened if not isinstance(file, NotRecognised) for line in read_lines(file, feed)[0]]
    return LineHistory(lines, held_by=theatre.parties[0])


def losses(answer: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Give the log loss of each answer, clipped as the open data's own program clips it."""
    sure = np.clip(answer, 1e-3, 1.0 - 1e-3)
    return np.asarray(-(truth * np.log(sure) + (1.0 - truth) * np.log(1.0 - sure)))


def calibration_error(answer: np.ndarray, truth: np.ndarray) -> float:
    """Give the expected calibration error over ten bins of equal width, of the claims on the first party alone.

    The strictest of the three here: what is too high for one party and too low for the other does not cancel. The mean
    of both parties' own errors (class-wise error, Kull et al. 2019, eq. 3) is the same number, as bins mirror.
    """
    bins = np.minimum((answer * 10).astype(int), 9)
    gaps = [abs(answer[bins == index].sum() - truth[bins == index].sum()) for index in range(10)]
    return float(sum(gaps) / len(truth))


def leading_error(answer: np.ndarray, truth: np.ndarray) -> float:
    """Give the confidence calibration error (Guo et al. 2017, eq. 3): of the likelier party's claim alone, ten bins.

    A claim of .5 names the first party.
    """
    return calibration_error(np.maximum(answer, 1.0 - answer), np.where(answer >= 0.5, truth, 1.0 - truth))


def pooled_error(answer: np.ndarray, truth: np.ndarray) -> float:
    """Give the error of both parties' claims in the same ten bins, each report counted once for either (mirrored)."""
    return calibration_error(np.concatenate([answer, 1.0 - answer]), np.concatenate([truth, 1.0 - truth]))


DEFINITIONS = (
    ("claims on the first party (strict)", calibration_error),
    ("leading answer (Guo et al. 2017)", leading_error),
    ("both parties' claims pooled", pooled_error),
)


def interval(figure: Callable[[np.ndarray], float], week: np.ndarray) -> tuple[float, float]:
    """Give the 95 % interval of a figure by drawing whole weeks again."""
    rng = np.random.default_rng(7)
    rows = [np.flatnonzero(week == one) for one in np.unique(week)]
    drawn = [np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))]) for _ in range(1_000)]
    low, high = np.percentile([figure(entry) for entry in drawn], [2.5, 97.5])
    return float(low), float(high)


def tell(name: str, answer: np.ndarray, data: Judged, rows: np.ndarray) -> None:
    """Print one line of figures; reports without an answer are counted and left out."""
    chosen = np.flatnonzero(rows & np.isfinite(answer))
    if not len(chosen):
        print(f"{name:<34} n={rows.sum():3d} answered   0")
        return
    given, truth, week = answer[chosen], data.truth[chosen], data.week[chosen]
    told = [f"{name:<34} n={rows.sum():3d} answered {len(chosen):3d}"]
    figures: list[tuple[str, Callable[[np.ndarray], float]]] = [
        ("log loss", lambda i: float(losses(given[i], truth[i]).mean())),
        ("Brier", lambda i: float(((given[i] - truth[i]) ** 2).mean())),
        ("ECE", lambda i: calibration_error(given[i], truth[i])),
    ]
    for title, figure in figures:
        low, high = interval(figure, week)
        told.append(f"{title} {figure(np.arange(len(chosen))):.3f} [{low:.3f}, {high:.3f}]")
    rng = np.random.default_rng(8)
    noise = np.mean([calibration_error(given, (rng.random(len(given)) < given).astype(float)) for _ in range(500)])
    print("  ".join([*told, f"ECE by chance alone {noise:.3f}"]))


def tell_all(answer: np.ndarray, data: Judged, located_km: np.ndarray) -> None:
    """Print the figures by side and band, and what became of the rest."""
    precise = data.is_precise
    tell("precise, all", answer, data, precise)
    tell("precise, all; none counts as .5", np.where(np.isnan(answer), 0.5, answer), data, precise)
    tell("precise, on first party's ground", answer, data, precise & (located_km > 0))
    tell("precise, on other party's ground", answer, data, precise & (located_km < 0))
    for low_km, high_km in BANDS_KM:
        away_km = np.abs(located_km)
        tell(
            f"precise, {low_km:g} to {high_km:g} km", answer, data, precise & (low_km <= away_km) & (away_km < high_km)
        )
    tell_imprecise(answer, data)
    near = np.abs(located_km) <= 3.0
    print(f"within 3 km: {near.sum()}, outside .35-.65: {(near & ~is_bounded(answer)).sum()}")
    sure = data.names_none & (np.abs(answer - 0.5) > 0.4)
    print(f"headline names nobody or both: {data.names_none.sum()}, answered surer than .9: {sure.sum()}")


def tell_part(name: str, answer: np.ndarray, data: Judged) -> None:
    """Print the figures on precise places, and how many imprecise ones have no answer or an unsure one."""
    tell(name, answer, data, data.is_precise)
    tell_imprecise(answer, data)


def tell_imprecise(answer: np.ndarray, data: Judged) -> None:
    """Print how many reports on imprecise places have no answer or one within .35-.65."""
    rest = data.is_named & ~data.is_precise
    print(f"imprecise: {rest.sum()}, of which without answer or within .35-.65: {(rest & is_bounded(answer)).sum()}")


def is_bounded(answer: np.ndarray) -> np.ndarray:
    """Say which reports have no answer or one within .35-.65."""
    return np.asarray(np.isnan(answer) | (np.abs(answer - 0.5) <= 0.15 + 1e-9))


def tell_definitions(answer: np.ndarray, data: Judged, located_km: np.ndarray) -> None:
    """Print the calibration error by each definition with its interval and what chance alone gives, and its bins."""
    chosen = np.flatnonzero(data.is_precise & np.isfinite(answer))
    given, truth, week = answer[chosen], data.truth[chosen], data.week[chosen]
    for name, error in DEFINITIONS:
        low, high = interval(lambda rows, error=error: error(given[rows], truth[rows]), week)  # type: ignore[misc]
        rng, seen = np.random.default_rng(8), error(given, truth)
        chance = np.array([error(given, (rng.random(len(given)) < given).astype(float)) for _ in range(2_000)])
        print(
            f"{name:<36} {seen:.3f} [{low:.3f}, {high:.3f}]  by chance alone: mean {chance.mean():.3f}, "
            f"95th percentile {np.quantile(chance, 0.95):.3f}, as much or more {(chance >= seen).mean():.1%}"
        )
    bins = np.minimum((given * 10).astype(int), 9)
    for index in np.unique(bins):
        rows = bins == index
        part = abs(given[rows].sum() - truth[rows].sum()) / len(given)
        print(
            f"  claims of {index / 10:.1f} to {(index + 1) / 10:.1f}: {rows.sum():3d} reports, mean claim "
            f"{given[rows].mean():.3f}, so in {truth[rows].mean():.3f}, adds {part:.3f} to the strict error"
        )
    least = least_alike(truth, located_km[chosen])
    print(f"  with hindsight, one sureness within 3 km and one beyond, the same for both grounds: {least:.3f} at least")


def least_alike(truth: np.ndarray, located_km: np.ndarray) -> float:
    """Give the least strict error of any answer that knows the ground, and whether it is within 3 km, and no party.

    Both grounds' sureness is the same number, chosen knowing the truth: what no mirrored recalibration goes below.
    """
    sureness = np.linspace(0.5, 1.0, 101)
    near = np.abs(located_km) < 3.0
    errors = np.array(
        [
            calibration_error(np.where(located_km > 0, 1.0 - at, at), truth)
            for at in (np.where(near, close, far) for close in sureness for far in sureness)
        ]
    )
    return float(errors.min())


def fitted_answers(data: Judged, history: LineHistory, stand_ins: StandIns, namesakes: Namesakes) -> np.ndarray:
    """Give answers with the two soft numbers chosen by log loss on all weeks but the one judged."""
    choices = [
        ReportSettings(own_side_probability=own, line_lag_days=lag)
        for own, lag in itertools.product(OWN_SIDE_GRID, LAG_GRID_DAYS)
    ]
    answers = np.array(
        [
            attribute_reports(data.places, history, stand_ins, settings=entry, namesakes=namesakes).first_probability
            for entry in choices
        ]
    )
    counted = data.is_precise & np.isfinite(answers).all(axis=0)
    loss = np.where(counted, losses(answers, data.truth), 0.0)
    chosen = np.empty(len(data.week))
    picks = []
    for week in np.unique(data.week):
        best = int(loss[:, data.week != week].sum(axis=1).argmin())
        picks.append((choices[best].own_side_probability, choices[best].line_lag_days))
        chosen[data.week == week] = answers[best, data.week == week]
    print("chosen (own side, lag in days):", {pick: picks.count(pick) for pick in sorted(set(picks))})
    return chosen


def variants(stand_ins: StandIns) -> Iterator[tuple[str, StandIns, ReportSettings]]:
    """Give the model with one of its parts taken away or moved, to see what each does."""
    none = StandIns(longitude_deg=np.empty(0), latitude_deg=np.empty(0), is_region=np.empty(0, dtype=np.bool_))
    plain = ReportSettings()
    yield "without stand-in points", none, plain
    yield (
        "without repeated points",
        StandIns(
            longitude_deg=stand_ins.longitude_deg[stand_ins.is_region],
            latitude_deg=stand_ins.latitude_deg[stand_ins.is_region],
            is_region=stand_ins.is_region[stand_ins.is_region],
        ),
        plain,
    )
    changes: list[dict[str, float]] = [
        {"placed_knowing_probability": 0.1},
        {"placed_knowing_probability": 0.75},
        {"settlement_density_ratio": 0.025},
        {"settlement_density_ratio": 0.1},
        {"line_lag_days": 0.0},
        {"misplaced_probability": 0.0},
        {"misplaced_probability": 0.12},
        {"own_side_probability": 0.01},
        {"own_side_probability": 0.08},
        {"close_share": 0.5},
        {"close_share": 0.9},
        {"place_sigma_m": 3_000.0},
    ]
    for change in changes:
        name = ", ".join(f"{key}={value:g}" for key, value in change.items())
        yield name, stand_ins, msgspec.structs.replace(plain, **change)


def gold(options: argparse.Namespace) -> None:
    """Hold the model against reports read by hand."""
    data, history = judged(options.gold), lines_of(options.line)
    stand_ins = read_stand_ins(options.stand_ins) if options.stand_ins else shipped_stand_ins("ukraine")
    namesakes = shipped_namesakes("ukraine")
    shipped = attribute_reports(data.places, history, stand_ins, settings=ReportSettings(), namesakes=namesakes)
    located_km = shipped.located.signed_distance_m / 1e3
    print("# the shipped model (nothing in it was fitted to whom a report names)")
    tell_all(shipped.first_probability, data, located_km)
    print("# calibration error by definition, precise places")
    tell_definitions(shipped.first_probability, data, located_km)
    print("# own-side ratio and lag chosen on all weeks but the one judged")
    tell_all(fitted_answers(data, history, stand_ins, namesakes), data, located_km)
    print("# parts taken away or moved, precise places")
    alone = attribute_reports(data.places, history, stand_ins, settings=ReportSettings())
    tell_part("without namesakes", alone.first_probability, data)
    for name, points, settings in variants(stand_ins):
        answers = attribute_reports(data.places, history, points, settings=settings, namesakes=namesakes)
        tell_part(name, answers.first_probability, data)
    print("# plain peers, precise places")
    tell("other side with .95", np.where(located_km > 0, 0.05, 0.95), data, data.is_precise)
    answered = np.isfinite(shipped.first_probability)
    tell("other side with .95, where we answer", np.where(located_km > 0, 0.05, 0.95), data, data.is_precise & answered)


def speed(options: argparse.Namespace) -> None:
    """Time the model on many rows."""
    history = lines_of(options.line)
    rng = np.random.default_rng(1)
    days = rng.choice(history.line_dates[31:], options.rows)
    places = ReportPlaces(
        longitude_deg=rng.uniform(30.0, 40.0, options.rows),
        latitude_deg=rng.uniform(45.0, 51.0, options.rows),
        dates=days,
        place_name=pl.repeat("Somewhere", options.rows, eager=True),
        close_share=np.full(options.rows, np.nan),
    )
    start_s = time.perf_counter()
    stand_ins, namesakes = shipped_stand_ins("ukraine"), shipped_namesakes("ukraine")
    attribute_reports(places, history, stand_ins, settings=ReportSettings(), namesakes=namesakes)
    print(f"{options.rows:,} rows in {time.perf_counter() - start_s:.2f} s")


def derive(options: argparse.Namespace) -> None:
    """Write the table of stand-in points."""
    feed = pl.read_parquet(options.feed, columns=["date", "place_name", "lon", "lat", "adm1_only"])
    towns = pl.read_csv(options.towns)
    found = find_stand_ins(
        feed.filter(pl.col("date").dt.week() % 2 == 1),
        Towns(
            longitude_deg=towns["longitude_deg"].to_numpy(),
            latitude_deg=towns["latitude_deg"].to_numpy(),
            population_count=towns["population_count"].to_numpy(),
        ),
        ReportSettings(),
    )
    options.out.write_text(STAND_IN_HEAD + found.write_csv(), encoding="utf-8")
    print(found["kind"].value_counts())


def count(options: argparse.Namespace) -> None:
    """Write the table of names that several settlements bear."""
    counts = count_namesakes(pl.read_csv(options.codifier, columns=["category", "name"]).rows())
    table = pl.DataFrame({"name_key": list(counts), "settlement_count": list(counts.values())})
    options.out.write_text(NAMESAKES_HEAD + table.write_csv(), encoding="utf-8")
    print(f"{table.height:,} names, {table['settlement_count'].sum():,} settlements")


def density(options: argparse.Namespace) -> None:
    """Print the mean density of fire over settlements, as a ratio to that at the line, on three days."""
    history, settings = lines_of(options.line), ReportSettings()
    towns = pl.read_csv(options.towns)
    for day in DENSITY_DAYS:
        days = np.full(towns.height, np.datetime64(day))
        located = history.locate(towns["longitude_deg"].to_numpy(), towns["latitude_deg"].to_numpy(), days)
        sigma_m = np.hypot(located.sigma_m, settings.place_sigma_m)
        ratio = density_ratio(located.signed_distance_m, sigma_m, settings.close_share, settings=settings)
        print(f"{day}: {towns.height:,} settlements, mean density {ratio.mean():.4f} of that at the line")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, command, files in (
        ("gold", gold, ("gold", "line")),
        ("speed", speed, ("line",)),
        ("stand-ins", derive, ("feed", "towns", "out")),
        ("namesakes", count, ("codifier", "out")),
        ("density", density, ("line", "towns")),
    ):
        entry = commands.add_parser(name)
        for file in files:
            entry.add_argument(f"--{file}", type=Path, required=True)
        entry.set_defaults(command=command)
    commands.choices["gold"].add_argument("--stand-ins", type=Path)
    commands.choices["speed"].add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    options.command(options)


if __name__ == "__main__":
    main()
