"""How long a million FIRMS rows take, file to durable store, beside two ways of merely reading the same file.

    taskset -c 0 env POLARS_MAX_THREADS=1 python bench/ingest_firms.py [ROW_COUNT]

The peers do far less: Python's csv module with a float per coordinate and a datetime per row, and polars.read_csv with
the same columns parsed; neither checks, names, rejects, finds duplicates or stores anything.
"""

from __future__ import annotations

import csv
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

ROW_COUNT = 1_000_000
SEED = 20250420


def write_rows(path: Path, row_count: int) -> None:
    """Write a VIIRS file with the official columns; invented, with one row in a thousand at fault."""
    chance = np.random.default_rng(SEED)
    first_minute = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) // 60
    minutes = first_minute + np.sort(chance.integers(0, 365 * 1440, row_count))
    moments = pl.Series(minutes * 60_000_000).cast(pl.Datetime("us"))
    latitude_deg = np.round(chance.uniform(44.4, 52.4, row_count), 5)
    latitude_deg[::1000] = 95.0
    frame = pl.DataFrame(
        {
            "latitude": latitude_deg,
            "longitude": np.round(chance.uniform(22.2, 40.2, row_count), 5),
            "bright_ti4": np.round(chance.uniform(295.0, 367.0, row_count), 2),
            "scan": np.round(chance.uniform(0.32, 0.8, row_count), 2),
            "track": np.round(chance.uniform(0.36, 0.78, row_count), 2),
            "acq_date": moments.dt.strftime("%Y-%m-%d"),
            "acq_time": moments.dt.strftime("%H%M"),
            "satellite": pl.Series(["N", "N20"]).gather(chance.integers(0, 2, row_count)),
            "instrument": ["VIIRS"] * row_count,
            "confidence": pl.Series(["l", "n", "h"]).gather(chance.integers(0, 3, row_count)),
            "version": ["2.0NRT"] * row_count,
            "bright_ti5": np.round(chance.uniform(270.0, 310.0, row_count), 2),
            "frp": np.round(chance.lognormal(1.0, 1.0, row_count), 2),
            "daynight": pl.Series(["D", "N"]).gather(chance.integers(0, 2, row_count)),
        }
    )
    frame.write_csv(path)


def seconds_of(work: Callable[[], object]) -> float:
    """Give how long a piece of work takes on the wall."""
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def read_by_csv_module(path: Path) -> int:
    """Read with Python's csv module."""
    kept_count = 0
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            acquired = datetime.strptime(f"{row['acq_date']} {row['acq_time']}", "%Y-%m-%d %H%M").replace(tzinfo=UTC)
            kept_count += abs(float(row["latitude"])) <= 90.0 and bool(float(row["longitude"])) and acquired.year > 0
    return kept_count


def read_by_polars(path: Path) -> int:
    """Read with polars."""
    frame = pl.read_csv(path, schema_overrides={"acq_time": pl.String})
    times = (frame["acq_date"] + " " + frame["acq_time"]).str.to_datetime("%Y-%m-%d %H%M")
    return len(times)


def ingest(path: Path, store: Path) -> None:
    """Take the file into a store through the command line, in a process of its own."""
    arguments = ["ingest", str(path), "--store", str(store)]
    code = f"import sys; from truceline.cli import main; sys.exit(main({arguments!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def main() -> None:
    """Measure and print."""
    row_count = int(sys.argv[1]) if len(sys.argv) > 1 else ROW_COUNT
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "firms.csv"
        write_rows(path, row_count)
        ingest_s = seconds_of(lambda: ingest(path, Path(folder) / "store"))
        peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0
        csv_s = seconds_of(lambda: read_by_csv_module(path))
        polars_s = seconds_of(lambda: read_by_polars(path))
        size_mib = path.stat().st_size / 2**20
    print(f"machine {platform.machine()}, Python {platform.python_version()}, {row_count:,} rows, {size_mib:.0f} MiB")
    print(f"truceline ingest        {ingest_s:7.2f} s  {row_count / ingest_s:12,.0f} rows/s  peak {peak_mib:,.0f} MiB")
    print(f"csv module, reading     {csv_s:7.2f} s  ratio {ingest_s / csv_s:6.2f}")
    print(f"polars.read_csv         {polars_s:7.2f} s  ratio {ingest_s / polars_s:6.2f}")


if __name__ == "__main__":
    main()
