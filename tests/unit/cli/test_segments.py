"""`truceline segments` from the first key to verified detections."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pyarrow.parquet as pq
import pytest

from truceline.adapters.segments.gateway import GatewayWindow
from truceline.adapters.segments.signing import SignerState, write_signer_state
from truceline.cli import main
from truceline.model.network import DETECTION_SCHEMA

START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, LAST = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"


def run(*words: object) -> None:
    """Run a command that has to do its work."""
    assert 0 == main(["segments", *map(str, words)])


def _key(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    run("keygen", "--out", folder / f"{name}.key")
    return dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())


def _approve(folder: Path, record_id: str, *names: str) -> None:
    for name in names:
        run(
            *("approve", "--registry", folder / "registry", "--record", record_id),
            *("--officer-id", name, "--key", folder / f"{name}.key"),
        )


def _record(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.split(":")[0]


def _detections(path: Path, seconds: list[float], *, station_id: str = "A17") -> None:
    times = [START + timedelta(seconds=second) for second in seconds]
    frame = pl.DataFrame(
        {
            "detection_id": [f"d{index}" for index in range(len(times))],
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
        self.gateway = _key(folder, "gateway", capsys)
        for name in ("berg", "diaz"):
            public = _key(folder, name, capsys)["signing_key"]
            run(
                *("officer", "--registry", self.registry, "--officer-id", name),
                *("--organisation", f"of {name}", "--signing-key", public),
            )
        self.sensor = _key(folder, "sensor", capsys)
        run(
            *("enrol", "--registry", self.registry, "--key", folder / "sensor.key", "--sensor-id", "A17"),
            *("--operator", "made up", "--seal-number", "1", "--valid-from", FIRST, "--valid-until", LAST),
            *("--timing-sigma-s", "1e-4", "--oscillator-rate-ratio", "2.5e-6"),
        )
        _approve(folder, _record(capsys), "berg", "diaz")

    def sign(self, name: str, seconds: list[float], *more: str) -> Path:
        """Sign detections into the inbox, received a second after the last."""
        _detections(self.folder / f"{name}.csv", seconds)
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


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    """Give a house whose first day is prepared."""
    return House(tmp_path, capsys)


def test_detections_come_back_as_they_were_signed(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """What a sensor signed in two calls is verified whole, and read as detections with nothing changed."""
    house.sign("one", [1.0, 2.5, 31.0])
    house.sign("two", [45.0, 61.25])
    summary = house.verify("verified", "--processes", "2")
    table = pq.read_table(house.folder / "verified" / "detections", schema=DETECTION_SCHEMA)

    assert 1.0 == summary["total"]["verified_share"]
    assert (7, 5, 5) == (
        summary["total"]["used_segment_count"],
        summary["total"]["verified_message_count"],
        summary["total"]["mac_checked_message_count"],
    )
    assert [1.0, 2.5, 31.0, 45.0, 61.25] == [
        (ns - round(START.timestamp()) * 10**9) / 1e9 for ns in table["time"].cast("int64").to_pylist()
    ]
    assert [0.01] * 5 == table["timing_sigma_s"].to_pylist()
    assert "verified: 100.00 % of 5 messages received" in capsys.readouterr().out


def test_what_is_not_genuine_is_kept_out_and_counted(house: House) -> None:
    """A changed byte, a second copy and junk are quarantined with their bytes; the rest is used."""
    path = house.sign("one", [1.0, 12.0, 22.0])
    content = bytearray(path.read_bytes())
    content[-70] ^= 1
    path.with_name("two.seg").write_bytes(bytes(content))
    path.with_name("junk.seg").write_bytes(b"\xff" * 10)
    for name in ("two.seg", "junk.seg"):
        os.utime(path.with_name(name), (2e9, 2e9))
    summary = house.verify("verified")
    kept = pq.read_table(house.folder / "verified" / "quarantine")

    assert {"duplicate": 2, "malformed": 1, "wrong_signature": 1} == summary["total"]["reason_counts"]
    assert (3, 3) == (summary["detection_count"], summary["total"]["used_segment_count"])
    assert [b"\xff" * 10] == [row["content"] for row in kept.to_pylist() if row["reason"] == "malformed"]
    assert 4 == kept.num_rows


def test_sequences_stay_unique_over_calls_with_a_state(house: House) -> None:
    """With --state what was verified in one call is a duplicate in the next, and the sensor goes on."""
    house.sign("one", [1.0, 12.0])
    state = house.folder / "chains.state"
    first = house.verify("day1", "--state", state)
    house.sign("two", [25.0])
    second = house.verify("day2", "--state", state)

    assert (2, 1) == (first["detection_count"], second["detection_count"])
    assert {"duplicate": 2} == second["total"]["reason_counts"]
    assert 0 == second["total"]["missing_segment_count"]


def test_after_a_revocation_what_comes_later_is_kept_out(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Once revoked by two officers, a key's segments after that time are not used, and the status says so."""
    house.sign("one", [1.0, 12.0, 25.0, 38.0])
    capsys.readouterr()
    run(
        *("revoke", "--registry", house.registry, "--sensor-id", "A17", "--key-id", house.sensor["key_id"]),
        *("--since", "2026-03-01T00:00:20Z", "--reason", "seal found broken"),
    )
    record_id = _record(capsys)
    before = house.verify("before")
    _approve(house.folder, record_id, "berg", "diaz")
    capsys.readouterr()
    run("status", "--registry", house.registry)
    said = capsys.readouterr().out
    after = house.verify("after")

    assert (4, 2) == (before["detection_count"], after["detection_count"])
    assert {"revoked": 2} == after["total"]["reason_counts"]
    assert "revoked since 2026-03-01T00:00:20+00:00" in said


