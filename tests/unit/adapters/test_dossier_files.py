"""A dossier file is what it was made from, and both verifiers find whatever was done to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from laws.dossier_case import MANY_POLICY, POLICY, STRANGE_POLICY, exported, made_case, repacked
from truceline.adapters import dossier_rows, verify_dossier
from truceline.adapters.dossier_export import lines_around
from truceline.adapters.dossier_files import read_dossier_file, verifier_script
from truceline.adapters.dossier_recomputation import recompute
from truceline.adapters.dossier_verification import Verified, verify_entries
from truceline.adapters.log.refusal import Refused
from truceline.adapters.source_tree import environment, source_tree_sha256
from truceline.dossier.checks import dossier_of, manifest_of, not_held_of, observations_of
from truceline.dossier.contents import LoggedRecord, Manifest, split_lines
from truceline.dossier.layout import MANIFEST_PATH, LayoutFault, unpack
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.observation import Observation
from truceline.model.quantity import canonical_bytes
from truceline.model.reference_line import DatedLine

REPOSITORY = Path(__file__).resolve().parents[3]
SOUND_CODE, UNSOUND_CODE, NOT_RECOMPUTED_CODE = 0, 1, 3
Script = Callable[..., tuple[int, str]]


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Script:
    """Give the standalone verifier as a function of a file's bytes and a policy: its code and what it said."""

    def run(body: bytes, policy: str | None = None) -> tuple[int, str]:
        path = tmp_path / "one.dossier.zip"
        path.write_bytes(body)
        options: list[str] = []
        if policy is not None:
            (tmp_path / "policy.txt").write_text(policy)
            options = ["--policy", str(tmp_path / "policy.txt")]
        capsys.readouterr()
        code = verify_dossier.main([str(path), *options])
        return code, capsys.readouterr().out

    return run


def verified(body: bytes, policy: str | None = None) -> Verified:
    """Give what the verifier of the package says."""
    return verify_entries(unpack(body), policy_text=policy)


def test_a_file_as_made_is_sound(script: Script) -> None:
    """It is re-computed from the observations on to the same bytes, and signed and cosigned as the policy asks."""
    for body in made_case().files:
        code, said = script(body, POLICY)

        assert (verified(body, POLICY).standing, recompute(unpack(body)).level) == ("sound", "event")
        assert (NOT_RECOMPUTED_CODE, False) == (code, "FAIL" in said)


def test_the_same_store_gives_the_same_bytes() -> None:
    """Exported again, a dossier file is the same to the byte."""
    case = made_case()
    ids = [dossier_of(unpack(body)).dossier_id for body in case.files]

    assert list(case.files) == exported(case.theatre, case.store, case.log.view(stamped=True), ids)


def test_the_script_is_short_and_the_same_everywhere() -> None:
    """The script of the package, of the tools and of the file are one, and no longer than 400 lines."""
    text = verifier_script()

    assert (REPOSITORY / "tools" / "verify_dossier.py").read_bytes() == text
    assert unpack(made_case().files[0])["verify_dossier.py"] == text
    assert len(text.splitlines()) <= 400


def changed_at(body: bytes, place: int, bits: int) -> bytes:
    """Give the bytes with one of them changed."""
    return body[:place] + bytes([body[place] ^ bits]) + body[place + 1 :]


def hold_every_change(body: bytes, path: Path, *, trial_count: int, seed_index: int) -> None:
    """Hold that both verifiers find one byte changed at so many random places."""
    generator = np.random.default_rng(seed_index)
    for place, bits in zip(
        generator.integers(0, len(body), trial_count), generator.integers(1, 256, trial_count), strict=True
    ):
        changed = changed_at(body, int(place), int(bits))
        path.write_bytes(changed)
        with pytest.raises(InputUnusable):
            read_dossier_file(path)
        with pytest.raises(ValueError, match="layout"):
            verify_dossier.unpack(path)


def test_any_changed_byte_is_found(tmp_path: Path) -> None:
    """One byte changed anywhere in a file is found by both verifiers."""
    hold_every_change(made_case().files[0], tmp_path / "one", trial_count=300, seed_index=1)


@pytest.mark.long
def test_any_of_ten_thousand_changed_bytes_is_found(tmp_path: Path) -> None:
    """One byte changed at any of 10,000 places, in either file, is found by both verifiers."""
    for seed_index, body in enumerate(made_case().files):
        hold_every_change(body, tmp_path / "one", trial_count=5_000, seed_index=seed_index)


