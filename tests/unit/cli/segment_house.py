"""What the tests of `truceline segments` share: officers, a gateway and a sensor, made with the commands themselves."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from truceline.cli import main

START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, LAST = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"


def run(*words: object) -> None:
    """Run a command that has to do its work."""
    assert 0 == main(["segments", *map(str, words)])


def new_key(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Make a key and give what was printed of it."""
    capsys.readouterr()
    run("keygen", "--out", folder / f"{name}.key")
    return dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())


def approve(folder: Path, record_id: str, *names: str) -> None:
    """Have officers approve a record."""
    for name in names:
        run(
            *("approve", "--registry", folder / "registry", "--record", record_id),
            *("--officer-id", name, "--key", folder / f"{name}.key"),
        )


def printed_record(capsys: pytest.CaptureFixture[str]) -> str:
    """Give the id of the record that a command has just printed."""
    return capsys.readouterr().out.split(":")[0]


def detections(path: Path, seconds: list[float], *, station_id: str = "A17") -> None:
    """Write a table of detections at so many seconds after the start, named after the file."""
    times = [START + timedelta(seconds=second) for second in seconds]
    frame = pl.DataFrame(
        {
            "detection_id": [f"{path.stem}/{index}" for index in range(len(times))],
            "station_id": [station_id] * len(times),
            "time": [moment.isoformat() for moment in times],
            "received_time": [moment.isoformat() for moment in times],
            "timing_sigma_s": [0.01] * len(times),
            "amplitude_pa": [float(index) for index in range(len(times))],
            "own_time_ns": [round((1_000.0 + second * (1.0 + 1e-6)) * 1e9) for second in seconds],
        }
    )
    frame.write_csv(path)


class House:
    """A registry with two officers, a gateway and one enrolled sensor, in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Make everything with the commands themselves."""
        self.folder = folder
        self.registry = folder / "registry"
        self.gateway = new_key(folder, "gateway", capsys)
        for name in ("berg", "diaz"):
            public = new_key(folder, name, capsys)["signing_key"]
            run(
                *("officer", "--registry", self.registry, "--officer-id", name),
                *("--organisation", f"of {name}", "--signing-key", public),
            )
        self.sensor = new_key(folder, "sensor", capsys)
        run(
            *("enrol", "--registry", self.registry, "--key", folder / "sensor.key", "--sensor-id", "A17"),
            *("--operator", "made up", "--seal-number", "1", "--valid-from", FIRST, "--valid-until", LAST),
            *("--timing-sigma-s", "1e-4", "--oscillator-rate-ratio", "2.5e-6"),
        )
        approve(folder, printed_record(capsys), "berg", "diaz")

    def sign(self, name: str, seconds: list[float], *more: str) -> Path:
        """Sign detections into the inbox, received a second after the last."""
        detections(self.folder / f"{name}.csv", seconds)
        path = self.folder / "inbox" / f"{name}.seg"
        run(
            *("sign", "--key", self.folder / "sensor.key", "--sensor-id", "A17"),
            *("--detections", self.folder / f"{name}.csv", "--state", self.folder / "sensor.state", "--out", path),
            *("--gateway-key", self.gateway["exchange_key"], *more),
        )
        received_s = (START + timedelta(seconds=max(seconds) + 12.0)).timestamp()
        os.utime(path, (received_s, received_s))
        return path

    def verify(self, name: str, *more: object) -> dict[str, dict[str, object]]:
        """Verify the inbox into a folder and give the summary."""
        run(
            *("verify", "--registry", self.registry, "--received", self.folder / "inbox"),
            *("--out", self.folder / name, "--gateway-secret", self.folder / "gateway.key", *more),
        )
        summary: dict[str, dict[str, object]] = json.loads((self.folder / name / "summary.json").read_bytes())
        return summary
