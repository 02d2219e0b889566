"""`truceline segments` from the first key to verified detections."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from truceline.adapters.segments.gateway import GatewayWindow
from truceline.adapters.segments.signing import SignerState, write_signer_state
from truceline.cli import main
from truceline.model.network import DETECTION_SCHEMA
from unit.cli.segment_house import LAST, START, House, approve, detections, new_key, printed_record, run


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
    record_id = printed_record(capsys)
    before = house.verify("before")
    approve(house.folder, record_id, "berg", "diaz")
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
    new = new_key(house.folder, "new", capsys)
    run(
        *("rotate", "--registry", house.registry, "--key", house.folder / "sensor.key"),
        *("--new-key", house.folder / "new.key", "--sensor-id", "A17", "--seal-number", "2"),
        *("--valid-from", "2026-03-01T00:00:30Z", "--valid-until", LAST),
    )
    approve(house.folder, printed_record(capsys), "berg", "diaz")
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
    detections(house.folder / "a.csv", [1.0])
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
    detections(house.folder / "two.csv", seconds)
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


def _open(house: House, name: str, *, received_s: float) -> Path:
    path = house.folder / "inbox" / f"{name}.msg"
    moment = (START + timedelta(seconds=received_s)).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_the_share_that_was_verified_on_arrival_is_printed(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Open messages are confirmed by the segments that come after them; junk and what came too late is kept apart."""
    inbox = house.folder / "inbox"
    for name, seconds in (("one", [1.0, 12.0]), ("two", [25.0, 26.0])):
        house.sign(name, seconds, "--open-out", str(inbox / f"{name}.msg"))
    _open(house, "one", received_s=15.0)
    _open(house, "two", received_s=90.0)
    (inbox / "junk.msg").write_bytes(b"\xff" * 40)
    _open(house, "junk", received_s=16.0)
    capsys.readouterr()
    summary = house.verify("verified", "--open", inbox)
    kept = pq.read_table(house.folder / "verified" / "open_messages").to_pylist()

    assert {"confirmed": 2, "confirmed_used": 2, "malformed": 1, "provisional": 4, "still_open": 2} == summary[
        "open_messages"
    ]
    assert ["malformed", "still_open", "still_open"] == [row["reason"] for row in kept]
    assert (
        "verified on arrival: 50.00 % of 4 messages verified; 4 open messages passed by their MAC, "
        "kept apart in the end: malformed 1, still_open 2"
    ) in capsys.readouterr().out
    assert (4, 1.0) == (summary["detection_count"], summary["total"]["verified_share"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--open", "inbox", "--gateway-secret", "gateway.key"), "no .msg file in"),
        (("--open", "inbox"), "give --gateway-secret too"),
    ],
)
def test_open_messages_that_cannot_be_screened_are_said(
    house: House, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    """Without the gateway's key, or without a file, the command says so and writes nothing."""
    house.sign("one", [1.0])
    named = [str(house.folder / word) if word in {"inbox", "gateway.key"} else word for word in words]
    places = ("--registry", house.registry, "--received", house.folder / "inbox", "--out", house.folder / "new")

    assert 1 == main(["segments", "verify", *map(str, places), *named])
    assert message in capsys.readouterr().err
    assert not (house.folder / "new").exists()


def test_open_messages_need_a_shared_key_to_be_made(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A sensor that shares nothing with the gateway writes no open messages, and its count stays."""
    detections(house.folder / "a.csv", [1.0])
    key = ("--key", house.folder / "sensor.key", "--sensor-id", "A17", "--detections", house.folder / "a.csv")
    files = ("--state", house.folder / "s", "--out", house.folder / "a.seg", "--open-out", house.folder / "a.msg")

    assert 1 == main(["segments", "sign", *map(str, (*key, *files))])
    assert "give --gateway-key too" in capsys.readouterr().err
    assert not (house.folder / "s").exists()