def test_a_changed_byte_ends_both_verifiers_with_one(script: Script, tmp_path: Path) -> None:
    """What is found at the layout is said, and the exit code is that of a file that is not sound."""
    from truceline.cli import main

    body = changed_at(made_case().files[0], 5_000, 1)
    (tmp_path / "changed").write_bytes(body)

    assert UNSOUND_CODE == main(["dossier", "verify", str(tmp_path / "changed")])
    assert (UNSOUND_CODE, True) == (script(body)[0], "FAIL layout" in script(body)[1])


def test_each_part_of_another_dossier_is_found(script: Script) -> None:
    """An entry exchanged for that of another dossier is found by both, even with a manifest made to match."""
    first, second = (unpack(body) for body in made_case().files)
    for path in sorted((first.keys() & second.keys()) - {MANIFEST_PATH}):
        if first[path] == second[path]:
            continue
        forged = repacked(made_case().files[0], {path: second[path]})

        assert (path, "unsound") == (path, verified(forged, POLICY).standing)
        if path != "observations/same_day.jsonl":  # what only re-computing shows, the script leaves to --python
            assert (path, UNSOUND_CODE) == (path, script(forged, POLICY)[0])


def test_a_part_that_is_the_same_in_both_is_bound_by_the_log(script: Script) -> None:
    """A forger who changes the settings of all files alike is found by the log, and by re-computing."""
    entries = unpack(made_case().files[0])
    settings = entries["settings.json"].replace(b'"pair_distance_max_m":10000.0', b'"pair_distance_max_m":10001.0')
    forged = repacked(made_case().files[0], {"settings.json": settings})

    assert settings != entries["settings.json"]
    assert ["log"] == [check.subject for check in verified(forged, POLICY).checks if check.outcome == "fails"]
    assert "settings.json stands in the log" in script(forged, POLICY)[1]


def _with_attribution(body: bytes) -> bytes:
    """Give a file whose parties are exchanged in the answer alone, with ids, manifest and sums made to match."""
    from truceline.dossier.bundle import dossier_id_of

    dossier = dossier_of(unpack(body))
    answer = dossier.attribution
    turned = msgspec.structs.replace(answer, reason="because we say so")
    dossier = msgspec.structs.replace(dossier, attribution=turned)
    dossier = msgspec.structs.replace(dossier, dossier_id=dossier_id_of(dossier))
    return repacked(body, {"dossier.json": canonical_bytes(dossier)}, dossier_id=dossier.dossier_id)


def test_another_answer_is_found_without_a_log() -> None:
    """A dossier that is whole in itself but is not what the stages say is found by re-computing alone."""
    forged = _with_attribution(made_case().files[0])
    without = repacked(forged, {}, without=tuple(path for path in unpack(forged) if path.startswith("log/")))

    assert ["re-computation"] == [check.subject for check in verified(without).checks if check.outcome == "fails"]


def test_other_code_or_libraries_are_said_and_not_blamed() -> None:
    """Where code or libraries differ, the same bytes count, and other bytes are no fault but not re-computed."""
    body = made_case().files[0]
    plain = repacked(body, {}, without=tuple(path for path in unpack(body) if path.startswith("log/")))
    same = verified(repacked(plain, {}, code_tree_sha256="0" * 64))
    forged = verified(repacked(_with_attribution(plain), {}, code_tree_sha256="0" * 64))
    older = verified(repacked(_with_attribution(plain), {}, environment={**environment(), "numpy": "0.1"}))

    assert "sound" == same.standing
    assert "OTHER code" in same.checks[-1].text
    assert ["not re-computed"] * 2 == [forged.standing, older.standing]
    assert "code 0000" in forged.checks[-1].text
    assert "numpy 0.1" in older.checks[-1].text


def _forged_index(change: Callable[[LoggedRecord], LoggedRecord]) -> bytes:
    """Give a file in whose log the dossier's record is changed."""
    body = made_case().files[0]
    records = msgspec.json.decode(unpack(body)["log/index.json"], type=tuple[LoggedRecord, ...])
    changed = [change(record) if record.path == "dossier.json" else record for record in records]
    return repacked(body, {"log/index.json": canonical_bytes(changed)})


