"""`truceline associate run`: detections of a network of stations become located events, tile by tile."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.associate_run_fire import add_options, fire_wish, write_fire_origins

if TYPE_CHECKING:
    import pyarrow as pa

    from truceline.associate.network import Solution
    from truceline.cli.associate_run_input import Plan
    from truceline.runners.tile_network import StationNetwork
    from truceline.runners.tile_settings import TileRunSettings
    from truceline.runners.tile_solving import Solver, TileTask
    from truceline.runners.tiles import TileOutput, TileRun

SAVE_ROW_COUNT = 500_000
"""Detections after which what was said is written, and with --state the state: a run that ends goes on from there."""

SHED_SHOWN_COUNT = 10
"""Stations named in the summary of what was shed."""

EPILOG = """\
examples:
  truceline associate run --stations stations.parquet --detections day.parquet --out solution
  truceline associate run --stations stations.csv --detections night.csv day.csv --out solution \\
      --level all --processes 2 --wind-east-m-per-s 4 --wind-north-m-per-s -2
  truceline associate run --stations stations.csv --detections day1.csv --out solution --state run.state --keep-open
  truceline associate run --stations stations.csv --detections day2.csv --out solution --state run.state
  truceline associate run --stations feeds/stations.parquet --detections feeds/detections.parquet --out solution \\
      --line feeds/lines.parquet --parties A,B

what is read (Parquet or CSV, times in ISO 8601 with zone):
  stations    station_id, longitude_deg, latitude_deg, modality, timing_sigma_s, dead_time_s;
              if known bearing_sigma_deg, clutter_rate_hz, operator
  detections  detection_id, station_id, time, received_time;
              if known timing_sigma_s, bearing_deg, bearing_sigma_deg, amplitude_pa, phase
what is written into OUT:
  events/part-*.parquet    one row per revision of an event: place and time with covariance, log-odds, level, status
  members/part-*.parquet   the detections of each revision, with probability and residual
  stations.parquet, .csv   how each station did: state, clock offset and its error, clutter rate
  fire_origins.csv         with --line: from whose ground each fire mission came, coarse on purpose
  summary.json             totals, what was not used and why, the grid, and one SHA-256 over all rows

Levels: early (first solution, about 90 s), hour, six_hour; all under one event id, each change a new revision. What was
issued is never changed: what a later solution no longer has is issued once more as rejected.