def test_a_rotated_sensor_goes_on_counting(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """After a rotation the new key signs the next segments of the same sequence, and all of it is linked."""
    house.sign("one", [1.0, 12.0], "--end", "2026-03-01T00:00:30Z")
    new = _key(house.folder, "new", capsys)
    run(
        *("rotate", "--registry", house.registry, "--key", house.folder / "sensor.key"),
        *("--new-key", house.folder / "new.key", "--sensor-id", "A17", "--seal-number", "2"),
        *("--valid-from", "2026-03-01T00:00:30Z", "--valid-until", LAST),
    )
    _approve(house.folder, _record(capsys), "berg", "diaz")
    (house.folder / "sensor.key").rename(house.folder / "old.key")
    (house.folder / "new.key").rename(house.folder / "sensor.key")
    house.sign("two", [31.0, 45.0])
    summary = house.verify("verified")

    assert new["key_id"] != house.sensor["key_id"]
    assert (1.0, 1.0, 1.0) == tuple(
        summary["total"][name] for name in ("verified_share", "available_share", "linked_share")
    )


def test_a_beacon_echoed_by_the_sensor_is_checked(house: House) -> None:
    """A known beacon leaves no flag; without the list of beacons it is unknown."""
    house.sign("one", [1.0], "--beacon", "ab" * 32)
    beacons = house.folder / "beacons.csv"
    beacons.write_text(f"beacon,published_time\n{'ab' * 32},2026-02-28T23:50:00Z\n", encoding="utf-8")

    assert {} == house.verify("with", "--beacons", beacons)["total"]["flag_counts"]
    assert {"beacon_unknown": 1} == house.verify("without")["total"]["flag_counts"]


def test_a_gateway_says_one_root_for_ten_seconds(house: House) -> None:
    """With --gateway-id every window of receipt has its record, over all segments that were signed."""
    path = house.sign("one", [1.0, 12.0, 25.0])
    path.with_name("junk.seg").write_bytes(b"junk")
    house.verify("verified", "--gateway-id", "G1")
    lines = (house.folder / "verified" / "windows.jsonl").read_bytes().splitlines()
    windows = [msgspec.json.decode(line, type=GatewayWindow) for line in lines]

    assert [("G1", 3)] == [(window.gateway_id, window.segment_count) for window in windows]
    assert lines == [window.leaf_bytes() for window in windows]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("keygen", "--out", "sensor.key"), "a key is never overwritten"),
        (
            ("approve", "--registry", "registry", "--record", "x", "--officer-id", "berg", "--key", "berg.key"),
            "0 records",
        ),
        (
            ("approve", "--registry", "registry", "--record", "enr", "--officer-id", "berg", "--key", "diaz.key"),
            "is not on the list of officers with this key",
        ),
        (
            (
                "officer",
                "--registry",
                "registry",
                "--officer-id",
                "x",
                "--organisation",
                "y",
                "--signing-key",
                "00" * 32,
            ),
            "low order",
        ),
        (
            (
                "officer",
                "--registry",
                "registry",
                "--officer-id",
                "berg",
                "--organisation",
                "y",
                "--signing-key",
                "KEY",
            ),
            "is there with other facts",
        ),
        (("verify", "--registry", "registry", "--received", "inbox", "--out", "new"), "no .seg file"),
        (("verify", "--registry", "registry", "--received", "inbox", "--out", "registry"), "give a new folder"),
    ],
)
def test_what_cannot_be_done_is_said(
    house: House, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    """A command that cannot do its work says why and changes nothing."""
    (house.folder / "inbox").mkdir()
    names = {"sensor.key", "berg.key", "diaz.key", "registry", "inbox", "new"}
    full = [
        str(house.folder / word) if word in names else word.replace("KEY", house.sensor["signing_key"])
        for word in words
    ]

    assert 1 == main(["segments", *full])
    assert message in capsys.readouterr().err


def test_a_key_that_others_may_read_is_refused(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A key file open to others is not used for anything."""
    (house.folder / "sensor.key").chmod(0o644)
    _detections(house.folder / "a.csv", [1.0])
    words = ("sign", "--key", house.folder / "sensor.key", "--sensor-id", "A17", "--detections", house.folder / "a.csv")
    more = ("--state", house.folder / "s", "--out", house.folder / "a.seg")

    assert 1 == main(["segments", *map(str, (*words, *more))])
    assert "others may read this key" in capsys.readouterr().err
    assert not (house.folder / "a.seg").exists()


@pytest.mark.parametrize(
    ("seconds", "more", "message"),
    [
        ([1.0], (), "up to where it signed before"),
        ([], ("--start", "2026-03-01T01:00:00Z"), "there are no rows of this sensor"),
        ([3_600.0], ("--end", "2026-03-01T00:40:00Z"), "is outside"),
        ([3_600.0, 3_700.0], ("--end", "2026-03-01T01:00:20Z"), "lie outside --start and --end"),
        ([3_600.0], ("--gateway-key", "00" * 32), "is of low order"),
    ],
)
def test_what_cannot_be_signed_is_said(
    house: House, capsys: pytest.CaptureFixture[str], seconds: list[float], more: tuple[str, ...], message: str
) -> None:
    """A sensor never signs a time twice, nor rows outside what it was told to sign; its count then stays."""
    house.sign("one", [1.0, 100.0])
    count = (house.folder / "sensor.state").read_bytes()
    _detections(house.folder / "two.csv", seconds)
    words = (
        "sign",
        "--key",
        house.folder / "sensor.key",
        "--sensor-id",
        "A17",
        "--state",
        house.folder / "sensor.state",
    )
    files = ("--detections", house.folder / "two.csv", "--out", house.folder / "two.seg")

    assert 1 == main(["segments", *map(str, (*words, *files, *more))])
    assert message in capsys.readouterr().err
    assert count == (house.folder / "sensor.state").read_bytes()


def test_what_was_signed_is_not_lost_with_the_power(house: House) -> None:
    """A sensor that ends between counting and writing writes, at the next call, the segments it had counted."""
    path = house.sign("one", [1.0, 12.0])
    state_path = house.folder / "sensor.state"
    content, settled = path.read_bytes(), msgspec.json.decode(state_path.read_bytes(), type=SignerState)
    path.unlink()
    write_signer_state(state_path, msgspec.structs.replace(settled, pending=content, pending_path=str(path)))
    house.sign("two", [25.0])

    assert content == path.read_bytes()
    assert (3, 0) == (
        house.verify("verified", "--received-time", LAST)["detection_count"],
        house.verify("again", "--received-time", LAST)["total"]["missing_segment_count"],
    )


def test_a_record_that_cannot_be_read_stops_everything(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A registry with an unreadable record is not used: it could be the revocation that matters."""
    (house.registry / "revocation_x.json").write_bytes(msgspec.json.encode({"type": "revocation"}))

    assert 1 == main(["segments", "status", "--registry", str(house.registry)])
    assert "is no enrolment, rotation or revocation" in capsys.readouterr().err