@pytest.mark.parametrize(
    "change",
    [
        lambda record: msgspec.structs.replace(record, leaf_hex="01" + "00" * 49),
        lambda record: msgspec.structs.replace(record, salt_hex="00" * 32),
        lambda record: msgspec.structs.replace(record, path="settings.json"),
        lambda record: msgspec.structs.replace(record, proof_path="log/proofs/0007.tlog-proof"),
        lambda record: msgspec.structs.replace(record, proof_path="log/proofs/9999.tlog-proof"),
        lambda record: msgspec.structs.replace(record, stamp_paths=("README.txt",)),
        lambda record: msgspec.structs.replace(record, path="files.jsonl", line_index=99),
        lambda record: msgspec.structs.replace(record, salt_hex=None),
    ],
    ids=["leaf", "salt", "record", "proof", "no proof", "stamp", "no line", "erased"],
)
def test_a_forged_leaf_proof_or_stamp_is_found(script: Script, change: Callable[[LoggedRecord], LoggedRecord]) -> None:
    """Whatever of the dossier's record in the log is exchanged, both verifiers refuse the file."""
    forged = _forged_index(change)

    assert "unsound" == verified(forged, POLICY).standing
    assert UNSOUND_CODE == script(forged, POLICY)[0]


@pytest.mark.parametrize("policy", [STRANGE_POLICY, MANY_POLICY], ids=["another log", "all witnesses"])
def test_a_checkpoint_the_policy_does_not_accept_is_found(script: Script, policy: str) -> None:
    """A log that the policy does not list, or a quorum not reached, is found; the policy in the file is not used."""
    body = made_case().files[0]

    assert "unsound" == verified(body, policy).standing
    assert UNSOUND_CODE == script(body, policy)[0]
    assert POLICY == unpack(body)["log/policy.txt"].decode()


@pytest.mark.parametrize(
    "policy",
    ["", "quorum none", POLICY.replace("quorum two", "quorum three"), POLICY + "log x", POLICY.replace(" 2 W", " 4 W")],
)
def test_a_policy_that_is_none_is_refused_by_both(script: Script, policy: str) -> None:
    """A policy without log or quorum, with an unknown name or a group that cannot be, checks nothing."""
    with pytest.raises(Refused):
        verified(made_case().files[0], policy)

    assert UNSOUND_CODE == script(made_case().files[0], policy)[0]


def test_a_cosignature_that_is_altered_does_not_count(script: Script) -> None:
    """One changed signature in every proof, and the quorum of two witnesses is no longer reached."""
    body = made_case().files[0]
    note = made_case().log.note
    line = next(line for line in note.splitlines() if "witness-1" in line)
    altered = line[:-10] + ("A" if line[-10] != "A" else "B") + line[-9:]
    proofs = {
        path: entry.replace(line.encode(), altered.encode()).replace(note.encode(), note.encode())
        for path, entry in unpack(body).items()
        if path.startswith("log/proofs/")
    }
    forged = repacked(body, {**proofs})

    assert "unsound" == verified(forged, POLICY).standing
    assert UNSOUND_CODE == script(forged, POLICY)[0]


def test_without_proofs_a_policy_is_not_met(script: Script) -> None:
    """A file without the log's part is sound where no policy is asked for, and unsound where one is."""
    body = made_case().files[0]
    bare = repacked(body, {}, without=tuple(path for path in unpack(body) if path.startswith("log/")))

    assert ("sound", "unsound") == (verified(bare).standing, verified(bare, POLICY).standing)
    assert (NOT_RECOMPUTED_CODE, UNSOUND_CODE) == (script(bare)[0], script(bare, POLICY)[0])


def test_an_erased_file_leaves_the_dossier_valid_and_is_said(script: Script) -> None:
    """Witness protection: without payload and salt the leaf stands, both verifiers say so, and all else holds."""
    case = made_case()
    entries = unpack(case.files[0])
    erased = {line for line in split_lines(entries["files.jsonl"]) if b"patrols.csv" in line}
    sha256 = msgspec.json.decode(next(iter(erased)))["file_sha256"]
    view = msgspec.structs.replace(case.log.view(erased=frozenset(erased)), erased_sha256s=frozenset({sha256}))
    (body,) = exported(case.theatre, case.store, view, [dossier_of(entries).dossier_id])
    told = [check for check in verified(body, POLICY).checks if check.outcome == "not checked"]

    assert f"received/{sha256}" not in unpack(body)
    assert "erased" in {entry.reason for entry in not_held_of(unpack(body)) if entry.name == sha256}
    assert "sound" == verified(body, POLICY).standing
    assert any("the salt was erased" in check.text for check in told)
    assert (NOT_RECOMPUTED_CODE, True) == (script(body, POLICY)[0], "salt erased" in script(body, POLICY)[1])