The same detections give the same rows and the same SHA-256, in any order, in any files, on one process or several.
Sorted by received_time they need little memory. With --state a run may be ended at any moment (Ctrl-C): the same
command goes on. A record that cannot be used is counted with its reason, never dropped.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "run",
        help="detections to located events with revisions; the same rows on any machine",
        description="Bring detections of a network of stations together into events with place, time and uncertainty.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stations", type=Path, required=True, metavar="FILE", help="table of stations")
    parser.add_argument(
        "--detections", type=Path, required=True, nargs="+", metavar="FILE", help="tables of detections, in any order"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    parser.add_argument(
        "--level",
        choices=("hour", "all"),
        default="hour",
        help="hour: one solution of everything received within an hour; all: early and six-hour too (default: hour)",
    )
    parser.add_argument(
        "--processes", type=_process_count, default=1, metavar="N", help="worker processes (default: 1, this one)"
    )
    parser.add_argument(
        "--wind-east-m-per-s", type=float, metavar="V", help="forecast wind towards the east, metres per second"
    )
    parser.add_argument(
        "--wind-north-m-per-s", type=float, metavar="V", help="forecast wind towards the north, metres per second"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="where the run stands; it goes on from there if the file exists"
    )
    parser.add_argument(
        "--keep-open",
        action="store_true",
        help="more detections will come: with --state, what is not due yet waits for the next call",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def _process_count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:
        raise argparse.ArgumentTypeError(f"{count} is outside [1, 64]")
    return count


@dataclass(frozen=True)
class EngineSolver:
    """The association engine with its settings, as worker processes can take it."""

    medium: Any
    settings: Any

    def __call__(self, task: TileTask) -> Solution:
        """Give the solution of one tile."""
        from truceline.associate.engine import solve_window

        return solve_window(
            task.network, task.detections, span_s=task.span_s, medium=self.medium, settings=self.settings
        )


def engine_solver(args: argparse.Namespace) -> tuple[Solver, str]:
    """Give the engine under the options' wind, and a name for both."""
    from truceline.associate.settings_engine import EngineSettings, MediumPrior
    from truceline.model.quantity import canonical_bytes, content_id

    given = {
        name: getattr(args, name)
        for name in ("wind_east_m_per_s", "wind_north_m_per_s")
        if getattr(args, name) is not None
    }
    solver = EngineSolver(MediumPrior(**given), EngineSettings())
    return solver, content_id("engine", canonical_bytes(solver.medium), canonical_bytes(solver.settings))


def run(args: argparse.Namespace) -> int:
    """Solve what the files hold, write it, and say what became of every detection."""
    from truceline.associate.modalities.registry import MODALITIES

    modality_index = {modality.name: index for index, modality in enumerate(MODALITIES)}
    return run_with(args, engine_solver(args), modality_index)


def run_with(args: argparse.Namespace, solver: tuple[Solver, str], modality_index: dict[str, int]) -> int:
    """Do the same with a named solver: a pure function of a tile's input."""
    from truceline.cli.associate_run_input import plan_of, read_table
    from truceline.cli.progress import Progress, say_compiling
    from truceline.errors import InputUnusable
    from truceline.runners.tile_network import read_stations
    from truceline.runners.tile_solving import Solving

    if args.keep_open and args.state is None:
        raise InputUnusable("--keep-open needs --state FILE: what waits has to be kept somewhere")
    fire = fire_wish(args)
    stations = read_stations(read_table(args.stations), modality_index=modality_index)
    settings = _settings(stations, args.level)
    plan = plan_of(args.detections)
    sys.stderr.write(
        f"{len(stations.station_ids):,} stations, {plan.total_row_count:,} detections, {settings.grid.grid_id}\n"
    )
    say_compiling()
    progress = Progress("solving")
    started_s = time.monotonic()
    with Solving(solver[0], solver_id=solver[1], processes_count=args.processes) as solving:
        files = _Files(args, plan)
        tile_run = _begun(files, stations, solving, settings)
        taken_count = _run_through(files, tile_run, progress)
    progress.done()
    took_s = time.monotonic() - started_s
    said = [_stations_line(files, tile_run)]
    if fire is not None:
        said.append(write_fire_origins(files.out, fire, stations.plane))
    sys.stdout.write(_text(tile_run, files, (taken_count, took_s), said))
    return 0


def _settings(stations: StationNetwork, level: str) -> TileRunSettings:
    from truceline.associate.tiles import TileGrid
    from truceline.runners.tile_network import grid_for
    from truceline.runners.tile_settings import HOUR_S, TileRunSettings, levels_on

    grid = grid_for(stations, TileGrid())
    if level == "all":
        return TileRunSettings(levels=levels_on(grid))
    return TileRunSettings(levels=levels_on(grid, names=("hour",)), remembered_s=2.0 * HOUR_S)


class _Files:
    """What a run reads and writes: parts of the solution, and where it stands."""

    def __init__(self, args: argparse.Namespace, plan: Plan) -> None:
        """Read where the run stands; raise `InputUnusable` where the folder or the state belongs to another one."""
        self.plan, self.out, self.state_path, self.keep_open = plan, args.out, args.state, args.keep_open
        self.inputs = [[path.name, path.stat().st_size] for path in plan.paths]
        self.piece_count, self.part_count = 0, 0
        self.run_state: bytes | None = None
        self.waiting: list[TileOutput] = []
        if self.state_path is not None and self.state_path.exists():
            self._go_on()
        elif any(self.out.glob("events/part-*.parquet")):
            from truceline.errors import InputUnusable

            raise InputUnusable(f"{self.out}: holds a solution already; name another folder, or its --state")

    def _go_on(self) -> None:
        import msgspec

        from truceline.errors import InputUnusable, StoreUnavailable

        try:
            stored = msgspec.msgpack.decode(self.state_path.read_bytes())
            inputs, is_done, is_closed = stored["inputs"], stored["is_done"], stored["is_closed"]
            self.piece_count, self.part_count = stored["piece_count"], stored["part_count"]
            self.run_state = stored["run_state"]
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise StoreUnavailable(f"{self.state_path}: is no state of a run ({error})") from error
        if inputs == self.inputs:
            return
        if is_closed or not is_done:
            why = "was brought to its end without --keep-open" if is_closed else "stands in the middle of other files"
            raise InputUnusable(f"{self.state_path}: the run {why}: {[name for name, _ in inputs]}")
        self.piece_count = 0

    def say(self, output: TileOutput) -> None:
        """Hold what was said until it is written."""
        self.waiting.append(output)

    def save(self, run_state: Callable[[], bytes]) -> None:
        """Write what was said as the next parts, and only then where the run stands."""
        import msgspec
        import pyarrow as pa

        from truceline.cli.output import write_bytes

        for name, tables in zip(("events", "members"), zip(*self.waiting, strict=True), strict=False):
            table = pa.concat_tables(tables)
            if table.num_rows:
                write_bytes(self.out / name / f"part-{self.part_count:06d}.parquet", _parquet_bytes(table))
        self.part_count += any(output.events.num_rows for output in self.waiting)
        self.waiting = []
        if self.state_path is not None:
            is_done = self.piece_count == len(self.plan.row_counts)
            stored = {
                "inputs": self.inputs,
                "piece_count": self.piece_count,
                "part_count": self.part_count,
                "is_done": is_done,
                "is_closed": is_done and not self.keep_open,
                "run_state": run_state(),
            }
            write_bytes(self.state_path, msgspec.msgpack.encode(stored))


def _parquet_bytes(table: pa.Table) -> bytes:
    import io

    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _begun(files: _Files, stations: StationNetwork, solving: Any, settings: TileRunSettings) -> TileRun:
    """Begin the run where the files say it stands, and say so."""
    from truceline.runners.tiles import TileRun

    if files.run_state is not None:
        sys.stderr.write(f"going on after {files.piece_count:,} pieces, {files.part_count:,} parts written\n")
    tile_run = TileRun(stations, solving, settings=settings, state=files.run_state)
    if not tile_run.can_solve:
        sys.stderr.write(
            f"note: station_count={len(stations.station_ids)}: nowhere are 4 stations in reach of each other, so "
            "nothing can be located; every detection is counted\n"
        )
    if tile_run.mirror_ambiguous:
        sys.stderr.write(
            f"note: all stations of tiles {list(tile_run.mirror_ambiguous)} stand on one line and give no bearing: "
            "each event has a mirrored place beside it\n"
        )
    return tile_run


def _run_through(files: _Files, tile_run: TileRun, progress: Any) -> int:
    """Take every piece that is left, then, unless more will come, all that is still due; give the detections taken."""
    from truceline.cli.associate_run_input import pieces

    taken_count, unsaved_count = 0, 0
    for piece in pieces(files.plan, skipped_count=files.piece_count):
        watermark_ns = piece.watermark_ns if piece.watermark_ns is not None else files.plan.last_received_ns
        files.say(tile_run.step([piece.table], tile_run.watermark_ns if watermark_ns is None else watermark_ns))
        files.piece_count += 1
        taken_count += piece.table.num_rows
        unsaved_count += piece.table.num_rows
        progress(piece.path, taken_count)
        is_last = files.piece_count == len(files.plan.row_counts)
        if unsaved_count >= SAVE_ROW_COUNT and not is_last:
            files.save(tile_run.state)
            unsaved_count = 0
    if not files.keep_open:
        files.say(tile_run.finish())
    files.save(tile_run.state)
    _write_summary(files, tile_run)
    return taken_count


def _write_summary(files: _Files, tile_run: TileRun) -> None:
    from truceline.cli.output import write_bytes
    from truceline.model.quantity import canonical_bytes

    summary = {
        "rows_sha256": tile_run.digest,
        "grid": tile_run.grid,
        "grid_id": tile_run.grid.grid_id,
        "totals": tile_run.totals,
        "counts": tile_run.counts,
        "mirror_ambiguous_tiles": tile_run.mirror_ambiguous,
        "part_count": files.part_count,
    }
    write_bytes(files.out / "summary.json", canonical_bytes(summary) + b"\n")


def _stations_line(files: _Files, tile_run: TileRun) -> str:
    """Write how every station did, as Parquet and CSV; give a line that says how many are in each state."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    from truceline.cli.output import write_bytes
    from truceline.runners.tile_health import states_line

    report = tile_run.station_report()
    sink = pa.BufferOutputStream()
    pacsv.write_csv(report, sink)
    write_bytes(files.out / "stations.parquet", _parquet_bytes(report))
    write_bytes(files.out / "stations.csv", sink.getvalue().to_pybytes())
    return states_line(report)


def _text(tile_run: TileRun, files: _Files, took: tuple[int, float], said: list[str]) -> str:
    """Lay out what became of every detection; `took` are the detections of this call and its seconds."""
    taken_count, took_s = took
    totals, counts = tile_run.totals, tile_run.counts
    revisions = ", ".join(f"{count:,} {status}" for status, count in sorted(totals.status_counts.items()))
    lines = [
        f"{totals.event_count:,} events in {files.out} from {totals.delivered_count:,} detections delivered",
        f"  revisions: {revisions or 'none'}; {totals.member_count:,} member rows",
        f"  tiles: {totals.solved_tile_count:,} solved, {totals.unchanged_tile_count:,} unchanged and kept",
        f"  {taken_count:,} detections in this call, {taken_count / max(took_s, 1e-9):,.0f}/s",
        *(f"  {line}" for line in said),
    ]
    if lines_of_reasons := counts.shown_lines():
        lines += ["  not used, or used once:", *(f"  {line}" for line in lines_of_reasons)]
    most = sorted(counts.shed_by_station.items(), key=lambda item: (-item[1], item[0]))
    for station_id, count in most[:SHED_SHOWN_COUNT]:
        lines.append(f"    shed of station {station_id}: {count:,}")
    if len(most) > SHED_SHOWN_COUNT:
        lines.append(f"    and of {len(most) - SHED_SHOWN_COUNT:,} more stations, see summary.json")
    lines += [f"  grid {tile_run.grid.grid_id}", f"  rows sha256 {tile_run.digest}"]
    return "\n".join(lines) + "\n"
