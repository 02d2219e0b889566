"""`truceline segments log`, `prove` and `check-proof`: a segment shown to somebody who trusts nobody here."""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from truceline.adapters.log.policy import Policy
from truceline.adapters.log.refusal import Refused
from truceline.adapters.segments.enrolment import registry_of
from truceline.adapters.segments.files import read_officers, read_records
from truceline.adapters.segments.proof import SegmentProof, check_proof, parse_segment_proof
from truceline.adapters.segments.verify import Verifier
from truceline.cli import main
from unit.cli.segment_house import House, approve, printed_record, run


class Proven:
    """A house whose gateway's windows are logged, and a proof of its second segment that has left it."""

    def __init__(self, house: House) -> None:
        """Name its files."""
        self.house = house
        self.log, self.policy, self.proof = (house.folder / name for name in ("log", "my.policy", "one.proof"))

    def make(self) -> None:
        """Sign, verify, log, publish and prove with the commands themselves."""
        house, folder = self.house, self.house.folder
        house.sign("one", [1.0, 12.0, 25.0])
        house.verify("verified", "--gateway-id", "G1")
        assert main(["log", "init", "--log", str(self.log), "--origin", "log.example/segments"]) == 0
        run("log", "--log", self.log, "--registry", house.registry, "--verified", folder / "verified")
        assert main(["log", "publish", "--log", str(self.log)]) == 0
        self.policy.write_bytes((self.log / "policy.txt").read_bytes())
        self.prove("one.proof", "--detection-id", "one/1", "--log", self.log)

    def moved(self, folder: Path) -> Proven:
        """Give a copy in another folder."""
        shutil.copytree(self.house.folder, folder, dirs_exist_ok=True)
        house = copy.copy(self.house)
        house.folder, house.registry = folder, folder / "registry"
        return Proven(house)

    def prove_words(self, name: str, *more: object) -> list[str]:
        """Give the words of a proof of one of the sensor's segments."""
        folder = self.house.folder
        words = (
            *("segments", "prove", "--registry", self.house.registry, "--verified", folder / "verified"),
            *("--received", folder / "inbox", "--sensor-id", "A17", "--out", folder / name, *more),
        )
        return list(map(str, words))

    def prove(self, name: str, *more: object) -> bytes:
        """Write a proof and give its bytes."""
        assert main(self.prove_words(name, *more)) == 0
        return (self.house.folder / name).read_bytes()

    def check(self, proof: Path, *anchor: object, registry: Path | None = None) -> int:
        """Check a proof as a reader does, and give the answer."""
        anchor = anchor or ("--policy", self.policy)
        words = ("check-proof", "--proof", proof, "--registry", registry or self.house.registry, *anchor)
        return main(["segments", *map(str, words)])


@pytest.fixture(scope="module")
def made() -> list[Proven]:
    """Give room for what is made once, as keys and commands take a while."""
    return []