def test_an_erased_row_is_said_and_the_event_is_no_longer_re_computed() -> None:
    """A row that may no longer be shown leaves finding and attribution re-computed from the event."""
    body = made_case().files[0]
    entries = unpack(body)
    first, *others = split_lines(entries["observations/used.jsonl"])
    name = msgspec.json.decode(first, type=Observation).observation_id
    said = [*msgspec.json.decode(entries["not_held.json"]), {"kind": "observation", "name": name, "reason": "erased"}]
    changed = {
        "observations/used.jsonl": b"".join(line + b"\n" for line in others),
        "not_held.json": canonical_bytes(said),
    }
    honest = verified(repacked(body, changed, level="finding"), POLICY)

    assert "sound" == honest.standing
    assert "level reached: finding" in honest.checks[-1].text
    assert "unsound" == verified(repacked(body, changed), POLICY).standing


def test_a_row_that_stands_in_the_file_twice_is_found() -> None:
    """A row of the evidence that stands among the others of the day as well is found."""
    body = made_case().files[0]
    entries = unpack(body)
    twice = entries["observations/used.jsonl"] + entries["observations/same_day.jsonl"]
    forged = verified(repacked(body, {"observations/same_day.jsonl": twice}), POLICY)

    assert "unsound" == forged.standing
    assert "twice" in forged.checks[-1].text


def test_a_row_that_is_not_what_the_received_bytes_say_is_found() -> None:
    """Where the received file is in the dossier, another word in a row is found, though nothing turns on it."""
    body = made_case().files[0]
    rows = unpack(body)["observations/same_day.jsonl"]
    forged = repacked(body, {"observations/same_day.jsonl": rows.replace(b'"weapon":"N/K"', b'"weapon":"MLRS"', 1)})
    told = {check.subject: check.outcome for check in verified(forged, POLICY).checks}
    other = {
        check.subject: check.outcome
        for check in verified(repacked(forged, {}, code_tree_sha256="0" * 64), POLICY).checks
    }

    assert rows != unpack(forged)["observations/same_day.jsonl"]
    assert ("fails", "holds") == (told["rows from received bytes"], told["re-computation"])
    assert "not checked" == other["rows from received bytes"]


def test_received_bytes_that_no_decoder_reads_are_said() -> None:
    """A table that unfolds beyond the bound, or that is broken, is not decoded, and its rows are named."""
    import io

    import pyarrow as pa
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pa.table({"a": pa.array(np.zeros(100_000_000, dtype=np.int8))}), stream)

    assert (True, False, False) == (
        dossier_rows._is_bounded(b"a,b"),
        dossier_rows._is_bounded(stream.getvalue()),
        dossier_rows._is_bounded(b"PAR1 broken"),
    )
    assert len(stream.getvalue()) < 5_000_000


def test_records_the_stages_cannot_take_are_an_answer() -> None:
    """Settings that are no settings give level none and a remark, and nothing is raised."""
    entries = {**unpack(made_case().files[0]), "settings.json": b"{}"}

    assert (None, "none") == (recompute(entries).body, recompute(entries).level)


def test_a_late_observation_leaves_its_mark_in_both_versions() -> None:
    """The number of a revision is set, not found: the same rows give the event again whatever it was."""
    entries = unpack(made_case().files[0])
    rows = observations_of(entries, "observations/used.jsonl")

    assert len(rows) == len(dossier_of(entries).used)
    assert manifest_of(entries).level == "event"


def test_the_file_says_which_code_made_it() -> None:
    """The manifest bears the hash of the source files and the versions of the libraries."""
    manifest = msgspec.json.decode(unpack(made_case().files[0])[MANIFEST_PATH], type=Manifest)

    assert (source_tree_sha256(), environment()) == (manifest.code_tree_sha256, manifest.environment)


def test_lines_around_an_event_hold_the_one_it_is_held_against() -> None:
    """From the newest line before the day before to the day after; before the first line of all, the first."""
    event = dossier_of(unpack(made_case().files[0])).event
    lines = [
        msgspec.json.decode(line, type=DatedLine) for line in split_lines(unpack(made_case().files[0])["lines.jsonl"])
    ]
    first = msgspec.structs.replace(lines[0], valid_date=lines[0].valid_date.replace(year=1999))
    last = msgspec.structs.replace(lines[0], valid_date=lines[0].valid_date.replace(year=2199))

    assert lines == lines_around([last, *lines, first], event)
    assert [last] == lines_around([last], event)
    assert [] == lines_around([], event)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A file that cannot be read, and a file that is none, are told apart."""
    (tmp_path / "none").write_bytes(b"PK")

    with pytest.raises(SourceUnavailable, match="cannot be read"):
        read_dossier_file(tmp_path / "absent")
    with pytest.raises(InputUnusable):
        read_dossier_file(tmp_path / "none")
    with pytest.raises(LayoutFault):
        unpack(b"PK")
    assert hashlib.sha256(b"").hexdigest() != source_tree_sha256()