@pytest.fixture
def proven(
    made: list[Proven], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Proven:
    """Give a proof and all that it was made from, in a folder of its own."""
    if not made:
        first = Proven(House(tmp_path_factory.mktemp("proven"), capsys))
        first.make()
        made.append(first)
        capsys.readouterr()
    return made[0].moved(tmp_path)


def test_a_proof_holds_without_gateway_and_log(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing but the proof, a registry and a policy a reader sees which sensor said it, where it lay, by when."""
    for name in ("log", "verified", "inbox"):
        shutil.rmtree(proven.house.folder / name)

    assert proven.check(proven.proof) == 0
    said = capsys.readouterr().out
    assert "window: holds: segment 2 of 3 in the window of gateway 'G1' from 2026-03-01T00:00:30+00:00" in said
    assert "log: holds: in log.example/segments since " in said
    assert "seen by no witness" in said
    assert "signature: holds: of sensor A17" in said
    assert "sequence 1, from 2026-03-01T00:00:10+00:00 for 10 s, 1 messages" in said


def test_the_ways_to_name_a_segment_give_one_proof(proven: Proven) -> None:
    """By detection, by sequence or by digest it is the same segment, and the same bytes of proof."""
    by_sequence = proven.prove("two.proof", "--sequence", "1", "--log", proven.log)
    digest = _digest_of(parse_segment_proof(by_sequence))

    assert by_sequence == proven.proof.read_bytes()
    assert by_sequence != proven.prove("three.proof", "--sequence", "2", "--log", proven.log)
    assert by_sequence == proven.prove("four.proof", "--digest", digest, "--log", proven.log)


def _digest_of(proof: SegmentProof) -> str:
    from truceline.adapters.segments.format import Segment, decode_segment

    segment = decode_segment(proof.segment)
    assert isinstance(segment, Segment)
    return segment.digest.hex()


def test_a_changed_byte_of_a_proof_is_refused(proven: Proven) -> None:
    """Whichever byte is changed, the proof is refused, or it is one of a signature that the rest does not need."""
    content = proven.proof.read_bytes()
    house = proven.house
    registry = registry_of(read_records(house.registry), read_officers(house.registry / "officers.json"))
    verifier, policy = Verifier(registry.keys), Policy.parse(proven.policy.read_bytes())
    chance = np.random.default_rng(1)
    honest = parse_segment_proof(content)
    assert honest.logged is not None
    unneeded = 0
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= int(chance.integers(1, 256))
        try:
            proof = parse_segment_proof(bytes(changed))
        except Refused:
            continue
        if all(part.holds for part in check_proof(proof, verifier, policy)):
            assert proof.logged is not None
            rest = msgspec.structs.replace(proof.logged, proof=honest.logged.proof)
            unneeded += 1

            assert honest == msgspec.structs.replace(proof, logged=rest)
            assert honest.logged.proof.split("\n—")[0] == proof.logged.proof.split("\n—")[0]
    assert unneeded < 12


def test_what_does_not_hold_is_named(proven: Proven, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A window of another gateway or size, another place in it, and a proof that leads into no log are refused each."""
    honest = parse_segment_proof(proven.proof.read_bytes())
    other = msgspec.structs.replace(honest.window, gateway_id="G2")
    fewer = msgspec.structs.replace(honest.window, segment_count=honest.window.segment_count - 1)
    cases = {
        "gateway": (msgspec.structs.replace(honest, window=other), "log: refused: the leaf commits to another window"),
        "count": (msgspec.structs.replace(honest, window=fewer), "window: refused: the path does not lead"),
        "place": (msgspec.structs.replace(honest, leaf_index=0), "window: refused: the path does not lead"),
        "bare": (msgspec.structs.replace(honest, logged=None), "log: refused: the proof leads into no log"),
    }
    for name, (proof, message) in cases.items():
        path = tmp_path / f"{name}.proof"
        path.write_bytes(proof.file_bytes())

        assert proven.check(path) == 1
        said = capsys.readouterr().out
        assert message in said
        assert f"does not hold: {path}" in said


def test_a_reader_may_bring_the_gateways_records(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a log a reader holds the window against his own copy of the gateway's records."""
    records = proven.house.folder / "verified" / "windows.jsonl"
    none = proven.house.folder / "none.jsonl"
    none.write_bytes(b"")
    proven.prove("bare.proof", "--sequence", "1")
    bare = proven.house.folder / "bare.proof"

    assert (0, 1) == (proven.check(bare, "--windows", records), proven.check(bare, "--windows", none))
    assert "the window is not among the records given" in capsys.readouterr().out


def test_a_proof_of_a_revoked_key_does_not_hold(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the key is revoked since before the segment, place and log still hold and the signature does not."""
    house = proven.house
    run(
        *("revoke", "--registry", house.registry, "--sensor-id", "A17", "--key-id", house.sensor["key_id"]),
        *("--since", "2026-03-01T00:00:05Z", "--reason", "seal found broken"),
    )
    approve(house.folder, printed_record(capsys), "berg", "diaz")
    capsys.readouterr()

    assert proven.check(proven.proof) == 1
    said = capsys.readouterr().out
    assert "window: holds" in said
    assert "log: holds" in said
    assert "signature: refused: revoked" in said


def test_a_window_logged_after_the_decision_to_revoke_is_not_believed(
    proven: Proven, capsys: pytest.CaptureFixture[str]
) -> None:
    """A segment from before a revocation counts where the log had it before the decision, not where it came after."""
    house = proven.house
    run(
        *("revoke", "--registry", house.registry, "--sensor-id", "A17", "--key-id", house.sensor["key_id"]),
        *("--since", "2026-03-02T00:00:00Z", "--reason", "lent out"),
    )
    approve(house.folder, printed_record(capsys), "berg", "diaz")
    later, earlier = (_decided(house.folder, moment) for moment in ("2199-03-05T00:00:00Z", "2026-03-05T00:00:00Z"))
    capsys.readouterr()

    assert (0, 1) == (proven.check(proven.proof, registry=later), proven.check(proven.proof, registry=earlier))
    assert "is after the decision" in capsys.readouterr().out


def _decided(folder: Path, moment: str) -> Path:
    """Give a registry whose revocation was decided at another time, as its officers would have signed it then."""
    from datetime import datetime

    from truceline.adapters.segments.enrolment import Revocation
    from truceline.adapters.segments.enrolment import approve as approved
    from truceline.adapters.segments.files import read_key, write_record

    place = folder / f"registry {moment[:4]}"
    shutil.copytree(folder / "registry", place)
    for path in place.glob("revocation*"):
        path.unlink()
    (record,) = (entry for entry in read_records(folder / "registry") if isinstance(entry, Revocation))
    request = msgspec.structs.replace(record.request, decided_time=datetime.fromisoformat(moment))
    then: object = Revocation(request=request)
    for name in ("berg", "diaz"):
        assert isinstance(then, Revocation)
        then = approved(then, officer_id=name, key=read_key(folder / f"{name}.key").signing)
    assert isinstance(then, Revocation)
    write_record(place, then)
    return place


@pytest.mark.parametrize(
    ("more", "spoil", "message"),
    [
        (("--sequence", "77"), "", "no segment that was received and signed by this sensor fits"),
        (("--sequence", "1", "--sensor-id", "B2"), "", "--sensor-id B2: no key of it was ever enrolled"),
        (("--sequence", "1"), "verified/windows.jsonl", "windows.jsonl: cannot be read"),
        (("--sequence", "1"), "verified/window_segments.parquet", "window_segments.parquet: cannot be read"),
        (("--sequence", "1"), "inbox/one.seg", "no .seg file in"),
        (("--sequence", "1", "--received", "/nonexistent.seg"), "", "/nonexistent.seg: cannot be read"),
        (("--sequence", "1", "--log", "/nonexistent"), "", "/nonexistent: is not a log"),
    ],
)
def test_what_cannot_be_proven_is_said(
    proven: Proven, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], spoil: str, message: str
) -> None:
    """A missing file, an unknown sensor or segment, and a log that is none are each named; nothing is written."""
    if spoil:
        (proven.house.folder / spoil).unlink()

    assert main(proven.prove_words("new.proof", *more)) == 1
    assert message in capsys.readouterr().err
    assert not (proven.house.folder / "new.proof").exists()


def test_files_of_windows_that_were_changed_prove_nothing(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """A record with another root, in another spelling, or a table of another kind stops a proof."""
    verified = proven.house.folder / "verified"
    records, members = (verified / "windows.jsonl"), (verified / "window_segments.parquet")
    honest = records.read_bytes()
    other = honest.replace(b'"segment_count":3', b'"segment_count":2')
    complaints = []
    for content in (other, honest.replace(b":3,", b": 3,"), b"\xff\n"):
        records.write_bytes(content)
        assert main(proven.prove_words("new.proof", "--sequence", "1")) == 1
        complaints.append(capsys.readouterr().err)
    records.write_bytes(honest)
    members.write_bytes(b"no table")
    assert main(proven.prove_words("new.proof", "--sequence", "1")) == 1
    complaints.append(capsys.readouterr().err)

    for part, message in zip(complaints, ("no record", "not in canonical", "no record", "no table"), strict=True):
        assert message in part


def test_two_contents_under_one_sequence_are_asked_about(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a key signed two things under one sequence, each has its proof, and neither is chosen silently."""
    house = proven.house
    (house.folder / "sensor.state").unlink()
    path = house.sign("two", [1.0, 12.5, 25.0])
    os.utime(path, (1_772_323_300, 1_772_323_300))
    shutil.rmtree(house.folder / "verified")
    house.verify("verified", "--gateway-id", "G1")
    capsys.readouterr()

    assert main(proven.prove_words("new.proof", "--sequence", "1")) == 1
    said = capsys.readouterr().err
    assert "2 segments with other contents fit" in said
    for number, digest in enumerate(said.strip().split("--digest: ")[1].split(", ")):
        proven.prove(f"{number}.proof", "--digest", digest)


def test_what_is_logged_once_is_known_again(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """Logging the same records and windows again changes nothing; without any it is said."""
    house = proven.house
    run("log", "--log", proven.log, "--registry", house.registry, "--verified", house.folder / "verified")

    assert "0 records logged" in capsys.readouterr().out
    assert main(["segments", "log", "--log", str(proven.log)]) == 1
    assert "there is nothing to log" in capsys.readouterr().err


def test_a_window_that_is_not_logged_is_said(proven: Proven, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof into a log that has not the window, or has not published it, is refused with what to do."""
    house = proven.house
    shutil.rmtree(house.folder / "verified")
    house.verify("verified", "--gateway-id", "G2")
    words = proven.prove_words("new.proof", "--sequence", "1", "--log", proven.log)
    first = main(words), capsys.readouterr().err
    run("log", "--log", proven.log, "--verified", house.folder / "verified")
    second = main(words), capsys.readouterr().err

    assert (1, 1) == (first[0], second[0])
    assert "log it with `truceline segments log`" in first[1]
    assert "is committed but not published" in second[1]
